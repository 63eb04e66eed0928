"""A department as a process: what it prints, how it stops, and what it says when it cannot start."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from policies.context import ContextSigner, RequestContext, parse_signing_key
from subgraphs.kit.command import run
from subgraphs.kit.server import PATH
from subgraphs.seed.generate import DEPARTMENTS
from subgraphs.transport.app import department as transport

KEY_TEXT = "demo-1:a secret that is longer than thirty-two characters"


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"subgraphs.{name}", *arguments]


def test_all_six_start_tell_what_they_run_on_answer_the_gateway_and_stop_when_asked(data: Path, tmp_path: Path) -> None:
    keys = tmp_path / "gateway.key"
    keys.write_text(f"# of the gateway\n{KEY_TEXT}\n")
    arguments = ("--data", str(data), "--key-file", str(keys))
    running = {
        name: subprocess.Popen(command(name, *arguments), stdout=subprocess.PIPE, text=True) for name in DEPARTMENTS
    }
    try:
        for name, process in running.items():
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"{name} 重庆市")
            address = process.stdout.readline().removeprefix("listening ").strip()
            body = json.dumps({"query": "{ _service { sdl } }"}).encode()
            context = RequestContext(audience=name, subject="anon", zone="intranet", policy_version="1")
            signed = dict(ContextSigner(name, parse_signing_key(KEY_TEXT)).headers("POST", PATH, body, context))
            with urllib.request.urlopen(urllib.request.Request(address, body, signed), timeout=10) as response:
                assert "@resource(code:" in json.load(response)["data"]["_service"]["sdl"]
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(timeout=20) for name, process in running.items()}
        for process in running.values():
            assert process.stdout is not None
            process.stdout.close()
    assert codes == dict.fromkeys(DEPARTMENTS, 0)


def test_the_schema_can_be_printed_without_data_or_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(transport, ["--print-schema"]) == 0
    printed = capsys.readouterr().out
    assert 'type BusArrival @resource(code: "30700506/1") @key(fields: "routeNo stopNo")' in printed
    assert "公交线路站点与实时到站 (30700506/1)" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("--key-file", "--open")),
        (("--data", "/nowhere", "--open"), ("There are no bus routes", "subgraphs.seed")),
        (("--key-file", "/nowhere/keys"), ("cannot be read",)),
        (("--key-file", "EMPTY"), ("holds no key",)),
        (("--key-file", "SHORT"), ("SIGNING_KEY_INVALID",)),
        (("--open", "--port", "TAKEN"), ("cannot be listened on", "--port")),
        (("--open", "--port", "99999"), ("cannot be listened on", "--port")),
    ],
)  # fmt: skip
def test_what_cannot_be_used_ends_in_one_line_that_says_how_to_mend_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    empty, short = tmp_path / "empty", tmp_path / "short"
    empty.write_text("# none yet\n")
    short.write_text("demo-1:tooshort")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stand_for = {"TAKEN": str(taken.getsockname()[1]), "EMPTY": str(empty), "SHORT": str(short)}
        given = [stand_for.get(argument, argument) for argument in arguments]
        assert run(transport, ["--data", str(data), *given]) == 2
    message = capsys.readouterr().err
    assert all(word in message for word in words)
    assert len(message.strip().splitlines()) == 1
    assert "tooshort" not in message

"""The catalogue between levels, from the command line: by line, and by file across networks that must not touch."""

import json
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen

import aiohttp
import pytest

from catalog_sync.identifiers import CreditCode
from catalog_sync.in_force import InForceReader
from catalog_sync.lifecycle import Side
from catalog_sync.platform import open_platform
from catalog_sync.registry import Actor
from gateway.app import create_app
from gateway.settings import load_settings
from tests.catalogue.entry_text import varied
from tests.support.command_line import Run, expect_done, run
from tests.support.serving import serving
from tests.sync.levels import Level, answering, found_level, settle

__all__ = ["run"]
ADDRESS, NOW = "http://127.0.0.1:1/graphql", datetime(2026, 11, 23, tzinfo=UTC)
STOP = "cq-tr-bus-stop"
OFFICER, REVIEWER = "user:li@11500000XXXX0006X1", "user:wu@11500000XXXX00019X"
DISTRICT_ENTRY = ("  items:", '  level: "500103"\n  items:')


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def bring_into_force(run: Run, level: Level, text: str) -> None:
    """One entry drafted, submitted, accepted and released at a level."""
    source, at = level.folder / "entry.yaml", ("--config", level.config)
    source.write_text(text)
    expect_done(
        run("catalogue", "draft", source, "--as", OFFICER, "--event", "updated", "--document", "渝交函〔2026〕9号", *at)
    )
    expect_done(run("catalogue", "submit", STOP, "--as", OFFICER, *at))
    expect_done(run("catalogue", "accept", STOP, "--as", REVIEWER, *at))
    for kind in ("secrecy", "deidentification"):
        by = ("--kind", kind, "--result", "fit", "--basis", "保守国家秘密法", "--document", "渝交审〔2026〕1号")
        expect_done(run("catalogue", "review", STOP, "--as", f"user:{kind}@11500000XXXX0006X1", *by, *at))
    expect_done(run("catalogue", "release", STOP, "--as", REVIEWER, *at))


def test_a_district_submits_is_returned_corrects_and_is_merged(tmp_path: Path, run: Run) -> None:
    district = found_level(run, tmp_path / "district", "500103-extranet")
    city = found_level(run, tmp_path / "city", "500000-extranet")
    port = free_port()
    settle(district, {city.name: (city, f"http://127.0.0.1:{port}")}, city.name)
    settle(city, {district.name: (district, "")})
    above, below = ("--config", city.config), ("--config", district.config)

    bring_into_force(run, district, varied(DISTRICT_ENTRY))
    unreachable = run("sync", "push", *below)
    assert (unreachable.code, "EXCHANGE_UNREACHABLE" in unreachable.err) == (1, True)
    with answering(city, port):
        assert expect_done(run("sync", "push", *below)).out == "1 bundles sent, 0 taken\n"
        returned = run("catalogue", "return", STOP, "--as", REVIEWER, "--reason", "摘要应写明线路", *above)
        assert "is returned: 摘要应写明线路" in expect_done(returned).out
        assert expect_done(run("sync", "pull", *below)).out == "1 bundles taken\n"
        assert "500000-extranet version 1 returned: 摘要应写明线路" in run("sync", "status", *below).out

        bring_into_force(run, district, varied(DISTRICT_ENTRY, ("名称与管理人员。", "名称、线路与管理人员。")))
        expect_done(run("sync", "push", *below))
        assert "is accepted" in expect_done(run("catalogue", "accept", STOP, "--as", REVIEWER, *above)).out
        expect_done(run("sync", "pull", *below))
    told = json.loads(run("sync", "status", "--format", "json", *below).out)
    assert told["own"] == [
        {"entry": STOP, "version": 2, "state": "released", "500000-extranet": "version 2 accepted"},
    ]  # fmt: skip
    assert [(p["unconfirmed"], p["confirmed"], p["taken"]) for p in told["peers"]] == [(0, 2, 2)]
    shown = run("catalogue", "show", STOP, *above).out
    assert f"{STOP} version 2 of 500103-extranet is accepted" in shown
    assert "名称、线路与管理人员" in run("catalogue", "show", STOP, "--content", *above).out


def test_what_was_accepted_serves_until_the_next_version_is_or_the_provider_withdraws_it(
    tmp_path: Path, run: Run
) -> None:
    district = found_level(run, tmp_path / "district", "500103-extranet")
    city = found_level(run, tmp_path / "city", "500000-extranet")
    settle(district, {city.name: (city, "")}, city.name)
    settle(city, {district.name: (district, "")})
    above, below = ("--config", city.config), ("--config", district.config)

    def carry() -> None:
        expect_done(run("sync", "bundle", tmp_path / "medium", *below))
        expect_done(run("sync", "load", tmp_path / "medium", *above))

    def served() -> list[int]:
        with open_platform(str(city.folder / "registry.db")) as platform:
            found = InForceReader(platform).look()
        assert found is not None
        return [entry.version for entry in found.entries]

    bring_into_force(run, district, varied(DISTRICT_ENTRY))
    carry()
    assert served() == []
    expect_done(run("catalogue", "accept", STOP, "--as", REVIEWER, *above))
    bring_into_force(run, district, varied(DISTRICT_ENTRY, ("cycle: 每日", "cycle: 每月")))
    carry()
    assert served() == [1], "the second version is submitted, and nobody has accepted it"
    shown = run("catalogue", "show", STOP, *above).out
    assert shown.splitlines()[1:] == ["  version 2 changed:", "    cycle: 每日 -> 每月 [neutral]"]
    expect_done(run("catalogue", "accept", STOP, "--as", REVIEWER, *above))
    assert served() == [2]
    expect_done(run("catalogue", "withdraw", STOP, "--as", OFFICER, "--reason", "职能划转", *below))
    carry()
    assert served() == [], "a withdrawal takes effect as it arrives"


async def test_a_gateway_answers_other_levels_beside_its_own_address(tmp_path: Path, run: Run) -> None:
    city = found_level(run, tmp_path / "city", "500000-extranet")
    settle(city, {})
    settings = load_settings(city.config, {"WATERSMEET_SYNC__SERVE": "true"})
    with open_platform(settings.registry.store) as platform:
        actor = Actor("user:a", CreditCode.parse("11500000XXXX000519"), Side.PROVIDER)
        release = platform.releases.propose("a", actor.department, "type Query { a: Int }", ADDRESS, actor, NOW)
        for event, side in (("approve", Side.COMPETENT), ("go live", Side.PLATFORM)):
            platform.releases.move("a", release.number, event, replace(actor, side=side), NOW)
    async with serving(create_app(settings, plain=True)) as address, aiohttp.ClientSession() as session:
        async with session.get(f"{address}/exchange/500103-extranet/outbox") as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "SIGNER_UNKNOWN")
        async with session.post(f"{address}/graphql", json={"query": "{ __typename }"}) as answer:
            assert (await answer.json())["data"] == {"__typename": "Query"}


def carried_between_networks(run: Run, tmp_path: Path) -> tuple[Level, Level, Path]:
    """The city's extranet and intranet, which no line connects, with two entries' bundles on a medium."""
    outside = found_level(run, tmp_path / "outside", "500000-extranet")
    inside = found_level(run, tmp_path / "inside", "500000-intranet")
    settle(outside, {inside.name: (inside, "")}, inside.name)
    settle(inside, {outside.name: (outside, "")})
    bring_into_force(run, outside, varied())
    medium = tmp_path / "medium"
    expect_done(run("sync", "bundle", medium, "--config", outside.config))
    bring_into_force(run, outside, varied(("名称与管理人员。", "名称、线路与管理人员。")))
    expect_done(run("sync", "bundle", medium, "--config", outside.config))
    return outside, inside, medium


def test_bundles_cross_by_file_and_their_receipts_come_back(tmp_path: Path, run: Run) -> None:
    outside, inside, medium = carried_between_networks(run, tmp_path)
    assert len(list(medium.glob("*.bundle"))) == 2
    loaded = expect_done(run("sync", "load", medium, "--config", inside.config)).out
    assert loaded.count(": applied") == 2
    again = expect_done(run("sync", "load", medium, "--config", inside.config)).out
    assert again == loaded, "a second copy is answered with the first receipt"
    expect_done(run("sync", "load", medium, "--config", outside.config))
    assert "2 bundles confirmed, 0 not yet" in run("sync", "status", "--config", outside.config).out
    assert f"{STOP} version 2" in run("catalogue", "show", STOP, "--config", inside.config).out


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (lambda content: content.replace("公交".encode(), "公文".encode(), 1), "SIGNATURE_WRONG"),
        (lambda content: content[:-40], "BUNDLE_MALFORMED"),
        (lambda content: content.replace(b"BUNDLE/1", b"BUNDLE/9", 1), "BUNDLE_VERSION"),
        (lambda content: content.replace(b"key-of-500000-extranet", b"key-of-a-stranger", 1), "SIGNER_UNKNOWN"),
    ],
)
def test_a_bad_bundle_is_refused_with_its_reason_and_changes_nothing(
    tmp_path: Path, run: Run, bad: Callable[[bytes], bytes], code: str
) -> None:
    _, inside, medium = carried_between_networks(run, tmp_path)
    first, second = sorted(medium.glob("*.bundle"))
    second.unlink()
    first.write_bytes(bad(first.read_bytes()))
    refused = run("sync", "load", medium, "--config", inside.config)
    assert (refused.code, f"refused, {code}" in refused.out) == (1, True)
    assert json.loads(run("sync", "status", "--format", "json", "--config", inside.config).out)["held"] == []


def test_a_bundle_that_comes_before_its_predecessor_waits(tmp_path: Path, run: Run) -> None:
    _, inside, medium = carried_between_networks(run, tmp_path)
    first, second = sorted(medium.glob("*.bundle"))
    later = tmp_path / "later"
    later.mkdir()
    first.rename(later / first.name)
    assert f"{second.name}: waiting" in run("sync", "load", medium, "--config", inside.config).out
    assert "applied" in run("sync", "load", later, "--config", inside.config).out
    told = json.loads(run("sync", "status", "--format", "json", "--config", inside.config).out)
    assert [(each["entry"], each["version"]) for each in told["held"]] == [(STOP, 2)]


def test_a_level_that_answers_others_goes_on_when_it_is_told_to_look_again(tmp_path: Path, run: Run) -> None:
    level = found_level(run, tmp_path / "level", "500000-extranet")
    settle(level, {})
    port = free_port()
    command = [sys.executable, "-m", "gateway", "sync", "serve", "--config", str(level.config), "--port", str(port)]
    with Popen(command, stderr=PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGHUP)
        answered = None
        while answered is None and process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                answered = port
        process.terminate()
    assert (answered, process.returncode) == (port, -signal.SIGTERM)


def test_wrong_settings_are_told_by_name(tmp_path: Path, run: Run) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[registry]\nstore = "r.db"\n')
    assert "sync.division and sync.key are not set" in run("sync", "status", "--config", config).err
    key = tmp_path / "level.key"
    expect_done(run("sync", "key", "k", "-o", key))
    assert key.stat().st_mode & 0o077 == 0
    assert run("sync", "key", "k", "-o", key).code == 1
    config.write_text(
        '[registry]\nstore = "r.db"\n[sync]\ndivision = "500103"\nkey = "level.key"\n[peers.500000]\nkeys = {}\n'
    )
    assert "a level is named by division and network" in run("sync", "status", "--config", config).err

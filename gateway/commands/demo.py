"""``watersmeet demo``: six departments, the gateway and its page, from nothing to three answers.

Everything runs as it would in a city: each department is a process of its own that answers signed requests only; the
gateway is ``watersmeet serve`` with a settings file. What the demo writes stays in one folder, keys and credentials
readable by their owner alone, so that a second start has little to do and everything can be looked at.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from gateway.commands.demo_registry import REGISTER, STORE, fill, ports
from gateway.commands.demo_texts import introduction, outcome
from gateway.commands.processes import PROCESS_FAILED, Child, Children, free_port
from gateway.errors import CodedError
from policies.context import ContextSigner, RequestContext, parse_signing_key
from policies.credentials import hash_api_key, new_api_key

FACTS = "subgraphs.demo"


@dataclass(frozen=True, slots=True)
class DemoCaller:
    """Someone to ask as: a sentence about it, and the headers it sends."""

    name: str
    subject: str
    sentence: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """A query to paste, with its variables and the name of the caller to ask it as."""

    name: str
    caller: str
    sentence: str
    text: str
    variables: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """What is up: the gateway's address, the file of all keys, the departments by name, callers and queries."""

    address: str
    credentials: str
    departments: Mapping[str, Child]
    callers: tuple[DemoCaller, ...]
    queries: tuple[DemoQuery, ...]

    def ask(self, query: DemoQuery, caller: DemoCaller) -> dict[str, object]:
        """The gateway's answer, as JSON."""
        body = json.dumps({"query": query.text, "variables": query.variables}).encode()
        headers = {
            "content-type": "application/json",
            "accept": "application/graphql-response+json",
            **caller.headers,
        }
        request = urllib.request.Request(f"{self.address}/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = response.read()
        except urllib.error.HTTPError as refused:
            answer = refused.read()
        return dict(json.loads(answer))


def run(data: Path, port: int, *, once: bool, fresh: bool) -> int:
    """Starts everything, prints how to use it, asks once as every caller; then serves until Ctrl-C, unless ``once``.

    The exit code: 0. Raises CodedError when a part does not come up.
    """
    if fresh:
        shutil.rmtree(data, ignore_errors=True)
    # A terminated demo must stop its departments, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with started(data, port) as demo:
            sys.stdout.write(introduction(demo) + "\n")
            for caller, query in _asked(demo):
                sys.stdout.write(outcome(caller, query, demo.ask(query, caller)) + "\n")
            sys.stdout.flush()
            if not once:
                say("Serving. Ctrl-C stops all of it.")
                signal.pause()
    except KeyboardInterrupt:
        say("Stopped.")
    return 0


def _asked(demo: RunningDemo) -> list[tuple[DemoCaller, DemoQuery]]:
    """The first query for every caller, then each further one for the caller that it is meant for."""
    callers = {caller.name: caller for caller in demo.callers}
    first, *others = demo.queries
    return [(caller, first) for caller in demo.callers] + [(callers[query.caller], query) for query in others]


@contextmanager
def started(data: Path, port: int = 0) -> Iterator[RunningDemo]:
    """The whole demo, up; stopped on leaving."""
    data = data.absolute()
    facts = yaml.load(files(FACTS).joinpath("demo.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    data.mkdir(parents=True, exist_ok=True)
    _generate(data)
    with Children(data / "logs") as children:
        departments = _start_departments(facts["departments"], data, children)
        callers = _write_callers(facts["callers"], facts["people"], data)
        if told := fill(data, {name: f"http://127.0.0.1:{port}/graphql" for name, (_, port) in departments.items()}):
            say(told)
        queries = tuple(_query(query) for query in facts["queries"])
        gateway_port = free_port(port)
        if port not in (0, gateway_port):
            say(f"Port {port} is taken; the gateway takes {gateway_port}.")
        address = f"http://127.0.0.1:{gateway_port}"
        _write_settings(data, gateway_port, callers, queries, facts["departments"])
        _install_policy(data)
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(data / "gateway.toml")]
        gateway = children.start("gateway", command, f"{address}/readyz")
        children.wait_ready(gateway)
        for line in gateway.log.read_text().splitlines():
            if "fields are withheld" in line:
                say(line.partition(": ")[2])
        say(f"Gateway: {address}")
        yield RunningDemo(
            address,
            str(data / "credentials.json"),
            {name: child for name, (child, _) in departments.items()},
            callers,
            queries,
        )


def say(text: str) -> None:
    """A step, for whoever watches: on stderr, so that stdout holds the result alone."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()


def _generate(data: Path) -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "subgraphs.seed", str(data / "departments")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CodedError(PROCESS_FAILED, f"Data could not be generated: {done.stderr.strip()[-500:]}")
    for line in done.stdout.strip().splitlines():
        say(line)
    say(f"Data ready in {time.monotonic() - began:.1f} s.")


def _start_departments(listed: list[dict[str, str]], data: Path, children: Children) -> dict[str, tuple[Child, int]]:
    """Each department as a process; its schema and its catalogue entries collected, as it hands them in."""
    for folder in ("schemas", "catalogue"):
        shutil.rmtree(data / folder, ignore_errors=True)
    for folder in ("keys", "schemas", "catalogue"):
        (data / folder).mkdir(exist_ok=True)
    shutil.copyfile(str(files(FACTS).joinpath(REGISTER)), data / REGISTER)
    running: dict[str, tuple[Child, int]] = {}
    known = ports(data)
    for department in listed:
        name = department["name"]
        key = data / "keys" / f"{name}.key"
        if not key.exists():
            _write_secret(key, f"{name}-1:{secrets.token_urlsafe(32)}\n")
        pseudonyms = data / "keys" / f"{name}.pseudonyms"
        if not pseudonyms.exists():
            _write_secret(pseudonyms, secrets.token_urlsafe(32) + "\n")
        port = free_port(known.get(name, 0))
        command = [sys.executable, "-m", department["module"], "--port", str(port)]
        command += ["--data", str(data / "departments"), "--key-file", str(key), "--pseudonym-key", str(pseudonyms)]
        if name == "market_regulation" and (store := os.environ.get("WATERSMEET_DEMO_POSTGRES")):
            command += ["--store", store]
        running[name] = (children.start(name, command, f"http://127.0.0.1:{port}/healthz"), port)
    (data / "ports.json").write_text(json.dumps({name: port for name, (_, port) in running.items()}))
    _collect_entries(FACTS, "registered_only", data)
    for department in listed:
        name, module = department["name"], department["module"]
        child, port = running[name]
        children.wait_ready(child)
        say(child.log.read_text().splitlines()[0])
        _register(name, module, port, data)
    return running


def _register(name: str, module: str, port: int, data: Path) -> None:
    """What a department hands in: its schema with its address, and its catalogue entries."""
    address = f"http://127.0.0.1:{port}/graphql"
    body = b'{"query":"{_service{sdl}}"}'
    key = parse_signing_key((data / "keys" / f"{name}.key").read_text())
    context = RequestContext(audience=name, subject="user:registrar", zone="extranet", policy_version="none")
    signed = ContextSigner(name, key).headers("POST", "/graphql", body, context)
    request = urllib.request.Request(address, body, {"content-type": "application/json", **dict(signed)})
    with urllib.request.urlopen(request, timeout=30) as response:
        sdl = json.load(response)["data"]["_service"]["sdl"]
    (data / "schemas" / f"{name}.graphql").write_text(f"# url: {address}\n{sdl}", encoding="utf-8")
    _collect_entries(module, "catalogue", data)


def _collect_entries(package: str, folder: str, data: Path) -> None:
    for entry in files(package).joinpath(folder).iterdir():
        if entry.name.endswith(".yaml"):
            (data / "catalogue" / f"{package.rpartition('.')[2]}-{entry.name}").write_bytes(entry.read_bytes())


def _write_callers(
    listed: list[dict[str, object]], people: list[dict[str, object]], data: Path
) -> tuple[DemoCaller, ...]:
    """The register of callers and persons with hashed keys; the keys themselves in a file of their own, made once."""
    place = data / "credentials.json"
    keys: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    register = ""
    for facts in (*listed, *people):
        if facts["subject"] != "anon":
            key = keys.setdefault(str(facts["subject"]), new_api_key())
            register += (
                f'[[callers]]\nsubject = "{facts["subject"]}"\nkind = "{facts.get("kind", "application")}"\n'
                f'department = "{facts["department"]}"\n'
                f'[[callers.keys]]\nid = "demo"\nsha256 = "{hash_api_key(key)}"\n\n'
            )
    _write_secret(place, json.dumps(keys, indent=2))
    (data / "callers.toml").write_text(register, encoding="utf-8")
    return tuple(_caller(facts, keys) for facts in listed)


def _caller(facts: Mapping[str, object], keys: Mapping[str, str]) -> DemoCaller:
    subject = str(facts["subject"])
    stated = {str(name): str(value) for name, value in dict(facts.get("headers") or {}).items()}  # type: ignore[call-overload]
    headers = {"X-API-Key": keys[subject], **stated} if subject in keys else stated
    return DemoCaller(str(facts["name"]), subject, str(facts["sentence"]), headers)


def _query(facts: Mapping[str, object]) -> DemoQuery:
    text = files(FACTS).joinpath(str(facts["file"])).read_text("utf-8").strip()
    variables = dict(facts.get("variables") or {})  # type: ignore[call-overload]
    return DemoQuery(str(facts["name"]), str(facts["caller"]), str(facts["sentence"]), text, variables)


def _write_settings(
    data: Path,
    port: int,
    callers: tuple[DemoCaller, ...],
    queries: tuple[DemoQuery, ...],
    listed: list[dict[str, str]],
) -> None:
    shutil.copyfile(str(files(FACTS).joinpath("policy.csv")), data / "policy.csv")
    explorer = {
        "callers": [{"label": c.name, "description": c.sentence, "headers": dict(c.headers)} for c in callers],
        "queries": [
            {"label": q.name, "description": q.sentence, "query": q.text, "variables": dict(q.variables)}
            for q in queries
        ],
    }
    _write_secret(data / "explorer.json", json.dumps(explorer, ensure_ascii=False, indent=2))
    keys = "".join(f'[subgraphs.{d["name"]}]\nkey_file = "keys/{d["name"]}.key"\n' for d in listed)
    (data / "gateway.toml").write_text(
        f'[server]\nport = {port}\nexplorer_config = "explorer.json"\n'
        f'[registry]\nstore = "{STORE}"\ndepartments = "{REGISTER}"\n'
        '[access]\ncallers = "callers.toml"\nzone = "extranet"\n'
        'store = "store.sqlite"\nstore_key = "keys/store.key"\nperson_key = "keys/persons.key"\n'
        f'apply = "http://127.0.0.1:{port}/apply?resource={{resource}}"\n'
        f"{keys}",
        encoding="utf-8",
    )


def _install_policy(data: Path) -> None:
    """The first policy, once: from then on it changes as any policy does, by drafts and a second person."""
    if (data / "store.sqlite").exists():
        return
    _write_secret(data / "keys" / "store.key", f"store-1:{secrets.token_urlsafe(32)}\n")
    _write_secret(data / "keys" / "persons.key", secrets.token_urlsafe(48) + "\n")
    command = [sys.executable, "-m", "gateway", "policy", "install", str(data / "policy.csv")]
    command += ["--config", str(data / "gateway.toml"), "--as", "user:chen@development-and-reform"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CodedError(PROCESS_FAILED, f"The policy could not be installed: {done.stderr.strip()[-500:]}")
    say(f"Policy {done.stdout.strip()}, proved against Casbin.")


def _write_secret(path: Path, text: str) -> None:
    """Writes a file that its owner alone may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)

"""``python -m subgraphs.<department>``: one department as a process.

On standard output come two lines, the second once requests are answered::

    market_regulation 市场监督管理局: SQLite, 20,000 enterprises
    listening http://127.0.0.1:4102/graphql

Exit codes: 0 stopped when asked to, 2 wrong usage or a setting to mend (one line on standard error says which).
"""

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import uvicorn

from policies.context import ContextVerifier, SigningKey, parse_signing_key
from policies.masks import PseudonymKey
from subgraphs.kit.department import Department, StoreLocation
from subgraphs.kit.errors import ADDRESS_TAKEN, KEY_FILE_UNREADABLE, CodedError
from subgraphs.kit.loopback import UnsignalledServer
from subgraphs.kit.server import PATH, make_app


def run(department: Department, arguments: Sequence[str] | None = None) -> int:
    """Runs a department until SIGINT or SIGTERM; the exit code."""
    options = _parser(department).parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    try:
        if options.print_schema:
            print(department.schema().sdl)  # noqa: T201 - this is the command's output
            return 0
        if options.key_file is None and not options.open:
            raise CodedError(
                KEY_FILE_UNREADABLE, "Name the gateway's keys with --key-file, or say --open to do without."
            )
        keys = () if options.open else read_keys(options.key_file)
        asyncio.run(_serve(department, options, keys))
    except OSError as error:
        print(f"{department.name}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except CodedError as error:
        print(f"{department.name}: {error.message} [{error.code.name}] {error.code.remedy}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def read_keys(path: Path) -> tuple[SigningKey, ...]:
    """The keys that verify the gateway's signatures, one ``key-id:secret`` a line; ``#`` begins a comment line.

    Raises CodedError KEY_FILE_UNREADABLE or SIGNING_KEY_INVALID.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CodedError(KEY_FILE_UNREADABLE, f"The key file {path} cannot be read: {error}.") from None
    keys = tuple(parse_signing_key(line) for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise CodedError(KEY_FILE_UNREADABLE, f"The key file {path} holds no key.")
    return keys


def read_pseudonym_key(path: Path) -> PseudonymKey:
    """The department's secret for pseudonyms. Raises CodedError KEY_FILE_UNREADABLE or MASK_UNKNOWN."""
    try:
        return PseudonymKey(path.read_text("utf-8").strip().encode())
    except (OSError, UnicodeDecodeError) as error:
        raise CodedError(KEY_FILE_UNREADABLE, f"The key file {path} cannot be read: {error}.") from None


def _parser(department: Department) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m subgraphs.{department.name}",
        description=f"{department.title}: serves its subgraph at {PATH} to the gateway, and health at /healthz.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes any free one (the default)")
    parser.add_argument("--data", type=Path, default=Path(".demo"), metavar="DIR", help="folder of generated data, as written by python -m subgraphs.seed (default: %(default)s)")  # fmt: skip  # noqa: E501
    parser.add_argument("--store", metavar="URL", help="address of the store, where it is not in --data: a PostgreSQL database, an older service")  # fmt: skip  # noqa: E501
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="keys that verify the gateway's signed context, one `key-id:secret` a line")  # fmt: skip  # noqa: E501
    parser.add_argument("--pseudonym-key", type=Path, metavar="FILE", help="the department's own secret for the mask `pseudonym`, 32 characters or more; without it such items are withheld")  # fmt: skip  # noqa: E501
    parser.add_argument(
        "--open", action="store_true", help="answer anybody, unsigned and in full: for development only"
    )
    parser.add_argument("--print-schema", action="store_true", help="print the subgraph's SDL and stop")
    return parser


async def _serve(department: Department, options: argparse.Namespace, keys: Sequence[SigningKey]) -> None:
    with _listen(options.host, options.port) as listening:
        await _serve_on(listening, department, options, keys)


async def _serve_on(
    listening: socket.socket, department: Department, options: argparse.Namespace, keys: Sequence[SigningKey]
) -> None:
    verifier = None if options.open else ContextVerifier(department.name, keys)
    location = StoreLocation(options.data / department.name, options.store)
    async with department.open_store(location) as store:
        description = f"{department.name} {department.title}: {store.describe()}"
        data_times = partial(department.data_times, location)
        pseudonyms = read_pseudonym_key(options.pseudonym_key) if options.pseudonym_key is not None else None
        app = make_app(department.schema(), store, description, verifier, data_times=data_times, pseudonyms=pseudonyms)
        server = UnsignalledServer(app)
        _stop_on_signals(server)
        print(description, flush=True)  # noqa: T201 - whoever started the process waits for these lines
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await server.started_event.wait()
        address = f"http://{options.host}:{listening.getsockname()[1]}{PATH}"
        print(f"listening {address}", flush=True)  # noqa: T201 - whoever started the process waits for these lines
        await serving


def _stop_on_signals(server: uvicorn.Server) -> None:
    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        raise CodedError(ADDRESS_TAKEN, f"{host}:{port} cannot be listened on: {error}.") from None
    return listening

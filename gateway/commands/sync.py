"""``watersmeet sync``: the catalogue on its way between levels, by line or by file."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypedDict

import aiohttp
import typer

from catalog_sync.exchange import Exchange
from catalog_sync.office import CatalogueOffice
from catalog_sync.signing import SigningKey
from catalog_sync.upstream import Synchronised, Upstream, take_files, write_bundles
from gateway.commands.output import Format, FormatOption, print_json
from gateway.commands.progress import progress_bar
from gateway.commands.registry import Registry, open_registry
from gateway.commands.registry_options import ConfigOption
from gateway.errors import CodedError
from gateway.level import LevelEndpoint, exchange_of, key_text, offer_all
from gateway.settings import SETTINGS_INVALID, load_settings

app = typer.Typer(help="Exchange the catalogue with other levels, by line or by file.")

PeerOption = Annotated[str, typer.Option("--to", metavar="LEVEL", help="A level under peers; the superior.")]


@app.command()
def key(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The key's name, such as 500103-2026.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the secret goes.")],
) -> None:
    """Make a level's key: the secret into a file of one's own, the public line for the peers' settings on stdout."""
    made = SigningKey.generate(identity)
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key_text(made))
    typer.echo(f'{identity} = "{made.public_bytes().hex()}"')


@app.command()
def push(to: PeerOption = "", config: ConfigOption = None) -> None:
    """Send what came into or out of force to the level above, and take what it decided; exit 1 for what it refused."""
    with _level(config) as (opened, exchange):
        peer = _peer(opened, to)
        _offer(opened, exchange, peer)
        done = _line(opened, exchange, peer)
    typer.echo(f"{done.sent} bundles sent, {done.taken} taken")
    for subject, reason in done.refused:
        typer.echo(f"refused {subject}: {reason}")
    raise typer.Exit(int(bool(done.refused)))


@app.command()
def pull(to: Annotated[str, typer.Option("--from", metavar="LEVEL")] = "", config: ConfigOption = None) -> None:
    """Take what the level above decided or tightened; nothing is sent."""
    with _level(config) as (opened, exchange):
        done = _line(opened, exchange, _peer(opened, to), send=False)
    typer.echo(f"{done.taken} bundles taken")


@app.command()
def bundle(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="To be carried over.")],
    to: PeerOption = "",
    config: ConfigOption = None,
    since: Annotated[
        int | None, typer.Option("--since", metavar="NUMBER", help="From this bundle on, for a level that lost them.")
    ] = None,
) -> None:
    """Write everything without a receipt as signed bundles into a folder, for a network that no line leads to."""
    with _level(config) as (opened, exchange):
        peer = _peer(opened, to)
        if peer == opened.settings.sync.superior:
            _offer(opened, exchange, peer)
        written = write_bundles(exchange, peer, directory, datetime.now(UTC), since)
    for path in written:
        typer.echo(str(path))
    typer.echo(f"{len(written)} bundles for {peer}", err=True)


@app.command()
def load(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="What was carried over.")],
    config: ConfigOption = None,
) -> None:
    """Take the bundles and receipts in a folder, in any order; receipts are written beside. Exit 1 for a bad one."""
    with _level(config) as (_, exchange):
        told = take_files(exchange, directory, datetime.now(UTC))
    for name, outcome in told:
        typer.echo(f"{name}: {outcome}")
    raise typer.Exit(int(any(outcome.startswith("refused") for _, outcome in told)))


class _PeerStatus(TypedDict):
    peer: str
    address: str
    unconfirmed: int
    confirmed: int
    taken: int
    refused: list[list[str]]


@app.command()
def status(config: ConfigOption = None, format_: FormatOption = Format.TEXT) -> None:
    """Say where bundles and entries stand at each level, and what was refused and why."""
    with _level(config) as (opened, exchange):
        peers = [_peer_status(opened, exchange, name) for name in exchange.peers]
        own = [_own_status(opened.office, exchange, entry.id) for entry in opened.office.listed()]
        held: list[dict[str, object]] = [
            {"entry": each.entry.id, "version": each.entry.version, "from": each.peer, "state": each.state.value,
             "reasons": each.reasons, "arrived": each.arrived, "due": str(each.due), "late": each.late}
            for each in exchange.submissions()
        ]  # fmt: skip
    if format_ is Format.JSON:
        told = {"version": 1, "level": exchange.name, "peers": peers, "own": own, "held": held}
        print_json(told)
        return
    typer.echo(f"level {exchange.name}")
    for peer in peers:
        typer.echo(
            f"{peer['peer']} {peer['address'] or '(by file)'}: {peer['confirmed']} bundles confirmed, "
            f"{peer['unconfirmed']} not yet, {peer['taken']} taken"
        )
        for subject, reason in peer["refused"]:
            typer.echo(f"    refused {subject}: {reason}")
    for each in (*own, *held):
        typer.echo("  ".join(f"{label} {value}" for label, value in each.items() if value not in ("", (), [], False)))


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 4100,
    config: ConfigOption = None,
) -> None:
    """Answer other levels at /exchange without a gateway; `sync.serve` does so beside one."""
    import uvicorn
    from starlette.applications import Starlette

    endpoint = LevelEndpoint(load_settings(config))
    # Told to look again, it goes on: each request looks at the store anyway.
    signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        typer.echo(f"Answering other levels at http://{host}:{port}/exchange", err=True)
        uvicorn.run(Starlette(routes=endpoint.routes), host=host, port=port, log_level="warning", ws="none")
    finally:
        endpoint.close()


@contextmanager
def _level(config: Path | None) -> Iterator[tuple[Registry, Exchange]]:
    with open_registry(config, None) as opened:
        yield opened, exchange_of(opened.settings, opened.office.platform)


def _peer(opened: Registry, name: str) -> str:
    chosen = name or opened.settings.sync.superior
    if chosen not in opened.settings.peers:
        known = ", ".join(opened.settings.peers) or "none"
        raise CodedError(SETTINGS_INVALID, f"{chosen or 'No superior is set, and no level'} is under peers: {known}.")
    return chosen


def _offer(opened: Registry, exchange: Exchange, peer: str) -> None:
    with progress_bar("offering") as bar:
        offered = offer_all(exchange, opened.office.platform, peer, bar)
    if offered.kept_back:
        typer.echo(f"kept back, for they may not travel: {', '.join(offered.kept_back)}", err=True)


def _line(opened: Registry, exchange: Exchange, peer: str, *, send: bool = True) -> Synchronised:
    address = opened.settings.peers[peer].address
    if not address:
        raise CodedError(SETTINGS_INVALID, f"peers.{peer}.address is not set: use `sync bundle` and `sync load`.")

    async def run() -> Synchronised:
        async with aiohttp.ClientSession() as session:
            upstream = Upstream(exchange, peer, address, session)
            with progress_bar("bundles") as bar:
                return await upstream.synchronise(bar) if send else Synchronised(0, await upstream.fetch(bar), ())

    return asyncio.run(run())


def _peer_status(opened: Registry, exchange: Exchange, name: str) -> _PeerStatus:
    receipts = exchange.receipts(name)
    return {
        "peer": name,
        "address": opened.settings.peers[name].address,
        "unconfirmed": len(exchange.outstanding(name)),
        "confirmed": len(receipts),
        "taken": exchange.applied_through(name),
        "refused": [[o.subject, o.reason] for receipt in receipts for o in receipt.outcomes if o.result == "refused"],
    }


def _own_status(office: CatalogueOffice, exchange: Exchange, identity: str) -> dict[str, object]:
    record = office.record(identity)
    decisions = exchange.decisions(identity)
    told: dict[str, object] = {
        "entry": identity, "version": record.current.number, "state": record.current.state.value,
    }  # fmt: skip
    if decisions:
        last = decisions[-1]
        told[last.peer] = f"version {last.number} {last.state}{': ' if last.reasons else ''}{'; '.join(last.reasons)}"
    return told

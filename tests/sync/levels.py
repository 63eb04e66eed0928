"""Levels as operators set them up: a folder with settings, a key and a registry each, and an address on loopback."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from gateway.level import LevelEndpoint
from gateway.settings import load_settings
from tests.support.command_line import Run, expect_done


@dataclass(frozen=True, slots=True)
class Level:
    """One level: its name, the file of its settings, and the line by which peers know its key."""

    name: str
    folder: Path
    public: str

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"


def found_level(run: Run, folder: Path, name: str) -> Level:
    """A folder with a new key for a level such as ``500103-extranet``."""
    folder.mkdir()
    made = expect_done(run("sync", "key", f"key-of-{name}", "-o", folder / "level.key"))
    return Level(name, folder, made.out.strip())


def settle(level: Level, peers: Mapping[str, tuple[Level, str]], superior: str = "") -> None:
    """Writes the level's settings: its peers with their addresses (empty: by file)."""
    division, _, network = level.name.partition("-")
    told = [
        f'[registry]\nstore = "registry.db"\n[sync]\ndivision = "{division}"\nnetwork = "{network}"\n'
        f'key = "level.key"\nsuperior = "{superior}"\n'
    ]
    for name, (peer, address) in peers.items():
        told.append(f'[peers.{name}]\naddress = "{address}"\nkeys = {{ {peer.public} }}\n')
    level.config.write_text("".join(told))


@contextmanager
def answering(level: Level, port: int) -> Iterator[None]:
    """While entered, the level answers others on a port of loopback."""
    endpoint = LevelEndpoint(load_settings(level.config))
    config = uvicorn.Config(Starlette(routes=endpoint.routes), port=port, log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()
        endpoint.close()

"""``watersmeet serve``: settings from file, environment and flags; then the server."""

import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from gateway.settings import Settings, load_settings


def run(config: Path | None, given: Mapping[str, Mapping[str, object]], *, plain: bool) -> None:
    """Serves until it is told to stop. ``given`` holds flags by section and key; None means not given.

    Raises CodedError where the settings, the supergraph or the address do not allow a start.
    """
    from gateway.app import create_app
    from gateway.server.serving import Conduct
    from gateway.server.workers import run_server

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = with_flags(load_settings(config), given)
    server = settings.server
    conduct = Conduct(server.drain, message_bytes=settings.limits.body, trusted_proxies=server.trusted_proxies)
    # Workers end without the clean-up of this process, so the folder is taken away once, when all have ended.
    with TemporaryDirectory(prefix="watersmeet-") as counts:
        make = partial(create_app, settings, plain=plain, counts_in=Path(counts))
        run_server(make, server.host, server.port, server.workers, announce=_announce, conduct=conduct)


def with_flags(settings: Settings, given: Mapping[str, Mapping[str, object]]) -> Settings:
    """Settings with the command line's flags over them."""
    changed = {}
    for section, flags in given.items():
        values = {key: value for key, value in flags.items() if value is not None}
        if values:
            changed[section] = msgspec.structs.replace(getattr(settings, section), **values)
    return msgspec.structs.replace(settings, **changed)


def _announce(address: str) -> None:
    sys.stderr.write(f"Watersmeet answers at {address}/graphql\n")

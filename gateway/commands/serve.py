"""``watersmeet serve``: settings from file, environment and flags; then the server."""

import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID, ServerSettings, Settings, load_settings

if TYPE_CHECKING:
    from gateway.tls_files import WatchedTls


def run(config: Path | None, given: Mapping[str, Mapping[str, object]], *, plain: bool) -> None:
    """Serves until it is told to stop. ``given`` holds flags by section and key; None means not given.

    Raises CodedError where the settings, the supergraph or the address do not allow a start.
    """
    from gateway.app import create_app
    from gateway.server.rate_limits import SharedBuckets
    from gateway.server.serving import Conduct
    from gateway.server.workers import run_server

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = with_flags(load_settings(config), given)
    server = settings.server
    conduct = Conduct(server.drain, message_bytes=settings.limits.body, tls=_listener_tls(server))
    # Workers end without the clean-up of this process, so the folder is taken away once, when all have ended.
    with TemporaryDirectory(prefix="watersmeet-") as counts:
        # Made here, before any worker, so that all of them count in the same memory, and so do their successors.
        buckets = SharedBuckets() if settings.limits.rate or settings.limits.anonymous_rate else None
        make = partial(create_app, settings, plain=plain, counts_in=Path(counts), buckets=buckets)
        run_server(make, server.host, server.port, server.workers, announce=_announce, conduct=conduct)


def _listener_tls(server: ServerSettings) -> "WatchedTls | None":
    """How the listener speaks TLS, None where it does not. Raises CodedError where the settings do not fit together."""
    if not server.certificate:
        for name in ("private_key", "client_authorities", "client_certificate_required"):
            if getattr(server, name):
                raise CodedError(SETTINGS_INVALID, f"server.{name} is of no use without server.certificate.")
        return None
    if server.client_certificate_required and not server.client_authorities:
        raise CodedError(SETTINGS_INVALID, "server.client_certificate_required needs server.client_authorities.")
    from gateway.tls_files import TlsFiles, server_tls

    return server_tls(
        TlsFiles(
            "server",
            server.client_authorities,
            server.certificate,
            server.private_key,
            server.client_certificate_required,
        )
    )


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

"""From settings and files to what requests run under: what stays for the life of a process, and what is rebuilt."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.access.bindings import SURROGATE
from gateway.access.contexts import SubgraphSeal, seal_for
from gateway.access.governance import Governance
from gateway.document_limits import DocumentLimits
from gateway.errors import CodedError
from gateway.execution.subgraph_address import SubgraphRoute, TransportLimits, parse_address
from gateway.garbage import collection_paused
from gateway.settings import SETTINGS_INVALID, AccessSettings, LimitSettings, Settings, SubgraphSettings
from gateway.snapshot import Snapshot
from gateway.sources import read_text
from gateway.supergraph.join_sdl import SupergraphReader
from gateway.tls_files import TlsFiles, client_tls
from policies.context import SigningKey, parse_signing_key

if TYPE_CHECKING:
    from catalog_sync.loading import Catalogue
    from gateway.server.authentication import Authenticator
    from policies.tables import PolicyTables

_log = logging.getLogger("watersmeet")


@dataclass(frozen=True, slots=True)
class Build:
    """One snapshot with the ways to its subgraphs."""

    snapshot: Snapshot
    routes: Mapping[str, SubgraphRoute]
    seals: Mapping[str, SubgraphSeal]

    def governance(self) -> Governance:
        """Who sees what. Only asked where requests are governed."""
        assert self.snapshot.governance is not None
        return self.snapshot.governance

    def versions(self) -> tuple[str, str]:
        """The versions of policy and graph, for records."""
        return self.governance().tables.version, self.snapshot.graph_version[:12]

    def under(self, tables: "PolicyTables") -> "Build":
        """The same supergraph under another policy version."""
        return replace(self, snapshot=self.snapshot.under(self.governance().with_tables(tables)))


@dataclass(frozen=True, slots=True)
class Foundation:
    """What outlives a supergraph: catalogue, policy and callers, all None in plain federation.

    ``reader`` remembers what one supergraph may have in common with the next.
    """

    catalogue: "Catalogue | None" = None
    tables: "PolicyTables | None" = None
    authenticator: "Authenticator | None" = None
    reader: SupergraphReader = field(default_factory=SupergraphReader, compare=False, repr=False)

    @classmethod
    def read(cls, settings: Settings, *, plain: bool, registered: "Catalogue | None" = None) -> "Foundation":
        """Reads policy and callers, and the catalogue unless it is ``registered`` in a store.

        Raises CodedError naming what is missing or wrong.
        """
        if plain:
            return cls()
        access = settings.access
        for name in _needed(access, registered):
            if not getattr(access, name):
                raise CodedError(
                    SETTINGS_INVALID,
                    f"access.{name} is not set, so nothing may be served. Set it in the file given by --config, "
                    "or serve plain federation, every field public, with --open.",
                )
        # Plain federation starts without loading any of this.
        from catalog_sync.loading import load_catalogue
        from gateway.policy_source import live_tables
        from gateway.server.authentication import FollowedAuthenticator

        catalogue = registered if registered is not None else load_catalogue(Path(access.catalogue))
        tables = live_tables(access, catalogue)
        return cls(catalogue, tables, FollowedAuthenticator(Path(access.callers), access.zone))

    def build(self, text: str, settings: Settings) -> Build:
        """A snapshot of supergraph SDL. Raises CodedError when it is no supergraph, or a subgraph has no address."""
        with collection_paused():
            return self._build(text, settings)

    def _build(self, text: str, settings: Settings) -> Build:
        supergraph = self.reader.read(text)
        routes, seals = {}, {}
        governance = None
        if self.catalogue is not None and self.tables is not None:
            governance = Governance(supergraph, self.catalogue, self.tables, settings.access.apply)
            _report_unbound(governance)
        for name, endpoint in supergraph.subgraphs.items():
            chosen = settings.subgraphs.get(name, SubgraphSettings())
            url = chosen.url or endpoint.url or ""
            routes[name] = _route(name, url, chosen)
            if governance is not None:
                seals[name] = seal_for(name, url, _key(name, chosen), governance.resources_of(name))
        bounds = document_limits(settings.limits)
        version = hashlib.sha256(text.encode()).hexdigest()
        labels = frozenset(settings.supergraph.labels)
        return Build(Snapshot(supergraph, version, governance, settings.caches, labels, bounds), routes, seals)


def _needed(access: AccessSettings, registered: "Catalogue | None") -> tuple[str, ...]:
    """The settings without which nothing may be served. A policy file cannot follow a catalogue that changes."""
    if registered is not None:
        return ("store", "callers")
    return ("catalogue", "callers") if access.store else ("catalogue", "policy", "callers")


def document_limits(settings: LimitSettings) -> DocumentLimits:
    """The limits on documents among all limits."""
    return DocumentLimits(
        settings.tokens,
        settings.depth,
        settings.selections,
        settings.root_fields,
        settings.aliases,
        settings.directives,
    )


def _route(subgraph: str, url: str, chosen: SubgraphSettings) -> SubgraphRoute:
    address = parse_address(subgraph, url)
    files = TlsFiles(f"subgraphs.{subgraph}", chosen.ca_file, chosen.client_certificate, chosen.client_key)
    wanted = bool(files.authorities or files.certificate or files.private_key)
    if wanted and not address.secure:
        raise CodedError(
            SETTINGS_INVALID,
            f"subgraphs.{subgraph} has ca_file, client_certificate or client_key, but its address is not https://.",
        )
    if files.private_key and not files.certificate:
        raise CodedError(SETTINGS_INVALID, f"subgraphs.{subgraph}.client_key is of no use without client_certificate.")
    return SubgraphRoute(
        address,
        tls=client_tls(files) if wanted else None,
        proxy=chosen.proxy or None,
        direct=chosen.transport == "direct",
        streams=chosen.subscriptions,
        compressed=chosen.compressed,
        limits=TransportLimits(connections=chosen.connections, timeout=chosen.timeout),
    )


def _key(subgraph: str, chosen: SubgraphSettings) -> SigningKey:
    if not chosen.key_file:
        raise CodedError(
            SETTINGS_INVALID,
            f"subgraphs.{subgraph}.key_file is not set, so requests to {subgraph} cannot be signed. "
            "Name a file that holds `key-id:secret`, the same as the department's.",
        )
    return parse_signing_key(read_text(Path(chosen.key_file)))


def _report_unbound(governance: Governance) -> None:
    """Tells what a department serves in vain. Surrogate keys are withheld as they should be, and worth no warning."""
    for each in governance.unbound:
        _log.info("withheld: %s of %s: %s", each.coordinate, ", ".join(each.subgraphs), each.reason)
    listed = [each.coordinate for each in governance.unbound if not each.coordinate.endswith(f".{SURROGATE}")]
    if listed:
        told = ", ".join(listed)
        _log.warning("%d fields are withheld, for no catalogue entry covers them: %s", len(listed), told)

"""Every error code of the product in one place, for the documentation and ``watersmeet error CODE``."""

import importlib
from collections.abc import Iterator, Mapping

from catalog_sync.errors import ErrorCode

_DECLARING = (
    "catalog_sync.errors",
    "policies.errors",
    "gateway.errors",
    "gateway.settings",
    "gateway.sources",
    "gateway.subgraph_sources",
    "gateway.reloading",
    "gateway.recording",
    "gateway.registry_source",
    "gateway.releasing.errors",
    "gateway.supergraph.errors",
    "gateway.access.refusals",
    "gateway.admin.errors",
    "gateway.access.row_checks",
    "gateway.commands.error",
    "gateway.document_limits",
    "gateway.documents",
    "gateway.execution.subgraph_address",
    "gateway.server.errors",
    "gateway.tls_files",
    "gateway.storage.database",
    "gateway.storage.migrations",
    "gateway.commands.processes",
    "gateway.commands.subgraph_start",
    "subgraphs.kit.errors",
)
"""The modules that declare codes; a test holds this list complete."""


def all_codes() -> Mapping[str, ErrorCode]:
    """Every error code by name, in alphabetical order."""
    found = {code.name: code for module in _DECLARING for code in _codes_of(module)}
    return dict(sorted(found.items()))


def _codes_of(module: str) -> Iterator[ErrorCode]:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, ErrorCode):
            yield value

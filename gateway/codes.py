"""Every error code of the product in one place, for the documentation and ``watersmeet error CODE``."""

import importlib
from collections.abc import Iterator, Mapping

from catalog_sync.errors import ErrorCode, Family

_DECLARING = (
    "catalog_sync.errors",
    "policies.errors",
    "gateway.errors",
    "gateway.settings",
    "gateway.sources",
    "gateway.supergraph.errors",
    "gateway.access.refusals",
    "gateway.commands.error",
    "gateway.document_limits",
    "gateway.execution.subgraph_address",
    "gateway.server.errors",
    "gateway.commands.processes",
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


def errors_page() -> str:
    """``docs/errors.md``: every code, grouped by who has to act."""
    codes = all_codes().values()
    lines = [
        "# Error codes",
        "",
        "Every error of Watersmeet carries one of these codes: in `extensions.code` of a GraphQL error, or before the",
        "message of a command. `watersmeet error CODE` prints the same. Composition has its own page,",
        "[composition-codes.md](composition-codes.md). This page is made from the code (`make docs`).",
    ]
    for family in Family:
        members = [code for code in codes if code.family is family]
        if members:
            lines += ["", f"## For {family}", "", "| code | HTTP | meaning | mend |", "|---|---|---|---|"]
            lines += [f"| `{code.name}` | {code.status} | {code.meaning} | {code.remedy} |" for code in members]
    return "\n".join(lines) + "\n"

"""``extensions.provenance``: for every resource that an answer was read from, where its data come from (R18)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from catalog_sync.freshness import provenance_of
from gateway.building import Build
from gateway.preparation import Prepared
from gateway.server.answering import GraphQLRequest

ASKED_BY = "provenance"
"""The member of a request's ``extensions`` that asks for it: ``{"provenance": true}``."""


@dataclass(frozen=True, slots=True)
class ProvenanceTelling:
    """Which answers say where their data come from; ``data_times`` gives last real updates by resource code."""

    when: Literal["asked", "always"]
    data_times: Callable[[], Mapping[str, datetime]]

    def wanted(self, request: GraphQLRequest) -> bool:
        """Whether this answer is to say."""
        return self.when == "always" or request.extensions.get(ASKED_BY) is True

    def of(self, prepared: Prepared, build: Build, now: datetime) -> list[dict[str, object]]:
        """Provider, resource, version, data time, freshness and grant of each resource read, by resource code."""
        times = self.data_times()
        catalogue = build.governance().catalogue
        told = []
        for code, ground in sorted(prepared.grounds.items()):
            entry = catalogue.entry(code)
            if entry is not None:
                told.append(provenance_of(entry, times.get(str(entry.code)), now, ground.grant).as_json())
        return told

"""From who is asking to what that caller sees: the catalogue and one policy version, laid over one supergraph."""

import hashlib
from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING

from graphql import GraphQLSchema

from gateway.access.bindings import Bindings, Unbound, bind_catalogue
from gateway.access.caller_view import CallerView, Rights
from gateway.access.refusals import RefusalTexts
from gateway.access.row_checks import GroupCheck
from gateway.memo import Memo
from gateway.supergraph.api_schema import contract_schema
from gateway.supergraph.model import Supergraph
from policies.callers import Caller
from policies.views import AccessView

if TYPE_CHECKING:
    from catalog_sync.loading import Catalogue
    from policies.tables import PolicyTables

# Classes of callers and contracts remembered; a city has some thousand applications and far fewer distinct rights.
VIEWS_KEPT = 10_000
CONTRACTS_KEPT = 500


class Governance:
    """The catalogue and one policy version over one supergraph.

    ``apply`` is the address where refused callers apply, with ``{resource}`` in it. ``grouped`` are the resources of
    which aggregates tell.
    """

    def __init__(self, supergraph: Supergraph, catalogue: "Catalogue", tables: "PolicyTables", apply: str) -> None:
        self.catalogue = catalogue
        self.tables = tables
        self._supergraph = supergraph
        self._bindings: Bindings = bind_catalogue(supergraph, catalogue)
        self._served = _served(supergraph)
        self._types = _types(supergraph)
        self._groups = _groups(supergraph)
        self.grouped = frozenset(check.resource for check in self._groups.values())
        self._texts = RefusalTexts(catalogue, apply)
        self._views: Memo[str, CallerView] = Memo(VIEWS_KEPT)
        self._contracts: Memo[str, GraphQLSchema] = Memo(CONTRACTS_KEPT)
        self._callers: Memo[str, Caller] = Memo(VIEWS_KEPT)

    def with_tables(self, tables: "PolicyTables") -> "Governance":
        """The same supergraph and catalogue under another policy version; schemas made so far are kept."""
        changed = copy(self)
        changed.tables = tables
        changed._views = Memo(VIEWS_KEPT)
        changed._callers = Memo(VIEWS_KEPT)
        return changed

    @property
    def groups(self) -> Mapping[str, GroupCheck]:
        """The aggregate types, each with the smallest group that it may tell of."""
        return self._groups

    def types_by_resource(self) -> Mapping[str, frozenset[str]]:
        """The types bound to each resource."""
        return self._types

    @property
    def unbound(self) -> tuple[Unbound, ...]:
        """Fields that are withheld because no released catalogue entry covers them."""
        return self._bindings.unbound

    def resources_of(self, subgraph: str) -> frozenset[str]:
        """The codes of the resources that a subgraph serves some field of."""
        return self._served.get(subgraph, frozenset())

    def view_for(self, caller: Caller, now: datetime) -> CallerView:
        """What ``caller`` sees at ``now`` (UTC). The policy's own view says how long it holds."""
        access = self.tables.view(caller, now)
        view = self._views.young.get(access.digest) or self._views.get(access.digest)
        if view is None or view.rights is None or view.rights.view is not access:
            view = self._views.put(access.digest, self._build(access))
            self._callers.put(access.digest, caller)
        return view

    def caller_of(self, view: str) -> Caller | None:
        """One of the callers that saw the view of that digest, None if nobody lately has."""
        return self._callers.get(view)

    def _build(self, access: AccessView) -> CallerView:
        hidden = self._hidden(access)
        contract = hashlib.sha256("\n".join(sorted(hidden)).encode()).hexdigest()
        schema = self._contracts.get(contract)
        if schema is None:
            schema = self._contracts.put(contract, contract_schema(self._supergraph, hidden))
        rights = Rights(access, self._bindings, self._texts)
        return CallerView(access.digest, schema, contract, rights)

    def _hidden(self, access: AccessView) -> frozenset[str]:
        """Coordinates that do not exist for the caller: those that need an item it may neither read nor apply for."""
        hidden = {unbound.coordinate for unbound in self._bindings.unbound}
        for needs in (self._bindings.reads, self._bindings.filters):
            hidden.update(where for where, items in needs.items() if not all(map(access.listed, items)))
        return frozenset(hidden)


def _served(supergraph: Supergraph) -> dict[str, frozenset[str]]:
    served: dict[str, set[str]] = {name: set() for name in supergraph.subgraphs}
    for definition in supergraph.types.values():
        for field in definition.fields.values():
            code = field.resource or definition.resource
            if code is not None:
                for subgraph in field.sources or definition.sources:
                    served[subgraph].add(code)
    return {name: frozenset(codes) for name, codes in served.items()}


def _types(supergraph: Supergraph) -> dict[str, frozenset[str]]:
    types: dict[str, frozenset[str]] = {}
    for definition in supergraph.types.values():
        if definition.resource is not None:
            types[definition.resource] = types.get(definition.resource, frozenset()) | {definition.name}
    return types


def _groups(supergraph: Supergraph) -> dict[str, GroupCheck]:
    return {
        definition.name: GroupCheck(definition.resource, definition.aggregate.size, definition.aggregate.smallest)
        for definition in supergraph.types.values()
        if definition.aggregate is not None and definition.resource is not None
    }

"""The schema as one class of callers sees it, and what it may do there.

Everything that asks what a caller can see asks this value: validation, suggestions, planning, introspection, the
explorer. Callers with equal rights share one, so nothing in it names a caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import GraphQLSchema

from gateway.access.bindings import Bindings
from gateway.access.refusals import RefusalTexts
from gateway.planning.operation import Operation
from policies.views import AccessView, Entitlement


@dataclass(frozen=True, slots=True)
class Rights:
    """What decides for one class of callers: its view of the policy, over the bindings of one supergraph."""

    view: AccessView
    bindings: Bindings
    texts: RefusalTexts


@dataclass(frozen=True, slots=True)
class CallerView:
    """``digest`` is equal for callers with equal rights, ``contract`` for callers with equal schemas.

    ``rights`` is None where everything is permitted: plain federation.
    """

    digest: str
    schema: GraphQLSchema
    contract: str = ""
    rights: Rights | None = None


@dataclass(frozen=True, slots=True)
class Permitted:
    """An operation with its outcomes, and per resource the one entitlement that it uses.

    ``refused`` says that a part was refused. ``items`` are all that it reads or filters by, ``uses`` what it does with
    each, as the ledger has it; ``persons`` names the variables by which persons are looked up.
    """

    operation: Operation
    grounds: Mapping[str, Entitlement] = field(default_factory=dict)
    refused: bool = False
    items: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

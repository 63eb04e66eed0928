"""Prepared operation + caller + values -> BoundPlan: what one request adds, made just before it runs."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from gateway.access.contexts import SignedContexts, SubgraphSeal, require_statement
from gateway.execution.result import BoundPlan
from gateway.preparation import Prepared
from policies.callers import Caller


class CallsLeft(Protocol):
    """Knows how many operations of the day have used a grant; ``gateway.recording.OperationLedger`` is one."""

    def demand_calls_left(self, caller: Caller, prepared: Prepared, versions: tuple[str, str], request_id: str) -> None:
        """Raises CodedError GRANT_USED_UP."""
        ...


class Binding(Protocol):
    """Adds to a prepared operation what belongs to one request."""

    def bind(self, prepared: Prepared, values: Mapping[str, object]) -> BoundPlan:
        """The plan with the variables' values, ready to execute."""
        ...


class PlainBinding(msgspec.Struct, frozen=True):
    """Plain federation: nobody to vouch for, nothing to sign. ``timeout`` is in seconds."""

    timeout: float

    def bind(self, prepared: Prepared, values: Mapping[str, object]) -> BoundPlan:
        """See Binding."""
        return BoundPlan(prepared.compiled, values, timeout=self.timeout, show_subgraphs=True)


class GovernedBinding(msgspec.Struct, frozen=True):
    """A caller under policy: every subgraph request carries its signed context.

    ``versions`` are those of policy and graph, ``timeout`` is in seconds. A department that fails is named to everyone,
    since the public catalogue names it too.
    """

    caller: Caller
    versions: tuple[str, str]
    request_id: str
    seals: Mapping[str, SubgraphSeal]
    timeout: float
    calls: CallsLeft | None = None

    def bind(self, prepared: Prepared, values: Mapping[str, object]) -> BoundPlan:
        """See Binding. Raises CodedError STATEMENT_REQUIRED where the caller did not say what the data is for.

        And GRANT_USED_UP where a grant has no call left for this day.
        """
        require_statement(self.caller, prepared.standing)
        if self.calls is not None and prepared.standing.ceilings:
            self.calls.demand_calls_left(self.caller, prepared, self.versions, self.request_id)
        signer = SignedContexts(self.caller, self.versions[0], self.request_id, prepared.standing, self.seals)
        return BoundPlan(prepared.compiled, values, signer=signer, timeout=self.timeout, show_subgraphs=True)

"""What the rights on which an operation stands mean for each of its requests, worked out once."""

from collections.abc import Collection, Mapping

from policies.call_ceilings import Ceilings
from policies.callers import Caller
from policies.context import ResourceScope, encoded_members
from policies.lines import time_text
from policies.row_filters import bind_caller
from policies.views import Entitlement

TERMS = "For this purpose alone; not to be passed on. 仅限上述用途，不得转供他人。"
"""The notice in both languages at once: it goes on with the data to readers whose language nobody asked."""


class Standing:
    """The grounds of a prepared operation, by resource.

    ``rules`` and ``grants`` are theirs, as the ledger has them. ``needs_record`` says that its answer must not be given
    without a record, ``limits_rows`` that rows are to be looked at again; ``stated_for`` are the resources for which
    purpose, case and officer must be stated. ``ceilings`` are those of the grants, ``terms`` what their answers say.
    """

    __slots__ = (
        "_grounds", "_told", "ceilings", "grants", "limits_rows", "needs_record", "rules", "stated_for", "terms"
    )  # fmt: skip

    def __init__(self, grounds: Mapping[str, Entitlement]) -> None:
        each = grounds.values()
        self.rules = tuple(sorted({rule for ground in each for rule in ground.rule_ids}))
        self.grants = tuple(sorted({ground.grant for ground in each if ground.grant}))
        self.needs_record = any(ground.grant or ground.statement_required for ground in each)
        self.limits_rows = any(ground.row_filter for ground in each)
        self.stated_for = sorted(resource for resource, ground in grounds.items() if ground.statement_required)
        most = {ground.grant: ground.calls_per_day for ground in each if ground.grant and ground.calls_per_day}
        self.ceilings: Ceilings = tuple(sorted(most.items()))
        self.terms = tuple(_terms(ground) for _, ground in sorted(grounds.items()) if ground.grant)
        self._grounds = grounds
        self._told: dict[tuple[str, str], str] = {}

    def told(self, subgraph: str, resources: Collection[str], policy_version: str, caller: Caller) -> str:
        """What a subgraph that serves ``resources`` is told of the grounds, as ``encoded_members``."""
        told = self._told.get((subgraph, policy_version))
        if told is None:
            served = [ground for resource, ground in self._grounds.items() if resource in resources]
            scopes = tuple(_scope(ground, caller) for ground in served)
            told = encoded_members({"policy_version": policy_version, "resources": scopes})
            if all(scope.row_filter is ground.row_filter for scope, ground in zip(scopes, served, strict=True)):
                self._told[subgraph, policy_version] = told  # no condition looks at the caller
        return told


def _terms(ground: Entitlement) -> Mapping[str, object]:
    """What goes with data that a grant gives (R44)."""
    return {
        "grant": ground.grant,
        "resource": ground.resource,
        "purpose": ground.purpose,
        "until": time_text(ground.granted_until) if ground.granted_until is not None else None,
        "terms": TERMS,
    }


def _scope(entitlement: Entitlement, caller: Caller) -> ResourceScope:
    return ResourceScope(
        resource=entitlement.resource,
        rows=entitlement.rows,
        row_filter=None if entitlement.row_filter is None else bind_caller(entitlement.row_filter, caller),
        masks=dict(entitlement.masks),
        verify_only=tuple(sorted(entitlement.verify_only)),
        rules=entitlement.rule_ids,
        grant=entitlement.grant,
    )

"""What the rights on which an operation stands mean for each of its requests, worked out once."""

from collections.abc import Collection, Mapping

from policies.callers import Caller
from policies.context import ResourceScope, encoded_members
from policies.row_filters import bind_caller
from policies.views import Entitlement


class Standing:
    """The grounds of a prepared operation, by resource.

    ``rules`` and ``grants`` are theirs, as the ledger has them. ``needs_record`` says that its answer must not be given
    without a record, ``limits_rows`` that rows are to be looked at again; ``stated_for`` are the resources for which
    purpose, case and officer must be stated.
    """

    __slots__ = ("_grounds", "_told", "grants", "limits_rows", "needs_record", "rules", "stated_for")

    def __init__(self, grounds: Mapping[str, Entitlement]) -> None:
        each = grounds.values()
        self.rules = tuple(sorted({rule for ground in each for rule in ground.rule_ids}))
        self.grants = tuple(sorted({ground.grant for ground in each if ground.grant}))
        self.needs_record = any(ground.grant or ground.statement_required for ground in each)
        self.limits_rows = any(ground.row_filter for ground in each)
        self.stated_for = sorted(resource for resource, ground in grounds.items() if ground.statement_required)
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

"""What a subgraph is told of an operation's grounds is worked out once, unless it depends on who asks."""

from base64 import b64decode
from datetime import UTC, datetime

import msgspec

from gateway.access.standing import Standing
from policies.callers import Caller, CallerKind
from policies.context import ResourceScope, encoded_members
from policies.row_filters import NO_ROWS, CallerValue, Equals, RowFilter
from policies.views import Entitlement

RESIDENT = "30700503/1"


def ground(condition: RowFilter | None, resource: str = RESIDENT) -> Entitlement:
    never = datetime.max.replace(tzinfo=UTC)
    return Entitlement(resource, ("Q-1.1", "T-gov"), "rows:own", condition, {}, frozenset(), "Q-1", (), never)


def caller_of(department: str | None) -> Caller:
    return Caller(CallerKind.APPLICATION, "app:portal", department)


def told_scopes(standing: Standing, caller: Caller, version: str = "7") -> list[ResourceScope]:
    members = b64decode(standing.told("police", {RESIDENT}, version, caller)).rstrip(b" ,")
    told = msgspec.json.decode(b"{%b}" % members)
    assert told["policy_version"] == version
    return msgspec.convert(told["resources"], list[ResourceScope])


def test_a_condition_by_the_callers_own_value_is_told_to_each_caller_with_its_own() -> None:
    standing = Standing({RESIDENT: ground(Equals("provider", CallerValue("department")))})
    for department in ("welfare", "housing", "welfare"):
        (scope,) = told_scopes(standing, caller_of(department))
        assert scope.row_filter == Equals("provider", department)
    (scope,) = told_scopes(standing, caller_of(None))
    assert scope.row_filter == NO_ROWS


def test_what_does_not_depend_on_the_caller_is_worked_out_once_for_each_policy_version() -> None:
    standing = Standing({RESIDENT: ground(Equals("divisionCode", "500103")), "1/1": ground(None, "1/1")})
    first = standing.told("police", {RESIDENT}, "7", caller_of("welfare"))
    assert standing.told("police", {RESIDENT}, "7", caller_of("housing")) is first
    assert first != standing.told("police", {RESIDENT}, "8", caller_of("welfare"))
    assert first != encoded_members({"policy_version": "7", "resources": ()})


def test_rules_and_grants_are_named_once_and_in_order() -> None:
    standing = Standing({RESIDENT: ground(None), "1/1": ground(None, "1/1")})
    assert (standing.rules, standing.grants, standing.needs_record) == (("Q-1.1", "T-gov"), ("Q-1",), True)
    assert not standing.limits_rows
    nothing = Standing({})
    assert (nothing.rules, nothing.grants, nothing.needs_record, nothing.stated_for) == ((), (), False, [])

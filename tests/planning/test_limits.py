"""No operation, however made, takes planning beyond its budget."""

import pytest
from graphql import parse

from benchmarks.planning import key_chain, many_choices, recursive_entity, wide_interface
from gateway.errors import PLAN_LIMIT, CodedError
from gateway.planning import search
from gateway.planning.normalize import normalize
from gateway.planning.planner import Planner
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph


def planned(sdl: str, query: str) -> int:
    model = read_supergraph(sdl)
    schema = api_schema(model)
    return len(Planner(model).plan(normalize(schema, parse(query), None, {}), schema).fetches)


def test_a_recursive_entity_shared_by_many_subgraphs_is_planned_once_per_set_and_place() -> None:
    assert planned(*recursive_entity(5, 6)) == 5


def test_implementers_nested_in_one_another_are_planned_without_multiplying_requests() -> None:
    assert planned(*wide_interface(6, 3)) == 2


def test_a_long_chain_of_keys_is_walked_link_by_link() -> None:
    assert planned(*key_chain(12)) == 12


def test_many_fields_with_many_homes_each_are_chosen_for_together() -> None:
    assert planned(*many_choices(6, 20)) <= 12


def test_the_search_stops_at_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_STATES", 50)
    with pytest.raises(CodedError) as error:
        planned(*recursive_entity(5, 6))
    assert error.value.code is PLAN_LIMIT


@pytest.mark.parametrize(("depth", "outcomes"), [(20, {"1"}), (90, {"1"}), (160, {"1", "PLAN_LIMIT"})])
def test_an_operation_nested_beyond_reason_is_planned_or_refused_but_never_crashes(
    depth: int, outcomes: set[str]
) -> None:
    query = "f1"
    for _ in range(depth):
        query = f"next {{ {query} }}"
    assert outcome(recursive_entity(2, 1)[0], f"{{ node {{ {query} }} }}") in outcomes


def outcome(sdl: str, query: str) -> str:
    try:
        return str(planned(sdl, query))
    except CodedError as error:
        return error.code.name

"""Keys and inputs without a value: what can be asked is asked, nothing is computed from what failed."""

from typing import Any

import pytest

from gateway.supergraph.api_schema import api_schema
from tests.execution.subgraphs import ScriptedSubgraphs, answer, told
from tests.planning.plans import plan, supergraph

LAND = supergraph(
    "land tax roads",
    """
    type Query @type(LAND) @type(TAX) @type(ROADS) { parcels: [Parcel] @in(LAND) }
    type Parcel @type(LAND, key: "no sheet") @type(TAX, key: "no sheet") @type(ROADS, key: "no sheet") {
      no: ID!
      sheet: String
      value: Int @in(LAND) @in(TAX, external: true)
      width: Int @in(ROADS) @in(TAX, external: true)
      tax: Int @in(TAX, requires: "value width")
      fee: Int @in(TAX, requires: "value")
      account: String @in(TAX)
    }
    """,
)
SCHEMA = api_schema(LAND)


def entities(*rows: dict[str, Any] | None, **errors: Any) -> dict[str, Any]:
    """An answer to one ``_entities`` selection."""
    return {"data": {"_entities": list(rows)}, **errors}


async def test_a_part_of_a_key_may_be_null() -> None:
    subgraphs = ScriptedSubgraphs(
        {
            "land": [{"data": {"parcels": [{"no": "1", "sheet": None}]}}],
            "roads": [entities({"width": 4})],
        }
    )

    data, errors = told(await answer(plan(LAND, "{ parcels { width } }"), SCHEMA, subgraphs))

    assert (data, errors) == ({"parcels": [{"width": 4}]}, [])
    assert subgraphs.requests[1][1]["variables"]["representations"] == [
        {"__typename": "Parcel", "no": "1", "sheet": None}
    ]


async def test_a_field_whose_input_failed_fails_with_it_and_its_neighbours_do_not() -> None:
    parcels = [{"no": "1", "sheet": "A", "value": 5}, {"no": "2", "sheet": "A", "value": None}]
    failed = [{"message": "no register", "path": ["parcels", 1, "value"]}]
    subgraphs = ScriptedSubgraphs(
        {
            "land": [{"data": {"parcels": parcels}, "errors": failed}],
            "tax": [entities({"fee": 20, "account": "X"}, {"fee": 99, "account": "Y"})],
        }
    )

    data, errors = told(await answer(plan(LAND, "{ parcels { fee account } }"), SCHEMA, subgraphs))

    assert data == {"parcels": [{"fee": 20, "account": "X"}, {"fee": None, "account": "Y"}]}
    assert errors == [("SUBGRAPH_FAILED", ["parcels", 1, "fee"])]


async def test_a_field_that_needs_what_failed_is_not_asked_for_alone() -> None:
    failed = [{"message": "no register", "path": ["parcels", 0, "value"]}]
    subgraphs = ScriptedSubgraphs(
        {
            "land": [{"data": {"parcels": [{"no": "1", "sheet": "A", "value": None}]}, "errors": failed}],
            "roads": [entities({"width": 4})],
        }
    )

    data, errors = told(await answer(plan(LAND, "{ parcels { tax } }"), SCHEMA, subgraphs))

    assert (data, errors) == ({"parcels": [{"tax": None}]}, [("SUBGRAPH_FAILED", ["parcels", 0, "tax"])])


async def test_an_input_that_nobody_knows_counts_as_null() -> None:
    subgraphs = ScriptedSubgraphs(
        {
            "land": [{"data": {"parcels": [{"no": "1", "sheet": "A", "value": 5}]}}],
            "roads": [entities(None)],
            "tax": [entities({"tax": 1})],
        }
    )

    data, errors = told(await answer(plan(LAND, "{ parcels { tax } }"), SCHEMA, subgraphs))

    assert (data, errors) == ({"parcels": [{"tax": 1}]}, [])
    (sent,) = subgraphs.requests[2][1]["variables"]["representations"]
    assert sent == {"__typename": "Parcel", "no": "1", "sheet": "A", "value": 5, "width": None}


@pytest.mark.parametrize("no", [None, ["1"], {"id": "1"}, 1.5, True])
async def test_an_object_whose_key_cannot_be_right_is_not_asked_for_and_its_fields_are_an_error(no: object) -> None:
    parcels = [{"no": no, "sheet": "A"}, {"no": "2", "sheet": "B"}]
    subgraphs = ScriptedSubgraphs({"land": [{"data": {"parcels": parcels}}], "roads": [entities({"width": 4})]})

    data, errors = told(await answer(plan(LAND, "{ parcels { width } }"), SCHEMA, subgraphs))

    assert (data, errors) == (
        {"parcels": [{"width": None}, {"width": 4}]}, [("SUBGRAPH_MALFORMED", ["parcels", 0, "width"])]
    )  # fmt: skip
    assert [each["no"] for each in subgraphs.requests[1][1]["variables"]["representations"]] == ["2"]

"""@fromContext: an argument of an entity's field takes its value from an ancestor."""

from dataclasses import replace

from graphql import build_schema

from gateway.planning.plan import ContextValue, QueryPlan, RepresentationField
from tests.execution.plans import Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, told

SCHEMA = build_schema("""
    type Query { users: [User!] }
    type User { currency: String cart: [Item!] }
    type Item { id: ID! price: String }
""")


def _priced_by_currency() -> QueryPlan:
    """Prices of items take the currency of their user."""
    priced = plan(
        SCHEMA,
        "{ users { cart { price } } }",
        Root("users", "{ users { currency cart { id } } }"),
        entities("prices", "Item", "users.cart", "id", "{ price }", after=(0,)),
    )
    context = ContextValue("c0", 1, (RepresentationField("currency", "currency"),))
    request = replace(priced.fetches[1].entities[0], context=(context,))
    return replace(priced, fetches=(priced.fetches[0], replace(priced.fetches[1], entities=(request,))))


async def test_targets_whose_ancestors_differ_are_asked_apart() -> None:
    """Two users, two currencies: the same item is priced in each."""
    priced = _priced_by_currency()
    users = [
        {"currency": "CNY", "cart": [{"id": "1"}, {"id": "2"}]},
        {"currency": "EUR", "cart": [{"id": "1"}]},
        {"currency": "CNY", "cart": [{"id": "1"}]},
    ]
    subgraphs = ScriptedSubgraphs(
        {
            "users": [{"data": {"users": users}}],
            "prices": [lambda sent: {"e0": [{"price": f"{each['id']} {sent['c0']}"} for each in sent["r0"]]}],
        }
    )

    data, errors = told(await answer(priced, SCHEMA, subgraphs))

    assert errors == []
    assert [[item["price"] for item in user["cart"]] for user in data["users"]] == [
        ["1 CNY", "2 CNY"],
        ["1 EUR"],
        ["1 CNY"],
    ]
    assert [(sent["variables"]["c0"], len(sent["variables"]["r0"])) for _, sent in subgraphs.requests[1:]] == [
        ("CNY", 2),
        ("EUR", 1),
    ]


async def test_nothing_is_computed_from_a_context_that_failed() -> None:
    failed = [{"message": "no rates", "path": ["users", 0, "currency"]}]
    subgraphs = ScriptedSubgraphs(
        {"users": [{"data": {"users": [{"currency": None, "cart": [{"id": "1"}]}]}, "errors": failed}]}
    )

    data, errors = told(await answer(_priced_by_currency(), SCHEMA, subgraphs))

    assert data == {"users": [{"cart": [{"price": None}]}]}
    assert errors == [("SUBGRAPH_FAILED", ["users", 0, "cart", 0, "price"])]

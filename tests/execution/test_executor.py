"""What the executor asks of subgraphs, and the answer it makes of theirs."""

import json

from graphql import build_schema

from gateway.errors import SUBGRAPH_UNREACHABLE, CodedError
from tests.execution.plans import Entities, EntityFetch, Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, by_key

SHOP = build_schema("""
    type Query { products: [Product] me: User }
    type Product { upc: ID! name: String price: Int stock: Int reviews: [Review!] }
    type Review { body: String author: User! }
    type User { id: ID! name: String birthday: Int! }
""")


async def test_an_entity_fetch_fills_the_objects_of_its_parent() -> None:
    shop = plan(
        SHOP,
        "{ products { name stock } }",
        Root("products", "{ products { upc name } }"),
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "products": [{"data": {"products": [{"upc": "1", "name": "Table"}, None, {"upc": "2", "name": "Chair"}]}}],
            "inventory": [by_key("r0", "upc", **{"1": {"stock": 7}, "2": {"stock": 0}})],
        }
    )

    result = await answer(shop, SHOP, subgraphs)

    assert result.encode() == (b'{"data":{"products":[{"name":"Table","stock":7},null,{"name":"Chair","stock":0}]}}')
    assert subgraphs.requests[1] == (
        "inventory",
        {
            "query": "query($r0: [_Any!]!) { e0: _entities(representations: $r0) { ... on Product { stock } } }",
            "variables": {"r0": [{"__typename": "Product", "upc": "1"}, {"__typename": "Product", "upc": "2"}]},
        },
    )


async def test_equal_representations_are_sent_once_and_answer_every_place() -> None:
    shop = plan(
        SHOP,
        "{ me { name } products { reviews { author { name } } } }",
        Root("reviews", "{ me { id } products { reviews { author { id } } } }"),
        entities("accounts", "User", "me products.reviews.author", "id", "{ name }", after=(0,)),
    )
    reviews = [{"author": {"id": "a"}}, {"author": {"id": "b"}}, {"author": {"id": "a"}}]
    subgraphs = ScriptedSubgraphs(
        {
            "reviews": [{"data": {"me": {"id": "b"}, "products": [{"reviews": reviews}]}}],
            "accounts": [by_key("r0", "id", a={"name": "Ann"}, b={"name": "Bo"})],
        }
    )

    result = await answer(shop, SHOP, subgraphs)

    ann, bo = {"author": {"name": "Ann"}}, {"author": {"name": "Bo"}}
    assert json.loads(result.encode()) == {"data": {"me": {"name": "Bo"}, "products": [{"reviews": [ann, bo, ann]}]}}
    assert [each["id"] for each in subgraphs.requests[1][1]["variables"]["r0"]] == ["b", "a"]  # type: ignore[index]


async def test_a_fetch_that_fails_leaves_null_and_one_error_at_its_first_place() -> None:
    shop = plan(
        SHOP,
        "{ products { name stock } }",
        Root("products", "{ products { upc name } }"),
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "products": [{"data": {"products": [{"upc": "1", "name": "Table"}, {"upc": "2", "name": "Chair"}]}}],
            "inventory": [CodedError(SUBGRAPH_UNREACHABLE, "connection refused by 10.0.0.7")],
        }
    )

    result = await answer(shop, SHOP, subgraphs)

    assert json.loads(result.encode()) == {
        "data": {"products": [{"name": "Table", "stock": None}, {"name": "Chair", "stock": None}]},
        "errors": [
            {
                "message": "A subgraph could not be reached or broke off its answer.",
                "path": ["products", 0, "stock"],
                "extensions": {"code": "SUBGRAPH_UNREACHABLE"},
            }
        ],
    }


async def test_two_entity_types_travel_in_one_request() -> None:
    shop = plan(
        SHOP,
        "{ me { name } products { stock } }",
        Root("edge", "{ me { id } products { upc } }"),
        EntityFetch(
            "store",
            (0,),
            (
                Entities("User", "me", "id", "{ name }"),
                Entities("Product", "products", "upc", "{ stock }"),
            ),
        ),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "edge": [{"data": {"me": {"id": "a"}, "products": []}}],
            "store": [{"data": {"e0": [{"name": "Ann"}], "e1": []}}],
        }
    )

    result = await answer(shop, SHOP, subgraphs)

    assert json.loads(result.encode()) == {"data": {"me": {"name": "Ann"}, "products": []}}
    assert len(subgraphs.requests) == 2

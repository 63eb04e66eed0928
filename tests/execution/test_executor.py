"""What the executor asks of subgraphs, and the answer it makes of theirs."""

import asyncio
import json

import pytest
from graphql import build_schema, parse

from gateway.errors import ErrorCode, Family
from gateway.execution import subgraph_request
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan
from gateway.planning.operation import OperationKind, Refused
from gateway.planning.plan import FieldProjection, QueryPlan
from tests.execution.plans import Entities, EntityFetch, Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, by_key, told

SHOP = build_schema("""
    type Query { products: [Product] me: User pets: [Pet] }
    type Mutation { a: Int b: Int c: Int }
    type Product { upc: ID! name: String price: Float stock: Int reviews: [Review!] }
    type Review { body: String author: User! }
    type User { id: ID! name: String birthday: Int! }
    interface Pet { id: ID! name: String }
    type Dog implements Pet { id: ID! name: String barks: Boolean }
    type Cat implements Pet { id: ID! name: String lives: Int }
""")
PRODUCTS = Root("products", "{ products { upc name } }")


async def test_an_entity_fetch_fills_the_objects_of_its_parent() -> None:
    shop = plan(
        SHOP,
        "{ products { name stock } }",
        PRODUCTS,
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "products": [{"data": {"products": [{"upc": "1", "name": "Table"}, None, {"upc": "2", "name": "Chair"}]}}],
            "inventory": [by_key("upc", {"1": {"stock": 7}, "2": {"stock": 0}})],
        }
    )

    result = await answer(shop, SHOP, subgraphs)

    assert result.encode() == b'{"data":{"products":[{"name":"Table","stock":7},null,{"name":"Chair","stock":0}]}}'
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
            "accounts": [by_key("id", {"a": {"name": "Ann"}, "b": {"name": "Bo"}})],
        }
    )

    data, _ = told(await answer(shop, SHOP, subgraphs))

    ann, bo = {"author": {"name": "Ann"}}, {"author": {"name": "Bo"}}
    assert data == {"me": {"name": "Bo"}, "products": [{"reviews": [ann, bo, ann]}]}
    assert [each["id"] for each in subgraphs.requests[1][1]["variables"]["r0"]] == ["b", "a"]


async def test_two_entity_types_travel_in_one_request() -> None:
    requests = (
        Entities("User", "me", "id", "{ name }"),
        Entities("Product", "products", "upc", "{ stock }"),
    )
    shop = plan(
        SHOP,
        "{ me { name } products { stock } }",
        Root("edge", "{ me { id } products { upc } }"),
        EntityFetch("store", (0,), requests),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "edge": [{"data": {"me": {"id": "a"}, "products": []}}],
            "store": [{"data": {"e0": [{"name": "Ann"}], "e1": []}}],
        }
    )

    data, _ = told(await answer(shop, SHOP, subgraphs))

    assert data == {"me": {"name": "Ann"}, "products": []}
    assert len(subgraphs.requests) == 2


async def test_nothing_is_asked_about_nothing() -> None:
    shop = plan(
        SHOP,
        "{ products { stock } }",
        Root("products", "{ products { upc } }"),
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs({"products": [{"data": {"products": [None]}}], "inventory": []})

    data, errors = told(await answer(shop, SHOP, subgraphs))

    assert (data, errors) == ({"products": [None]}, [])
    assert [subgraph for subgraph, _ in subgraphs.requests] == ["products"]


async def test_a_row_whose_key_is_null_is_left_out_and_the_others_survive() -> None:
    schema = build_schema("type Query { rows: [Row] } type Row { key: ID name: String }")
    rows = plan(
        schema,
        "{ rows { name } }",
        Root("a", "{ rows { key } }"),
        entities("b", "Row", "rows", "key", "{ name }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs(
        {"a": [{"data": {"rows": [{"key": "1"}, {"key": None}]}}], "b": [by_key("key", {"1": {"name": "one"}})]}
    )

    assert told(await answer(rows, schema, subgraphs)) == ({"rows": [{"name": "one"}, {"name": None}]}, [])


async def test_an_entity_unknown_to_its_subgraph_is_null_where_it_may_be() -> None:
    shop = plan(
        SHOP,
        "{ products { name stock } }",
        PRODUCTS,
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "products": [{"data": {"products": [{"upc": "1", "name": "Table"}]}}],
            "inventory": [{"data": {"e0": [None]}}],
        }
    )

    assert told(await answer(shop, SHOP, subgraphs)) == ({"products": [{"name": "Table", "stock": None}]}, [])


async def test_a_fetch_begins_when_its_own_dependencies_are_done_and_not_later() -> None:
    """Inventory follows products alone; accounts, which never answers, holds nobody up."""
    schema = build_schema("type Query { slow: Int products: [Product] } type Product { upc: ID! stock: Int }")
    shop = plan(
        schema,
        "{ slow products { stock } }",
        Root("accounts", "{ slow }"),
        Root("products", "{ products { upc } }"),
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(1,)),
    )

    subgraphs = ScriptedSubgraphs(
        {
            "accounts": [asyncio.Event()],
            "products": [{"data": {"products": [{"upc": "1"}]}}],
            "inventory": [{"data": {"e0": [{"stock": 1}]}}],
        }
    )

    data, errors = told(await answer(shop, schema, subgraphs, timeout=0.5))

    assert data == {"slow": None, "products": [{"stock": 1}]}
    assert errors == [("SUBGRAPH_TIMED_OUT", ["slow"])]


async def test_mutations_run_one_after_another_even_if_one_fails() -> None:
    writes = plan(
        SHOP,
        "mutation { a b c }",
        Root("one", "{ a }"),
        Root("two", "{ b }", after=(0,)),
        Root("one", "{ c }", after=(1,)),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "one": [{"data": {"a": 1}}, {"data": {"c": 3}}],
            "two": [{"data": {"b": None}, "errors": [{"message": "full", "path": ["b"]}]}],
        }
    )

    data, errors = told(await answer(writes, SHOP, subgraphs))

    assert data == {"a": 1, "b": None, "c": 3}
    assert errors == [("SUBGRAPH_FAILED", ["b"])]
    assert [request["query"] for _, request in subgraphs.requests] == [
        "mutation { a }",
        "mutation { b }",
        "mutation { c }",
    ]


async def test_variables_go_only_where_they_are_used_and_only_if_they_have_a_value() -> None:
    shop = plan(SHOP, "{ me { name } }", Root("accounts", "{ me { name } }", variables=("v1", "v2")))
    subgraphs = ScriptedSubgraphs({"accounts": [{"data": {"me": None}}]})

    await answer(shop, SHOP, subgraphs, variables={"v0": 1, "v1": {"deep": [None]}})

    assert subgraphs.requests[0][1]["variables"] == {"v1": {"deep": [None]}}


async def test_the_answer_has_the_order_and_the_names_of_the_selection() -> None:
    shop = plan(
        SHOP,
        "{ pets { ... on Dog { barks } kind: __typename name ... on Cat { lives __typename } } }",
        Root("pets", "{ pets { __typename name ... on Dog { barks } ... on Cat { lives } } }"),
    )
    pets = [{"lives": 9, "name": "Tom", "__typename": "Cat"}, {"__typename": "Dog", "name": None, "barks": True}]
    subgraphs = ScriptedSubgraphs({"pets": [{"data": {"pets": pets}}]})

    result = await answer(shop, SHOP, subgraphs)

    assert result.encode() == (
        b'{"data":{"pets":[{"kind":"Cat","name":"Tom","lives":9,"__typename":"Cat"},'
        b'{"barks":true,"kind":"Dog","name":null}]}}'
    )


async def test_an_empty_selection_answers_an_empty_object() -> None:
    shop = plan(SHOP, "{ me { name } }", Root("accounts", "{ me { __typename } }"))
    empty = QueryPlan(
        shop.kind,
        shop.root_type,
        shop.fetches,
        (FieldProjection("me", "me", SHOP.type_map["User"], "Query", "me"),),  # type: ignore[arg-type]
    )
    subgraphs = ScriptedSubgraphs({"accounts": [{"data": {"me": {"__typename": "User"}}}]})

    assert (await answer(empty, SHOP, subgraphs)).encode() == b'{"data":{"me":{}}}'


async def test_more_representations_than_one_call_may_hold_travel_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subgraph_request, "MAX_REPRESENTATIONS", 2)
    shop = plan(
        SHOP,
        "{ products { stock } }",
        Root("products", "{ products { upc } }"),
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    stock = {str(upc): {"stock": upc} for upc in range(5)}
    subgraphs = ScriptedSubgraphs(
        {
            "products": [{"data": {"products": [{"upc": upc} for upc in stock]}}],
            "inventory": [by_key("upc", stock)],
        }
    )

    data, _ = told(await answer(shop, SHOP, subgraphs))

    assert [each["stock"] for each in data["products"]] == [0, 1, 2, 3, 4]
    assert [len(request["variables"]["r0"]) for name, request in subgraphs.requests if name == "inventory"] == [2, 2, 1]


async def test_a_refused_field_is_null_with_its_reason_once() -> None:
    code = ErrorCode("GRANT_REQUIRED", Family.ACCESS, "No grant.", "Apply.", 403)
    refused = {"Product.price": Refused(code, "Apply for the price at desk 7.", (("resource", "R-1"),))}
    shop = plan(SHOP, "{ products { name price } }", Root("products", "{ products { name } }"), outcomes=refused)
    subgraphs = ScriptedSubgraphs({"products": [{"data": {"products": [{"name": "Table"}, {"name": "Chair"}]}}]})

    answered = json.loads((await answer(shop, SHOP, subgraphs)).encode())

    assert answered["data"]["products"] == [{"name": "Table", "price": None}, {"name": "Chair", "price": None}]
    assert answered["errors"] == [
        {
            "message": "Apply for the price at desk 7.",
            "path": ["products", 0, "price"],
            "extensions": {"code": "GRANT_REQUIRED", "resource": "R-1"},
        }
    ]


async def test_introspection_is_answered_from_the_callers_schema() -> None:
    document = parse("query($v0: String!) { __type(name: $v0) { name fields { name } } }")
    string = SHOP.type_map["String"]
    asked = QueryPlan(
        OperationKind.QUERY,
        "Query",
        (),
        (
            FieldProjection("root", "__typename", string, "Query", "__typename", constant="Query"),  # type: ignore[arg-type]
            FieldProjection("__type", "__type", SHOP.type_map["User"], "Query", "__type"),  # type: ignore[arg-type]
        ),
        document,
    )
    nobody = ScriptedSubgraphs({})

    seen, _ = told(await answer(asked, SHOP, nobody, variables={"v0": "Cat"}))
    unseen, _ = told(await answer(asked, SHOP, nobody, variables={"v0": "Secret"}))

    names = [{"name": "id"}, {"name": "name"}, {"name": "lives"}]
    assert seen == {"root": "Query", "__type": {"name": "Cat", "fields": names}}
    assert unseen == {"root": "Query", "__type": None}


async def test_each_request_is_signed_for_its_own_subgraph_and_body() -> None:
    class Signer:
        def headers_for(self, subgraph: str, body: bytes) -> tuple[tuple[str, str], ...]:
            return (("signature", f"{subgraph} {len(body)}"),)

    shop = plan(SHOP, "{ me { name } }", Root("accounts", "{ me { name } }"))
    subgraphs = ScriptedSubgraphs({"accounts": [{"data": {"me": None}}]})

    await execute(BoundPlan(compile_plan(shop, SHOP), signer=Signer()), subgraphs)

    body = b'{"query":"query { me { name } }"}'
    assert subgraphs.headers == [(("signature", f"accounts {len(body)}"),)]

"""Where the compiled form could go wrong, and when it is used at all. Its answers are held by the property tests."""

import asyncio
from typing import Any

import pytest
from graphql import build_schema

from gateway.execution import compiled as compiled_plans
from gateway.execution.compilation.code import MOST_LINES
from gateway.execution.compilation.form import CompiledForm
from gateway.execution.compilation.shapes import NotCoveredError
from gateway.execution.compiled import COMPILED_AT_RUN, MISMATCHES_TO_GIVE_UP, compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan, Result
from gateway.planning.plan import QueryPlan
from tests.execution.plans import Entities, EntityFetch, Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, by_key, told, warm_plan

SDL = """
    type Query { products: [Product] found: [Found] }
    type Product { upc: ID! sku: ID! size: Size price: Float name: String stock: Int shipping: Int }
    type Size { w: Int h: Int }
    type Shop { id: ID! name: String }
    union Found = Product | Shop
"""
SCHEMA = build_schema(SDL)


async def test_a_plan_is_interpreted_until_it_proves_to_be_used_and_its_form_is_made_beside_the_event_loop() -> None:
    compiled = compile_plan(plan(SCHEMA, "{ products { name } }", Root("a", "{ products { name } }")), SCHEMA)
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"products": [{"name": "Table"}]}}]})

    interpreted = [await execute(BoundPlan(compiled), subgraphs) for _ in range(COMPILED_AT_RUN)]
    await asyncio.get_running_loop().shutdown_default_executor()
    by_form = await execute(BoundPlan(compiled), subgraphs)

    assert [result.encoded is not None for result in (*interpreted, by_form)] == [False] * COMPILED_AT_RUN + [True]
    assert len({result.encode() for result in (*interpreted, by_form)}) == 1


async def test_a_form_that_mostly_hands_over_is_given_up_for_a_time() -> None:
    """Its subgraph writes IDs as numbers, which is allowed, but not what the structures expect."""
    compiled = warm_plan(plan(SCHEMA, "{ products { upc } }", Root("a", "{ products { upc } }")), SCHEMA)
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"products": [{"upc": 7}]}}]})

    assert compiled.form() is not None
    for _ in range(MISMATCHES_TO_GIVE_UP):
        assert (await execute(BoundPlan(compiled), subgraphs)).encode() == b'{"data":{"products":[{"upc":"7"}]}}'
    assert compiled.form() is None
    for _ in range(compiled_plans.RECOMPILED_AFTER_RUNS):
        compiled.form()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert compiled.form() is not None


async def test_the_oldest_forms_make_room_and_come_back_by_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_plans, "FORMS", compiled_plans.FormBudget(5))
    made = plan(SCHEMA, "{ products { name } }", Root("a", "{ products { name } }"))
    first, second, third = (warm_plan(made, SCHEMA) for _ in range(3))

    held = [each.form() is not None for each in (first, second, third)]
    for _ in range(compiled_plans.RECOMPILED_AFTER_RUNS):
        first.form()
    await asyncio.get_running_loop().shutdown_default_executor()

    assert held == [False, True, True]
    assert first.form() is not None
    assert second.form() is None


async def test_no_function_of_a_large_form_is_long_since_nothing_else_runs_while_python_compiles_it() -> None:
    lists = [f"p{number}" for number in range(120)]
    made = plan(
        SCHEMA,
        "{ " + " ".join(f"{each}: products {{ name }}" for each in lists) + " }",
        Root("a", "{ " + " ".join(f"{each}: products {{ upc }}" for each in lists) + " }"),
        entities("b", "Product", " ".join(lists), "upc", "{ name }", after=(0,)),
    )
    products = {each: [{"upc": each}, {"upc": "0"}] for each in lists}
    names: dict[str, dict[str, Any] | None] = {upc: {"name": f"name of {upc}"} for upc in (*lists, "0")}
    subgraphs = ScriptedSubgraphs({"a": [{"data": products}], "b": [by_key("upc", names)]})

    data, _ = told(await answer(made, SCHEMA, subgraphs))

    assert data == {each: [names[each], names["0"]] for each in lists}
    form = warm_plan(made, SCHEMA).form()
    assert form is not None
    lengths = [function.count("\n") for function in form.source.split("def ")]
    assert sum(lengths) > 5 * MOST_LINES
    assert max(lengths) < 2 * MOST_LINES


async def test_keys_that_the_client_did_not_select_are_not_answered() -> None:
    """upc is read by one fetch, sku by two that begin together, price by one after another."""
    shop = plan(
        SCHEMA,
        "{ products { name stock shipping } }",
        Root("products", "{ products { __typename upc sku price } }"),
        entities("names", "Product", "products", "upc sku", "{ name }", after=(0,)),
        entities("stocks", "Product", "products", "sku", "{ stock }", after=(0,)),
        entities("ships", "Product", "products", "upc price?", "{ shipping }", after=(1,)),
    )
    rows = [{"__typename": "Product", "upc": "1", "sku": "s1", "price": 1.5}]
    subgraphs = ScriptedSubgraphs(
        {
            "products": [{"data": {"products": rows * 2}}],
            "names": [by_key("upc", {"1": {"name": "Table"}})],
            "stocks": [by_key("sku", {"s1": {"stock": 3}})],
            "ships": [by_key("price", {"1.5": {"shipping": 9}})],
        }
    )

    result = await _by_form(shop, subgraphs)

    row = b'{"name":"Table","stock":3,"shipping":9}'
    assert result.encode() == b'{"data":{"products":[' + row + b"," + row + b"]}}"


async def test_an_object_shared_by_two_parents_is_represented_and_answered_once() -> None:
    """Both places hold one entity, so what is fetched below it is one object; its hidden key is read the first time."""
    schema = build_schema("""
        type Query { a: Row b: Row }
        type Row { id: ID! next: Next }
        type Next { key: ID! value: Int }
    """)
    nested = plan(
        schema,
        "{ a { next { value } } b { next { value } } }",
        Root("rows", "{ a { id } b { id } }"),
        entities("links", "Row", "a b", "id", "{ next { key } }", after=(0,)),
        entities("values", "Next", "a.next b.next", "key", "{ value }", after=(1,)),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "rows": [{"data": {"a": {"id": "1"}, "b": {"id": "1"}}}],
            "links": [by_key("id", {"1": {"next": {"key": "k"}}})],
            "values": [by_key("key", {"k": {"value": 7}})],
        }
    )

    result = await answer(nested, schema, subgraphs)

    assert result.encode() == b'{"data":{"a":{"next":{"value":7}},"b":{"next":{"value":7}}}}'


async def test_a_type_name_fetched_for_checking_alone_is_not_answered() -> None:
    """In a schema built twice, names are equal but not the same string."""
    query, fetch = "{ products { name } }", Root("a", "{ products { __typename name } }")
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"products": [{"__typename": "Product", "name": "Table"}]}}]})

    for schema in (build_schema(SDL), build_schema(SDL.replace("Product", "Pro" + "duct"))):
        compiled = warm_plan(plan(schema, query, fetch), schema)
        result = await execute(BoundPlan(compiled), subgraphs)
        assert result.encoded == b'{"data":{"products":[{"name":"Table"}]}}'


@pytest.mark.parametrize(
    ("selection", "answered"),
    [
        ("... on Product { name } ... on Shop { name }", b'[{"name":"Table"},null,{"name":"Corner"}]'),
        ("__typename ... on Shop { name }", b'[{"__typename":"Product"},null,{"__typename":"Shop","name":"Corner"}]'),
        (
            "... on Shop { name kind: __typename } __typename",
            b'[{"__typename":"Product"},null,{"name":"Corner","kind":"Shop","__typename":"Shop"}]',
        ),
    ],
)
async def test_union_members_are_told_apart_and_show_their_name_where_it_was_selected(
    selection: str, answered: bytes
) -> None:
    fetched = "{ found { __typename ... on Product { name } ... on Shop { name } } }"
    found = [{"__typename": "Product", "name": "Table"}, None, {"name": "Corner", "__typename": "Shop"}]
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"found": found}}]})

    result = await _by_form(plan(SCHEMA, f"{{ found {{ {selection} }} }}", Root("a", fetched)), subgraphs)

    assert result.encode() == b'{"data":{"found":' + answered + b"}}"


async def test_extra_values_in_an_answer_do_not_pass_for_what_another_fetch_gives() -> None:
    shop = plan(
        SCHEMA,
        "{ products { upc stock } }",
        Root("products", "{ products { upc } }"),
        entities("stocks", "Product", "products", "upc", "{ stock }", after=(0,)),
    )
    subgraphs = ScriptedSubgraphs(
        {"products": [{"data": {"products": [{"upc": "1", "stock": 666}]}}], "stocks": [{"data": {"e0": [None]}}]}
    )

    assert (await _by_form(shop, subgraphs)).encode() == b'{"data":{"products":[{"upc":"1","stock":null}]}}'


HALVES = (Root("a", "{ products { name } }"), Root("b", "{ products { stock } }"))
TWICE = (
    Root("a", "{ products { upc } }"),
    EntityFetch("b", (0,), (Entities("Product", "products", "upc", "{ name }"),)),
    EntityFetch("c", (0,), (Entities("Product", "products", "upc", "{ name stock }"),)),
)
UNNAMED = (Root("a", "{ found { ... on Shop { name } } }"),)


@pytest.mark.parametrize(
    ("query", "fetches", "reason"),
    [
        ("{ products { name stock } }", HALVES, "two fetches give"),
        ("{ products { name stock } }", TWICE, "two fetches give"),
        ("{ found { __typename } }", UNNAMED, "abstract"),
    ],
)
def test_plans_that_would_need_copying_or_guessing_are_interpreted(
    query: str, fetches: tuple[Root | EntityFetch, ...], reason: str
) -> None:
    compiled = compile_plan(plan(SCHEMA, query, *fetches), SCHEMA)

    with pytest.raises(NotCoveredError, match=reason):
        CompiledForm(compiled.plan, compiled.templates, SCHEMA)


@pytest.mark.parametrize(("levels", "kind", "compiled"), [(20, "list", True), (21, "list", False), (47, "one", True)])
async def test_lists_deeper_than_python_compiles_are_interpreted(levels: int, kind: str, compiled: bool) -> None:
    schema = build_schema(
        "type Query { list: [Node] one: Node } type Node { list: [Node] one: Node id: ID! value: Int }"
    )
    asked, wanted = "id", "value"
    given: object = {"id": "1"}
    expected: object = {"value": 7}
    for _ in range(levels):
        asked, wanted = f"{kind} {{ {asked} }}", f"{kind} {{ {wanted} }}"
        given, expected = ({kind: [each] if kind == "list" else each} for each in (given, expected))
    path = ".".join([kind] * levels)
    made = plan(
        schema,
        f"{{ {wanted} }}",
        Root("a", f"{{ {asked} }}"),
        entities("b", "Node", path, "id", "{ value }", (0,)),
    )
    subgraphs = ScriptedSubgraphs({"a": [{"data": given}], "b": [by_key("id", {"1": {"value": 7}})]})

    data, errors = told(await answer(made, schema, subgraphs))

    assert (data, errors) == (expected, [])
    assert (warm_plan(made, schema).form() is not None) == compiled


async def _by_form(made: QueryPlan, subgraphs: ScriptedSubgraphs) -> Result:
    """The answer of both paths, and proof that the compiled form gave it."""
    again: Any = subgraphs.again()
    await answer(made, SCHEMA, subgraphs)
    result = await execute(BoundPlan(warm_plan(made, SCHEMA)), again)
    assert result.encoded is not None
    return result


@pytest.mark.parametrize(
    ("key", "once", "second"),
    [("upc", True, {"price": 2, "stock": 20}), ("size", False, {"price": None, "stock": None})],
)
async def test_what_several_subgraphs_are_asked_by_one_key_is_grouped_once_if_none_is_left_out(
    key: str, once: bool, second: dict[str, int | None]
) -> None:
    schema = build_schema("type Query { products: [Product] } type Product { upc: ID! size: ID price: Int stock: Int }")
    made = plan(
        schema,
        "{ products { price stock } }",
        Root("a", f"{{ products {{ {key} }} }}"),
        entities("b", "Product", "products", key, "{ price }", (0,)),
        entities("c", "Product", "products", key, "{ stock }", (0,)),
    )
    objects = [{"upc": "1", "size": "1"}, {"upc": "2", "size": None}, {"upc": "1", "size": "1"}]
    subgraphs = ScriptedSubgraphs(
        {
            "a": [{"data": {"products": [{key: each[key]} for each in objects]}}],
            "b": [by_key(key, {"1": {"price": 1}, "2": {"price": 2}})],
            "c": [by_key(key, {"1": {"stock": 10}, "2": {"stock": 20}})],
        }
    )

    data, _ = told(await answer(made, schema, subgraphs))

    first = {"price": 1, "stock": 10}
    assert data == {"products": [first, second, first]}
    form = warm_plan(made, schema).form()
    assert form is not None
    assert ("g2_0 = g1_0" in form.source) == once

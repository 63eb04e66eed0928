"""Subgraphs that die, stall or come back late: the rest is answered, in time, and nothing is left running."""

import asyncio
import gc
import threading
import weakref
from unittest.mock import patch

import pytest
from graphql import build_schema

from gateway.errors import SUBGRAPH_MALFORMED, SUBGRAPH_TIMED_OUT, SUBGRAPH_UNREACHABLE, CodedError, ErrorCode
from gateway.execution import executor
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import execute
from gateway.execution.interpreter import QUICK, Interpreter
from gateway.execution.result import BoundPlan
from gateway.execution.sharing import SharedRequests
from gateway.planning.plan import QueryPlan
from gateway.supergraph.api_schema import api_schema
from tests.execution.plans import Root, entities, plan
from tests.execution.subgraphs import Script, ScriptedSubgraphs, answer, by_key, told, warm_plan
from tests.planning.plans import plan as planned
from tests.planning.plans import supergraph

SHOP = build_schema("""
    type Query { products: [Product] me: User! }
    type Product { upc: ID! name: String stock: Int! owner: User }
    type User { id: ID! name: String! }
""")
WITH_STOCK = plan(
    SHOP,
    "{ products { name stock } }",
    Root("products", "{ products { upc name } }"),
    entities("inventory", "Product", "products", "upc", "{ stock }", after=(0,)),
)
ONLY_FETCH = plan(SHOP, "{ products { name } }", Root("products", "{ products { name } }"))
TABLE_AND_CHAIR = {"data": {"products": [{"upc": "1", "name": "Table"}, {"upc": "2", "name": "Chair"}]}}


@pytest.mark.parametrize("code", [SUBGRAPH_UNREACHABLE, SUBGRAPH_TIMED_OUT, SUBGRAPH_MALFORMED])
async def test_a_request_that_fails_is_one_error_however_many_rows_it_empties(code: ErrorCode) -> None:
    subgraphs = ScriptedSubgraphs({"products": [TABLE_AND_CHAIR], "inventory": [CodedError(code, "10.0.0.7:5432")]})

    result = await answer(WITH_STOCK, SHOP, subgraphs)

    assert told(result) == ({"products": [None, None]}, [(code.name, ["products", 0, "stock"])])
    assert "10.0.0.7" not in result.encode().decode()


async def test_what_depended_on_a_failed_fetch_is_not_asked_and_not_reported_twice() -> None:
    owners = plan(
        SHOP,
        "{ products { name owner { name } } }",
        Root("products", "{ products { upc name } }"),
        entities("orders", "Product", "products", "upc", "{ owner { id } }", after=(0,)),
        entities("accounts", "User", "products.owner", "id", "{ name }", after=(1,)),
    )
    subgraphs = ScriptedSubgraphs(
        {"products": [TABLE_AND_CHAIR], "orders": [CodedError(SUBGRAPH_UNREACHABLE, "")], "accounts": []}
    )

    data, errors = told(await answer(owners, SHOP, subgraphs))

    assert data == {"products": [{"name": "Table", "owner": None}, {"name": "Chair", "owner": None}]}
    assert errors == [("SUBGRAPH_UNREACHABLE", ["products", 0, "owner"])]


async def test_a_fetch_without_data_is_reported_at_the_fields_it_names() -> None:
    two = plan(SHOP, "{ products { name } me { name } }", Root("a", "{ products { name } me { name } }"))
    errors = [{"message": "x", "path": ["me"]}, {"message": "y", "path": ["products", 0]}]
    subgraphs = ScriptedSubgraphs({"a": [{"data": None, "errors": errors}]})

    data, reported = told(await answer(two, SHOP, subgraphs))

    assert data is None
    assert sorted(reported, key=str) == [("SUBGRAPH_FAILED", ["me"]), ("SUBGRAPH_FAILED", ["products"])]


OFFICE = supergraph(
    "a b",
    """
    type Query @type(A) @type(B) { office: Office flag: Int @in(B) }
    type Office @type(A) @type(B) { name: String! @in(A) seal: String! @in(A) phone: String @in(B) fax: String @in(B) }
    """,
)


@pytest.mark.parametrize(
    ("operation", "a", "b", "data", "paths"),
    [
        pytest.param(
            "{ office { name phone } }",
            {"data": {"office": None}, "errors": [{"path": ["office"]}]},
            {"data": {"office": None}, "errors": [{"path": ["office"]}]},
            {"office": None},
            [["office"]],
            id="both subgraphs of one object",
        ),
        pytest.param(
            "{ office { name phone } }",
            CodedError(SUBGRAPH_UNREACHABLE, ""),
            CodedError(SUBGRAPH_TIMED_OUT, ""),
            {"office": None},
            [["office"]],
            id="both requests for one object",
        ),
        pytest.param(
            "{ office { name seal } }",
            {"data": {"office": None}, "errors": [{"path": ["office", "name"]}, {"path": ["office", "seal"]}]},
            None,
            {"office": None},
            [["office"]],
            id="two fields below one null",
        ),
        pytest.param(
            "{ office { phone fax } flag }",
            None,
            {"data": None, "errors": [{"path": ["flag"]}, {"path": ["office", "phone"]}, {"path": ["office", "fax"]}]},
            {"office": None, "flag": None},
            [["office"], ["flag"]],
            id="three fields of an answer without data",
        ),
    ],
)
async def test_a_place_that_several_causes_empty_has_one_error_and_every_error_its_place(
    operation: str, a: Script, b: Script, data: object, paths: list[list[str]]
) -> None:
    subgraphs = ScriptedSubgraphs({"a": [a], "b": [b]})

    answered, errors = told(await answer(planned(OFFICE, operation), api_schema(OFFICE), subgraphs))

    assert (answered, [path for _, path in errors]) == (data, paths)


async def test_what_fails_unseen_below_a_null_that_is_told_of_is_not_told() -> None:
    asked = plan(
        SHOP, "{ me { name } products { stock } }", Root("users", "{ me { name } }"),
        Root("products", "{ products { upc } }"),
        entities("inventory", "Product", "products", "upc", "{ stock }", after=(1,)),
    )  # fmt: skip
    no_user = {"data": None, "errors": [{"path": ["me", "name"]}]}
    unreachable = CodedError(SUBGRAPH_UNREACHABLE, "")
    subgraphs = ScriptedSubgraphs({"users": [no_user], "products": [TABLE_AND_CHAIR], "inventory": [unreachable]})

    data, errors = told(await answer(asked, SHOP, subgraphs))

    assert (data, errors) == (None, [("SUBGRAPH_FAILED", ["me"])])


@pytest.mark.parametrize(
    ("code", "heard"),
    [("GROUP_TOO_SMALL", "GROUP_TOO_SMALL"), ("ROW_9_OF_LI_LEI", "SUBGRAPH_FAILED"), (["GROUP"], "SUBGRAPH_FAILED")],
)
async def test_why_a_figure_is_withheld_is_told_in_our_words_and_no_other_code_is(code: object, heard: str) -> None:
    error = {"message": "Li Lei", "path": ["products", 1, "name"], "extensions": {"code": code, "row": "Li Lei"}}
    data = {"products": [{"name": "Table"}, {"name": None}]}
    subgraphs = ScriptedSubgraphs({"products": [{"data": data, "errors": [error]}]})
    names = plan(SHOP, "{ products { name } }", Root("products", "{ products { name } }"))

    result = await answer(names, SHOP, subgraphs)

    assert told(result) == (data, [(heard, ["products", 1, "name"])])
    assert "Li Lei" not in result.encode().decode()


async def test_when_the_time_is_up_the_answer_is_made_of_what_there_is() -> None:
    subgraphs = ScriptedSubgraphs({"products": [TABLE_AND_CHAIR], "inventory": [asyncio.Event()]})

    data, errors = told(await answer(WITH_STOCK, SHOP, subgraphs, timeout=0.5))

    assert data == {"products": [None, None]}
    assert errors == [("SUBGRAPH_TIMED_OUT", ["products", 0, "stock"])]


@pytest.mark.parametrize("asked", [WITH_STOCK, ONLY_FETCH])
async def test_after_the_time_is_up_nothing_more_is_sent(asked: QueryPlan) -> None:
    subgraphs = ScriptedSubgraphs({"products": [asyncio.Event()], "inventory": []})

    data, errors = told(await answer(asked, SHOP, subgraphs, timeout=0.05))

    assert (data, errors) == ({"products": None}, [("SUBGRAPH_TIMED_OUT", ["products"])])
    assert len(subgraphs.requests) == 1


@pytest.mark.parametrize(("asked", "products"), [(WITH_STOCK, TABLE_AND_CHAIR), (ONLY_FETCH, asyncio.Event())])
async def test_a_cancelled_execution_takes_its_requests_along(asked: QueryPlan, products: Script) -> None:
    subgraphs = ScriptedSubgraphs({"products": [products], "inventory": [asyncio.Event()]})
    execution = asyncio.create_task(execute(BoundPlan(warm_plan(asked, SHOP)), subgraphs))
    await subgraphs.stalled.wait()

    execution.cancel()

    with pytest.raises(asyncio.CancelledError):
        await execution
    assert subgraphs.under_way == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_large_answer_of_the_general_path_is_computed_beside_the_event_loop() -> None:
    used: set[int] = set()

    class Watched(Interpreter):
        def place(self, number: int, answers: object) -> None:
            used.add(threading.get_ident())
            super().place(number, answers)  # type: ignore[arg-type]

    rows = [{"name": "x" * 100} for _ in range(QUICK // 100)]
    for products in ([], rows):
        subgraphs = ScriptedSubgraphs({"products": [{"data": {"products": products}}]})
        with patch.object(executor, "Interpreter", Watched):
            result = await execute(BoundPlan(compile_plan(ONLY_FETCH, SHOP, None)), subgraphs)
        assert result.data == {"products": products}
        assert (threading.get_ident() in used) == (products == [])
        used.clear()


@pytest.mark.parametrize("asked", [WITH_STOCK, ONLY_FETCH])
async def test_a_request_that_was_cancelled_below_counts_as_unreachable(asked: QueryPlan) -> None:
    class Cancelling(ScriptedSubgraphs):
        def send(self, subgraph: str, body: bytes, headers: object, timeout: float) -> "asyncio.Future[bytes]":  # type: ignore[override]
            sent: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            sent.get_loop().call_soon(sent.cancel)
            return sent

    data, errors = told(await answer(asked, SHOP, Cancelling({})))

    assert (data, errors) == ({"products": None}, [("SUBGRAPH_UNREACHABLE", ["products"])])


@pytest.mark.parametrize("asked", [WITH_STOCK, ONLY_FETCH])
async def test_a_failed_request_leaves_nothing_to_the_garbage_collector(asked: QueryPlan) -> None:
    class Sent(asyncio.Future[bytes]):
        pass

    class Failing(ScriptedSubgraphs):
        last: "weakref.ref[Sent] | None" = None

        def send(self, subgraph: str, body: bytes, headers: object, timeout: float) -> Sent:  # type: ignore[override]
            sent = Sent(loop=asyncio.get_running_loop())
            sent.get_loop().call_soon(sent.set_exception, CodedError(SUBGRAPH_UNREACHABLE, ""))
            self.last = weakref.ref(sent)
            return sent

    subgraphs = Failing({})
    gc.disable()
    try:
        await execute(BoundPlan(warm_plan(asked, SHOP)), subgraphs)
        await asyncio.sleep(0)
        assert subgraphs.last is not None
        assert subgraphs.last() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("asked", "broken"), [(WITH_STOCK, "inventory"), (ONLY_FETCH, "products")])
async def test_a_fault_of_ours_ends_the_execution_at_once(asked: QueryPlan, broken: str) -> None:
    class Broken(ScriptedSubgraphs):
        async def send(self, subgraph: str, body: bytes, headers: object, timeout: float) -> bytes:  # noqa: ASYNC109
            if subgraph == broken:
                raise ZeroDivisionError
            return await super().send(subgraph, body, (), timeout)

    subgraphs = Broken({"products": [TABLE_AND_CHAIR], "inventory": []})

    with pytest.raises(ZeroDivisionError):
        await execute(BoundPlan(compile_plan(asked, SHOP)), subgraphs)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_identical_queries_under_way_are_sent_once_if_their_callers_are_alike() -> None:
    subgraphs = ScriptedSubgraphs(
        {"products": [TABLE_AND_CHAIR], "inventory": [by_key("upc", {"1": {"stock": 1}, "2": {"stock": 2}})]}
    )
    compiled, sharing = compile_plan(WITH_STOCK, SHOP), SharedRequests()

    results = await asyncio.gather(
        *(execute(BoundPlan(compiled, sharing=sharing, sharing_key=key), subgraphs) for key in ("a", "a", "b", "a"))
    )

    assert len({result.encode() for result in results}) == 1
    assert [name for name, _ in subgraphs.requests] == ["products", "products", "inventory", "inventory"]


async def test_a_shared_request_outlives_the_first_who_asked_and_dies_with_the_last() -> None:
    never = asyncio.Event()
    subgraphs = ScriptedSubgraphs({"products": [never], "inventory": []})
    compiled, sharing = compile_plan(WITH_STOCK, SHOP), SharedRequests()
    first, second = (
        asyncio.create_task(execute(BoundPlan(compiled, sharing=sharing, sharing_key="a"), subgraphs)) for _ in range(2)
    )
    await subgraphs.stalled.wait()

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    still = subgraphs.under_way
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    assert (still, subgraphs.under_way, len(subgraphs.requests)) == (1, 0, 1)


async def test_who_comes_as_a_shared_request_is_given_up_asks_anew() -> None:
    subgraphs = ScriptedSubgraphs({"products": [asyncio.Event(), {"data": {"products": []}}], "inventory": []})
    compiled, sharing = compile_plan(WITH_STOCK, SHOP), SharedRequests()
    bound = BoundPlan(compiled, sharing=sharing)
    first = asyncio.create_task(execute(bound, subgraphs))
    await subgraphs.stalled.wait()

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = await execute(bound, subgraphs)

    assert second.encode() == b'{"data":{"products":[]}}'
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


async def test_mutations_are_never_shared() -> None:
    schema = build_schema("type Query { a: Int } type Mutation { pay: Int }")
    pay = compile_plan(plan(schema, "mutation { pay }", Root("bank", "{ pay }")), schema)
    subgraphs = ScriptedSubgraphs({"bank": [{"data": {"pay": 1}}]})
    sharing = SharedRequests()

    await asyncio.gather(*(execute(BoundPlan(pay, sharing=sharing), subgraphs) for _ in range(3)))

    assert len(subgraphs.requests) == 3

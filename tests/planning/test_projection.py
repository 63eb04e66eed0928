"""The answer's shape: order, types, refusals, what is fetched but not shown."""

from dataclasses import replace

from graphql import parse

from gateway.errors import VALIDATION_FAILED
from gateway.planning.normalize import digest_of, normalize
from gateway.planning.operation import FieldSelection, Operation, Refused
from gateway.planning.planner import Planner
from gateway.supergraph.api_schema import api_schema, contract_schema
from gateway.supergraph.lazy_schema import NOTHING
from tests.planning.plans import fetches, plan, supergraph

ZOO = supergraph(
    "a b",
    """
    type Query @type(A) @type(B) { animals: [Animal] @in(A) }
    interface Animal @type(A) { id: ID! name: String }
    type Cat implements Animal @implements(A, interface: "Animal") @type(A, key: "id") @type(B, key: "id") {
      id: ID! name: String @in(A) secret: Int @in(B) lives: Int @in(A)
    }
    type Dog implements Animal @implements(A, interface: "Animal") @type(A) { id: ID! name: String barks: Boolean }
    """,
)


def test_fields_come_in_the_order_in_which_each_type_meets_them() -> None:
    planned = plan(ZOO, "{ animals { ... on Cat { lives } name ... on Dog { barks } ... on Cat { id } } }")
    assert [(f.response_key, f.on_types) for f in planned.projection[0].fields] == [
        ("lives", frozenset({"Cat"})),
        ("name", None),
        ("id", frozenset({"Cat"})),
        ("barks", frozenset({"Dog"})),
    ]


def test_below_one_response_key_what_a_fragment_selects_comes_where_the_fragment_stands() -> None:
    query = "{ found { near { id } ... on Cat { near { lives } } near { name } } }"
    model = supergraph(
        "a",
        """
        type Query @type(A) { found: Animal }
        interface Animal @type(A) { near: Cat }
        type Cat implements Animal @implements(A, interface: "Animal") @type(A) {
          near: Cat id: ID! name: String lives: Int
        }
        type Dog implements Animal @implements(A, interface: "Animal") @type(A) { near: Cat }
        """,
    )
    near = plan(model, query).projection[0].fields
    assert [(f.response_key, f.on_types, [below.response_key for below in f.fields]) for f in near] == [
        ("near", frozenset({"Cat"}), ["id", "lives", "name"]),
        ("near", frozenset({"Dog"}), ["id", "name"]),
    ]


def test_two_types_that_want_opposite_orders_get_a_list_each() -> None:
    planned = plan(ZOO, "{ animals { ... on Cat { id name } ... on Dog { name id } } }")
    assert [(f.response_key, f.on_types) for f in planned.projection[0].fields] == [
        ("id", frozenset({"Cat"})),
        ("name", frozenset({"Cat"})),
        ("name", frozenset({"Dog"})),
        ("id", frozenset({"Dog"})),
    ]


def test_a_refused_field_is_not_fetched_and_stands_in_the_answer() -> None:
    schema = api_schema(ZOO)
    operation = normalize(schema, parse("{ animals { ... on Cat { secret lives } } }"), None, {})
    refused = Refused(VALIDATION_FAILED, "not for you")
    permitted = _refuse(operation, "Cat.secret", refused)
    assert permitted.digest != operation.digest
    planned = Planner(ZOO).plan(permitted, schema)
    assert fetches(planned) == "0 a: { animals { __typename ... on Cat { lives } } }"
    secret, lives = planned.projection[0].fields
    assert (secret.response_key, secret.outcome) == ("secret", refused)
    assert lives.response_key == "lives"


def _refuse(operation: Operation, coordinate: str, refused: Refused) -> Operation:
    def walk(selections):  # type: ignore[no-untyped-def]
        for selection in selections:
            below = tuple(walk(selection.selections))
            if isinstance(selection, FieldSelection) and selection.coordinate == coordinate:
                yield replace(selection, outcome=refused)
            else:
                yield replace(selection, selections=below)

    selections = tuple(walk(operation.selections))
    digest = digest_of(operation.kind, operation.variables, selections)
    return replace(operation, selections=selections, digest=digest)


def test_a_caller_to_whom_nothing_is_open_gets_null_without_a_request() -> None:
    schema = contract_schema(ZOO, frozenset({"Query.animals"}))
    planned = Planner(ZOO).plan(normalize(schema, parse(f"{{ {NOTHING} __typename }}"), None, {}), schema)
    assert planned.fetches == ()
    assert [f.response_key for f in planned.projection] == [NOTHING, "__typename"]


def test_types_are_those_of_the_callers_schema() -> None:
    schema = contract_schema(ZOO, frozenset({"Dog"}))
    planned = Planner(ZOO).plan(normalize(schema, parse("{ animals { name } }"), None, {}), schema)
    assert str(planned.projection[0].type) == "[Animal]"
    assert planned.projection[0].type is schema.query_type.fields["animals"].type  # type: ignore[union-attr]
    assert fetches(planned) == "0 a: { animals { __typename name } }"

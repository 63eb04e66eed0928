import pytest
from graphql import build_schema, parse, validate

from gateway.composition.compose import compose
from gateway.composition.satisfiability import check
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph
from tests.composition.subgraphs import errors, federation_2, supergraph


def test_a_field_without_a_way_to_it_is_told_with_an_operation_and_a_reason_per_subgraph() -> None:
    composition = compose(
        federation_2(
            a="type Query { shelf(id: ID!): Shelf } type Shelf { books: [Book] } type Book { id: ID }",
            b="type Book { title: String }",
        )
    )
    (issue,) = composition.errors
    assert issue.code.name == "SATISFIABILITY_ERROR"
    assert issue.witness == "\n".join(
        [
            "query($id: ID!) {",
            "  shelf(id: $id) {",
            "    books {",
            "      title",
            "    }",
            "  }",
            "}",
        ]
    )
    assert issue.reasons == (
        "from subgraph a: it does not have Book.title",
        "subgraph b has it, but Book has no resolvable @key there to enter by",
    )


def test_the_witness_is_an_operation_that_clients_could_send() -> None:
    composition = compose(
        federation_2(
            a="type Query { media(kind: Int!): [Media] } interface Media { id: ID } "
            "type Book implements Media { id: ID author(kind: ID!): Author } type Author { id: ID }",
            b="type Author { name: Name } type Name { first: String }",
        )
    )
    schema = build_schema(
        "type Query { media(kind: Int!): [Media] } interface Media { id: ID } "
        "type Book implements Media { id: ID author(kind: ID!): Author } type Author { id: ID name: Name } "
        "type Name { first: String }"
    )
    assert validate(schema, parse(composition.errors[0].witness or "")) == []


def test_a_key_leads_from_one_subgraph_to_another_and_on_to_a_third() -> None:
    composition = compose(
        federation_2(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID }',
            b='type Book @key(fields: "id") @key(fields: "isbn") { id: ID isbn: ID }',
            c='type Book @key(fields: "isbn") { isbn: ID price: Int }',
        )
    )
    assert errors(composition) == []


def test_a_key_that_cannot_be_had_leads_nowhere() -> None:
    composition = compose(
        federation_2(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID }',
            c='type Book @key(fields: "isbn") { isbn: ID price: Int }',
        )
    )
    assert set(errors(composition)) == {"SATISFIABILITY_ERROR"}
    assert any('@key(fields: "isbn") cannot be had from subgraph a' in r for r in composition.errors[0].reasons)


def test_fields_that_are_missing_on_a_path_for_the_same_reasons_are_told_as_one_error() -> None:
    (together, alone) = compose(
        federation_2(
            a="type Query { book: Book } type Book { title: String }",
            b="type Book { year: Int pages: Int }",
            c="type Book { price: Int }",
        )
    ).errors
    assert together.coordinates == ("Book.year", "Book.pages")
    assert together.message.startswith("Book.year, and likewise Book.pages, cannot be fetched on every path: from ")
    assert together.subgraphs == ("b",)
    assert alone.coordinates == ("Book.price",)


def test_a_key_that_is_not_resolvable_leads_nowhere() -> None:
    composition = compose(
        federation_2(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID }',
            b='type Book @key(fields: "id", resolvable: false) { id: ID price: Int }',
        )
    )
    assert errors(composition) == ["SATISFIABILITY_ERROR"]


def test_a_requirement_cannot_be_handed_to_a_subgraph_that_takes_no_representations() -> None:
    (issue,) = compose(
        federation_2(
            a='type Query { t: T } type T @key(fields: "id", resolvable: false) '
            '{ id: ID! x: Int @external y: Int @requires(fields: "x") }',
            b='type T @key(fields: "id") { id: ID! x: Int }',
        )
    ).errors
    assert issue.coordinates == ("T.y",)
    assert "no resolvable @key there to come back by" in issue.reasons[0]


def test_what_is_provided_on_one_path_is_not_on_a_longer_one() -> None:
    (issue,) = compose(
        federation_2(
            a='type Query { t: T @provides(fields: "x") } type T @key(fields: "id") { id: ID! x: Int @external to: T }',
            b='type Query { b: Int } type T @key(fields: "id", resolvable: false) { id: ID! x: Int @shareable }',
        )
    ).errors
    assert issue.coordinates == ("T.x",)
    assert issue.witness == "{\n  t {\n    to {\n      x\n    }\n  }\n}"


def test_a_shared_parent_makes_its_keyless_child_reachable() -> None:
    composition = compose(
        federation_2(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID cover: Cover @shareable } '
            "type Cover { front: String }",
            b='type Book @key(fields: "id") { id: ID cover: Cover @shareable } type Cover { back: String }',
        )
    )
    assert errors(composition) == []


def test_requirements_that_need_each_other_are_not_met() -> None:
    composition = compose(
        federation_2(
            a='type Query { t: T } type T @key(fields: "id") { id: ID y: Int @external x: Int @requires(fields: "y") }',
            b='type T @key(fields: "id") { id: ID x: Int @external y: Int @requires(fields: "x") }',
        )
    )
    assert set(errors(composition)) == {"SATISFIABILITY_ERROR"}


def test_what_is_provided_can_be_had_on_that_path_alone() -> None:
    sdl = {
        "a": 'type Query {{ t: T {provides} }} type T @key(fields: "id") {{ id: ID n: N }} '
        "type N @shareable {{ x: Int {external} }}",
        "b": "type Query { n: N } type N @shareable { x: Int }",
    }
    provided = sdl["a"].format(provides='@provides(fields: "n { x }")', external="@external")
    assert errors(compose(federation_2(a=provided, b=sdl["b"]))) == []
    by_another_path = provided.replace("type Query {", "type Query { other: T")
    assert errors(compose(federation_2(a=by_another_path, b=sdl["b"]))) == ["SATISFIABILITY_ERROR"]


def test_hidden_fields_need_no_way_to_them() -> None:
    composition = compose(
        federation_2(a="type Query { book: Book } type Book { id: ID }", b="type Book { title: String @inaccessible }")
    )
    assert errors(composition) == []


def test_a_shared_mutation_must_be_answerable_from_one_subgraph() -> None:
    composition = compose(
        federation_2(
            a='type Query { a: Int } type Mutation { f: F @shareable } type F @key(fields: "id", resolvable: false) '
            "{ id: ID x: Int }",
            b='type Mutation { f: F @shareable } type F @key(fields: "id", resolvable: false) { id: ID y: Int }',
        )
    )
    assert set(errors(composition)) == {"SATISFIABILITY_ERROR"}


def test_every_state_of_a_progressive_override_is_checked() -> None:
    composition = compose(
        federation_2(
            a='type Query { t: T } type T @key(fields: "id") { id: ID v: V @override(from: "b", label: "go") } '
            "type V { x: Int @shareable }",
            b='type T @key(fields: "id") { id: ID v: V } type V { x: Int @shareable y: Int }',
        )
    )
    assert errors(composition) == ["SATISFIABILITY_ERROR"]
    assert composition.errors[0].coordinates == ("V.y",)


def test_two_labels_of_many_that_fail_in_certain_states_alone_are_found() -> None:
    moving = " ".join(f'f{n}: Int @override(from: "b", label: "other-{n}")' for n in range(6))
    staying = " ".join(f"f{n}: Int" for n in range(6))
    composition = compose(
        federation_2(
            a='type Query { t: T } type T @key(fields: "id") { id: ID u: U @override(from: "b", label: "up") '
            f'{moving} }} type U {{ v: Int @override(from: "b", label: "down") }}',
            b=f'type T @key(fields: "id") {{ id: ID u: U {staying} }} type U {{ v: Int }}',
        )
    )
    # U has no key, so U.v can be fetched while both labels are active or neither is.
    assert [issue.coordinates for issue in composition.errors] == [("U.v",)]


def test_many_labels_on_one_path_or_beside_each_other_take_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "BUDGET", 20_000)
    moving = " ".join(f'n{n}: T @override(from: "b", label: "l{n}")' for n in range(20))
    staying = " ".join(f"n{n}: T" for n in range(20))
    composition = compose(
        federation_2(
            a=f'type Query {{ t: T }} type T @key(fields: "id") {{ id: ID {moving} }}',
            b=f'type T @key(fields: "id") {{ id: ID {staying} }}',
        )
    )
    assert errors(composition) == []


def test_a_shared_mutation_may_run_in_another_subgraph_for_each_state_of_a_label() -> None:
    a = (
        'type Query { a: Int } type Mutation { f: F @shareable } type F @key(fields: "id", resolvable: false) '
        '{ id: ID x: Int @override(from: "b", label: "go") }'
    )
    b = 'type Mutation { f: F @shareable } type F @key(fields: "id", resolvable: false) { id: ID x: Int }'
    supergraph(*federation_2(a=a, b=b))
    both_needed = b.replace("x: Int", "x: Int y: Int")
    assert set(errors(compose(federation_2(a=a, b=both_needed)))) == {"SATISFIABILITY_ERROR"}


def test_the_walk_ends_with_a_code_when_its_budget_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "BUDGET", 3)
    monkeypatch.setattr(check, "BUDGET_PER_FIELD", 0)
    composition = compose(
        federation_2(
            a='type Query { t: T } type T @key(fields: "id") { id: ID t: T x: Int y: Int }',
            b='type T @key(fields: "id") { id: ID z: Int }',
        )
    )
    assert errors(composition) == ["MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"]


def test_what_is_composed_is_read_by_the_gateway() -> None:
    sdl = supergraph(
        *federation_2(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID! hidden: Int @inaccessible }',
            b='type Book @key(fields: "id") { id: ID! price: Int }',
        )
    )
    schema = api_schema(read_supergraph(sdl))
    assert set(schema.type_map["Book"].fields) == {"id", "price"}  # type: ignore[attr-defined]


def test_a_type_takes_nothing_from_a_context_that_it_sets_itself_only_from_one_above() -> None:
    node = (
        'type Node @key(fields: "id") @context(name: "above") { id: ID! next: Node '
        'place(of: ID @fromContext(field: "$above { id }")): Int }'
    )
    above = 'type Outer @key(fields: "id") @context(name: "above") { id: ID! node: Inner } ' + node.replace(
        "Node", "Inner"
    )
    supergraph(*federation_2(a=f"type Query {{ outer: Outer }} {above}"))
    (issue,) = compose(federation_2(a=f"type Query {{ first: Node }} {node}")).errors
    assert issue.code.name == "SATISFIABILITY_ERROR"
    assert issue.reasons == ("from subgraph a: Node.place needs a context that no ancestor sets there",)


def test_a_type_without_resolvable_key_takes_nothing_from_a_context_whether_or_not_one_is_set() -> None:
    child = 'type Child { from(it: ID @fromContext(field: "$none { id }")): Int }'
    found = errors(compose(federation_2(a=f"type Query {{ child: Child }} {child}")))
    assert sorted(found) == ["CONTEXT_NOT_SET", "CONTEXT_NO_RESOLVABLE_KEY"]

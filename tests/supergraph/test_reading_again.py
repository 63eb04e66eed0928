"""Reading one supergraph after another: what is remembered never shows, and a schema made lazily is the same schema."""

import re
from collections.abc import Callable

import pytest
from graphql import build_schema, lexicographic_sort_schema, parse, print_schema, validate_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.composition.compose import SubgraphSource, compose
from gateway.errors import CodedError
from gateway.supergraph import join_sdl
from gateway.supergraph.api_schema import contract_schema
from gateway.supergraph.join_sdl import SupergraphReader, read_supergraph
from gateway.supergraph.lazy_schema import LazySchema
from gateway.supergraph.model import Definitions, Supergraph
from tests.differential.generator import generate

LINKS = 'schema @link(url: "https://specs.apollo.dev/join/v0.3") { query: Query }'
COMPOSED = [
    sdl
    for seed in range(0, 160, 4)
    if (sdl := compose([SubgraphSource(n, f"http://{n}", text) for n, text in generate(seed)]).supergraph_sdl)
]


def _said(model: Supergraph) -> tuple[object, ...]:
    schemas = [model.schema, contract_schema(model, frozenset({"E0", "Query.e1", "V0.a"}))]
    return model.subgraphs, model.types, list(model.types), model.inaccessible, [print_schema(s) for s in schemas]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(COMPOSED), min_size=2, max_size=6))
def test_after_any_others_a_supergraph_reads_as_it_does_alone(texts) -> None:
    reader = SupergraphReader()
    for text in texts:
        assert _said(reader.read(text)) == _said(read_supergraph(text))


def _outcome(read: Callable[[str], Supergraph], text: str) -> object:
    try:
        return _said(read(text))
    except CodedError as error:
        return error.message


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(COMPOSED),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["", "  more: Int", '  more(by: [ID!] = [")"]): E0 @join__field(graph: ALPHA)', "  id: ID", "  a("]
            ),
            st.integers(0, 500),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_after_any_change_of_lines_a_supergraph_reads_as_it_does_alone(text, changes) -> None:
    reader = SupergraphReader()
    reader.read(text)
    for line, place, dropped in changes:
        lines = text.split("\n")
        fields = [n for n, each in enumerate(lines) if re.match(r"  \w+[(:]", each)]
        at = fields[place % len(fields)]
        changed = "\n".join([*lines[:at], *([line] if line else []), *lines[at + dropped :]])
        assert _outcome(reader.read, changed) == _outcome(read_supergraph, changed)
        text = changed if "  a(" not in changed else text


def test_of_a_type_that_changed_only_fields_that_did_are_parsed(monkeypatch) -> None:
    parsed = []
    monkeypatch.setattr(join_sdl, "parse", lambda text, **options: parsed.append(text) or parse(text, **options))
    fields = "\n".join(f"  f{number}: Int" for number in range(20))
    text = f'{LINKS}\n\nenum join__Graph {{ A @join__graph(name: "a", url: "") }}\n\ntype Query\n{{\n{fields}\n}}\n'
    reader = SupergraphReader()
    before = reader.read(text)
    parsed.clear()
    after = reader.read(text.replace("f7: Int", "f7: Int\n  more: ID"))
    assert parsed == ["type Query\n{\n  more: ID\n}"]
    assert list(after.types["Query"].fields) == [*[f"f{n}" for n in range(8)], "more", *[f"f{n}" for n in range(8, 20)]]
    assert after.types["Query"].fields["f19"] is before.types["Query"].fields["f19"]


def test_only_definitions_that_changed_are_parsed(monkeypatch) -> None:
    parsed = []
    monkeypatch.setattr(join_sdl, "parse", lambda text, **options: parsed.append(text) or parse(text, **options))
    reader = SupergraphReader()
    before = reader.read(COMPOSED[0])
    parsed.clear()
    after = reader.read(COMPOSED[0].replace("type Query", '"""New."""\ntype Query'))
    assert [text.split("\n")[0] for text in parsed] == ['"""New."""']
    assert after.types == before.types


@pytest.mark.parametrize(
    "types",
    [
        'type Query {\n  """\n  first\n\n  type X { y: Int }\n  """\n  a: Int\n}',
        '"""\nfirst\n\ntype X { y: Int }\n"""\ntype Query { a: Int }',
        "type Query {\n  a: Int\n\n  b: Int\n\n}",
        "type Query\n\n{\n  a: Int\n}",
        "type Query { a: E }\n\nenum E\n\n{ ONE }",
        "type Query { a: U }\n\nunion U\n\n= T\n\ntype T { a: Int }",
        'type Query { a(by: String = "x\\n\\ntype"): Int }',
        'type Query { a: Int }\n\n\n\n# words\n\n"one"\n\nscalar S',
    ],
)
def test_text_is_divided_only_where_definitions_end(types: str) -> None:
    sdl = f'{LINKS}\n\nenum join__Graph {{ A @join__graph(name: "a", url: "") }}\n\n{types}\n'
    expected = build_schema(f"{types}\n", assume_valid=True)
    assert print_schema(lexicographic_sort_schema(read_supergraph(sdl).schema)) == print_schema(
        lexicographic_sort_schema(expected)
    )


def test_an_operation_is_no_part_of_a_supergraph() -> None:
    with pytest.raises(CodedError, match="not GraphQL"):
        read_supergraph(f"{LINKS}\n\n{{ a }}")


def test_a_type_that_is_named_but_not_defined_is_told() -> None:
    sdl = f'{LINKS}\n\nenum join__Graph {{ A @join__graph(name: "a", url: "") }}\n\ntype Query {{ a: Gone }}\n'
    with pytest.raises(CodedError, match="does not define Gone"):
        read_supergraph(sdl)


EVERYTHING = '''
"""A schema."""
schema { query: Root mutation: Change }

"""Asked of operations."""
directive @mark(by: Filter = {word: "x"}) repeatable on FIELD | QUERY

type Root implements Node & Named { id: ID! name: String find(by: Filter!, sort: [Order!] = [UP]): [Found!]! }
type Change { go: Boolean @deprecated(reason: "gone") }
interface Named implements Node { id: ID! name: String }
interface Node { id: ID! }
union Found = Root | Change
"""Orders."""
enum Order { UP "Down." DOWN @deprecated }
input Filter { word: String = "a", number: Int @deprecated, deeper: Filter }
input Choice @oneOf { one: Order two: Float }
scalar Moment @specifiedBy(url: "https://example.org/moment")
'''


def test_a_schema_made_lazily_is_the_one_that_the_definitions_describe() -> None:
    nodes = parse(EVERYTHING).definitions
    definitions = Definitions({n.name.value: n for n in nodes[2:]}, (nodes[1],), nodes[0])
    schema = LazySchema(definitions, {"ID", "String", "Boolean", "Int", "Float"})
    expected = build_schema(EVERYTHING)
    assert print_schema(schema) == print_schema(expected)
    assert not validate_schema(schema)
    assert set(schema.type_map) == set(expected.type_map)
    node = schema.type_map["Node"]
    assert [t.name for t in schema.get_possible_types(node)] == ["Root"]
    assert schema.is_sub_type(node, schema.type_map["Named"])
    assert schema.type_map["Root"] is schema.query_type

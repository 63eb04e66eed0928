"""Reading supergraph SDL of every join version."""

import pytest

from gateway.errors import CodedError
from gateway.supergraph.errors import SUPERGRAPH_INVALID
from gateway.supergraph.field_set import FieldSetField, print_field_set
from gateway.supergraph.join_sdl import read_supergraph
from gateway.supergraph.model import ContextArgument, FieldSource, Key, TypeKind
from tests.planning.plans import supergraph


def test_types_and_fields_know_their_subgraphs() -> None:
    model = supergraph(
        "tax registry",
        """
        type Query @type(TAX) @type(REGISTRY) { firm: Firm @in(REGISTRY) }
        type Firm @type(TAX, key: "id", resolvable: false)
          @type(REGISTRY, key: "id") @type(REGISTRY, key: "code { no }") {
          id: ID!
          name: String @in(REGISTRY)
          due: Int @in(TAX, requires: "name") @in(REGISTRY, external: true, type: "Int!")
        }
        enum Form @type(TAX) { LTD @join__enumValue(graph: TAX) }
        """,
    )
    firm = model.types["Firm"]
    assert firm.kind is TypeKind.OBJECT
    assert list(model.subgraphs) == ["tax", "registry"]
    assert model.subgraphs["tax"].url == "http://tax/"
    assert firm.sources["tax"].keys == (Key((FieldSetField("id"),), resolvable=False),)
    assert [print_field_set(key.fields) for key in firm.sources["registry"].keys] == ["id", "code { no }"]
    assert firm.fields["id"].sources == {"tax": FieldSource(), "registry": FieldSource()}
    assert firm.fields["due"].sources["tax"].requires == (FieldSetField("name"),)
    assert firm.fields["due"].sources["registry"] == FieldSource(type="Int!", external=True)
    assert model.types["Form"].sources["tax"].values == {"LTD"}


def test_members_interfaces_and_interface_objects_are_kept_per_subgraph() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) { u: U }
        union U @type(A) @type(B) @member(A, member: "X") @member(B, member: "X") @member(B, member: "Y") = X | Y
        interface I @type(A, key: "id") @type(B, key: "id", isInterfaceObject: true) { id: ID! more: Int @in(B) }
        type X implements I @implements(A, interface: "I") @type(A, key: "id") @type(B) {
          id: ID! more: Int @join__field
        }
        type Y @type(B) { n: Int }
        """,
    )
    assert model.types["U"].sources["a"].members == {"X"}
    assert model.types["U"].sources["b"].members == {"X", "Y"}
    assert model.types["I"].sources["b"].interface_object
    assert model.types["X"].sources["a"].interfaces == {"I"}
    assert model.types["X"].sources["b"].interfaces == frozenset()
    assert model.types["X"].fields["more"].from_interface_object
    assert model.types["X"].fields["more"].sources == {}


def test_resources_overrides_and_contexts_are_read() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) { p: Person @resource(code: "people") }
        type Person @type(A, key: "id") @type(B, key: "id") @resource(code: "people/1") @context(name: "a__who") {
          id: ID!
          old: Int @in(A) @in(B, override: "a", overrideLabel: "percent(5)")
          gone: Int @in(A, usedOverridden: true) @in(B, override: "a")
          greet: String @in(A, contextArguments: [
            { context: "a__who", name: "name", type: "String!", selection: "{ id }" }
          ])
        }
        """,
    )
    person = model.types["Person"]
    assert person.resource == "people/1"
    assert model.types["Query"].fields["p"].resource == "people"
    assert person.fields["id"].resource is None
    assert person.contexts == {"a__who"}
    assert (person.fields["old"].sources["b"].override_label, person.fields["old"].sources["b"].override) == (
        "percent(5)",
        "a",
    )
    assert person.fields["gone"].sources["a"].used_overridden
    assert person.fields["greet"].sources["a"].context_arguments == (
        ContextArgument("name", "String!", "a__who", (FieldSetField("id"),)),
    )


def test_directives_are_bound_by_their_specification_not_by_their_name() -> None:
    model = read_supergraph(
        """
        schema @link(url: "https://specs.apollo.dev/link/v1.0")
          @link(url: "https://specs.apollo.dev/join/v0.3", as: "j")
          @link(url: "https://specs.apollo.dev/inaccessible/v0.2", import: [{ name: "@inaccessible", as: "@hide" }])
          @link(url: "https://watersmeet.dev/resource/v1.0", as: "res") { query: Query }
        enum j__Graph { A @j__graph(name: "a", url: "") }
        type Query @j__type(graph: A) { seen: Int @res(code: "x") unseen: Int @hide
          inaccessible: Int @resource(code: "y") }
        """
    )
    fields = model.types["Query"].fields
    assert model.inaccessible == {"Query.unseen"}
    assert (fields["seen"].resource, fields["inaccessible"].resource) == ("x", None)
    assert model.subgraphs["a"].url is None
    assert set(model.types) == {"Query"}


def test_the_first_join_version_names_owners_in_place_of_graphs() -> None:
    model = read_supergraph(
        """
        schema @core(feature: "https://specs.apollo.dev/core/v0.1") @core(feature: "https://specs.apollo.dev/join/v0.1")
          { query: Query }
        directive @core(feature: String!) repeatable on SCHEMA
        enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") }
        type Query { me: User @join__field(graph: A) }
        type User @join__owner(graph: A) @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
          id: ID! @join__field(graph: A)
          name: String @join__field(graph: A)
          reviews: [Review] @join__field(graph: B)
          plain: Int
        }
        type Review { body: String }
        """
    )
    fields = model.types["User"].fields
    assert set(fields["id"].sources) == {"a", "b"}
    assert set(fields["name"].sources) == {"a"}
    assert set(fields["plain"].sources) == {"a"}
    assert set(fields["reviews"].sources) == {"b"}
    assert set(model.types["Review"].fields["body"].sources) == {"a", "b"}


@pytest.mark.parametrize(
    ("sdl", "says"),
    [
        ("type Query {", "not GraphQL"),
        ("type Query { a: Int }", "links no join specification"),
        ('schema @link(url: "https://specs.apollo.dev/join/v9.0") { query: Query } type Query { a: Int }', "join/v9.0"),
        (
            'schema @link(url: "https://specs.apollo.dev/join/v0.3") { query: Query } type Query { a: Int }',
            "lists no subgraphs",
        ),
        (
            'schema @link(url: "https://specs.apollo.dev/join/v0.3") { query: Query } '
            'enum join__Graph { A @join__graph(name: "a", url: "") } type Query @join__type(graph: B) { a: Int }',
            "Query belongs to graph B",
        ),
        (
            'schema @link(url: "https://specs.apollo.dev/join/v0.3") { query: Query } '
            'enum join__Graph { A @join__graph(name: "a", url: "") } '
            'type Query @join__type(graph: A, key: "{{") { a: Int }',
            "@key of Query in a",
        ),
    ],
)
def test_what_is_no_supergraph_is_refused_with_the_place(sdl: str, says: str) -> None:
    with pytest.raises(CodedError, match=says) as error:
        read_supergraph(sdl)
    assert error.value.code is SUPERGRAPH_INVALID

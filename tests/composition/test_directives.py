import json

import pytest

from gateway.composition.compose import compose
from gateway.composition.merging.scopes import conjunction, implies
from tests.composition.subgraphs import as_written, definition, errors, federation_2, hints, supergraph

FEDERATION = "https://specs.apollo.dev/federation/v2.9"


def test_a_renamed_directive_means_what_its_specification_says() -> None:
    header = f'extend schema @link(url: "{FEDERATION}", import: [{{name: "@authenticated", as: "@login"}}, "@key"])\n'
    sdl = supergraph(*as_written(a=header + "type Query { a: Int @login }"))
    assert "a: Int @login" in definition(sdl, "type Query")
    assert 'authenticated/v0.1", for: SECURITY, import: [{name: "@authenticated", as: "@login"}])' in sdl
    assert "directive @login on" in sdl


def test_a_key_of_nothing_is_refused() -> None:
    composition = compose(federation_2(a='type Query { a: A } type A @key(fields: " ") { id: ID }'))
    assert errors(composition) == ["KEY_INVALID_FIELDS"]


def test_a_directive_that_is_not_imported_goes_by_its_prefix() -> None:
    header = f'extend schema @link(url: "{FEDERATION}", as: "fed", import: ["@inaccessible"])\n'
    text = 'type Query { a: T } type T @fed__key(fields: "id") { id: ID b: Int @inaccessible }'
    sdl = supergraph(*as_written(a=header + text))
    assert '@join__type(graph: A, key: "id")' in definition(sdl, "type T")


def test_an_own_directive_of_the_same_name_is_not_the_federations() -> None:
    header = f'extend schema @link(url: "{FEDERATION}", import: ["@shareable"])\n'
    text = "directive @tag(x: Int) on FIELD_DEFINITION type Query { a: Int @tag(x: 1) }"
    sdl = supergraph(*as_written(a=header + text))
    assert "@tag" not in sdl


def test_tags_unite_and_the_dearest_cost_counts() -> None:
    composition = compose(
        federation_2(
            a='type Query { a: Int @shareable @tag(name: "x") @cost(weight: 3) }',
            b='type Query { a: Int @shareable @tag(name: "y") @cost(weight: 7) }',
        )
    )
    assert 'a: Int @tag(name: "x") @cost(weight: 7) @tag(name: "y")'.count("@") == 3
    line = next(x for x in definition(composition.supergraph_sdl or "", "type Query") if x.startswith("a:"))
    assert {'@tag(name: "x")', '@tag(name: "y")', "@cost(weight: 7)"} <= set(line.replace(" @", "\n@").split("\n"))
    assert hints(composition) == ["MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"]


def test_scopes_of_two_subgraphs_must_both_be_met() -> None:
    sdl = supergraph(
        *federation_2(
            a='type Query { a: Int @shareable @requiresScopes(scopes: [["x"], ["y"]]) }',
            b='type Query { a: Int @shareable @requiresScopes(scopes: [["x"], ["z"]]) }',
        )
    )
    assert '@requiresScopes(scopes: [["x"], ["y", "z"]])' in sdl


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ([[["a"]], [["b"]]], [["a", "b"]]),
        ([[["a"], ["b"]], [["a"]]], [["a"]]),
        ([[["a"], ["b"]], [["c"], ["d"]]], [["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"]]),
        ([[], [["a"]]], [["a"]]),
    ],
)
def test_conjunctions_keep_only_alternatives_that_matter(
    requirements: list[list[list[str]]], expected: list[list[str]]
) -> None:
    merged = conjunction(requirements)
    assert merged == expected
    assert all(implies(merged, requirement) for requirement in requirements)


def test_an_interface_asks_what_its_implementations_ask() -> None:
    sdl = supergraph(
        *federation_2(
            a="type Query { media: Media } interface Media { id: ID } "
            "type Book implements Media @authenticated { id: ID } "
            'type Film implements Media { id: ID @requiresScopes(scopes: [["film"]]) }'
        )
    )
    assert "@authenticated" in definition(sdl, "interface Media")
    assert 'id: ID @requiresScopes(scopes: [["film"]])' in definition(sdl, "interface Media")


def test_a_composed_directive_brings_its_link_and_definition() -> None:
    header = (
        f'extend schema @link(url: "{FEDERATION}", import: ["@composeDirective"]) '
        '@link(url: "https://example.org/audit/v1.2", import: ["@audit"]) @composeDirective(name: "@audit")\n'
    )
    text = "directive @audit(level: Int!) on FIELD_DEFINITION type Query { a: Int @audit(level: 3) }"
    sdl = supergraph(*as_written(a=header + text))
    assert '@link(url: "https://example.org/audit/v1.2", import: ["@audit"])' in sdl
    assert "directive @audit(level: Int!) on FIELD_DEFINITION" in sdl
    assert "a: Int @audit(level: 3)" in definition(sdl, "type Query")


RESOURCE = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@shareable", "@key"]) '
    '@link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"])\n'
)


def test_resource_codes_reach_the_supergraph_without_being_asked_for() -> None:
    sdl = supergraph(
        *as_written(
            a=RESOURCE + 'type Query { t: T } type T @key(fields: "id") @resource(code: "R-1") { id: ID }',
            b=RESOURCE + 'type T @key(fields: "id") { id: ID b: Int @resource(code: "R-2") }',
        )
    )
    assert '@link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"])' in sdl or (
        '@link(url: "https://watersmeet.dev/resource/v1.0")' in sdl
    )
    assert "directive @resource(code: String!) on OBJECT | INTERFACE | FIELD_DEFINITION" in sdl
    assert '@resource(code: "R-1")' in definition(sdl, "type T")
    assert 'b: Int @join__field(graph: B) @resource(code: "R-2")' in definition(sdl, "type T")


def test_the_same_resource_code_twice_is_one() -> None:
    one = RESOURCE + 'type Query { a: Int @shareable @resource(code: "R-1") }'
    assert supergraph(*as_written(a=one, b=one)).count('@resource(code: "R-1")') == 1


def test_cache_tags_are_written_per_subgraph() -> None:
    sdl = supergraph(*federation_2(a='type Query { a: Int @cacheTag(format: "a") }'))
    assert 'a: Int @join__directive(graphs: [A], name: "federation__cacheTag", args: {format: "a"})' in definition(
        sdl, "type Query"
    )


@pytest.mark.parametrize("version", ["v0.1", "v0.4", "v1.0"])
def test_connectors_are_refused_by_name(version: str) -> None:
    header = (
        f'extend schema @link(url: "{FEDERATION}") @link(url: "https://specs.apollo.dev/connect/{version}", '
        'import: ["@connect"])\n'
    )
    composition = compose(as_written(a=f"{header}type Query {{ a: Int }}"))
    assert errors(composition) == ["UNSUPPORTED_LINKED_FEATURE"]
    assert "connectors" in composition.errors[0].message


@pytest.mark.parametrize("version", ["v2.0", "v2.13", "v2.14", "v2.15"])
def test_every_documented_version_of_federation_is_understood(version: str) -> None:
    link = f'@link(url: "https://specs.apollo.dev/federation/{version}", import: ["@key", "@tag"])'
    written = supergraph(*as_written(a=f'extend schema {link}\ntype Query {{ a: Int @tag(name: "x") }}'))
    assert 'a: Int @tag(name: "x")' in written


@pytest.mark.parametrize(
    ("link", "code", "known"),
    [
        ("federation/v2.16", "UNKNOWN_FEDERATION_LINK_VERSION", "v2.0 to v2.15"),
        ("federation/v3.0", "UNKNOWN_FEDERATION_LINK_VERSION", "v2.0 to v2.15"),
        ("cost/v0.9", "UNKNOWN_LINK_VERSION", "https://specs.apollo.dev/cost/v0.1 is"),
        ("tag/v0.4", "UNKNOWN_LINK_VERSION", "https://specs.apollo.dev/tag/v0.3 is"),
        ("authenticated/v1.0", "UNKNOWN_LINK_VERSION", "https://specs.apollo.dev/authenticated/v0.1 is"),
    ],
)
def test_a_version_that_is_not_known_is_told_with_the_one_that_is(link: str, code: str, known: str) -> None:
    federation = '@link(url: "https://specs.apollo.dev/federation/v2.9")' if "federation" not in link else ""
    sdl = f'extend schema {federation} @link(url: "https://specs.apollo.dev/{link}")\ntype Query {{ a: Int }}'
    (issue,) = compose(as_written(a=sdl)).errors
    assert issue.code.name == code
    assert known in issue.message


def test_a_specification_linked_beside_federation_names_its_directives() -> None:
    links = f'@link(url: "{FEDERATION}") @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@cost"])'
    sdl = supergraph(*as_written(a=f"extend schema {links}\ntype Query {{ a: Int @cost(weight: 3) }}"))
    assert "a: Int @cost(weight: 3)" in definition(sdl, "type Query")


@pytest.mark.parametrize(
    ("link", "applied", "written"),
    [
        ('tag/v0.3", import: ["@tag"]', '@tag(name: "x")', '@tag(name: "x")'),
        ('tag/v0.2", as: "label"', '@label(name: "x")', '@label(name: "x")'),
        ('inaccessible/v0.2", import: ["@inaccessible"]', "@inaccessible", "@inaccessible"),
    ],
)
def test_tags_and_what_is_hidden_may_be_linked_by_their_own_specification(
    link: str, applied: str, written: str
) -> None:
    links = f'@link(url: "{FEDERATION}") @link(url: "https://specs.apollo.dev/{link})'
    sdl = supergraph(*as_written(a=f"extend schema {links}\ntype Query {{ a: Int {applied} b: Int }}"))
    assert f"a: Int {written}" in definition(sdl, "type Query")


COMPOSING = (
    f'extend schema @link(url: "{FEDERATION}", import: ["@composeDirective", "@shareable"]) '
    '@link(url: "https://example.org/audit/v1.0", import: ["@audit"]) '
)
AUDIT = "directive @audit(by: String) on FIELD_DEFINITION\n"


def test_a_directive_is_composed_for_the_subgraph_that_asks_for_it_alone() -> None:
    asking = f'{COMPOSING} @composeDirective(name: "@audit") {AUDIT} type Query {{ a: Int @audit(by: "x") }}'
    silent = f'{COMPOSING} {AUDIT} type Query {{ b: Int @audit(by: "y") }}'
    query = definition(supergraph(*as_written(a=asking, b=silent)), "type Query")
    assert [line for line in query if "@audit" in line] == ['a: Int @join__field(graph: A) @audit(by: "x")']


def test_of_two_definitions_of_a_composed_directive_the_last_one_counts() -> None:
    header = (
        f'extend schema @link(url: "{FEDERATION}", import: ["@composeDirective"]) '
        '@link(url: "https://example.org/audit/v1.0", import: ["@audit"]) @composeDirective(name: "@audit")\n'
    )
    sdl = supergraph(
        *as_written(
            a=f"{header}directive @audit(by: String) on FIELD_DEFINITION type Query {{ a: Int }}",
            b=f"{header}directive @audit(by: String, at: String) on FIELD_DEFINITION type Query {{ b: Int }}",
        )
    )
    assert "directive @audit(by: String, at: String) on FIELD_DEFINITION" in sdl


@pytest.mark.parametrize(
    "link",
    [
        '@link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@policy"])',
        '@link(url: "https://specs.apollo.dev/federation/v2.3", import: [{name: "@key", as: "key"}])',
        '@link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) '
        '@link(url: "https://example.org/x/v1.0", import: [{name: "@x", as: "@key"}])',
        '@link(url: "https://specs.apollo.dev/federation/v2.3") @link(url: "https://example.org/federation/v1.0")',
        '@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@cost"]) '
        '@link(url: "https://specs.apollo.dev/cost/v0.1")',
        '@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@tag"]) '
        '@link(url: "https://specs.apollo.dev/tag/v0.3")',
        '@link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", {name: "@key", as: "@id"}])',
        '@link(url: "https://specs.apollo.dev/tag/v0.3", import: ["@tag"])',
        '@link(url: "https://example.org/x/v1.0", import: [{name: "@y", as: "@x"}])',
        '@link(url: "https://example.org/x/v1.0", import: [{name: "@y", as: "@x__z"}])',
    ],
)
def test_links_that_cannot_be_followed_are_refused(link: str) -> None:
    assert errors(compose(as_written(a=f"extend schema {link}\ntype Query {{ a: Int }}"))) == [
        "INVALID_LINK_DIRECTIVE_USAGE"
    ]


def test_a_mistyped_field_of_a_field_set_is_told_with_the_field_that_was_meant() -> None:
    composition = compose(
        federation_2(
            a='type Query { parcel: Parcel } type Parcel @key(fields: "id") { id: ID! weight: Int }',
            b='type Parcel @key(fields: "id") { id: ID! weight: Int @external cost: Int @requires(fields: "wieght") }',
        )
    )
    told = {issue.code.name: issue for issue in composition.errors}
    assert told["REQUIRES_INVALID_FIELDS"].message.endswith("Did you mean 'weight'?")
    assert told["EXTERNAL_UNUSED"].remedy == "Mend the @requires of Parcel.cost, which seems to mean it by wieght."


@pytest.mark.parametrize(
    "fields",
    [
        'all(limit: Int): [Int] @listSize(slicingArguments: ["limt"])',
        'all: Page @listSize(assumedSize: 2, sizedFields: ["limt"])',
        'all(a: ID @fromContext(field: "$limt { id }")): Int',
        'all(a: Int @fromContext(field: "$other { limt }")): Int',
    ],
)
def test_a_mistyped_name_in_a_context_or_a_list_size_is_told_with_the_one_that_was_meant(fields: str) -> None:
    page = 'type Page @context(name: "limit") @context(name: "other") { id: ID! limit: [Int] child: Child }'
    child = f'type Child @key(fields: "id") {{ id: ID! {fields} }}'
    (issue,) = compose(federation_2(a=f"type Query {{ page: Page }} {page} {child}")).errors
    assert issue.message.endswith("Did you mean 'limit'?")


def test_a_mistyped_import_is_told_with_what_was_meant() -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@keys"])'
    (issue,) = compose(as_written(a=f"{link} type Query {{ a: Int }}")).errors
    assert issue.message.endswith("this specification has no such element. Did you mean '@key'?")


@pytest.mark.parametrize(
    ("selected", "why"),
    [
        ("of", "needs argument x."),
        ('of(x: "no")', "wrong argument x"),
        ("of(y: 1)", "has no argument y."),
        ("of(x: 1)", ""),
    ],
)
def test_a_context_gives_a_field_its_arguments(selected: str, why: str) -> None:
    taking = f"from(it: ID @fromContext(field: {json.dumps('$above { ' + selected + ' }')})): Int"
    page = 'type Page @context(name: "above") { of(x: Int!): ID child: Child }'
    child = f'type Child @key(fields: "id") {{ id: ID! {taking} }}'
    found = compose(federation_2(a=f"type Query {{ page: Page }} {page} {child}")).errors
    assert [issue.code.name for issue in found] == (["CONTEXT_INVALID_SELECTION"] if why else [])
    assert why in "".join(issue.message for issue in found)


def test_a_wrong_link_does_not_hide_what_is_wrong_in_other_subgraphs() -> None:
    wrong = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.99")\ntype Query { a: Int }'
    other = 'type Query { b: Parcel } type Parcel @key(fields: "no") { id: ID! }'
    found = errors(compose((*as_written(a=wrong), *federation_2(b=other))))
    assert sorted(found) == ["KEY_INVALID_FIELDS", "UNKNOWN_FEDERATION_LINK_VERSION"]


def test_of_a_type_of_two_kinds_nothing_else_is_told() -> None:
    found = compose(
        federation_2(
            a="type Query { a: Thing } interface Thing { x: Int }",
            b='type Query { b: Thing } type Thing @shareable { x: Int @override(from: "b") }',
        )
    )
    assert errors(found) == ["TYPE_KIND_MISMATCH"]

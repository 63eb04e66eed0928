"""Composing again: what is remembered of subgraphs never shows in an outcome."""

import gc
import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.composition import compose as composition_module
from gateway.composition.compose import Composer, SubgraphSource, compose
from gateway.composition.merging import content as content_module
from tests.composition.subgraphs import HEADER
from tests.differential.generator import generate

SEEDS = range(400)
edits = st.lists(
    st.tuples(st.sampled_from(["replace", "add", "drop", "move"]), st.integers(0, 399), st.integers(0, 5)),
    min_size=1,
    max_size=8,
)


def _sources(seed: int) -> dict[str, SubgraphSource]:
    return {name: SubgraphSource(name, f"http://{name}", sdl) for name, sdl in generate(seed)}


def _edited(current: dict[str, SubgraphSource], kind: str, seed: int, place: int) -> dict[str, SubgraphSource]:
    """One edit: another SDL for a subgraph, one more, one less, or another address."""
    offered = _sources(seed)
    name = sorted(current)[place % len(current)]
    if kind == "replace" and name in offered:
        return {**current, name: offered[name]}
    if kind == "add":
        return {**offered, **current}
    if kind == "drop" and len(current) > 1:
        return {key: value for key, value in current.items() if key != name}
    return {**current, name: SubgraphSource(name, f"http://moved-{seed}", current[name].sdl)}


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 399), edits)
def test_after_any_edits_the_outcome_is_that_of_a_composition_from_nothing(seed, changes) -> None:
    composer = Composer()
    current = _sources(seed)
    assert composer.compose(current.values()) == compose(current.values())
    for change in changes:
        current = _edited(current, *change)
        again, fresh = composer.compose(current.values()), compose(current.values())
        assert again.supergraph_sdl == fresh.supergraph_sdl
        assert again.errors == fresh.errors
        assert again.hints == fresh.hints


LINKED = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", '
    '"@requires", "@override", "@inaccessible", "@authenticated", "@cost", "@interfaceObject", "@context", '
    '"@fromContext", "@composeDirective", TAG])\n'
)
OWN = 'extend schema @link(url: "https://example.org/own/v1.0", import: ["@own"])\ndirective @own on FIELD_DEFINITION\n'
HOLDER = 'type Holder @key(fields: "id") @context(name: "held") { id: ID! p: Int inner: Inner! }\n'
PARTS: dict[str, list[list[str]]] = {
    "alpha": [
        [LINKED.replace("TAG", '"@tag"'), LINKED.replace("TAG", '{name: "@tag", as: "@label"}')],
        [
            "type Query { e: E item: Item mood: Mood }",
            "type Query { e(mood: Mood, by: By): E item: Item }",
            "type Query { e: E item: Item }",
        ],
        [
            'type E implements Item @key(fields: "id") { id: ID! a: Int }',
            'type E implements Item @key(fields: "id") { id: ID! a: Int! @inaccessible }',
            'type E implements Item @key(fields: "id") { id: ID! a: Int @tag(name: "x") }',
            'type E implements Item @key(fields: "id") { id: ID! a: Int @authenticated }',
            'type E implements Item @key(fields: "id") @inaccessible { id: ID! a: Int @shareable @cost(weight: 2) }',
            'type E @key(fields: "id") { id: ID! a: Int }',
        ],
        [
            'interface Item @key(fields: "id") { id: ID! }',
            'interface Item @key(fields: "id") { id: ID! a: Int }',
            '"""Any."""\ninterface Item @key(fields: "id") { id: ID! @inaccessible }',
        ],
        ["enum Mood { GOOD BAD }", "enum Mood { GOOD }", "enum Mood { GOOD BAD @inaccessible }"],
        ["input By { id: ID }", "input By { id: ID = 1 more: Int = 3 }", "input By { id: ID! }"],
        [
            "type Shared @shareable { v: Int x(mood: Mood): Int }",
            "type Shared @shareable { v: Int! x(mood: Mood): Int item: Item }",
            "",
        ],
        ['type All @tag(name: "z") @authenticated @shareable { x: Int @inaccessible y: Int @cost(weight: 1) }'],
    ],
    "beta": [
        [LINKED.replace("TAG", '"@tag"')],
        [OWN + "type Marked { z: Int @own }"],
        ["type Query { shared: Shared }", "type Query { shared: Shared by(by: By): Mood }"],
        [
            'type Item @interfaceObject @key(fields: "id") { id: ID! extra: Int }',
            'type Item @interfaceObject @key(fields: "id") { id: ID! extra: String @tag(name: "t") }',
            'type Item @interfaceObject @key(fields: "id") { id: ID! a: Int @shareable extra: Int @authenticated }',
            "",
        ],
        ["enum Mood { GOOD BAD }", "enum Mood { GOOD SAD }"],
        ["input By { id: ID }", "input By { id: ID! }", 'input By { id: ID = 2 other: Int @tag(name: "b") }'],
        [
            "type Shared @shareable { v: Int x(mood: Mood): Int }",
            '"""About."""\ntype Shared @shareable { v: Int y: Mood }',
        ],
    ],
    "gamma": [
        [LINKED.replace("TAG", '"@tag"')],
        ["", OWN + 'extend schema @composeDirective(name: "@own")'],
        [
            'type E @key(fields: "id") { id: ID! b: Int }',
            'type E @key(fields: "id") { id: ID! a: Int @override(from: "alpha") }',
            'type E @key(fields: "id") { id: ID! a: Int @override(from: "alpha", label: "percent(5)") }',
            'type E @key(fields: "id") { id: ID! a: Int @external b: Int @requires(fields: "a") }',
            'type E @key(fields: "id") { id: ID! a: Int @shareable b: Int @tag(name: "x") }',
            'type E @key(fields: "id", resolvable: false) { id: ID! }',
            'interface Item @key(fields: "id") { id: ID! }\ntype E implements Item @key(fields: "id") { id: ID! }',
        ],
        [
            HOLDER + 'type Inner @key(fields: "id") { id: ID! q(p: Int @fromContext(field: "$held { p }")): Int }',
            HOLDER + 'type Inner @key(fields: "id") { id: ID! q(p: Int): Int }',
            HOLDER.replace('@context(name: "held")', "") + 'type Inner @key(fields: "id") { id: ID! }',
        ],
        ["type Query { holder: Holder e2: E }", "type Query { holder: Holder inner: Inner mood: String }"],
    ],
    "other": [
        [LINKED.replace("TAG", '"@tag"')],
        [
            "type Shared @shareable { v: Int x: Int }",
            "type Shared @shareable { v: Int }",
            'type Shared @shareable { item: E }\ntype E @key(fields: "id") { id: ID! }',
        ],
    ],
    "old": [
        ["type Query { old: Int }", "type Query { old: Int e3: E }"],
        ["", 'extend type E @key(fields: "id") { id: ID! @external d: Int }', "type Shared { v: Int }"],
    ],
}
choices = st.lists(
    st.tuples(st.sampled_from(sorted(PARTS)), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=8
)


def _assembled(chosen: dict[tuple[str, int], int]) -> list[SubgraphSource]:
    """The subgraphs of ``PARTS``, of each part the alternative that was chosen."""
    return [
        SubgraphSource(name, "", "\n".join(part[chosen.get((name, n), 0) % len(part)] for n, part in enumerate(parts)))
        for name, parts in PARTS.items()
    ]


@settings(max_examples=40, deadline=None)
@given(choices)
@example([("beta", 3, 2)])  # a field comes by an interface object
@example([("beta", 4, 1), ("other", 1, 1)])  # an enum becomes an input, for all subgraphs have the argument now
@example([("alpha", 2, 5), ("alpha", 6, 1), ("other", 1, 2), ("gamma", 2, 6), ("gamma", 2, 0)])  # E is an Item, or not
@example([("gamma", 1, 1)])  # what another says by a directive is composed
def test_whatever_one_type_has_to_do_with_another_a_change_of_either_is_seen(changes) -> None:
    composer, chosen = Composer(), {}
    composer.compose(_assembled({}))
    for name, part, alternative in changes:
        chosen[name, part] = alternative
        assert composer.compose(_assembled(chosen)) == compose(_assembled(chosen))


def test_only_types_of_the_subgraph_that_changed_are_merged_again(monkeypatch) -> None:
    merged = []
    filling = content_module.merge_fields
    monkeypatch.setattr(
        content_module,
        "merge_fields",
        lambda merge, type_, *rest: merged.append(type_.name) or filling(merge, type_, *rest),
    )
    a = SubgraphSource("a", "", HEADER + "type Query { a: A } type A { x: Int }")
    b = HEADER + "type Query { b: B } type B { y: Int }"
    composer = Composer()
    composer.compose([a, SubgraphSource("b", "", b)])
    merged.clear()
    composer.compose([a, SubgraphSource("b", "", b + "type C { z: Int }")])
    assert sorted(merged) == ["B", "C", "Query"]


def test_only_a_subgraph_that_changed_is_read_again(monkeypatch) -> None:
    read = []
    reading = composition_module.read_subgraph
    monkeypatch.setattr(
        composition_module, "read_subgraph", lambda name, *rest: read.append(name) or reading(name, *rest)
    )
    a = SubgraphSource("a", "", HEADER + "type Query { a: Int }")
    b = SubgraphSource("b", "", HEADER + "type Query { b: Int }")
    composer = Composer()
    composer.compose([a, b])
    composer.compose([a, SubgraphSource("b", "", HEADER + "type Query { c: Int }")])
    assert read == ["a", "b", "b"]


def test_a_federation_1_subgraph_is_read_again_for_it_is_changed_by_the_others(monkeypatch) -> None:
    old = SubgraphSource("old", "", "type Query { shared: Int }")
    composer = Composer()
    alone = composer.compose([old])
    both = composer.compose([old, SubgraphSource("other", "", "type Query { shared: Int }")])
    assert both.supergraph_sdl is not None
    assert composer.compose([old]) == alone


def test_an_edit_that_breaks_and_one_that_mends_it_end_where_they_began() -> None:
    composer = Composer()
    good = _sources(36)
    before = composer.compose(good.values())
    assert before.supergraph_sdl is not None
    name = random.Random(1).choice(sorted(good))
    broken = composer.compose({**good, name: SubgraphSource(name, "", "type Query {")}.values())
    assert broken.errors
    assert composer.compose(good.values()) == before


def test_a_composition_leaves_no_rings_of_references_for_the_collector() -> None:
    composer = Composer()
    # Field sets are read once in a process, and the tokens of each are a ring.
    assert Composer().compose(_sources(56).values()).supergraph_sdl is not None
    composer.compose(_sources(36).values())
    gc.collect()
    gc.disable()
    try:
        composer.compose(_sources(56).values())
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = {type(one).__name__ for one in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left & {"Merge", "Reach", "Subgraph", "Facts", "Type", "Member", "Token"}

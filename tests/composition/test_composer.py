"""Composing again: what is remembered of subgraphs never shows in an outcome."""

import gc
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.composition import compose as composition_module
from gateway.composition.compose import Composer, SubgraphSource, compose
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


@settings(max_examples=150, deadline=None)
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
    good = _sources(0)
    before = composer.compose(good.values())
    name = random.Random(1).choice(sorted(good))
    broken = composer.compose({**good, name: SubgraphSource(name, "", "type Query {")}.values())
    assert broken.errors
    assert composer.compose(good.values()) == before


def test_a_composition_leaves_no_rings_of_references_for_the_collector() -> None:
    composer = Composer()
    composer.compose(_sources(0).values())
    gc.collect()
    gc.disable()
    try:
        composer.compose(_sources(4).values())
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = {type(one).__name__ for one in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left & {"Merge", "Reach", "Subgraph", "Facts", "Type", "Member"}

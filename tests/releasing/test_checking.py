"""A check looks only at what differs, and says what it would say if it looked at everything."""

import random
import re

from catalog_sync.identifiers import CreditCode
from catalog_sync.loading import Catalogue
from catalog_sync.releases import SubgraphRelease
from catalog_sync.schema_comparison import compare_schemas
from gateway.composition.compose import SubgraphSource, compose
from gateway.releasing.checking import GraphMemory, check
from gateway.releasing.users import Users
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph
from tests.differential.generator import generate

SEEDS = range(0, 200, 4)
EDITS = ("", "  more: Int", "  more: Int @inaccessible", "  more(by: Int): [ID!] @shareable")
NOTHING = Catalogue([], classes={})


def _edited(seed: int, sdl: str) -> str:
    """One field more, or one by another name."""
    rng, lines = random.Random(seed), sdl.split("\n")
    at = rng.choice([number for number, line in enumerate(lines) if re.match(r"  \w+[(:]", line)])
    edit = rng.choice(EDITS)
    renamed = re.sub(r"\w+", "renamed", lines[at], count=1)
    return "\n".join([*lines[:at], *([edit, lines[at]] if edit else [renamed]), *lines[at + 1 :]])


def _supergraph(releases: list[SubgraphRelease]) -> str | None:
    return compose([SubgraphSource(each.subgraph, each.address, each.sdl) for each in releases]).supergraph_sdl


def test_changes_are_those_that_a_comparison_of_everything_finds() -> None:
    memory, told = GraphMemory(), 0
    for seed in SEEDS:
        live = [SubgraphRelease(name, CreditCode(""), 1, sdl, "") for name, sdl in generate(seed)]
        first, *others = live
        candidate = SubgraphRelease(first.subgraph, first.provider, 2, _edited(seed, first.sdl), "")
        before, after = _supergraph(live), _supergraph([candidate, *others])
        report = check(candidate, live, NOTHING, Users, memory)
        assert bool(report.issues) == (after is None)
        if before is not None and after is not None:
            old, new = api_schema(read_supergraph(before)), api_schema(read_supergraph(after))
            assert report.changes == compare_schemas(old, new)
            told += bool(report.changes)
    assert told > len(SEEDS) // 4


def test_users_are_looked_up_only_where_something_breaks() -> None:
    def nobody_asks() -> Users:
        raise AssertionError("nothing breaks")

    name, sdl = generate(0)[0]
    live = [SubgraphRelease(other, CreditCode(""), 1, text, "") for other, text in generate(0)]
    added = SubgraphRelease(name, CreditCode(""), 2, sdl.replace("type Query {", "type Query {\n  more: Int", 1), "")
    assert [change.coordinate for change in check(added, live, NOTHING, nobody_asks).changes] == ["Query.more"]

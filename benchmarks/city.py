"""The gateway at the scale of a city: 71 departments, 3,614 resources, 49,500 items (Chongqing in 2018).

    python -m benchmarks.city

The catalogue is that of ``benchmarks.catalogue``; every department publishes a subgraph that serves its items, links to
records of others, and adds one item of its own to the records of every eighth resource of another department. Printed
are the stages from SDL to the first plan, then the same after a release that adds one field to one subgraph, then the
check of a schema with one field more, upon the graph that is served. Times are of the processor, all threads of this
process together; memory is the resident set.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import psutil

from benchmarks.catalogue import DEPARTMENTS, RESOURCES, TODAY, generated, measure_search
from catalog_sync.closed_lists import DataType, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.graphql_types import accepted_types
from catalog_sync.loading import Catalogue
from catalog_sync.releases import SubgraphRelease
from catalog_sync.search import CatalogueSearch
from gateway.building import Build, Foundation
from gateway.composition.compose import Composer, SubgraphSource
from gateway.garbage import built_to_stay
from gateway.releasing.checking import GraphMemory, check
from gateway.releasing.users import Users
from gateway.settings import Settings, convert_settings
from gateway.snapshot import Text, UsedDocument
from policies.callers import Caller, CallerKind, anonymous
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.tables import PolicyTables, compile_lines

Result = TypeVar("Result")

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HEADER = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n'
    '  @link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"])\n'
)
SCALARS = ("Base64", "BigInt", "Date", "DateTime", "Decimal")
LINKED = "linked"
"""The alias of the item that references a record of another resource."""
ADDED = "added"
"""The alias of the item that stands at the records of the resource before its own, which is another department's."""
POLICY = """\
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a3, allow
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320-a3, allow
g, app:benefits, dept:1, 1
g, dept:1, gov, 1
g, gov, public, 1
g, anon, public, -
g3, intranet, z:gov
g3, intranet, z:any
g3, internet, z:any
"""
OFFICE = Caller(CallerKind.APPLICATION, "app:benefits", "1", zone="intranet")
RELEASED = 9
"""The resource that gets one field more in the release that is measured."""
QUERY = f"{{ resource{RELEASED}s {{ item0 related {{ item0 }} }} }}"


def catalogue() -> Catalogue:
    """The city's catalogue, every third resource with one item more, which references another resource."""
    entries = [_adding(entry) if number % 8 == 1 else entry for number, entry in enumerate(generated())]
    return Catalogue(
        [
            _linked(entry, entries[_target(number)]) if number % 3 == 0 else entry
            for number, entry in enumerate(entries)
        ],
        on=TODAY,
    )


def _adding(entry: CatalogueEntry) -> CatalogueEntry:
    return replace(entry, items=(*entry.items[:5], replace(entry.items[5], alias=ADDED), *entry.items[6:]))


def _target(number: int) -> int:
    return (number * 7 + 1) % RESOURCES


def _linked(entry: CatalogueEntry, other: CatalogueEntry) -> CatalogueEntry:
    code = other.codes[0]
    item = InformationItem("关联编号", LINKED, DataType.STRING, Sharing.UNCONDITIONAL, length=64, references=code)
    return replace(entry, items=(*entry.items, item))


def subgraphs(catalogue: Catalogue, withheld: frozenset[str] = frozenset()) -> list[SubgraphSource]:
    """One subgraph for every department; ``withheld`` are coordinates that are not served yet."""
    entries = catalogue.entries
    parts: list[list[str]] = [[] for _ in range(DEPARTMENTS)]
    roots: list[list[str]] = [[] for _ in range(DEPARTMENTS)]
    stubs: list[set[int]] = [set() for _ in range(DEPARTMENTS)]
    for number, entry in enumerate(entries):
        own = number % DEPARTMENTS
        served = [item for item in entry.items if f"{entry.alias}.{item.alias}" not in withheld]
        fields = [f"  {item.alias}: {_scalar(item)}" for item in served if item.alias != ADDED]
        if number % 3 == 0:
            target = _target(number)
            fields.append(f"  related: {entries[target].alias}")
            if target % DEPARTMENTS != own:
                stubs[own].add(target)
        if number % 8 == 1:
            added = f'  {ADDED}: {_scalar(entry.items[5])} @resource(code: "{entry.codes[0]}")'
            parts[own].append(_type(entries[number - 1], [_key(entries[number - 1]), added], home=False))
        key = entry.items[0]
        parts[own].append(f'"""{entry.title}"""\n' + _type(entry, fields))
        name = f"{entry.alias[0].lower()}{entry.alias[1:]}"
        roots[own].append(f"  {name}({key.alias}: {_scalar(key)}!): {entry.alias}")
        roots[own].append(f"  {name}s(first: Int = 20): [{entry.alias}!]!")
    for own, targets in enumerate(stubs):
        for target in sorted(targets):
            if not (target % 8 == 0 and (target % DEPARTMENTS + 1) % DEPARTMENTS == own):
                key = [_key(entries[target])]
                parts[own].append(_type(entries[target], key, ", resolvable: false", home=False))
    scalars = "\n".join(f"scalar {name}" for name in SCALARS)
    return [
        SubgraphSource(
            f"department{number:02d}",
            f"http://127.0.0.1:{4100 + number}/graphql",
            "\n".join([HEADER, scalars, "type Query {", *roots[number], "}", *parts[number]]) + "\n",
        )
        for number in range(DEPARTMENTS)
    ]


def _scalar(item: InformationItem) -> str:
    return sorted(accepted_types(item))[-1]


def _key(entry: CatalogueEntry) -> str:
    return f"  {entry.items[0].alias}: {_scalar(entry.items[0])}"


def _type(entry: CatalogueEntry, fields: list[str], more: str = "", home: bool = True) -> str:
    """The type of an entry's records; only its ``home`` says which resource they are of."""
    bound = f' @resource(code: "{entry.codes[0]}")' if home else ""
    head = f'type {entry.alias} @key(fields: "{entry.items[0].alias}"{more}){bound} {{'
    return "\n".join([head, *fields, "}"])


def policy(catalogue: Catalogue) -> PolicyTables:
    """The two tiers that need no grant, over the catalogue."""
    return compile_lines("city-1", parse_policy(POLICY), items_of_catalogue(catalogue.entries, TODAY))


@dataclass
class Clock:
    """Times stages and prints them."""

    rows: list[tuple[str, float]] = field(default_factory=list)

    def stage(self, name: str, work: Callable[[], Result]) -> Result:
        """Does ``work`` and prints what it took."""
        began, wall = time.process_time(), time.perf_counter()
        result = work()
        spent, waited = time.process_time() - began, time.perf_counter() - wall
        self.rows.append((name, spent))
        memory = psutil.Process().memory_info().rss / 1e6
        print(f"  {name:<44}{spent:8.2f} s {waited:12.2f} s {memory:8.0f} MB", flush=True)
        return result

    def total(self, name: str) -> None:
        """Prints the sum since the last, and begins anew."""
        print(f"  {name:<44}{sum(spent for _, spent in self.rows):8.2f} s\n", flush=True)
        self.rows.clear()


def settings(folder: Path) -> Settings:
    """A gateway's settings: the key of every department, as requests to it are signed."""
    key = folder / "key"
    key.write_text("city-1:" + "s" * 32, encoding="utf-8")
    names = [f"department{number:02d}" for number in range(DEPARTMENTS)]
    return convert_settings({"subgraphs": {name: {"key_file": str(key)} for name in names}})


def used(view: str) -> UsedDocument:
    """The operation that is prepared, as if it had been asked for before."""
    return UsedDocument(view, Text(QUERY), 1, ({},))


def go_live(
    clock: Clock, composer: Composer, foundation: Foundation, chosen: Settings, sources: list[SubgraphSource]
) -> Build:
    """All that lies between SDL and the first answers: for an office, and for somebody of the public."""
    composition = clock.stage("compose", lambda: composer.compose(sources))
    text = composition.supergraph_sdl
    assert text is not None, composition.errors[:3]
    build = clock.stage("read, bind to the catalogue, route", lambda: foundation.build(text, chosen))
    assert not build.governance().unbound, build.governance().unbound[:3]
    for name, caller in (("an office", OFFICE), ("the public", anonymous("internet"))):
        clock.stage(f"first view of {name}", lambda caller=caller: build.governance().view_for(caller, NOW))  # type: ignore[misc]
    view = build.governance().view_for(OFFICE, NOW)
    clock.stage("first operation: read, judge, plan, compile", lambda: build.snapshot.warm(used(view.digest), view))
    return build


def check_schemas(clock: Clock, graphs: GraphMemory, entries: Catalogue, sources: list[SubgraphSource]) -> None:
    """What authors wait for whose schemas are checked one after the other; then where nothing is remembered."""
    live = [_release(entries, source, source.sdl) for source in sources]
    for number, added in ((20, "more"), (40, "more"), (40, "other")):
        more = sources[number].sdl.replace("type Query {", f"type Query {{\n  {added}: Resource{number}", 1)
        candidate = _release(entries, sources[number], more)
        stage = f"check {added} of {candidate.subgraph}"
        report = clock.stage(stage, lambda candidate=candidate: check(candidate, live, entries, Users, graphs))  # type: ignore[misc]
        assert report.in_order, report.problems[:3]
        assert [change.coordinate for change in report.changes] == [f"Query.{added}"], report.changes[:3]
    clock.stage("the same from nothing", lambda: check(candidate, live, entries, Users))


def _release(entries: Catalogue, source: SubgraphSource, sdl: str) -> SubgraphRelease:
    provider = entries.entries[int(source.name[-2:])].provider.credit_code
    return SubgraphRelease(source.name, provider, 1, sdl, source.url)


def main() -> None:
    """Prints every figure."""
    clock = Clock()
    print(f"{'':46}{'processor':>10}{'wall clock':>14}{'memory':>12}")
    entries = clock.stage("generate the catalogue (not counted)", catalogue)
    items = sum(len(entry.items) for entry in entries.entries)
    clock.rows.clear()
    tables = clock.stage("compile the policy over it", lambda: policy(entries))
    before, after = subgraphs(entries, frozenset({f"Resource{RELEASED}.item2"})), subgraphs(entries)
    with TemporaryDirectory() as folder:
        chosen = settings(Path(folder))
        foundation, composer = Foundation(entries, tables), Composer()
        with built_to_stay():
            go_live(clock, composer, foundation, chosen, before)
        clock.total("first composition and start")
        with built_to_stay():
            build = go_live(clock, composer, foundation, chosen, after)
        clock.total("one field more, live")
        fields = sum(len(definition.fields) for definition in build.snapshot.supergraph.types.values())
        print(f"{len(before)} subgraphs, {len(build.snapshot.supergraph.types)} types, {fields} fields, {items} items")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
        check_schemas(clock, GraphMemory(composer, foundation.reader), entries, after)
    measure_search(CatalogueSearch(entries.entries))


if __name__ == "__main__":
    main()

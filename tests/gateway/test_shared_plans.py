"""What requests have in common costs one plan, and what is remembered is bounded however they differ."""

from random import Random

from gateway.execution.compiled import CompiledPlan
from gateway.settings import CacheSettings
from gateway.snapshot import Snapshot, Text
from gateway.supergraph.join_sdl import read_supergraph

SUPERGRAPH = """schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") }
type Query @join__type(graph: A) @join__type(graph: B) {
  office(code: ID!): Office @join__field(graph: A)
  offices(first: Int, where: Where): [Office] @join__field(graph: A)
}
input Where @join__type(graph: A) { named: String cities: [String!] seats: Int }
type Office @join__type(graph: A, key: "code") @join__type(graph: B, key: "code") {
  code: ID!
  name: String @join__field(graph: A)
  staff(since: Int, first: Int): [String] @join__field(graph: B)
}
"""

SHAPES = (
    "{ office(code: <text>) { name } }",
    "query ($<name>: ID!) { office(code: $<name>) { staff(since: <number>, first: 5) } }",
    "query ($<name>: Int) { offices(first: $<name>, where: { named: <text>, cities: [<text>] }) { name code } }",
    "{ offices(first: <number>) { ...F } } fragment F on Office { staff(first: 3) }",
    "query ($<name>: Boolean!) { offices(where: { seats: <number> }) { code name @include(if: $<name>) } }",
)
VALUES: tuple[object, ...] = (None, "x", 4, None, True)


def written(shape: str, random: Random) -> tuple[str, str]:
    """One of the many texts of a shape, and the name of its variable."""
    name = f"given{random.randrange(1000)}"
    parts = shape.replace("<name>", name).split("<number>")
    text = str(random.randrange(6, 10**6)).join(parts)
    while "<text>" in text:
        text = text.replace("<text>", f'"{random.randrange(10**9)}"', 1)
    return text.replace(" ", random.choice((" ", "  ", "\n", " # said by the client\n", ", "))), name


async def prepare(snapshot: Snapshot, number: int, random: Random) -> CompiledPlan:
    text, name = written(SHAPES[number], random)
    prepared, _ = await snapshot.prepare(Text(text), snapshot.plain_view, {name: VALUES[number]})
    return prepared.compiled


async def test_a_mixed_load_of_ever_new_texts_costs_one_plan_for_each_shape() -> None:
    random = Random(4)
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1")

    plans = [await prepare(snapshot, number % len(SHAPES), random) for number in range(400)]

    assert len(set(plans)) == len(SHAPES)


async def test_an_alias_has_a_plan_of_its_own_since_the_answer_differs() -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1")
    one, _ = await snapshot.prepare(Text("{ office(code: 1) { name } }"), snapshot.plain_view, {})
    other, _ = await snapshot.prepare(Text("{ office(code: 1) { title: name } }"), snapshot.plain_view, {})

    assert one.compiled is not other.compiled


async def test_ever_new_shapes_are_forgotten_in_time() -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1", caches=CacheSettings(documents=10, plans=6))

    for number in range(60):
        await snapshot.prepare(Text(f"{{ office(code: 1) {{ name{number}: name }} }}"), snapshot.plain_view, {})

    assert (len(snapshot._documents), len(snapshot._plans)) == (10, 6)


async def test_a_short_text_with_a_large_plan_counts_as_several() -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1", caches=CacheSettings(documents=40, plans=40))
    many = " ".join(f"x{number}: name" for number in range(300))

    for number in range(40):
        text = f"{{ o{number}: office(code: 1) {{ ...F code }} }} fragment F on Office {{ {many} }}"
        await snapshot.prepare(Text(text), snapshot.plain_view, {})

    assert len(snapshot._documents) < 30
    assert len(snapshot._plans) < 30


async def test_each_choice_of_conditions_counts() -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1", caches=CacheSettings(documents=20, plans=20))
    names = [f"c{number}" for number in range(5)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in names)
    text = Text(f"query ({declared}) {{ office(code: 1) {{ {fields} }} }}")
    for number in range(32):
        chosen = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        await snapshot.prepare(text, snapshot.plain_view, chosen)

    await snapshot.prepare(Text("{ office(code: 1) { name } }"), snapshot.plain_view, {})
    await snapshot.prepare(Text("{ office(code: 1) { code } }"), snapshot.plain_view, {})

    assert text.document not in {document for (_, document, _, _) in snapshot._documents.young}

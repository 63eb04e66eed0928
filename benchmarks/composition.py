"""How long composition takes, and how much memory: small, large, adversarial and hostile input.

    python -m benchmarks.composition [--peer NODE_FOLDER]

NODE_FOLDER is where ``npm install @apollo/composition graphql`` was run; the ratio to it is printed then. Every case
runs in a process of its own, so that its peak memory is its own. Times are of the processor, so that whatever else the
machine does stays out of them; composition uses one core.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gateway.composition.compose import SubgraphSource, compose

HEADER = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@requires", '
    '"@external", "@tag"])\n'
)


def departments() -> list[SubgraphSource]:
    """Six subgraphs of the size of a demonstration: a dozen types each, entities shared among them."""
    names = ("registry", "statistics", "transport", "enterprise", "legislation", "housing")
    return [_subgraph(name, index, names, types=12, fields=8) for index, name in enumerate(names)]


def province() -> list[SubgraphSource]:
    """71 subgraphs with 3,600 types and 50,000 fields in all."""
    names = tuple(f"department{index}" for index in range(71))
    return [_subgraph(name, index, names, types=51, fields=14) for index, name in enumerate(names)]


def _subgraph(name: str, index: int, names: tuple[str, ...], types: int, fields: int) -> SubgraphSource:
    own = [f"{name.title()}Item{number}" for number in range(types)]
    parts = [HEADER, f"type Query {{\n  {name}: [{own[0]}!]\n  {name}ById(id: ID!): {own[0]}\n}}"]
    for number, type_name in enumerate(own):
        lines = [f'type {type_name} @key(fields: "id") {{', "  id: ID!"]
        lines += [
            f"  value{field}(first: Int = 10): {('String', 'Int', 'Float!')[field % 3]}" for field in range(fields - 3)
        ]
        lines.append(f"  next: {own[(number + 1) % types]}")
        other = names[(index + 1 + number % (len(names) - 1)) % len(names)].title()
        lines.append(f"  related: [{other}Item{number}!]")
        parts.append("\n".join([*lines, "}"]))
        parts.append(f'type {other}Item{number} @key(fields: "id") {{ id: ID! {name}Note: String }}')
    return SubgraphSource(name, f"http://{name}", "\n".join(parts))


def adversarial() -> list[SubgraphSource]:
    """Recursive shareable types without keys over eight subgraphs: many sets of positions, one type each."""
    found = []
    for index in range(8):
        parts = [HEADER, "type Query @shareable { t: T0 }"]
        for number in range(12):
            lines = [f"type T{number} @shareable {{ x: Int"]
            lines += [f"  f{edge}: T{edge}" for edge in range(12) if (edge + number) % 8 != index]
            lines += [f"  c{edge}: T{edge}" for edge in range(12)]
            parts.append("\n".join([*lines, "}"]))
        found.append(SubgraphSource(f"s{index}", "", "\n".join(parts)))
    return found


def entities() -> list[SubgraphSource]:
    """Recursive shareable entities over eight subgraphs."""
    found = []
    for index in range(8):
        parts = [HEADER, f"type Query {{ q{index}: E0 }}"]
        for number in range(12):
            edges = " ".join(f"f{edge}: E{edge} @shareable" for edge in range(12))
            parts.append(f'type E{number} @key(fields: "id") {{ id: ID! {edges} own{index}x{number}: Int }}')
        found.append(SubgraphSource(f"s{index}", "", "\n".join(parts)))
    return found


def hostile_size() -> list[SubgraphSource]:
    return [SubgraphSource("a", "", "type Query { a: Int }\n" + "scalar S\n" * 560_000)]


def hostile_tokens() -> list[SubgraphSource]:
    return [SubgraphSource("a", "", "type Query { a: Int }\n" + "scalar S\n" * 400_000)]


def hostile_nesting() -> list[SubgraphSource]:
    return [SubgraphSource("a", "", "type Query { a: " + "[" * 500_000 + "Int" + "]" * 500_000 + " }")]


def hostile_directives() -> list[SubgraphSource]:
    fields = "\n".join(f"  f{index}: Int @unknown{index}" for index in range(18_000))
    return [SubgraphSource("a", "", f"type Query {{\n{fields}\n}}")]


def hostile_inputs() -> list[SubgraphSource]:
    chain = "\n".join(f"input I{index} {{ n: I{(index + 1) % 9000}! }}" for index in range(9000))
    return [SubgraphSource("a", "", f"type Query {{ a(i: I0): Int }}\n{chain}")]


CASES: dict[str, Callable[[], list[SubgraphSource]]] = {
    function.__name__: function
    for function in (
        departments, province, entities, adversarial, hostile_size, hostile_tokens, hostile_nesting, hostile_directives,
        hostile_inputs,
    )
}  # fmt: skip


def run(case: str) -> dict[str, object]:
    """Compose one case: the best of some runs in milliseconds, peak memory in megabytes, the outcome."""
    sources = CASES[case]()
    best, composition = float("inf"), None
    for _ in range(5 if case == "departments" else 1):
        began = time.process_time()
        composition = compose(sources)
        best = min(best, time.process_time() - began)
    assert composition is not None
    return {
        "milliseconds": best * 1000,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "outcome": sorted({issue.code.name for issue in composition.errors}) or "composed",
    }


def peer(folder: Path, case: str) -> float:
    """What @apollo/composition needs for the same input, in milliseconds."""
    services = [{"name": s.name, "url": s.url, "sdl": s.sdl} for s in CASES[case]()]
    script = (Path(__file__).parents[1] / "tests" / "differential" / "oracle.js").read_text(encoding="utf-8")
    line = json.dumps({"id": 0, "services": services})
    # Twice, so that the peer's compiler has warmed up; the second answer counts.
    answered = subprocess.run(
        ["node", "--max-old-space-size=8000", "-e", script], cwd=folder, input=f"{line}\n{line}", text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    return float(json.loads(answered.stdout.splitlines()[-1])["milliseconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--case", choices=list(CASES))
    options = parser.parse_args()
    if options.case:
        print(json.dumps(run(options.case)))
        return
    for case in CASES:
        arguments = [sys.executable, "-m", "benchmarks.composition", "--case", case]
        measured = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)
        text = f"{case:20}{measured['milliseconds']:10.0f} ms{measured['megabytes']:8.0f} MB  {measured['outcome']}"
        if options.peer and not case.startswith("hostile"):
            theirs = peer(options.peer, case)
            text += f"  peer {theirs:.0f} ms, ours / peer {measured['milliseconds'] / theirs:.2f}"
        print(text, flush=True)


if __name__ == "__main__":
    main()

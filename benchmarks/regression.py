"""Whether this commit costs more than an earlier one: instructions of the same work in both, counted by valgrind.

    python -m benchmarks.regression --against REVISION [--tolerance 1.05]

Times tell little on a machine that others use too; instruction counts of one commit agree to a part in a thousand. The
work is what users do through the stable commands: composing, planning, starting to serve, and a request of two shapes
(the difference between a run with few requests and one with many, so that the start does not count). Subgraphs answer
from memory outside the counted process. Exits 1 where a count has grown beyond the tolerance. Takes some four minutes.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.gateway import OPERATIONS, SDL, gateway, post, subgraphs
from gateway.composition.compose import SubgraphSource, compose

FEW, MANY = 50, 250


def counted(tree: Path, out: Path, *arguments: str) -> list[str]:
    """The command line that runs ``watersmeet`` from a checkout and leaves its instruction count in ``out``."""
    # The hash seed decides the order of sets and with it the count; nothing may be compiled to bytecode on the way.
    setting = ["env", "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", f"PYTHONPATH={tree}"]
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]
    return [*setting, *tool, sys.executable, "-m", "gateway", *arguments]


def instructions(out: Path) -> int:
    """What callgrind counted, in instructions."""
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
    assert found, f"no count in {out}"
    return int(found[1])


def cost_of_command(tree: Path, out: Path, *arguments: str) -> int:
    """Instructions of a command from start to end."""
    subprocess.run(counted(tree, out, *arguments), check=True, stdout=subprocess.DEVNULL, cwd=tree)
    return instructions(out)


def cost_of_serving(tree: Path, out: Path, supergraph: Path, query: str, requests: int) -> int:
    """Instructions from the start of ``serve`` over a number of requests, one after another, to its end."""
    port = 25_000 + os.getpid() % 1000
    words = counted(tree, out, "serve", "--supergraph", "{supergraph}", "--open", "--port", "{port}")
    with gateway(" ".join(words), supergraph, port):
        for _ in range(requests):
            post(port, query)
    return instructions(out)


def costs(tree: Path, folder: Path, supergraph: Path) -> Mapping[str, int]:
    """Instructions of each piece of work, by its name."""
    out, operation = folder / "callgrind.out", folder / "operation.graphql"
    operation.write_text(OPERATIONS["joined"])
    found = {
        "compose three subgraphs": cost_of_command(tree, out, "compose", str(folder / "subgraphs")),
        "plan": cost_of_command(tree, out, "plan", "--supergraph", str(supergraph), str(operation)),
    }
    for name, query in OPERATIONS.items():
        few = cost_of_serving(tree, out, supergraph, query, FEW)
        many = cost_of_serving(tree, out, supergraph, query, MANY)
        found[f"request: {name}"] = (many - few) // (MANY - FEW)
        found.setdefault("start to serve, 50 small requests", few)
    return found


@contextlib.contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """The files of a revision in a folder of their own, compiled as an installation is."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        subprocess.run([sys.executable, "-m", "compileall", "-q", f"{folder}/gateway"], check=True)
        yield Path(folder)


def main() -> int:
    """Prints the counts of both and their ratio; 1 where one has grown beyond the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, metavar="REVISION", help="a tag or commit of this repository")
    parser.add_argument("--tolerance", type=float, default=1.05, help="largest ratio that passes")
    options = parser.parse_args()
    with subgraphs() as ports, tempfile.TemporaryDirectory() as name, checkout(options.against) as before:
        folder = Path(name)
        (folder / "subgraphs").mkdir()
        addresses = {name: f"http://127.0.0.1:{port}/graphql" for name, port in zip(SDL, ports, strict=True)}
        for subgraph, sdl in SDL.items():
            (folder / "subgraphs" / f"{subgraph}.graphql").write_text(f"# url: {addresses[subgraph]}\n{sdl}")
        supergraph = folder / "supergraph.graphql"
        sources = [SubgraphSource(subgraph, addresses[subgraph], sdl) for subgraph, sdl in SDL.items()]
        supergraph.write_text(compose(sources).supergraph_sdl or "")
        with checkout("HEAD") as here:
            new, old = costs(here, folder, supergraph), costs(before, folder, supergraph)
    print(f"| work | {options.against}, million instructions | HEAD | ratio |\n|---|---|---|---|")
    for work, count in new.items():
        print(f"| {work} | {old[work] / 1e6:,.2f} | {count / 1e6:,.2f} | {count / old[work]:.3f} |")
    grown = [work for work, count in new.items() if count > old[work] * options.tolerance]
    print("\n" + (f"Grown beyond {options.tolerance}: {', '.join(grown)}." if grown else "Nothing has grown."))
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())

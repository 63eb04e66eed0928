"""Compose random subgraphs here and with @apollo/composition, and tell every difference.

    python -m tests.differential.compare NODE_FOLDER [--seeds 2000] [--first 0] [--show 10]

NODE_FOLDER is where ``npm install @apollo/composition graphql`` was run; it stays outside the repository.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from gateway.composition.compose import Composition, SubgraphSource, compose
from tests.composition.schema_tree import tree
from tests.differential.generator import generate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("node_folder", type=Path)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    theirs = _peer(options.node_folder, seeds)
    counts: Counter[str] = Counter()
    shown = 0
    for seed in seeds:
        sources = [SubgraphSource(name, "", sdl) for name, sdl in generate(seed)]
        composition = compose(sources)
        ours_codes = {issue.code.name for issue in composition.errors}
        their_codes = {code for code, _ in theirs[seed]["errors"]}
        counts["accepted" if not their_codes else "refused"] += 1
        if bool(ours_codes) != bool(their_codes):
            kind = "verdict differs"
        elif ours_codes != their_codes:
            kind = "codes differ"
        elif composition.supergraph_sdl and _tree(composition.supergraph_sdl) != _tree(theirs[seed]["supergraph"]):
            kind = "supergraphs differ"
        elif composition.supergraph_sdl and _hints(composition) != {code for code, _ in theirs[seed]["hints"]}:
            kind = "hints differ"
        else:
            counts["equal"] += 1
            continue
        counts[kind] += 1
        counts[f"  ours {sorted(ours_codes)} theirs {sorted(their_codes)}"] += 1
        if shown < options.show:
            shown += 1
            print(f"seed {seed}: {kind}")
            print("  ours  ", [(i.code.name, i.message[:160]) for i in composition.errors][:4])
            print("  theirs", [(code, message[:300]) for code, message in theirs[seed]["errors"]][:4])
    for name, count in counts.items():
        print(f"{count:6} {name}")
    return 0 if counts["equal"] == len(seeds) else 1


def _tree(supergraph: str) -> dict[str, Any]:
    """Without the scalar that the peer leaves over from a subgraph's own link of @requiresScopes, used or not."""
    unused = "requiresScopes__Scope" if "@requiresScopes" not in supergraph else ""
    return {name: part for name, part in tree(supergraph).items() if name != unused}


def _hints(composition: Composition) -> set[str]:
    return {issue.code.name for issue in composition.hints}


def _peer(folder: Path, seeds: range) -> dict[int, dict[str, Any]]:
    lines = []
    for seed in seeds:
        services = [{"name": name, "url": "", "sdl": sdl} for name, sdl in generate(seed)]
        lines.append(json.dumps({"id": seed, "services": services}))
    script = Path(__file__).with_name("oracle.js").read_text(encoding="utf-8")
    answered = subprocess.run(
        ["node", "-e", script], cwd=folder, input="\n".join(lines), capture_output=True, text=True, check=True
    )
    answers = (json.loads(line) for line in answered.stdout.splitlines())
    return {answer["id"]: answer for answer in answers}


if __name__ == "__main__":
    sys.exit(main())

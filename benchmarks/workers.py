"""What a second worker brings where there is a core for it: throughput of one and of two workers.

    python -m benchmarks.workers [--share 0.2] [--rounds 3] [--seconds 4] [--connections 32]

Load and subgraphs need cores too, so on a small machine a second worker takes what they would use, and its throughput
says nothing. Here each worker is held to a fixed share of a core by a control group of its own (Linux, root): the rest
of the machine is idle enough for the others, and only what workers hold in common could keep two from twice one.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.gateway import OPERATIONS, cpu_of, gateway, load, post, supergraph_file, tree_of

PERIOD = 20_000
"""Microseconds after which a share begins anew: short against a measurement, long against a switch of processes."""
VERSION_1 = Path("/sys/fs/cgroup/cpu")
VERSION_2 = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def held_to(share: float, processes: Sequence[int]) -> Iterator[None]:
    """Each process in a control group of its own that gets ``share`` of one core.

    Raises:
        OSError: if this account may not make control groups.
    """
    first = VERSION_1.is_dir()
    quota = int(PERIOD * share)
    limits = {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": quota} if first else {"cpu.max": f"{quota} {PERIOD}"}
    root = VERSION_1 if first else VERSION_2
    groups = [root / f"watersmeet-{os.getpid()}-{process}" for process in processes]
    try:
        for group, process in zip(groups, processes, strict=True):
            group.mkdir()
            for name, value in limits.items():
                (group / name).write_text(str(value))
            (group / "cgroup.procs").write_text(str(process))
        yield
    finally:
        for group, process in zip(groups, processes, strict=True):
            with contextlib.suppress(OSError):
                (root / "cgroup.procs").write_text(str(process))
            with contextlib.suppress(OSError):
                group.rmdir()


def throughput(supergraph: Path, query: str, workers: int, options: argparse.Namespace) -> tuple[float, float]:
    """Requests per second, and milliseconds of CPU for one."""
    port = 24_000 + os.getpid() % 1000
    command = (
        f"{sys.executable} -m gateway serve --supergraph {{supergraph}} --open --port {{port}} --workers {workers}"
    )
    with gateway(command, supergraph, port) as (pid, _):
        assert "errors" not in json.loads(post(port, query))
        asyncio.run(load(port, query, options.connections, 1.0))
        with held_to(options.share, [one for one in tree_of(pid) if one != pid or workers == 1]):
            before = cpu_of(pid)
            answered = len(asyncio.run(load(port, query, options.connections, options.seconds)))
            return answered / options.seconds, (cpu_of(pid) - before) * 1000 / answered


def main() -> None:
    """Prints a row for each operation; one and two workers take turns, medians count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    print(f"Each worker held to {options.share} of a core.\n")
    print("| operation | one worker, req/s | CPU ms/req | two workers, req/s | CPU ms/req | two / one |")
    print("|---|---|---|---|---|---|")
    with supergraph_file() as supergraph:
        for name, query in OPERATIONS.items():
            found = [
                [throughput(supergraph, query, workers, options) for workers in (1, 2)] for _ in range(options.rounds)
            ]
            (one, cost), (two, cost_of_two) = (
                [statistics.median(values) for values in zip(*column, strict=True)]
                for column in zip(*found, strict=True)
            )
            print(f"| {name} | {one:,.0f} | {cost:.3f} | {two:,.0f} | {cost_of_two:.3f} | {two / one:.2f} |")


if __name__ == "__main__":
    main()

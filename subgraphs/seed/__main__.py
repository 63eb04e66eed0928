"""``python -m subgraphs.seed DIR``: makes the demonstration data of all six departments, unless it is there already."""

import argparse
import sys
from pathlib import Path

import msgspec

from subgraphs.seed.generate import generate


def main() -> int:
    """Exit code 0, or 2 where the folder cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m subgraphs.seed", description=__doc__)
    parser.add_argument("directory", nargs="?", default=Path(".demo"), type=Path, metavar="DIR", help="folder to write to (default: .demo)")  # fmt: skip  # noqa: E501
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies all numbers of records (default: 1)")
    options = parser.parse_args()
    try:
        summary = generate(options.directory, options.scale)
    except OSError as error:
        print(f"The folder {options.directory} cannot be written: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return 2
    what = "Generated" if summary.generated else "Already there"
    counts = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in msgspec.structs.asdict(summary.counts).items())  # fmt: skip  # noqa: E501
    print(f"{what} in {summary.seconds:.1f} s: {counts}.")  # noqa: T201 - this is the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())

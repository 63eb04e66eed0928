"""The differential property over as many operations as one has patience for.

``python -m tests.properties.fuzz --operations 10000 [--seed 1000]``; exit 1 with the world and the operation at the
first difference.
"""

import argparse
import sys

from tests.properties.differential import DifferenceFoundError, Tally, check_world

PER_WORLD = 20


def main() -> int:
    """Run until enough operations are compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1000, help="the first world")
    given = parser.parse_args()
    tally = Tally()
    seed = given.seed
    while tally.compared < given.operations:
        try:
            check_world(seed, PER_WORLD, tally)
        except DifferenceFoundError as difference:
            sys.stderr.write(f"{difference}\n")
            return 1
        seed += 1
    sys.stdout.write(
        f"{tally.compared} operations over {seed - given.seed} supergraphs agree "
        f"({tally.fetches} fetches; {tally.failed} had errors; {tally.invalid} operations were invalid and left out)\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

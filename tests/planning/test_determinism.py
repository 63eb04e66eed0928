"""The same plan in every process: caches, logs and comparisons rely on it."""

import os
import subprocess
import sys

SCRIPT = """
from tests.planning.test_abstract_types import ASSETS
from tests.planning.test_requires import TAXES
from tests.planning.plans import fetches, plan
FOUND = "{ found { ... on Node { id } } assets { value ... on House { rooms } ... on Car { plate } } }"
print(fetches(plan(ASSETS, FOUND)))
print(fetches(plan(TAXES, "{ parcel { refund zoneTax abroad } parcels { refund } }")))
"""


def test_the_order_of_sets_in_memory_does_not_show_in_a_plan() -> None:
    shown = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", SCRIPT]
        shown.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(shown) == 1

"""``python -m subgraphs.natural_resources``: see subgraphs.kit.command."""

import sys

from subgraphs.kit.command import run
from subgraphs.natural_resources.app import department

sys.exit(run(department))

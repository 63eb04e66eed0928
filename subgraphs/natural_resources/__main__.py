"""``python -m subgraphs.natural_resources``: see subgraphs.kit.command."""

import sys

from subgraphs.natural_resources.app import department
from subgraphs.kit.command import run

sys.exit(run(department))

"""``python -m subgraphs.human_resources``: see subgraphs.kit.command."""

import sys

from subgraphs.human_resources.app import department
from subgraphs.kit.command import run

sys.exit(run(department))

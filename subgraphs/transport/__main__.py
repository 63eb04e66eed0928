"""``python -m subgraphs.transport``: see subgraphs.kit.command."""

import sys

from subgraphs.transport.app import department
from subgraphs.kit.command import run

sys.exit(run(department))

"""``python -m subgraphs.transport``: see subgraphs.kit.command."""

import sys

from subgraphs.kit.command import run
from subgraphs.transport.app import department

sys.exit(run(department))

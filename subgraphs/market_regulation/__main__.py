"""``python -m subgraphs.market_regulation``: see subgraphs.kit.command."""

import sys

from subgraphs.market_regulation.app import department
from subgraphs.kit.command import run

sys.exit(run(department))

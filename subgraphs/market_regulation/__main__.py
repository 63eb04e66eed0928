"""``python -m subgraphs.market_regulation``: see subgraphs.kit.command."""

import sys

from subgraphs.kit.command import run
from subgraphs.market_regulation.app import department

sys.exit(run(department))

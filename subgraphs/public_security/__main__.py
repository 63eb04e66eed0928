"""``python -m subgraphs.public_security``: see subgraphs.kit.command."""

import sys

from subgraphs.kit.command import run
from subgraphs.public_security.app import department

sys.exit(run(department))

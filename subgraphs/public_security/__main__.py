"""``python -m subgraphs.public_security``: see subgraphs.kit.command."""

import sys

from subgraphs.public_security.app import department
from subgraphs.kit.command import run

sys.exit(run(department))

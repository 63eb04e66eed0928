"""``python -m subgraphs.civil_affairs``: see subgraphs.kit.command."""

import sys

from subgraphs.civil_affairs.app import department
from subgraphs.kit.command import run

sys.exit(run(department))

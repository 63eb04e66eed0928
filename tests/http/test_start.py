"""What a start of plain federation must not wait for."""

import json
import subprocess
import sys
from pathlib import Path

# Each of these takes longer to load than a small supergraph takes to read; they come with what needs them.
HEAVY = ["aiohttp", "casbin", "duckdb", "jinja2", "joserfc", "openpyxl", "sqlite3", "strawberry", "yaml"]


def test_plain_federation_loads_nothing_it_does_not_use() -> None:
    program = (
        "import sys, json, gateway.app, gateway.commands.serve, gateway.server.workers;"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert json.loads(found.stdout) == []

"""The page about composition holds: its example runs by itself, and needs nothing of the gateway."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "composition.md"


def example() -> str:
    return str(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])


def test_the_example_composes_and_tells_what_must_change() -> None:
    loaded = "import sys\nprint(composition.supergraph_sdl is not None, *sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", f"{example()}\n{loaded}"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("NO_QUERIES: No subgraph has a query")
    succeeded, *modules = ran.stderr.split()
    assert succeeded == "True"
    needed = {".".join(name.split(".")[:2]) for name in modules if name.startswith("gateway.")}
    assert needed <= {"gateway.composition", "gateway.supergraph", "gateway.errors", "gateway.garbage"}
    assert not {"yaml", "casbin", "httptools"} & set(modules)

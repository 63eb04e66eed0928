"""The codes of composition, by the names the field uses: what each means, how to mend it, and SDL that raises it.

They are written down in ``codes.md`` beside this module. ``codes.NO_QUERIES`` is the error of that name; the hints are
in ``hints``. Codes that no subgraph can raise in this product are kept: other tools print them and people look them up
here.
"""

import re
from importlib.resources import files

from gateway.composition.issues import CompositionCode, Severity

TEXT = files("gateway.composition").joinpath("codes.md").read_text(encoding="utf-8")
_ENTRY = re.compile(
    r"^### (?P<name>\w+)\n\n(?P<meaning>.+)\n\nTo mend: (?P<remedy>.+)\n(?:\n```graphql\n(?P<example>[^`]*)\n```\n)?",
    re.M,
)


def _written(severity: Severity, chapter: str) -> dict[str, CompositionCode]:
    entries = (found.groupdict(default="") for found in _ENTRY.finditer(chapter))
    return {entry["name"]: CompositionCode(severity=severity, **entry) for entry in entries}


_, _errors, _hints = TEXT.split("\n## ")
ERRORS = _written(Severity.ERROR, _errors)
HINTS = _written(Severity.HINT, _hints)
ALL_CODES = (*ERRORS.values(), *HINTS.values())


def __getattr__(name: str) -> CompositionCode:
    if name in ERRORS:
        return ERRORS[name]
    raise AttributeError(f"codes.md has no error {name}")

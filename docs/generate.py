"""Writes the pages that are made from the code: ``python docs/generate.py`` (``make docs``)."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import typer
import typer.main

from catalog_sync.errors import Family
from catalog_sync.lifecycle import diagrams
from gateway.cli import GROUPS, command_line
from gateway.codes import all_codes
from gateway.settings import known_settings
from policies.doubts import DOUBT_LIFECYCLE
from policies.drafts import DRAFT_LIFECYCLE
from policies.grants import GRANT_LIFECYCLE
from policies.openings import OPENING_LIFECYCLE

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
from performance_page import performance_page, performance_picture  # noqa: E402 - a neighbour, not a package


def errors_page() -> str:
    """Every error code, grouped by who has to act."""
    lines = [
        "# Error codes",
        "",
        "Every error carries one of these codes: in `extensions.code` of a GraphQL error, or before the message of a",
        "command. `watersmeet error CODE` prints the same. Composition has a page of its own,",
        "[composition-codes.md](composition-codes.md). Made from the code by `make docs`.",
    ]
    for family in Family:
        members = [code for code in all_codes().values() if code.family is family]
        if members:
            lines += ["", f"## For {family}", "", "| code | HTTP | meaning | how to mend it |", "|---|---|---|---|"]
            lines += [f"| `{code.name}` | {code.status} | {code.meaning} | {code.remedy} |" for code in members]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Every setting with its default and meaning."""
    lines = [
        "# Settings",
        "",
        "A TOML file (`--config FILE`), over it the environment (`WATERSMEET_SECTION__NAME`), over both the flags of",
        "the command. Relative paths stand relative to the file. An unknown key is refused with the nearest known one.",
        "`watersmeet settings` prints the same. Made from the code by `make docs`.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | `{default}` | {meaning} |" for name, default, meaning in known_settings()]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command with its arguments and flags."""
    lines = [
        "# Commands",
        "",
        "Exit code 0: done; 1: problems found; 2: wrong usage. Data goes to stdout, all else to stderr.",
        "`watersmeet COMMAND --help` prints the same. Made from the code by `make docs`.",
    ]
    lines += _described(typer.main.get_command(command_line(GROUPS)), "watersmeet")
    return "\n".join(lines) + "\n"


def lifecycles_page() -> str:
    """The states of what is decided about access, drawn from the rows that run."""
    lines = [
        "# Lifecycles",
        "",
        "Who takes which step from which state: drafts of the policy, applications for grants, applications to open,",
        "doubts. Each step asks for more than its state: who decides, what has to be said, which clock runs",
        "([access.md](access.md), [admin-api.md](admin-api.md)). Entries, submissions and releases are drawn in",
        "[catalogue-sync.md](catalogue-sync.md). Made from the code by `make docs`.",
        "",
        diagrams((DRAFT_LIFECYCLE, GRANT_LIFECYCLE, OPENING_LIFECYCLE, DOUBT_LIFECYCLE))
        .replace("### ", "## ")
        .rstrip(),
    ]
    return "\n".join(lines) + "\n"


def _described(command: object, path: str) -> list[str]:
    inner = getattr(command, "commands", None)
    if inner:
        return [line for name in sorted(inner) for line in _described(inner[name], f"{path} {name}")]
    lines = ["", f"## `{path}`", "", str(getattr(command, "help", "") or "").strip(), ""]
    for parameter in getattr(command, "params", ()):
        option = parameter.param_type_name == "option"
        names = ", ".join(parameter.opts) if option else parameter.metavar or parameter.name.upper()
        lines.append(f"- `{names}`: {parameter.help or ''}")
    return lines


PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "settings.md": settings_page,
    "commands.md": commands_page,
    "lifecycles.md": lifecycles_page,
    "performance.md": performance_page,
    "pictures/performance.svg": performance_picture,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")

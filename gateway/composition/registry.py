"""All codes of composition together, with an example of each: what the documentation and ``watersmeet error`` print.

The examples are SDL in ``examples.graphql`` beside this module; a test composes every one and sees its code raised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import ModuleType

from gateway.composition import codes, hints
from gateway.composition.compose import SubgraphSource
from gateway.composition.issues import CompositionCode, Severity
from gateway.supergraph.directives import FEDERATION_DIRECTIVES

HEADER = "extend schema @link(url: {url}, import: [{imports}])\n".format(
    url='"https://specs.apollo.dev/federation/v2.12"', imports=", ".join(f'"@{name}"' for name in FEDERATION_DIRECTIVES)
)


def _codes_of(module: ModuleType) -> Iterator[CompositionCode]:
    return (value for value in vars(module).values() if isinstance(value, CompositionCode))


ALL_CODES: tuple[CompositionCode, ...] = (*_codes_of(codes), *_codes_of(hints))
"""Every code: errors, then hints, in the order of their modules."""


@dataclass(frozen=True, slots=True)
class Example:
    """Subgraphs that raise a code; ``text`` is as shown to readers, without the @link that every part begins with."""

    text: str

    def sources(self) -> tuple[SubgraphSource, ...]:
        """The example as subgraphs to compose."""
        found = []
        for part in ("\n" + self.text).split("\n--- ")[1:]:
            name, _, sdl = part.partition("\n")
            is_plain = "@link(" in sdl or name.endswith(" (federation 1)")
            found.append(SubgraphSource(name.split(" ")[0], "", sdl if is_plain else HEADER + sdl))
        return tuple(found)


@cache
def examples() -> dict[tuple[str, Severity], Example]:
    """The examples by name of code and severity; a code that no subgraph can raise has none."""
    text = files("gateway.composition").joinpath("examples.graphql").read_text(encoding="utf-8")
    found = {}
    for part in text.split("\n#### ")[1:]:
        head, _, body = part.partition("\n")
        name, _, kind = head.partition(" ")
        found[name, Severity.HINT if kind.strip() == "hint" else Severity.ERROR] = Example(body.strip())
    return found


def code_prose(name: str) -> str | None:
    """What ``watersmeet error`` prints for a code of composition; None if it is none."""
    known = [code for code in ALL_CODES if code.name == name]
    return "\n\n".join(map(_prose, known)) if known else None


def _prose(code: CompositionCode) -> str:
    lines = [f"{code.name} ({code.severity.value} of composition)", f"  {code.meaning}", f"  Mend: {code.remedy}"]
    example = examples().get((code.name, code.severity))
    if example is not None:
        lines += ["  Example:", *(f"    {line}" for line in example.text.splitlines())]
    return "\n".join(lines)


def codes_document() -> str:
    """``docs/composition-codes.md``: every code with meaning, remedy and example."""
    lines = [
        "# Codes of composition",
        "",
        "Written from the registry (`gateway/composition/codes.py`, `hints.py`, `examples.graphql`) by "
        "`python -m gateway.composition.registry`; a test holds it equal.",
        "",
        "Every part of an example begins with a `@link` that imports all of Federation 2.12, unless it "
        "links for itself or "
        "says that it is Federation 1.",
    ]
    for severity, title in ((Severity.ERROR, "Errors"), (Severity.HINT, "Hints")):
        lines += ["", f"## {title}"]
        for code in (code for code in ALL_CODES if code.severity is severity):
            lines += ["", f"### {code.name}", "", code.meaning, "", f"To mend: {code.remedy}", ""]
            example = examples().get((code.name, severity))
            lines += ["```graphql", example.text, "```"] if example else ["No subgraph of this product raises it."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(codes_document())

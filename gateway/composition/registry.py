"""Codes for readers: what ``watersmeet error`` prints, and the examples as subgraphs to compose."""

from gateway.composition.codes import ALL_CODES
from gateway.composition.compose import SubgraphSource
from gateway.composition.issues import CompositionCode
from gateway.supergraph.directives import FEDERATION_DIRECTIVES

HEADER = "extend schema @link(url: {url}, import: [{imports}])\n".format(
    url='"https://specs.apollo.dev/federation/v2.12"', imports=", ".join(f'"@{name}"' for name in FEDERATION_DIRECTIVES)
)


def example_sources(code: CompositionCode) -> tuple[SubgraphSource, ...]:
    """The example of a code as subgraphs to compose; none where no SDL of a screen raises it."""
    found = []
    for part in ("\n" + code.example).split("\n--- ")[1:]:
        name, _, sdl = part.partition("\n")
        is_plain = "@link(" in sdl or name.endswith(" (federation 1)")
        found.append(SubgraphSource(name.split(" ")[0], "", sdl if is_plain else HEADER + sdl))
    return tuple(found)


def code_prose(name: str) -> str | None:
    """What ``watersmeet error`` prints for a code of composition; None if it is none."""
    return "\n\n".join(_prose(code) for code in ALL_CODES if code.name == name) or None


def _prose(code: CompositionCode) -> str:
    lines = [f"{code.name} ({code.severity.value} of composition)", f"  {code.meaning}", f"  Mend: {code.remedy}"]
    if code.example:
        lines += ["  Example:", *(f"    {line}" for line in code.example.splitlines())]
    return "\n".join(lines)

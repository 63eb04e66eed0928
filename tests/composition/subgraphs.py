"""Subgraphs written in a few lines: SDL by name, preceded by a @link to all of Federation 2.12."""

from gateway.composition.compose import Composition, SubgraphSource, compose
from gateway.composition.issues import CompositionCode
from gateway.supergraph.directives import FEDERATION_DIRECTIVES

HEADER = "extend schema @link(url: {url}, import: [{imports}])\n".format(
    url='"https://specs.apollo.dev/federation/v2.12"', imports=", ".join(f'"@{name}"' for name in FEDERATION_DIRECTIVES)
)


def federation_2(**sdl: str) -> tuple[SubgraphSource, ...]:
    return tuple(SubgraphSource(name, f"http://{name}", HEADER + text) for name, text in sdl.items())


def as_written(**sdl: str) -> tuple[SubgraphSource, ...]:
    return tuple(SubgraphSource(name, f"http://{name}", text) for name, text in sdl.items())


def example_sources(code: CompositionCode) -> tuple[SubgraphSource, ...]:
    """The example of a code as subgraphs to compose; none where no SDL of a screen raises it."""
    found = []
    for part in ("\n" + code.example).split("\n--- ")[1:]:
        name, _, sdl = part.partition("\n")
        is_plain = "@link(" in sdl or name.endswith(" (federation 1)")
        found.append(SubgraphSource(name.split(" ")[0], "", sdl if is_plain else HEADER + sdl))
    return tuple(found)


def supergraph(*sources: SubgraphSource) -> str:
    composition = compose(sources)
    assert not composition.errors, [(issue.code.name, issue.message) for issue in composition.errors]
    assert composition.supergraph_sdl is not None
    return composition.supergraph_sdl


def errors(composition: Composition) -> list[str]:
    return [issue.code.name for issue in composition.errors]


def hints(composition: Composition) -> list[str]:
    return [issue.code.name for issue in composition.hints]


def definition(sdl: str, head: str) -> list[str]:
    """The lines of one definition of the supergraph, without indentation: ``definition(sdl, "type Book")``."""
    for block in sdl.split("\n\n"):
        lines = [line.strip() for line in block.splitlines()]
        for index, line in enumerate(lines):
            if line == head or line.startswith(f"{head} "):
                return lines[index:]
    raise AssertionError(f"{head} is not in the supergraph:\n{sdl}")

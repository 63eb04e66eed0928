"""Subgraphs written in a few lines: SDL by name, preceded by a @link to all of Federation 2.12."""

from gateway.composition.compose import Composition, SubgraphSource, compose
from gateway.composition.registry import HEADER


def federation_2(**sdl: str) -> tuple[SubgraphSource, ...]:
    return tuple(SubgraphSource(name, f"http://{name}", HEADER + text) for name, text in sdl.items())


def as_written(**sdl: str) -> tuple[SubgraphSource, ...]:
    return tuple(SubgraphSource(name, f"http://{name}", text) for name, text in sdl.items())


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

"""What all merging rules share: the subgraphs in order, the supergraph so far, words for messages."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from gateway.composition.issues import CompositionCode, IssueLog
from gateway.composition.merging.memory import Memory, R
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, TypeSystem
from gateway.supergraph.model import TypeKind

E = TypeVar("E", Type, Member, Applied)
Sources = list[tuple[Subgraph, E]]
"""An element in every subgraph that has it, in the order of the subgraphs."""


@dataclass(slots=True)
class Override:
    """What becomes of a field in a subgraph because of @override, in the same or another one.

    In the subgraph that overrides, ``source`` is the other, and the field waits for its ``label`` if it has one.
    In the other, the field is ``taken_over``, and ``used`` there in field sets all the same.
    """

    taken_over: bool = False
    used: bool = False
    label: str | None = None
    source: str | None = None
    is_known: bool = True


@dataclass(slots=True)
class Merge(TypeSystem):
    """One merge under way. ``types`` is the supergraph; ``graphs`` maps subgraph names to values of join__Graph.

    ``compared`` counts how often a type was held against a different one.
    """

    subgraphs: Sequence[Subgraph]
    log: IssueLog
    memory: Memory = field(default_factory=Memory)
    types: dict[str, Type] = field(default_factory=dict)
    graphs: dict[str, str] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    overrides: dict[tuple[str, str, str], Override] = field(default_factory=dict)
    compared: int = 0
    _sources: dict[str, Sources[Type]] = field(default_factory=dict)

    def sources(self, type_name: str) -> Sources[Type]:
        """The type in every subgraph that has it."""
        if not self._sources:
            for subgraph in self.subgraphs:
                for name, definition in subgraph.types.items():
                    self._sources.setdefault(name, []).append((subgraph, definition))
        return [*self._sources.get(type_name, ())]

    def interface_object_sources(self, type_name: str, field_name: str) -> Sources[Member]:
        """The fields that reach an object type from @interfaceObject types of its interfaces."""
        is_object = self.types[type_name].kind is TypeKind.OBJECT
        return [
            (subgraph, member)
            for interface in (self.types[type_name].interfaces if is_object else ())
            for subgraph, definition in self.sources(interface)
            if (member := definition.fields.get(field_name)) is not None
            and definition.has("interfaceObject")
            and not member.external
        ]

    def annotated(self) -> Iterator[tuple[Subgraph, Type, Member]]:
        """The fields of subgraphs that carry directives, themselves or on an argument."""
        return chain.from_iterable(found for _, found in self.of_each("annotated", _annotated))

    def of_each(self, what: str, find: Callable[[Subgraph], R]) -> Iterator[tuple[Subgraph, R]]:
        """Each subgraph with what ``find`` gives of it alone, remembered under the name ``what``."""
        return ((s, self.memory.recall(what, s.name, s, self.log, partial(find, s))) for s in self.subgraphs)

    def is_subtype(self, sub: str, sup: str) -> bool:
        """As ever, and counted: whoever asks follows from more than the types it is about."""
        self.compared += 1
        return TypeSystem.is_subtype(self, sub, sup)

    def report(self, code: CompositionCode, coordinate: str, why: str, sources: Sources[E], *also: str) -> None:
        """Log an issue located at ``sources``; ``why`` follows the coordinate in a sentence."""
        at = [s.at(element) for s, element in sources]
        self.log.report(code, f"{coordinate} {why}", coordinate, *also, at=at)

    def report_in(self, subgraph: Subgraph, code: CompositionCode, element: Any, coordinate: str, why: str) -> None:
        """Log an issue of one subgraph beside the others."""
        self.log.of(subgraph.name)(code, element.line, coordinate, why)


def _annotated(subgraph: Subgraph) -> Sequence[tuple[Subgraph, Type, Member]]:
    every = subgraph.fields()
    return [(subgraph, t, m) for t, m in every if m.directives or any(a.directives for a in m.arguments.values())]


def by_field(sources: Sources[Type]) -> dict[str, Sources[Member]]:
    """The fields of a type by name, each in every subgraph that has it."""
    found: dict[str, Sources[Member]] = {}
    for subgraph, definition in sources:
        for name, member in definition.fields.items():
            found.setdefault(name, []).append((subgraph, member))
    return found


def named(subgraphs: Iterable[Subgraph | str]) -> str:
    """``subgraph a`` or ``subgraphs a, b and c``."""
    names = [s if isinstance(s, str) else s.name for s in subgraphs]
    if len(names) < 2:
        return f"subgraph {''.join(names)}"
    return f"subgraphs {', '.join(names[:-1])} and {names[-1]}"


def by_value(pairs: Iterable[tuple[Subgraph, str]]) -> str:
    """``String in subgraph a, Int in subgraphs b and c``."""
    found: dict[str, list[Subgraph]] = {}
    for subgraph, value in pairs:
        found.setdefault(value, []).append(subgraph)
    return ", ".join(f"{value} in {named(holders)}" for value, holders in found.items())


def graph_names(names: Iterable[str]) -> dict[str, str]:
    """Subgraph names as values of the enum join__Graph: upper case, no other signs, none twice."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        clean = re.sub(r"[^A-Za-z0-9_]", "_", name).upper()
        clean = re.sub(r"^(?=\d)", "_", clean)
        clean = re.sub(r"(?<=_)(\d+)$", r"\1_", clean)
        wanted.setdefault(clean, []).append(name)
    return {
        name: clean if len(same) == 1 else f"{clean}_{index}"
        for clean, same in wanted.items()
        for index, name in enumerate(same, 1)
    }

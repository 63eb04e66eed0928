"""Applied directives: what several subgraphs say about one element becomes what the supergraph says about it.

Each directive has a rule. @tag and @inaccessible unite; @cost and @listSize take the dearest; access directives add up
to a conjunction, for a caller must satisfy every department; everything else is taken once, by majority.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from statistics import mode
from typing import Any

from graphql import ConstValueNode, StringValueNode, parse_const_value, print_ast

from gateway.composition import codes, hints
from gateway.composition.merging.composed import ComposedDirectives
from gateway.composition.merging.scopes import conjunction
from gateway.composition.merging.state import Merge, Sources, by_value, named
from gateway.composition.subgraph.federation_rules import AUTH
from gateway.supergraph.directives import WRITTEN
from gateway.supergraph.elements import Applied, Member, Type, plain
from gateway.supergraph.join_writing import constant_text

Arguments = Mapping[str, ConstValueNode]
_DEFINITION_ONLY = ("deprecated", "specifiedBy", "oneOf")


@dataclass(slots=True)
class DirectiveMerge:
    """Merges applied directives, and notes which specifications the supergraph has to link for them.

    ``names`` maps identities to what the supergraph calls them; ``used`` holds the identities that occur.
    """

    merge: Merge
    composed: ComposedDirectives
    names: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def apply(self, merged: Type, type_sources: Sources[Type], fields: Mapping[str, Sources[Member]]) -> None:
        """Fill the directives of a type and all in it, given its fields in each subgraph."""
        name = merged.name
        self._element(name, merged, type_sources)
        for member in merged.fields.values():
            sources = fields[member.name]
            through = self._through(name, member.name, sources) if merged.interfaces else []
            self._element(f"{name}.{member.name}", member, [*sources, *through])
            for argument in member.arguments.values():
                having = [(s, m.arguments[argument.name]) for s, m in sources if argument.name in m.arguments]
                self._element(f"{name}.{member.name}({argument.name}:)", argument, having)
        for value in merged.values.values():
            having = [(s, t.values[value.name]) for s, t in type_sources if value.name in t.values]
            self._element(f"{name}.{value.name}", value, having)

    def _through(self, type_name: str, name: str, sources: Sources[Member]) -> Sources[Member]:
        """What fields of @interfaceObject types say of a field that the type has itself.

        That is all they say where the field is @external, and of one that is resolved what they ask of callers.
        """
        through = self.merge.interface_object_sources(type_name, name)
        if all(member.external for _, member in sources):
            return through
        return [(s, replace(m, directives=[a for a in m.directives if a.identity in AUTH])) for s, m in through]

    def _element(self, coordinate: str, merged: Type | Member, sources: Sources[Any]) -> None:
        if not any(element.directives for _, element in sources):
            return
        found: dict[str, list[tuple[Any, Applied]]] = {}
        for subgraph, element in sources:
            is_external = isinstance(element, Member) and element.external
            for directive in element.directives:
                key = self._supergraph_name(subgraph.name, directive)
                if key is not None and not (is_external and directive.identity is None):
                    found.setdefault(key, []).append((subgraph, directive))
        for name, applications in found.items():
            own = applications[0][1].identity is None and name not in _DEFINITION_ONLY
            if own and all((subgraph.name, name) not in self.composed.asked for subgraph, _ in applications):
                continue  # what a subgraph composes is what it says, and what others say in the same place
            merged.directives.extend(self._merged(name, coordinate, applications))
        merged.join = (*merged.join, *self._join_directives(sources))

    def _supergraph_name(self, subgraph: str, directive: Applied) -> str | None:
        name, identity = directive.name, directive.identity
        if identity is None:
            return name if name in _DEFINITION_ONLY or (subgraph, name) in self.composed.names else None
        if identity not in WRITTEN or identity in ("cacheTag", "fromContext"):
            return None
        self.used.add(identity)
        return self.names.get(identity, identity)

    def _join_directives(self, sources: Sources[Any]) -> Iterator[str]:
        """@cacheTag is written as @join__directive, with the subgraphs that say the same in one."""
        said: dict[str, list[str]] = {}
        for subgraph, element in sources:
            for applied in element.directives:
                if applied.identity == "cacheTag":
                    self.used.add("cacheTag")
                    arguments = ", ".join(f"{name}: {print_ast(value)}" for name, value in applied.arguments.items())
                    said.setdefault(arguments, []).append(self.merge.graphs[subgraph.name])
        for arguments, graphs in said.items():
            listed = ", ".join(graphs)
            yield f'@join__directive(graphs: [{listed}], name: "federation__cacheTag", args: {{{arguments}}})'

    def _merged(self, name: str, coordinate: str, applications: list[tuple[Any, Applied]]) -> Iterator[Applied]:
        identity = applications[0][1].identity
        if identity == "context":
            for subgraph, applied in applications:
                text = StringValueNode(value=f"{subgraph.name}__{applied.value('name')}")
                yield Applied(name, identity, {"name": text}, applied.line)
            return
        distinct = _distinct(applied for _, applied in applications)
        if len(distinct) == 1 or identity == "tag" or (identity is None and self.composed.is_repeatable(name)):
            for applied in distinct:
                yield Applied(name, identity, applied.arguments, applied.line)
        elif identity == "resource":
            told = by_value((s, str(a.value("code"))) for s, a in applications)
            why = f"is bound to more than one information resource: {told}."
            self.merge.report(codes.RESOURCE_CODE_MISMATCH, coordinate, why, applications)
        elif identity in _RULES:
            yield self.combined(identity, coordinate, [applied for _, applied in applications])
        else:
            yield self._by_majority(name, coordinate, applications)

    def combined(self, identity: str, coordinate: str, applications: list[Applied]) -> Applied:
        """One application that says what all of them say."""
        name = self.names.get(identity, identity)
        distinct = _distinct(applications)
        if len(distinct) == 1:
            return Applied(name, identity, distinct[0].arguments, distinct[0].line)
        merged = {}
        for argument, rule in _RULES[identity].items():
            default = _DEFAULTS.get(argument)
            values = [value for each in distinct if (value := each.value(argument, default)) is not None]
            if values:
                merged[argument] = parse_const_value(constant_text(rule(values)), no_location=True)
        why = f"carries @{name} with different arguments; they are combined."
        self.merge.report(hints.MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS, coordinate, why, [])
        return Applied(name, identity, merged)

    def _by_majority(self, name: str, coordinate: str, applications: list[tuple[Any, Applied]]) -> Applied:
        keys = [_key(applied.arguments) for _, applied in applications]
        _, chosen = applications[keys.index(mode(keys))]
        told = f"carries @{name} with different arguments in {named(s for s, _ in applications)}"
        code = hints.INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS
        self.merge.report(code, coordinate, f"{told}; those most used are taken.", applications)
        return Applied(name, chosen.identity, chosen.arguments, chosen.line)


_DEFAULTS: dict[str, object] = {"requireOneSlicingArgument": True, "reason": "No longer supported"}


def _key(arguments: Arguments) -> str:
    """The arguments as text; one given as its default is as good as left out."""
    given = ((name, plain(node)) for name, node in arguments.items())
    return repr(sorted((name, value) for name, value in given if _DEFAULTS.get(name, ...) != value))


def _distinct(applied: Iterable[Applied]) -> list[Applied]:
    found: dict[str, Applied] = {}
    for directive in applied:
        found.setdefault(_key(directive.arguments), directive)
    return list(found.values())


def _union(values: list[list[Any]]) -> list[Any]:
    return list(dict.fromkeys(item for value in values for item in value))


_RULES: dict[str, dict[str, Callable[[list[Any]], Any]]] = {
    "cost": {"weight": max},
    "listSize": {
        "assumedSize": max,
        "slicingArguments": _union,
        "sizedFields": _union,
        "requireOneSlicingArgument": all,
    },
    "requiresScopes": {"scopes": conjunction},
    "policy": {"policies": conjunction},
}

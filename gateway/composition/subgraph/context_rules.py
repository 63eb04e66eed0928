"""@context and @fromContext in one subgraph (Federation 2.8): names, and what is taken from a context."""

import re
from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from catalog_sync.schema_comparison import is_subtype
from gateway.composition import codes
from gateway.composition.issues import CompositionCode, IssueLog, Report, meant
from gateway.composition.subgraph.facts import context_of, contextual
from gateway.composition.subgraph.graphql_rules import arguments_problem
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.field_set import FieldSetSyntaxError, selection_set
from gateway.supergraph.model import TypeKind

_ALPHANUMERIC = re.compile(r"^[A-Za-z][A-Za-z0-9]*$")


def check_contexts(subgraph: Subgraph, log: IssueLog) -> None:
    """Log an issue for every context that is misnamed, and every argument that cannot be filled from one."""
    report = log.of(subgraph.name)
    holders: dict[str, list[Type]] = {}
    for definition in subgraph.types.values():
        for applied in definition.applied("context"):
            name = applied.value("name")
            if not isinstance(name, str) or not _ALPHANUMERIC.match(name):
                why = f"names its context {name!r}, but letters and digits alone are allowed, a letter first."
                report(codes.CONTEXT_NAME_INVALID, applied.line, definition.name, why)
            holders.setdefault(str(name), []).append(definition)
    for declaration in subgraph.directives.values():
        for _, applied in contextual(declaration):
            why = f"is a directive, on whose arguments @{applied.name} cannot be used."
            report(codes.CONTEXT_NOT_SET, applied.line, f"@{declaration.name}", why)
    for definition, member in subgraph.fields():
        for argument, applied in contextual(member):
            _Argument(subgraph, definition, member, argument, applied, report).check(holders)


class _Argument:
    """One argument with @fromContext."""

    def __init__(
        self, subgraph: Subgraph, definition: Type, member: Member, argument: Member, applied: Applied, report: Report
    ) -> None:
        self.subgraph, self.definition, self.member = subgraph, definition, member
        self.argument, self.applied, self.report = argument, applied, report
        self.coordinate = f"{definition.name}.{member.name}({argument.name}:)"

    def refuse(self, code: CompositionCode, why: str) -> None:
        self.report(code, self.applied.line, self.coordinate, f"cannot be filled from a context: {why}")

    def check(self, holders: dict[str, list[Type]]) -> None:
        if self.definition.kind is not TypeKind.OBJECT:
            self.refuse(codes.CONTEXT_NOT_SET, "only fields of object types can.")
            return
        if self.argument.default is not None:
            self.refuse(codes.CONTEXT_NOT_SET, "it may not have a default.")
        if any(self.member.name in self.subgraph.types[name].fields for name in self.definition.interfaces):
            self.refuse(codes.CONTEXT_NOT_SET, "an interface demands the field.")
        if not self.definition.resolvable_keys:
            self.refuse(codes.CONTEXT_NO_RESOLVABLE_KEY, f"{self.definition.name} needs a resolvable @key.")
        name, selection = context_of(self.applied)
        if not selection.strip():
            self.refuse(codes.NO_CONTEXT_IN_SELECTION, "`field` must be a context and a selection: `$name { field }`.")
        elif name not in holders:
            self.refuse(codes.CONTEXT_NOT_SET, f"no type sets the context {name!r} here.{meant(name, holders)}")
        else:
            self._check_selection(selection, holders[name])

    def _check_selection(self, text: str, places: list[Type]) -> None:
        try:
            node = selection_set(text.strip())
        except FieldSetSyntaxError as error:
            self.refuse(codes.CONTEXT_INVALID_SELECTION, f"the selection is not GraphQL: {error}")
            return
        problems = [next(self._shape_problems(node), None)]
        if problems == [None]:
            problems = [next(self._problems_at(node, place), None) for place in places]
        for problem in filter(None, problems):
            self.refuse(codes.CONTEXT_INVALID_SELECTION, problem)

    def _shape_problems(self, node: SelectionSetNode) -> Iterator[str]:
        """One value is wanted, so one field is selected: per type where there are conditions."""
        if any(isinstance(s, FieldNode) for s in node.selections) and len(node.selections) > 1:
            yield "the selection must select one field alone."
        for selection in node.selections:
            if parts(selection, "directives"):
                yield "the selection may not hold directives."
            if isinstance(selection, FieldNode) and selection.alias is not None:
                yield "the selection may not hold aliases."
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                yield from self._shape_problems(inner)

    def _problems_at(self, node: SelectionSetNode, place: Type) -> Iterator[str]:
        if place.has("interfaceObject"):
            yield f"{place.name}, which sets the context, is an @interfaceObject."
        candidates = [self.subgraph.types[n] for n in sorted(self.subgraph.possible_types(place.name))]
        if place.fields and not any(isinstance(s, InlineFragmentNode) for s in node.selections):
            candidates = [place]
        for candidate in candidates:
            chosen = list(self._applying(node, candidate))
            if not chosen:
                yield f"no part of the selection applies to {candidate.name}, which sets the context."
            for selection in chosen:
                yield from self._field_problems(selection, candidate, self.argument.type)

    def _applying(self, node: SelectionSetNode, definition: Type) -> Iterator[FieldNode]:
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition.name.value if selection.type_condition else definition.name
                if condition == definition.name or condition in definition.interfaces:
                    yield from self._applying(selection.selection_set, definition)

    def _field_problems(
        self, node: FieldNode, definition: Type, wanted: str, is_nullable: bool = False
    ) -> Iterator[str]:
        member = definition.fields.get(node.name.value)
        if member is None:
            nearest = meant(node.name.value, definition.fields)
            yield f"{definition.name}, which sets the context, has no field {node.name.value}.{nearest}"
            return
        why = arguments_problem(self.subgraph, member, node)
        if why:
            yield f"{definition.name}.{member.name} {why}"
        inner = self.subgraph.types.get(named_type(member.type))
        if node.selection_set is None:
            given = member.type.rstrip("!") if is_nullable else member.type
            if not is_subtype(given, wanted, self.subgraph.is_subtype):
                yield f"the selection is of type {given}, but the argument is {wanted}."
        elif inner is None or not inner.is_composite:
            yield f"{definition.name}.{member.name} is of type {member.type}, which has no fields."
        else:
            is_nullable = is_nullable or not member.type.endswith("!")
            for selection in self._applying(node.selection_set, inner):
                yield from self._field_problems(selection, inner, wanted, is_nullable)

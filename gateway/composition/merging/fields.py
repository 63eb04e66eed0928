"""Fields of object and interface types: united over the subgraphs, their types widened, their arguments intersected."""

from collections.abc import Callable
from dataclasses import dataclass

from graphql import print_ast

from catalog_sync.schema_comparison import is_subtype
from gateway.composition import codes, hints
from gateway.composition.issues import CompositionCode
from gateway.composition.merging.context import context_arguments
from gateway.composition.merging.state import Merge, Sources, by_value, named
from gateway.composition.merging.types import escape, merge_description
from gateway.composition.subgraph.facts import fields_argument, is_contextual
from gateway.supergraph.directives import FEDERATION_DIRECTIVES
from gateway.supergraph.elements import Member, Type, is_required, same_value
from gateway.supergraph.model import TypeKind

_MERGED = frozenset(name for name, spec in FEDERATION_DIRECTIVES.items() if spec.feature is not None)


def merge_fields(merge: Merge) -> None:
    """Fill every object and interface type of the supergraph."""
    for name, merged in merge.types.items():
        if merged.kind in (TypeKind.OBJECT, TypeKind.INTERFACE):
            type_sources = merge.sources(name)
            for field_name in dict.fromkeys(f for _, source in type_sources for f in source.fields):
                _FieldMerge.of(merge, merged, type_sources, field_name).run()
            _hint_entity(merge, name, type_sources)


@dataclass(slots=True)
class _FieldMerge:
    merge: Merge
    parent: Type
    type_sources: Sources[Type]
    name: str
    sources: Sources[Member]
    resolvers: Sources[Member]

    @classmethod
    def of(cls, merge: Merge, parent: Type, type_sources: Sources[Type], name: str) -> "_FieldMerge":
        sources = [(s, t.fields[name]) for s, t in type_sources if name in t.fields]
        resolvers = [(s, m) for s, m in sources if not merge.facts[s.name].is_external(parent.name, name)]
        return cls(merge, parent, type_sources, name, sources, resolvers)

    @property
    def coordinate(self) -> str:
        return f"{self.parent.name}.{self.name}"

    def run(self) -> None:
        if not self.resolvers and self._comes_from_interface_object():
            self.resolvers = self.sources
        if not self.resolvers:
            self.merge.report(
                codes.EXTERNAL_MISSING_ON_BASE,
                f"{self.coordinate} is @external in every subgraph that has it ({named(s for s, _ in self.sources)}): "
                "none resolves it.",
                self.coordinate,
                sources=self.sources,
            )
            return
        self._check_sharing()
        self._hint_missing()
        merged = Member(self.name, self.resolvers[0][1].type)
        merged.description = merge_description(self.merge, self.coordinate, self.sources)
        merged.type, uniform = merge_output_type(self.merge, self.coordinate, self.resolvers)
        merged.arguments = merge_arguments(self.merge, self.coordinate, self.resolvers)
        self._check_external(merged)
        if self._says_something(uniform and all(m.type == merged.type for _, m in self.sources)):
            merged.join = self._join_fields(uniform and all(m.type == merged.type for _, m in self.sources))
        self.parent.fields[self.name] = merged

    def _comes_from_interface_object(self) -> bool:
        return bool(self.merge.interface_object_sources(self.parent.name, self.name))

    def _check_sharing(self) -> None:
        """A field that several subgraphs resolve is @shareable in all of them."""
        if self.parent.kind is TypeKind.INTERFACE and not any(t.has("interfaceObject") for _, t in self.type_sources):
            return
        resolving: Sources[Member] = []
        for subgraph, member in self.sources:
            if self.parent.kind is TypeKind.INTERFACE and subgraph.types[self.parent.name].kind is TypeKind.INTERFACE:
                continue
            override = self.merge.override(subgraph, self.parent.name, self.name)
            taken = override is not None and override.taken_over
            if not taken and self.merge.facts[subgraph.name].resolves(self.parent.name, self.name):
                resolving.append((subgraph, member))
        through = self.merge.interface_object_sources(self.parent.name, self.name)
        if self.parent.name == "Subscription" and any(m.shareable_by_type or m.has("shareable") for _, m in resolving):
            self.merge.report(
                codes.INVALID_FIELD_SHARING,
                f"{self.coordinate}: fields of Subscription cannot be @shareable.",
                self.coordinate,
                sources=resolving,
            )
            return
        if len(resolving) + len(through) < 2:
            return
        facts = self.merge.facts
        pair = (self.parent.name, self.name)
        # What is @external and provided says by that alone that others resolve it too.
        closed = [
            s for s, _ in resolving if not facts[s.name].is_shareable(*pair) and not facts[s.name].is_external(*pair)
        ]
        if through:
            closed += self.merge.closed_interface_objects(self.parent.name, self.name)
        resolving += through
        if closed:
            where = "all of them" if len(closed) == len(resolving) else named(closed)
            self.merge.report(
                codes.INVALID_FIELD_SHARING,
                f"{self.coordinate} is resolved by {named(s for s, _ in resolving)}, but is not @shareable in {where}.",
                self.coordinate,
                sources=resolving,
            )

    def _hint_missing(self) -> None:
        if len(self.sources) == len(self.type_sources) or self.parent.name in ("Query", "Mutation", "Subscription"):
            return
        if self.parent.kind is TypeKind.INTERFACE:
            code = hints.INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD
        elif any(t.has("key") for _, t in self.type_sources):
            return
        else:
            code = hints.INCONSISTENT_OBJECT_VALUE_TYPE_FIELD
        if any(t.has("key") for _, t in self.type_sources):
            return
        without = [
            s
            for s, t in self.type_sources
            if self.name not in t.fields and not all(self.merge.facts[s.name].is_external(t.name, n) for n in t.fields)
        ]
        if not without:
            return
        self.merge.report(
            code,
            f"{self.coordinate} is missing in {named(without)}, although {self.parent.name} is there.",
            self.coordinate,
            sources=self.sources,
        )

    def _check_external(self, merged: Member) -> None:
        """What is declared @external agrees with what resolves it elsewhere."""
        externals = [pair for pair in self.sources if pair not in self.resolvers]
        for subgraph, member in externals:
            for applied in member.directives:
                if applied.identity in _MERGED or applied.name == "deprecated":
                    self.merge.report(
                        codes.MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL,
                        f"[{subgraph.name}] @{applied.name} cannot be applied to {self.coordinate}, which is @external "
                        "here: apply it where the field is resolved.",
                        self.coordinate,
                        sources=[(subgraph, member)],
                    )
        wrong = [(s, m) for s, m in externals if m.type != merged.type]
        if wrong:
            self.merge.report(
                codes.EXTERNAL_TYPE_MISMATCH,
                f"{self.coordinate} is @external with a type that does not fit: it is {merged.type}, but "
                f"{by_value((s, m.type) for s, m in wrong)}.",
                self.coordinate,
                sources=wrong,
            )
        for argument in merged.arguments.values():
            where = f"{self.coordinate}({argument.name}:)"
            missing = [(s, m) for s, m in externals if argument.name not in m.arguments]
            if missing:
                self.merge.report(
                    codes.EXTERNAL_ARGUMENT_MISSING,
                    f"{where} is missing in {named(s for s, _ in missing)}, where the field is @external.",
                    where,
                    sources=missing,
                )
            having = [(s, m.arguments[argument.name]) for s, m in externals if argument.name in m.arguments]
            differing = [
                (s, a)
                for s, a in having
                if a.type != argument.type and not is_subtype(argument.type, a.type, self.merge.is_subtype)
            ]
            if differing:
                self.merge.report(
                    codes.EXTERNAL_ARGUMENT_TYPE_MISMATCH,
                    f"{where} is {argument.type}, but {by_value((s, a.type) for s, a in differing)}, where "
                    "the field is "
                    "@external.",
                    where,
                    sources=differing,
                )
            other = [(s, a) for s, a in having if not same_value(a.default, argument.default)]
            if other:
                self.merge.report(
                    codes.EXTERNAL_ARGUMENT_DEFAULT_MISMATCH,
                    f"{where} has another default in {named(s for s, _ in other)}, where the field is @external.",
                    where,
                    sources=other,
                )

    def _says_something(self, same_type: bool) -> bool:
        """Whether @join__field is needed: not for a field that every subgraph has plainly."""
        if not same_type or len(self.sources) < len(self.type_sources):
            return True
        for subgraph, member in self.sources:
            override = self.merge.override(subgraph, self.parent.name, self.name)
            if override is not None and override.is_known:
                return True
            if self.merge.facts[subgraph.name].is_external(self.parent.name, self.name):
                return True
            if member.has("requires") or member.has("provides") or any(map(is_contextual, member.arguments.values())):
                return True
        return False

    def _join_fields(self, same_type: bool) -> list[str]:
        lines = []
        for subgraph, member in self.sources:
            override = self.merge.override(subgraph, self.parent.name, self.name)
            if override is not None and override.taken_over and not override.used and override.label is None:
                continue
            said = [f"graph: {self.merge.graphs[subgraph.name]}"]
            for identity in ("requires", "provides"):
                for applied in member.applied(identity):
                    said.append(f'{identity}: "{escape(fields_argument(applied) or "")}"')
            if override is not None and override.source is not None:
                said.append(f'override: "{escape(override.source)}"')
            if not same_type:
                said.append(f'type: "{member.type}"')
            if self.merge.facts[subgraph.name].is_external(self.parent.name, self.name):
                said.append("external: true")
            if override is not None:
                if override.taken_over and override.used:
                    said.append("usedOverridden: true")
                if override.label is not None:
                    said.append(f'overrideLabel: "{escape(override.label)}"')
            contexts = context_arguments(subgraph, member)
            if contexts:
                said.append(f"contextArguments: [{', '.join(contexts)}]")
            lines.append(f"@join__field({', '.join(said)})")
        return lines


def _hint_entity(merge: Merge, name: str, sources: Sources[Type]) -> None:
    with_key = [s for s, t in sources if t.has("key")]
    without = [(s, t) for s, t in sources if not t.has("key")]
    if with_key and without and merge.types[name].kind is TypeKind.OBJECT:
        merge.report(
            hints.INCONSISTENT_ENTITY,
            f"{name} has a @key in {named(with_key)}, but none in {named(s for s, _ in without)}.",
            name,
            sources=without,
        )


def merge_output_type(merge: Merge, coordinate: str, sources: Sources[Member]) -> tuple[str, bool]:
    """The widest of the types, and whether all are the same."""
    return _merge_type(
        merge,
        coordinate,
        sources,
        lambda one, other: is_subtype(other, one, merge.is_subtype),
        codes.FIELD_TYPE_MISMATCH,
        hints.INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE,
    )


def merge_input_type(
    merge: Merge, coordinate: str, sources: Sources[Member], mismatch: CompositionCode, hint: CompositionCode
) -> tuple[str, bool]:
    """The narrowest of the types, and whether all are the same."""
    return _merge_type(
        merge, coordinate, sources, lambda one, other: is_subtype(one, other, merge.is_subtype), mismatch, hint
    )


def _merge_type(
    merge: Merge,
    coordinate: str,
    sources: Sources[Member],
    covers: Callable[[str, str], bool],
    mismatch: CompositionCode,
    hint: CompositionCode,
) -> tuple[str, bool]:
    types = dict.fromkeys(member.type for _, member in sources)
    if len(types) == 1:
        return next(iter(types)), True
    for candidate in types:
        if all(covers(candidate, other) for other in types):
            merge.report(
                hint,
                f"{coordinate} differs but fits: it is {by_value((s, m.type) for s, m in sources)}; {candidate} is "
                "taken.",
                coordinate,
                sources=sources,
            )
            return candidate, False
    merge.report(
        mismatch,
        f"{coordinate} is {by_value((s, m.type) for s, m in sources)}, which do not fit each other.",
        coordinate,
        sources=sources,
    )
    return next(iter(types)), False


def merge_arguments(merge: Merge, coordinate: str, sources: Sources[Member]) -> dict[str, Member]:
    """The arguments that all subgraphs know; those filled from a context are not the client's to give."""
    merged: dict[str, Member] = {}
    for name in dict.fromkeys(a for _, m in sources for a in m.arguments):
        where = f"{coordinate}({name}:)"
        having = [(s, m.arguments[name]) for s, m in sources if name in m.arguments]
        if any(is_contextual(argument) for _, argument in having):
            _check_contextual(merge, where, having)
            continue
        if len(having) < len(sources):
            _missing_argument(merge, where, name, having, sources)
            continue
        argument = Member(name)
        argument.description = merge_description(merge, where, having)
        argument.type, _ = merge_input_type(
            merge, where, having, codes.FIELD_ARGUMENT_TYPE_MISMATCH, hints.INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE
        )
        argument.default = merge_default(merge, where, having, codes.FIELD_ARGUMENT_DEFAULT_MISMATCH)
        merged[name] = argument
    return merged


def _missing_argument(merge: Merge, where: str, name: str, having: Sources[Member], sources: Sources[Member]) -> None:
    without = named(s for s, m in sources if name not in m.arguments)
    required = [s for s, a in having if is_required(a)]
    if required:
        merge.report(
            codes.REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH,
            f"{where} is required in {named(required)}, but does not exist in {without}.",
            where,
            sources=having,
        )
    else:
        merge.report(
            hints.INCONSISTENT_ARGUMENT_PRESENCE,
            f"{where} does not exist in {without}, so clients cannot give it.",
            where,
            sources=having,
        )


def _check_contextual(merge: Merge, where: str, having: Sources[Member]) -> None:
    for subgraph, argument in having:
        if is_contextual(argument):
            continue
        if is_required(argument):
            merge.report(
                codes.CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
                f"{where} is filled by @fromContext elsewhere, but is required in {subgraph.name} and not "
                "filled there.",
                where,
                sources=having,
            )
        else:
            merge.report(
                hints.CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
                f"{where} is filled by @fromContext elsewhere; in {subgraph.name} it is always left out.",
                where,
                sources=having,
            )


def merge_default(merge: Merge, coordinate: str, sources: Sources[Member], mismatch: CompositionCode):  # type: ignore[no-untyped-def]
    """The default that all agree on; with a hint none, if some have one and others not."""
    values = [(s, m) for s, m in sources if m.default is not None]
    if not values:
        return None
    first = values[0][1].default
    if any(not same_value(m.default, first) for _, m in values):
        told = by_value((s, print_ast(m.default)) for s, m in values if m.default is not None)
        merge.report(mismatch, f"{coordinate} has different defaults: {told}.", coordinate, sources=values)
    elif len(values) < len(sources):
        merge.report(
            hints.INCONSISTENT_DEFAULT_VALUE_PRESENCE,
            f"{coordinate} has a default in {named(s for s, _ in values)} alone, so the supergraph has none.",
            coordinate,
            sources=sources,
        )
        return None
    return first

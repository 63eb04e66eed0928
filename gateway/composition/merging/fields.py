"""Fields of object and interface types: united over the subgraphs, their types widened, their arguments intersected."""

from collections.abc import Iterator, Mapping

from graphql import ConstValueNode, print_ast

from catalog_sync.schema_comparison import is_subtype
from gateway.composition import codes, hints
from gateway.composition.issues import CompositionCode
from gateway.composition.merging.state import E, Merge, Override, Sources, by_value, named
from gateway.composition.merging.types import merge_description
from gateway.composition.subgraph.facts import context_of, contextual, fields_argument, is_contextual
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import FEDERATION_DIRECTIVES, WRITTEN
from gateway.supergraph.elements import Member, Type, is_required, same_value
from gateway.supergraph.join_writing import join_directive
from gateway.supergraph.model import TypeKind

Codes = tuple[CompositionCode, CompositionCode]
"""The error and the hint of one rule."""
FIELD_TYPES = codes.FIELD_TYPE_MISMATCH, hints.INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE
_ARGUMENT_TYPES = codes.FIELD_ARGUMENT_TYPE_MISMATCH, hints.INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE
_ARGUMENT_PRESENCE = codes.REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH, hints.INCONSISTENT_ARGUMENT_PRESENCE
_MERGED = WRITTEN.keys() & FEDERATION_DIRECTIVES.keys()


def merge_fields(
    merge: Merge, merged: Type, type_sources: Sources[Type], fields: Mapping[str, Sources[Member]]
) -> None:
    """Fill an object or interface type with its fields, given by name with those who have them."""
    for name, sources in fields.items():
        _FieldMerge(merge, merged, type_sources, name, sources).run()
    if merged.kind is TypeKind.OBJECT:
        _hint_entity(merge, merged.name, type_sources)


def _hint_entity(merge: Merge, name: str, sources: Sources[Type]) -> None:
    without = [(s, t) for s, t in sources if not t.has("key")]
    if without and len(without) < len(sources):
        with_key = named(s for s, t in sources if t.has("key"))
        why = f"has a @key in {with_key}, but none in {named(s for s, _ in without)}."
        merge.report(hints.INCONSISTENT_ENTITY, name, why, without)


class _FieldMerge:
    """One field in the making, from ``sources`` in the subgraphs, of which the ``resolvers`` answer it."""

    def __init__(
        self, merge: Merge, parent: Type, type_sources: Sources[Type], name: str, sources: Sources[Member]
    ) -> None:
        self.merge, self.parent, self.type_sources, self.name, self.sources = merge, parent, type_sources, name, sources
        self.coordinate = f"{parent.name}.{name}"
        self.resolvers = [(s, m) for s, m in sources if not m.external]

    def report(self, code: CompositionCode, why: str, sources: Sources[Member]) -> None:
        self.merge.report(code, self.coordinate, why, sources)

    def run(self) -> None:
        if self._is_plain():
            self._hint_missing()
            self.parent.fields[self.name] = self._alone(*self.sources[0])
            return
        if not self.resolvers and self.merge.interface_object_sources(self.parent.name, self.name):
            self.resolvers = self.sources
        if not self.resolvers:
            why = f"is @external in every subgraph that has it ({named(s for s, _ in self.sources)}): none resolves it."
            self.report(codes.EXTERNAL_MISSING_ON_BASE, why, self.sources)
            return
        self._check_sharing()
        self._hint_missing()
        merged = Member(self.name, description=merge_description(self.merge, self.coordinate, self.sources))
        merged.type, is_uniform = merge_type(self.merge, self.coordinate, self.resolvers, FIELD_TYPES)
        merged.arguments = merge_arguments(self.merge, self.coordinate, self.resolvers)
        self._check_external(merged)
        is_uniform = is_uniform and all(m.type == merged.type for _, m in self.sources)
        if not is_uniform or len(self.sources) < len(self.type_sources) or self._says_something():
            merged.join = [line for s, m in self.sources for line in self._join_field(s, m, is_uniform)]
        self.parent.fields[self.name] = merged

    def _is_plain(self) -> bool:
        """Whether there is nothing to merge but what one subgraph says, as there is for most fields of most graphs."""
        (subgraph, member), *others = self.sources
        is_bare = not (others or member.directives or member.shareable or member.external)
        return is_bare and not self.parent.interfaces and self._override(subgraph) is None

    def _alone(self, subgraph: Subgraph, member: Member) -> Member:
        merged = Member(self.name, member.type, description=member.description or None)
        merged.arguments = {
            name: Member(name, argument.type, description=argument.description or None, default=argument.default)
            for name, argument in member.arguments.items()
            if not is_contextual(argument)
        }
        if len(self.type_sources) > 1 or any(contextual(member)):
            merged.join = [*self._join_field(subgraph, member, is_uniform=True)]
        return merged

    def _override(self, subgraph: Subgraph) -> Override | None:
        return self.merge.overrides.get((subgraph.name, self.parent.name, self.name))

    def _check_sharing(self) -> None:
        """A field that several subgraphs resolve is @shareable in all of them."""
        resolving = [(s, m) for s, m in self.sources if self._resolves(s, m)]
        if self.parent.name == "Subscription" and any(m.shareable for _, m in resolving):
            why = "is a field of Subscription, so it cannot be @shareable."
            self.report(codes.INVALID_FIELD_SHARING, why, resolving)
            return
        # What is @external and provided says by that alone that others resolve it too.
        closed = [s for s, m in resolving if not m.is_shareable and not m.external]
        here = {s.name for s, _ in resolving}  # an @interfaceObject beside its implementation is told as such
        through = self.merge.interface_object_sources(self.parent.name, self.name)
        through = [(s, m) for s, m in through if s.name not in here]
        if through:
            closed += [s for s, m in through if not m.is_shareable]
            resolving += through
        if len(resolving) > 1 and closed:
            where = "all of them" if len(closed) == len(resolving) else named(closed)
            why = f"is resolved by {named(s for s, _ in resolving)}, but is not @shareable in {where}."
            self.report(codes.INVALID_FIELD_SHARING, why, resolving)

    def _resolves(self, subgraph: Subgraph, member: Member) -> bool:
        """Whether the subgraph answers the field of objects; an interface's only answers as an @interfaceObject."""
        if subgraph.types[self.parent.name].kind is TypeKind.INTERFACE:
            return False
        override = self._override(subgraph)
        is_taken_over = override is not None and override.taken_over
        return not is_taken_over and member.resolves

    def _hint_missing(self) -> None:
        is_root = self.parent.name in ("Query", "Mutation", "Subscription")
        if is_root or len(self.sources) == len(self.type_sources) or any(t.has("key") for _, t in self.type_sources):
            return
        lacking = [(s, t) for s, t in self.type_sources if self.name not in t.fields]
        without = [s for s, t in lacking if not all(m.external for m in t.fields.values())]
        if without:
            code = hints.INCONSISTENT_OBJECT_VALUE_TYPE_FIELD
            if self.parent.kind is TypeKind.INTERFACE:
                code = hints.INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD
            why = f"is missing in {named(without)}, although {self.parent.name} is there."
            self.report(code, why, self.sources)

    def _check_external(self, merged: Member) -> None:
        """What is declared @external agrees with what resolves it elsewhere."""
        externals = [pair for pair in self.sources if pair not in self.resolvers]
        for subgraph, member in externals:
            for applied in member.directives:
                if applied.identity in _MERGED or applied.name == "deprecated":
                    why = f"is @external here: apply @{applied.name} where the field is resolved."
                    code = codes.MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL
                    self.merge.report_in(subgraph, code, member, self.coordinate, why)
        wrong = [(s, m) for s, m in externals if m.type != merged.type]
        if wrong:
            told = by_value((s, m.type) for s, m in wrong)
            why = f"is @external with a type that does not fit: it is {merged.type}, but {told}."
            self.report(codes.EXTERNAL_TYPE_MISMATCH, why, wrong)
        for argument in merged.arguments.values():
            self._check_external_argument(argument, externals)

    def _check_external_argument(self, argument: Member, externals: Sources[Member]) -> None:
        missing = [(s, m) for s, m in externals if argument.name not in m.arguments]
        having = [(s, m.arguments[argument.name]) for s, m in externals if argument.name in m.arguments]
        other_types = [(s, a) for s, a in having if not is_subtype(argument.type, a.type, self.merge.is_subtype)]
        other_defaults = [(s, a) for s, a in having if not same_value(a.default, argument.default)]
        types, elsewhere = by_value((s, a.type) for s, a in other_types), named(s for s, _ in other_defaults)
        for code, wrong, why in (
            (codes.EXTERNAL_ARGUMENT_MISSING, missing, f"is missing in {named(s for s, _ in missing)}"),
            (codes.EXTERNAL_ARGUMENT_TYPE_MISMATCH, other_types, f"is {argument.type}, but {types}"),
            (codes.EXTERNAL_ARGUMENT_DEFAULT_MISMATCH, other_defaults, f"has another default in {elsewhere}"),
        ):
            if wrong:
                where = f"{self.coordinate}({argument.name}:)"
                self.merge.report(code, where, f"{why}, where the field is @external.", wrong)

    def _says_something(self) -> bool:
        """Whether @join__field is needed: not for a field that every subgraph has plainly."""
        overrides = [override for s, _ in self.sources if (override := self._override(s)) is not None]
        return any(override.is_known for override in overrides) or any(
            m.external
            or any(applied.identity in ("requires", "provides") for applied in m.directives)
            or any(contextual(m))
            for s, m in self.sources
        )

    def _join_field(self, subgraph: Subgraph, member: Member, is_uniform: bool) -> Iterator[str]:
        override = self._override(subgraph) or Override()
        if override.taken_over and not override.used and override.label is None:
            return
        field_sets = {applied.identity: fields_argument(applied) for applied in member.directives}
        yield join_directive(
            "field",
            self.merge.graphs[subgraph.name],
            requires=field_sets.get("requires"),
            provides=field_sets.get("provides"),
            override=override.source,
            type=None if is_uniform else member.type,
            external=member.external or None,
            usedOverridden=(override.taken_over and override.used) or None,
            overrideLabel=override.label,
            contextArguments=list(_context_arguments(subgraph, member)) or None,
        )


def _context_arguments(subgraph: Subgraph, member: Member) -> Iterator[dict[str, str]]:
    """Arguments that the gateway fills from an ancestor of the field."""
    for argument, applied in contextual(member):
        name, selection = context_of(applied)
        filled = {"context": f"{subgraph.name}__{name}", "name": argument.name, "type": argument.type}
        yield {**filled, "selection": selection}


def merge_type(
    merge: Merge, coordinate: str, sources: Sources[Member], told_as: Codes, *, is_input: bool = False
) -> tuple[str, bool]:
    """The widest of the types, or of what clients send the narrowest, and whether all are the same."""
    types = list(dict.fromkeys(member.type for _, member in sources))
    if len(types) == 1:
        return types[0], True

    def fits(chosen: str, other: str) -> bool:
        sub, sup = (chosen, other) if is_input else (other, chosen)
        return is_subtype(sub, sup, merge.is_subtype)

    (mismatch, hint), told = told_as, by_value((s, m.type) for s, m in sources)
    chosen = next((candidate for candidate in types if all(fits(candidate, other) for other in types)), None)
    if chosen is None:
        merge.report(mismatch, coordinate, f"is {told}, which do not fit each other.", sources)
    else:
        merge.report(hint, coordinate, f"differs but fits: it is {told}; {chosen} is taken.", sources)
    return chosen or types[0], False


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
            report_missing(merge, where, having, sources, _ARGUMENT_PRESENCE)
            continue
        argument = Member(name, description=merge_description(merge, where, having))
        argument.type, _ = merge_type(merge, where, having, _ARGUMENT_TYPES, is_input=True)
        argument.default = merge_default(merge, where, having, codes.FIELD_ARGUMENT_DEFAULT_MISMATCH)
        merged[name] = argument
    return merged


def report_missing(merge: Merge, where: str, having: Sources[Member], sources: Sources[E], told_as: Codes) -> None:
    """Report an input that some of ``sources`` do not have: an error where others require it."""
    code, hint = told_as
    known = {s.name for s, _ in having}
    without = named(s for s, _ in sources if s.name not in known)
    required = [s for s, member in having if is_required(member)]
    if required:
        merge.report(code, where, f"is required in {named(required)}, but does not exist in {without}.", having)
    else:
        merge.report(hint, where, f"does not exist in {without}, so clients cannot give it.", having)


def _check_contextual(merge: Merge, where: str, having: Sources[Member]) -> None:
    for subgraph, argument in having:
        if is_required(argument) and not is_contextual(argument):
            why = f"is filled by @fromContext elsewhere, but is required in {subgraph.name} and not filled there."
            merge.report(codes.CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS, where, why, having)
        elif not is_contextual(argument):
            why = f"is filled by @fromContext elsewhere; in {subgraph.name} it is always left out."
            merge.report(hints.CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS, where, why, having)


def merge_default(
    merge: Merge, coordinate: str, sources: Sources[Member], mismatch: CompositionCode
) -> ConstValueNode | None:
    """The default that all agree on; with a hint none, if some have one and others not."""
    values = [(s, m) for s, m in sources if m.default is not None]
    if not values:
        return None
    first = values[0][1].default
    if any(not same_value(m.default, first) for _, m in values):
        told = by_value((s, print_ast(m.default)) for s, m in values if m.default is not None)
        merge.report(mismatch, coordinate, f"has different defaults: {told}.", values)
    elif len(values) < len(sources):
        why = f"has a default in {named(s for s, _ in values)} alone, so the supergraph has none."
        merge.report(hints.INCONSISTENT_DEFAULT_VALUE_PRESENCE, coordinate, why, sources)
        return None
    return first

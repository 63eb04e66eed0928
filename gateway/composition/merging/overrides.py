"""@override: which fields are taken over from which subgraph, at once or by and by (``label``)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.composition import codes, hints
from gateway.composition.issues import CompositionCode, meant
from gateway.composition.merging.state import Merge, Override
from gateway.composition.subgraph.facts import is_used
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type
from gateway.supergraph.model import TypeKind

_LABEL = re.compile(r"^[a-zA-Z][a-zA-Z0-9_\-:./]*$")
_PERCENT = re.compile(r"^percent\((\d{1,2}(\.\d{1,8})?|100)\)$")


def merge_overrides(merge: Merge) -> None:
    """Check every @override and note what it means for both subgraphs."""
    by_name = {subgraph.name: subgraph for subgraph in merge.subgraphs}
    for subgraph, definition, member in merge.annotated():
        if definition.name not in merge.types:  # of no one kind, which is told
            continue
        for applied in member.applied("override"):
            other = by_name.get(str(applied.value("from")))
            _Overriding(merge, subgraph, definition, member, applied, other).apply(by_name)


@dataclass(frozen=True, slots=True)
class _Overriding:
    """One @override; ``other`` is the subgraph it names, if there is one."""

    merge: Merge
    subgraph: Subgraph
    definition: Type
    member: Member
    applied: Applied
    other: Subgraph | None

    @property
    def pair(self) -> tuple[str, str]:
        return self.definition.name, self.member.name

    def refuse(self, code: CompositionCode, why: str) -> None:
        self.merge.report_in(self.subgraph, code, self.member, ".".join(self.pair), why)

    def tell(self, code: CompositionCode, why: str, *others: tuple[Subgraph, Member]) -> None:
        self.merge.report(code, ".".join(self.pair), why, [(self.subgraph, self.member), *others])

    def apply(self, by_name: Mapping[str, Subgraph]) -> None:
        origin, label = self.applied.value("from"), self.applied.value("label")
        if self.definition.kind is TypeKind.INTERFACE:
            self.refuse(codes.OVERRIDE_ON_INTERFACE, "is a field of an interface, where @override does not work.")
            return
        by_interface = self._by_interface_object()
        if by_interface is not None:
            self.refuse(codes.OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE, f"cannot be overridden: {by_interface}.")
            return
        if origin == self.subgraph.name:
            self.refuse(codes.OVERRIDE_FROM_SELF_ERROR, "is said to override itself: `from` names its own subgraph.")
            return
        if label is not None and not (_LABEL.match(label) or _PERCENT.match(label)):
            form = "must begin with a letter and go on with letters, digits or _-:./, or be percent(x), x from 0 to 100"
            self.refuse(codes.OVERRIDE_LABEL_INVALID, f"has the label {label!r}, which is none: it {form}.")
        theirs = self.other.field(*self.pair) if self.other is not None else None
        key, is_known = (self.subgraph.name, *self.pair), theirs is not None
        self.merge.overrides[key] = Override(source=origin, label=label if is_known else None, is_known=is_known)
        if self.other is not None and theirs is not None:
            self._take_over(label, self.other, theirs)
        elif self.other is None:
            nearest = meant(str(origin), by_name)
            why = f"overrides a field of {origin!r} in {self.subgraph.name}, but there is no such subgraph.{nearest}"
            self.tell(hints.FROM_SUBGRAPH_DOES_NOT_EXIST, why)
        else:
            why = f"is no longer in {origin}: the @override in {self.subgraph.name} can be removed."
            self.tell(hints.OVERRIDE_DIRECTIVE_CAN_BE_REMOVED, why)

    def _by_interface_object(self) -> str | None:
        """Fields that reach a type through an @interfaceObject can neither override nor be overridden."""
        if self.definition.has("interfaceObject"):
            return f"{self.definition.name} is an @interfaceObject there"
        if self.other is None or self.definition.name in self.other.types:
            return None
        names = self.merge.types[self.definition.name].interfaces
        theirs = (self.other.types[name] for name in names if self.other.field(name, self.member.name) is not None)
        has_field = any(interface.has("interfaceObject") for interface in theirs)
        return f"{self.other.name} has the field by an @interfaceObject" if has_field else None

    def _take_over(self, label: str | None, other: Subgraph, theirs: Member) -> None:
        ours, both = self.subgraph.name, (other, theirs)
        if theirs.has("override"):
            why = f"is overridden in {ours} from {other.name}, where it has an @override itself."
            self.tell(codes.OVERRIDE_SOURCE_HAS_OVERRIDE, why, both)
            return
        colliding = list(self.member.applied("external"))
        colliding += [a for a in theirs.directives if a.identity in ("provides", "requires")]
        if colliding:
            why = f"cannot be overridden in {ours} from {other.name}: it carries @{colliding[0].name}."
            self.tell(codes.OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE, why, both)
            return
        if theirs.external:
            why = f"is @external in {other.name}: the @override in {ours} can be removed."
            self.tell(hints.OVERRIDE_DIRECTIVE_CAN_BE_REMOVED, why, both)
            return
        used_there = is_used(other, other.types[self.definition.name], theirs)
        self.merge.overrides[other.name, *self.pair] = Override(taken_over=True, used=used_there, label=label)
        if label is not None:
            why = f"is moving from {other.name} to {ours} by @override(label:); once done, remove it from {other.name}."
            self.tell(hints.OVERRIDE_MIGRATION_IN_PROGRESS, why, both)
        else:
            used, unused = "it is used there all the same, and should be marked @external.", "it can be removed there."
            why = f"of {other.name} is taken over by {ours}: {used if used_there else unused}"
            self.tell(hints.OVERRIDDEN_FIELD_CAN_BE_REMOVED, why, both)

"""Federation 1 subgraphs made into Federation 2 ones.

Federation 1 let everybody repeat value types, asked extensions to repeat their keys as @external, and tolerated
directives that do nothing. The upgrade states what the author meant: what is repeated is @shareable, external keys of
extensions are plain fields, and what does nothing goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from graphql import FieldNode, InlineFragmentNode, ListValueNode, SelectionSetNode, StringValueNode, print_ast

from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.composition.subgraph.facts import field_set_of, field_set_text, implementing, is_used, mark_uses
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import ROOTS, Applied, Member, Type, Use, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind

_FIELD_SETS = ("key", "requires", "provides")
_ROOT_TYPES = frozenset(root.title() for root in ROOTS)


def upgrade_all(subgraphs: Sequence[Subgraph], log: IssueLog) -> None:
    """Upgrade the Federation 1 subgraphs among ``subgraphs`` in place; nothing happens when there are none."""
    old = [subgraph for subgraph in subgraphs if not subgraph.links.is_federation_2]
    if not old:
        return
    _check_interface_objects(subgraphs, log)
    for subgraph in old:
        mark_uses(subgraph)
        _check_extensions(subgraph, subgraphs, log)
    shareable = {subgraph.name: _shareable(subgraph, subgraphs) for subgraph in old}
    for subgraph in old:
        _Upgrade(subgraph, subgraphs, log).run()
        for type_name, field_name in shareable[subgraph.name]:
            member = subgraph.field(type_name, field_name)
            if member is not None and not member.has("shareable"):
                member.directives.append(Applied("shareable", "shareable", {}))
                member.shareable = True


def _check_extensions(subgraph: Subgraph, subgraphs: Sequence[Subgraph], log: IssueLog) -> None:
    for name, definition in subgraph.types.items():
        others = (other.types[name] for other in subgraphs if other is not subgraph and name in other.types)
        if name not in _ROOT_TYPES and definition.is_extension and all(other.is_extension for other in others):
            why = "is extended, but no subgraph defines it."
            log.of(subgraph.name)(codes.EXTENSION_WITH_NO_BASE, definition.line, name, why)


def _check_interface_objects(subgraphs: Sequence[Subgraph], log: IssueLog) -> None:
    """A key on an interface meant nothing in Federation 1, so no @interfaceObject can rely on it."""
    for subgraph, other in product(subgraphs, subgraphs):
        for definition in subgraph.types.values() if not other.links.is_federation_2 else ():
            theirs = other.types.get(definition.name)
            is_keyed = theirs is not None and theirs.kind is TypeKind.INTERFACE and theirs.has("key")
            if definition.has("interfaceObject") and theirs is not None and is_keyed:
                log.report(
                    codes.INTERFACE_OBJECT_USAGE_ERROR,
                    f"[{subgraph.name}] {definition.name} is an @interfaceObject, but its key in {other.name}, which "
                    "is Federation 1, does not let the gateway find an object's type: link Federation 2 there.",
                    definition.name,
                    at=(subgraph.at(definition), other.at(theirs)),
                )


def _shareable(subgraph: Subgraph, subgraphs: Sequence[Subgraph]) -> list[tuple[str, str]]:
    """The fields that others resolve too: all of value types, and of entities those another subgraph really answers."""
    found: list[tuple[str, str]] = []
    for definition in subgraph.types.values():
        if definition.kind is not TypeKind.OBJECT or definition.name == "Subscription":
            continue
        name = definition.name
        others = [s.types[name] for s in subgraphs if s is not subgraph and name in s.types]
        is_value_type = not definition.has("key") and definition.name not in _ROOT_TYPES
        for member in definition.fields.values():
            is_own = Use.KEY not in member.uses and not member.external
            theirs = (other.fields.get(member.name) for other in others)
            if others if is_value_type else is_own and any(known is not None and known.resolves for known in theirs):
                found.append((name, member.name))
    return found


def _drop(element: Type | Member, *identities: str) -> None:
    element.directives = [applied for applied in element.directives if applied.identity not in identities]


@dataclass(slots=True)
class _Upgrade:
    subgraph: Subgraph
    all: Sequence[Subgraph]
    log: IssueLog

    def run(self) -> None:
        for definition in self.subgraph.types.values():
            for element in (definition, *definition.fields.values()):
                element.directives = [_with_text(a) if a.identity in _FIELD_SETS else a for a in element.directives]
            if definition.kind is TypeKind.INTERFACE:
                _drop(definition, "key", "extends")
                for member in definition.fields.values():
                    member.external = False
                    _drop(member, "external", "requires", "provides")
            _drop(definition, "external")
        mark_uses(self.subgraph)
        for definition, member in self.subgraph.fields():
            # Keys that extensions had to repeat as @external are resolved there all the same.
            if not member.external:
                _drop(member, "external")
            member.external = member.has("external")
            member.directives = [kept for a in member.directives if (kept := self._effective(definition, member, a))]
        for definition in self.subgraph.types.values():
            definition.is_defined = True
        self._drop_tags_of_externals()
        self._drop_unused_externals()

    def _effective(self, definition: Type, member: Member, applied: Applied) -> Applied | None:
        """@requires and @provides keep only what is external; empty ones go, as does @provides on a leaf."""
        if applied.identity not in ("requires", "provides"):
            return applied
        parent = named_type(member.type) if applied.identity == "provides" else definition.name
        target = self.subgraph.types.get(parent)
        if target is None or not target.is_composite:
            return None
        node = field_set_of(applied)
        if not node.selections:
            return applied
        left = self._only_external(parent, node)
        return (
            replace(applied, arguments={**applied.arguments, "fields": StringValueNode(value=left)}) if left else None
        )

    def _only_external(self, parent: str, node: SelectionSetNode) -> str:
        """The text of what the field set selects that is @external; unknown fields stay, for validation to report."""
        definition = self.subgraph.types.get(parent)
        kept: list[str] = []
        for selection in node.selections:
            if isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition.name.value if selection.type_condition else parent
                inner = self._only_external(condition, selection.selection_set)
                kept += [f"... on {condition} {{ {inner} }}"] if inner else []
            elif isinstance(selection, FieldNode):
                member = definition.fields.get(selection.name.value) if definition else None
                if definition is None or member is None or self._is_external(definition, member):
                    kept.append(field_set_text(selection))
                elif selection.selection_set is not None:
                    inner = self._only_external(named_type(member.type), selection.selection_set)
                    arguments = ", ".join(print_ast(argument) for argument in parts(selection, "arguments"))
                    head = f"{member.name}({arguments})" if arguments else member.name
                    kept += [f"{head} {{ {inner} }}"] if inner else []
        return " ".join(kept)

    def _is_external(self, definition: Type, member: Member) -> bool:
        return member.external or any(m.external for m in implementing(self.subgraph, definition, member.name))

    def _drop_tags_of_externals(self) -> None:
        """A tag on an @external field goes when the field has the same tag elsewhere: it says nothing new."""
        for definition, member in self.subgraph.fields():
            if member.external:
                known = self._tags_elsewhere(definition.name, member.name)
                member.directives = [
                    a for a in member.directives if a.identity != "tag" or a.value("name") not in known
                ]

    def _tags_elsewhere(self, type_name: str, field_name: str) -> set[object]:
        others = (s.types[type_name] for s in self.all if s is not self.subgraph and type_name in s.types)
        fields = (t.fields[field_name] for t in others if field_name in t.fields)
        return {applied.value("name") for field in fields for applied in field.applied("tag")}

    def _drop_unused_externals(self) -> None:
        mark_uses(self.subgraph)
        for definition in list(self.subgraph.types.values()):
            if definition.kind is not TypeKind.OBJECT or not definition.fields:
                continue
            external = [member for member in definition.fields.values() if member.external]
            unused = [member for member in external if not is_used(self.subgraph, definition, member)]
            for member in unused:
                del definition.fields[member.name]
            if unused and not definition.fields:
                self._empty(definition)

    def _empty(self, definition: Type) -> None:
        name = definition.name
        is_used = any(named_type(member.type) == name for _, member in self.subgraph.fields())
        if is_used or any(name in other.members for other in self.subgraph.types.values()):
            why = "has @external fields alone, and none of them is used."
            self.log.of(self.subgraph.name)(codes.TYPE_WITH_ONLY_UNUSED_EXTERNAL, definition.line, name, why)
        del self.subgraph.types[name]


def _with_text(applied: Applied) -> Applied:
    """Federation 1 accepted ``fields: id`` and ``fields: ["id", "name"]``."""
    node = applied.arguments.get("fields")
    if node is None or isinstance(node, StringValueNode):
        return applied
    items = node.values if isinstance(node, ListValueNode) else (node,)
    words = [getattr(item, "value", None) for item in items]
    if not all(isinstance(word, str) for word in words):
        return applied
    text = StringValueNode(value=" ".join(str(word) for word in words))
    return replace(applied, arguments={**applied.arguments, "fields": text})

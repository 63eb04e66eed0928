"""Rules of Federation that one subgraph must keep on its own. One rule, one function."""

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode, print_ast
from graphql.pyutils import suggestion_list

from gateway.composition import codes
from gateway.composition.issues import IssueLog, Report, meant
from gateway.composition.subgraph.facts import (
    field_set_of,
    field_set_text,
    fields_argument,
    implementing,
    is_used,
)
from gateway.composition.subgraph.graphql_rules import arguments_problem
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, is_required, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.field_set import FieldSetSyntaxError, selection_set
from gateway.supergraph.model import TypeKind

AUTH = ("authenticated", "requiresScopes", "policy")


def check_federation(subgraph: Subgraph, log: IssueLog) -> None:
    """Log an issue for every use of a federation directive that cannot be right whatever the other subgraphs hold."""
    report, broken = log.of(subgraph.name), set[str]()
    for definition in subgraph.types.values():
        if not _check_keys(subgraph, definition, report):
            broken.add(definition.name)
        _check_interface_object(definition, report)
        _check_shareable_type(definition, report)
        _check_auth_on_abstract(definition, report)
        for member in definition.fields.values():
            coordinate = f"{definition.name}.{member.name}"
            if not _collides(member, coordinate, report):
                _check_field_sets(subgraph, definition, member, coordinate, report)
                _check_external(subgraph, definition, member, coordinate, report)
                _check_shareable_field(definition, member, coordinate, report)
    for definition in subgraph.types.values():
        _check_interface_keys(subgraph, definition, broken, log)


class _FieldSetCheck:
    """Walks one field set and reports what it may not hold."""

    def __init__(self, subgraph: Subgraph, applied: Applied, coordinate: str, report: Report) -> None:
        self.subgraph, self.applied = subgraph, applied
        self.family = (applied.identity or "").upper()
        self.coordinate, self._report = coordinate, report

    def refuse(self, code: str, why: str) -> bool:
        """Report; always False, which is to say that the field set is not sound."""
        found = getattr(codes, f"{self.family}_{code}")
        self._report(found, self.applied.line, self.coordinate, f"has a wrong @{self.applied.name}: {why}")
        return False

    def run(self, parent: str) -> bool:
        """Check the whole field set; whether it is sound."""
        text = fields_argument(self.applied)
        if text is None:
            return self.refuse("INVALID_FIELDS_TYPE", "`fields` must be a string.")
        try:
            return self.walk(parent, selection_set(text))
        except FieldSetSyntaxError as error:
            return self.refuse("INVALID_FIELDS", str(error))

    def walk(self, parent: str, node: SelectionSetNode, external: bool = False) -> bool:
        """Check all selections; False once something was reported that makes further checks pointless."""
        sound = True
        for selection in node.selections:
            for directive in parts(selection, "directives"):
                why = f"it applies {print_ast(directive)}; a field set holds no directives."
                sound = self.refuse("DIRECTIVE_IN_FIELDS_ARG", why)
            if isinstance(selection, FieldNode):
                sound = self.field(parent, selection, external) and sound
            elif isinstance(selection, InlineFragmentNode):
                sound = self.fragment(parent, selection, external) and sound
            else:
                sound = self.refuse("INVALID_FIELDS", "a field set cannot hold named fragments.")
        return sound

    def fragment(self, parent: str, node: InlineFragmentNode, external: bool) -> bool:
        condition = node.type_condition.name.value if node.type_condition else parent
        definition = self.subgraph.types.get(condition)
        if definition is None or not definition.is_composite:
            return self.refuse("INVALID_FIELDS", f"there is no object, interface or union {condition}.")
        possible = set(self.subgraph.possible_types(parent))
        if possible.isdisjoint(self.subgraph.possible_types(condition)) and condition != parent:
            return self.refuse("INVALID_FIELDS", f"a {parent} can never be a {condition}.")
        return self.walk(condition, node.selection_set, external)

    def field(self, parent: str, node: FieldNode, external: bool) -> bool:
        name = node.name.value
        if node.alias is not None:
            why = f"it gives {name} the alias {node.alias.value}; a field set has no aliases."
            return self.refuse("INVALID_FIELDS", why)
        if name == "__typename":
            return True
        definition = self.subgraph.types[parent]
        member = definition.fields.get(name)
        if member is None:
            why = f"{parent} has no field {name} here; if another subgraph has it, declare it here with @external."
            return self.refuse("INVALID_FIELDS", why + meant(name, definition.fields))
        problem = self.argument_problem(member, node)
        sound = problem is None or self.refuse(problem[0], f"{parent}.{name} {problem[1]}")
        if not self.check_member(definition, member, node, external):
            return False
        type_ = self.subgraph.types.get(named_type(member.type))
        if type_ is None or not type_.is_composite:
            if node.selection_set is None:
                return sound
            return self.refuse("INVALID_FIELDS", f"{parent}.{name} is of type {member.type}, which has no fields.")
        if node.selection_set is None:
            return self.refuse("INVALID_FIELDS", f"{parent}.{name} is of type {member.type} and needs a selection.")
        return self.walk(type_.name, node.selection_set, external or member.external) and sound

    def argument_problem(self, member: Member, node: FieldNode) -> tuple[str, str] | None:
        """What is wrong with the arguments given: the code and why."""
        if self.family == "REQUIRES":
            why = arguments_problem(self.subgraph, member, node)
            return ("INVALID_FIELDS", why) if why else None
        if not parts(node, "arguments") and any(map(is_required, member.arguments.values())):
            return "INVALID_FIELDS", "needs arguments, so it cannot be selected here."
        is_plain = not member.arguments and not parts(node, "arguments")
        return None if is_plain else ("FIELDS_HAS_ARGS", "has arguments, which is not allowed here.")

    def check_member(self, definition: Type, member: Member, node: FieldNode, external: bool) -> bool:
        """What the directive asks of each field; @key, @requires and @provides differ here alone."""
        coordinate = f"{definition.name}.{member.name}"
        if self.family == "KEY":
            type_ = self.subgraph.types.get(named_type(member.type))
            if type_ is None or not type_.is_abstract:
                return True
            why = f"{coordinate} is of {type_.kind.value} type {type_.name}, which no key can hold."
            return self.refuse("FIELDS_SELECT_INVALID_TYPE", why)
        if external or node.selection_set is not None or self._is_external(definition, member):
            return True
        why = f"{coordinate} is this subgraph's own field: it is not marked @external."
        return self.refuse("FIELDS_MISSING_EXTERNAL", why)

    def _is_external(self, definition: Type, member: Member) -> bool:
        """Also by name alone, and for an interface's field also where an implementation has it so."""
        is_said = member.external or member.has("external") or definition.has("external")
        return is_said or any(m.external for m in implementing(self.subgraph, definition, member.name))


def _check_keys(subgraph: Subgraph, definition: Type, report: Report) -> bool:
    """Whether all keys of the type are sound."""
    sound = True
    for applied in definition.applied("key"):
        if definition.kind is TypeKind.INTERFACE and subgraph.links.minor < 3:
            why = "is an interface with a @key, which needs Federation 2.3."
            report(codes.KEY_UNSUPPORTED_ON_INTERFACE, applied.line, definition.name, why)
        sound = _FieldSetCheck(subgraph, applied, definition.name, report).run(definition.name) and sound
    return sound


def _collides(member: Member, coordinate: str, report: Report) -> bool:
    """A field that is resolved elsewhere provides nothing here."""
    colliding = next(member.applied("provides"), None)
    if colliding is None or not member.external:
        return False
    why = f"is @external and carries @{colliding.name}: a subgraph resolves the field or does not."
    code = codes.EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE
    report(code, colliding.line, coordinate, why)
    return True


def _check_field_sets(subgraph: Subgraph, definition: Type, member: Member, coordinate: str, report: Report) -> None:
    """@provides selects from what the field returns, @requires from beside it; an interface's fields have neither."""
    for applied in (*member.applied("provides"), *member.applied("requires")):
        is_provided = applied.identity == "provides"
        target = subgraph.types.get(named_type(member.type)) if is_provided else definition
        if target is None or not target.is_composite:
            why = f"carries @{applied.name}, but {member.type} has no fields to provide."
            report(codes.PROVIDES_ON_NON_OBJECT_FIELD, applied.line, coordinate, why)
            continue
        if definition.kind is TypeKind.INTERFACE:
            code = codes.PROVIDES_UNSUPPORTED_ON_INTERFACE if is_provided else codes.REQUIRES_UNSUPPORTED_ON_INTERFACE
            why = f"is a field of an interface, where @{applied.name} cannot be used."
            report(code, applied.line, coordinate, why)
        _FieldSetCheck(subgraph, applied, coordinate, report).run(target.name)


def _check_external(subgraph: Subgraph, definition: Type, member: Member, coordinate: str, report: Report) -> None:
    if definition.kind is TypeKind.INTERFACE:
        if member.has("external"):
            why = "is a field of an interface and cannot be @external."
            report(codes.EXTERNAL_ON_INTERFACE, member.line, coordinate, why)
    elif definition.kind is TypeKind.OBJECT and member.external and not is_used(subgraph, definition, member):
        why = "is @external, but no @key, @requires or @provides mentions it and no interface asks for it."
        report(codes.EXTERNAL_UNUSED, member.line, coordinate, why, _mistyped(definition, member))


def _mistyped(definition: Type, member: Member) -> str:
    """What to mend instead where a @requires of the type seems to mean the field."""
    for other in definition.fields.values():
        selections = (s for applied in other.applied("requires") for s in field_set_of(applied).selections)
        for name in (selection.name.value for selection in selections if isinstance(selection, FieldNode)):
            if name not in definition.fields and member.name in suggestion_list(name, list(definition.fields))[:1]:
                return f"Mend the @requires of {definition.name}.{other.name}, which seems to mean it by {name}."
    return ""


def _check_interface_object(definition: Type, report: Report) -> None:
    if definition.has("interfaceObject") and not definition.has("key"):
        why = "is an @interfaceObject but has no @key here."
        report(codes.INTERFACE_OBJECT_USAGE_ERROR, definition.line, definition.name, why)


def _check_interface_keys(subgraph: Subgraph, definition: Type, broken: set[str], log: IssueLog) -> None:
    """Every key of an interface is a key of all its implementations in the same subgraph, and resolvable if it is."""
    for key in definition.applied("key") if definition.kind is TypeKind.INTERFACE else ():
        wanted = _key_text(key)
        for implementer in subgraph.implementers(definition.name):
            theirs = [other for other in implementer.applied("key") if _key_text(other) == wanted]
            is_resolvable = key not in definition.resolvable_keys or any(
                k in implementer.resolvable_keys for k in theirs
            )
            # A key that is broken in itself would only be told twice.
            if {definition.name, implementer.name} & broken or (theirs and is_resolvable):
                continue
            why = "has that key as `resolvable: false`" if theirs else "has no such key"
            log.report(
                codes.INTERFACE_KEY_NOT_ON_IMPLEMENTATION,
                f'[{subgraph.name}] {definition.name} has @key(fields: "{wanted}"), but {implementer.name}, '
                f"which implements it, {why}.",
                definition.name,
                implementer.name,
                at=(subgraph.at(key), subgraph.at(implementer)),
            )


def _key_text(applied: Applied) -> str:
    return _sorted_text(field_set_of(applied))


def _sorted_text(node: SelectionSetNode) -> str:
    written = set()
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            inner = f" {{ {_sorted_text(selection.selection_set)} }}" if selection.selection_set else ""
            written.add(selection.name.value + inner)
        else:
            written.add(field_set_text(selection))
    return " ".join(sorted(written))


def _check_shareable_type(definition: Type, report: Report) -> None:
    # Repeatable, so that a definition and its extensions can each carry it.
    if sum(1 for _ in definition.applied("shareable")) > definition.declarations:
        why = "carries @shareable more than once on one declaration."
        report(codes.INVALID_SHAREABLE_USAGE, definition.line, definition.name, why)


def _check_shareable_field(definition: Type, member: Member, coordinate: str, report: Report) -> None:
    count = sum(1 for _ in member.applied("shareable"))
    if count and definition.kind is not TypeKind.OBJECT:
        why = "cannot be @shareable: only fields of object types can."
        report(codes.INVALID_SHAREABLE_USAGE, member.line, coordinate, why)
    elif count > 1:
        report(codes.INVALID_SHAREABLE_USAGE, member.line, coordinate, "carries @shareable more than once.")


def _check_auth_on_abstract(definition: Type, report: Report) -> None:
    """What an interface demands follows from its implementations, so it carries no access directives itself."""
    elements: list[tuple[str, Type | Member]] = []
    if definition.kind is TypeKind.INTERFACE:
        elements = [(f"{definition.name}.{member.name}", member) for member in definition.fields.values()]
    if definition.kind is TypeKind.INTERFACE or definition.has("interfaceObject"):
        elements.append((definition.name, definition))
    for coordinate, element in elements:
        for applied in element.directives:
            if applied.identity in AUTH:
                why = (
                    f"cannot carry @{applied.name}: what an interface asks of callers follows from its implementations."
                )
                report(codes.AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE, applied.line, coordinate, why)

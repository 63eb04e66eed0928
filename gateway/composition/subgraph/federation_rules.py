"""Rules of Federation that one subgraph must keep on its own. One rule, one function."""

from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

from gateway.composition import codes
from gateway.composition.issues import CompositionCode, IssueLog
from gateway.composition.subgraph.facts import (
    Facts,
    FieldSetSyntaxError,
    field_set_node,
    field_set_text,
    fields_argument,
)
from gateway.composition.subgraph.graphql_rules import value_problem
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, is_required, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind

AUTH = ("authenticated", "requiresScopes", "policy")


def check_federation(facts: Facts, log: IssueLog) -> None:
    """Log an issue for every use of a federation directive that cannot be right whatever the other subgraphs hold."""
    subgraph, before = facts.subgraph, len(log.errors)
    for definition in subgraph.types.values():
        _check_keys(facts, definition, log)
        _check_interface_object(subgraph, definition, log)
        _check_shareable_type(subgraph, definition, log)
        _check_auth_on_abstract(subgraph, definition, log)
        for member in definition.fields.values():
            if _check_collision(facts, definition, member, log):
                continue
            _check_provides(facts, definition, member, log)
            _check_requires(facts, definition, member, log)
            _check_external(facts, definition, member, log)
            _check_shareable_field(subgraph, definition, member, log)
    if len(log.errors) == before:
        # Keys that are broken in themselves would only be told twice.
        for definition in subgraph.types.values():
            _check_interface_keys(subgraph, definition, log)


class _FieldSetCheck:
    """Walks one field set and reports what it may not hold."""

    def __init__(self, facts: Facts, applied: Applied, where: str, coordinate: str, log: IssueLog) -> None:
        self.facts, self.subgraph, self.applied, self.log = facts, facts.subgraph, applied, log
        self.family = (applied.identity or "").upper()
        self.where, self.coordinate = where, coordinate

    def report(self, code: str, why: str) -> None:
        found: CompositionCode = getattr(codes, f"{self.family}_{code}")
        self.log.report(
            found, f"[{self.subgraph.name}] {self.where}: {why}", self.coordinate, at=(self.subgraph.at(self.applied),)
        )

    def node(self) -> SelectionSetNode | None:
        text = fields_argument(self.applied)
        if text is None:
            self.report("INVALID_FIELDS_TYPE", "`fields` must be a string.")
            return None
        try:
            return field_set_node(text)
        except FieldSetSyntaxError as error:
            self.report("INVALID_FIELDS", str(error))
            return None

    def walk(self, parent: str, node: SelectionSetNode, external: bool = False) -> bool:
        """Check all selections; False once something was reported that makes further checks pointless."""
        sound = True
        for selection in node.selections:
            for directive in parts(selection, "directives"):
                self.report(
                    "DIRECTIVE_IN_FIELDS_ARG", f"it applies {print_ast(directive)}; a field set holds no directives."
                )
                sound = False
            if isinstance(selection, FieldNode):
                sound = self.field(parent, selection, external) and sound
            elif isinstance(selection, InlineFragmentNode):
                sound = self.fragment(parent, selection, external) and sound
            else:
                self.report("INVALID_FIELDS", "a field set cannot hold named fragments.")
                sound = False
        return sound

    def fragment(self, parent: str, node: InlineFragmentNode, external: bool) -> bool:
        condition = node.type_condition.name.value if node.type_condition else parent
        definition = self.subgraph.types.get(condition)
        if definition is None or not definition.is_composite:
            self.report("INVALID_FIELDS", f"there is no object, interface or union {condition}.")
            return False
        if not self.subgraph.possible_types(condition) & self.subgraph.possible_types(parent) and condition != parent:
            self.report("INVALID_FIELDS", f"a {parent} can never be a {condition}.")
            return False
        return self.walk(condition, node.selection_set, external)

    def field(self, parent: str, node: FieldNode, external: bool) -> bool:
        name = node.name.value
        if node.alias is not None:
            self.report("INVALID_FIELDS", f"it gives {name} the alias {node.alias.value}; a field set has no aliases.")
            return False
        if name == "__typename":
            return True
        definition = self.subgraph.types[parent]
        member = definition.fields.get(name)
        if member is None:
            self.report(
                "INVALID_FIELDS",
                f"{parent} has no field {name} here; if another subgraph has it, declare it here with @external.",
            )
            return False
        inner = external or self.facts.is_external(parent, name)
        sound = self.arguments(parent, member, node)
        if not self.check_member(definition, member, node, external):
            return False
        type_ = self.subgraph.types.get(named_type(member.type))
        if type_ is not None and type_.is_composite:
            if node.selection_set is None:
                self.report("INVALID_FIELDS", f"{parent}.{name} is of type {member.type} and needs a selection.")
                return False
            return self.walk(type_.name, node.selection_set, inner) and sound
        if node.selection_set is not None:
            self.report("INVALID_FIELDS", f"{parent}.{name} is of type {member.type}, which has no fields.")
            return False
        return sound

    def arguments(self, parent: str, member: Member, node: FieldNode) -> bool:
        if self.family != "REQUIRES":
            if not parts(node, "arguments") and any(is_required(a) for a in member.arguments.values()):
                self.report("INVALID_FIELDS", f"{parent}.{member.name} needs arguments, so it cannot be selected here.")
                return False
            if member.arguments or parts(node, "arguments"):
                self.report("FIELDS_HAS_ARGS", f"{parent}.{member.name} has arguments, which is not allowed here.")
                return False
            return True
        given = {argument.name.value: argument.value for argument in parts(node, "arguments")}
        for name, value in given.items():
            expected = member.arguments.get(name)
            problem = (
                value_problem(value, expected.type, self.subgraph.types) if expected else "there is no such argument."
            )
            if problem:
                self.report("INVALID_FIELDS", f"argument {name} of {parent}.{member.name}: {problem}")
                return False
        for expected in member.arguments.values():
            if is_required(expected) and expected.name not in given:
                self.report("INVALID_FIELDS", f"{parent}.{member.name} needs argument {expected.name}.")
                return False
        return True

    def check_member(self, definition: Type, member: Member, node: FieldNode, external: bool) -> bool:
        """What the directive asks of each field; @key, @requires and @provides differ here alone."""
        if self.family == "KEY":
            type_ = self.subgraph.types.get(named_type(member.type))
            if type_ is not None and type_.is_abstract:
                self.report(
                    "FIELDS_SELECT_INVALID_TYPE",
                    f"{definition.name}.{member.name} is of {type_.kind.value} type {type_.name}, which no "
                    "key can hold.",
                )
                return False
            return True
        if external or node.selection_set is not None or self._is_external(definition, member):
            return True
        self.report(
            "FIELDS_MISSING_EXTERNAL",
            f"{definition.name}.{member.name} is this subgraph's own field: it is not marked @external.",
        )
        return False

    def _is_external(self, definition: Type, member: Member) -> bool:
        if self.facts.is_external(definition.name, member.name):
            return True
        if (definition.name, member.name) in self.facts.not_external:
            return True
        if definition.kind is TypeKind.INTERFACE:
            implementers = self.subgraph.implementers(definition.name)
            return any(member.name in t.fields and self.facts.is_external(t.name, member.name) for t in implementers)
        return False


def _check_keys(facts: Facts, definition: Type, log: IssueLog) -> None:
    subgraph = facts.subgraph
    for applied in definition.applied("key"):
        where = f"@key of {definition.name}"
        if definition.kind is TypeKind.INTERFACE and subgraph.links.minor < 3:
            log.report(
                codes.KEY_UNSUPPORTED_ON_INTERFACE,
                f"[{subgraph.name}] {where}: keys on interfaces need Federation 2.3.",
                definition.name,
                at=(subgraph.at(applied),),
            )
        check = _FieldSetCheck(facts, applied, where, definition.name, log)
        node = check.node()
        if node is not None:
            check.walk(definition.name, node)


def _check_collision(facts: Facts, definition: Type, member: Member, log: IssueLog) -> bool:
    """A field that is resolved elsewhere provides nothing here."""
    colliding = list(member.applied("provides"))
    if not colliding or not facts.is_external(definition.name, member.name):
        return False
    coordinate = f"{definition.name}.{member.name}"
    log.report(
        codes.EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE,
        f"[{facts.subgraph.name}] {coordinate} is @external and carries @{colliding[0].name}: a subgraph "
        "resolves the field "
        "or does not.",
        coordinate,
        at=(facts.subgraph.at(colliding[0]),),
    )
    return True


def _check_provides(facts: Facts, definition: Type, member: Member, log: IssueLog) -> None:
    subgraph = facts.subgraph
    coordinate = f"{definition.name}.{member.name}"
    for applied in member.applied("provides"):
        target = subgraph.types.get(named_type(member.type))
        if target is None or not target.is_composite:
            log.report(
                codes.PROVIDES_ON_NON_OBJECT_FIELD,
                f"[{subgraph.name}] @provides on {coordinate}: {member.type} has no fields to provide.",
                coordinate,
                at=(subgraph.at(applied),),
            )
            continue
        if definition.kind is TypeKind.INTERFACE:
            log.report(
                codes.PROVIDES_UNSUPPORTED_ON_INTERFACE,
                f"[{subgraph.name}] @provides cannot be used on {coordinate}, a field of an interface.",
                coordinate,
                at=(subgraph.at(applied),),
            )
        check = _FieldSetCheck(facts, applied, f"@provides on {coordinate}", coordinate, log)
        node = check.node()
        if node is not None:
            check.walk(target.name, node)


def _check_requires(facts: Facts, definition: Type, member: Member, log: IssueLog) -> None:
    subgraph = facts.subgraph
    coordinate = f"{definition.name}.{member.name}"
    for applied in member.applied("requires"):
        if definition.kind is TypeKind.INTERFACE:
            log.report(
                codes.REQUIRES_UNSUPPORTED_ON_INTERFACE,
                f"[{subgraph.name}] @requires cannot be used on {coordinate}, a field of an interface.",
                coordinate,
                at=(subgraph.at(applied),),
            )
        check = _FieldSetCheck(facts, applied, f"@requires on {coordinate}", coordinate, log)
        node = check.node()
        if node is not None:
            check.walk(definition.name, node)


def _check_external(facts: Facts, definition: Type, member: Member, log: IssueLog) -> None:
    subgraph = facts.subgraph
    coordinate = f"{definition.name}.{member.name}"
    if definition.kind is TypeKind.INTERFACE:
        if member.has("external"):
            log.report(
                codes.EXTERNAL_ON_INTERFACE,
                f"[{subgraph.name}] {coordinate} is a field of an interface and cannot be @external.",
                coordinate,
                at=(subgraph.at(member),),
            )
        return
    if definition.kind is not TypeKind.OBJECT or not facts.is_external(definition.name, member.name):
        return
    if not facts.is_used(definition.name, member.name):
        log.report(
            codes.EXTERNAL_UNUSED,
            f"[{subgraph.name}] {coordinate} is @external, but no @key, @requires or @provides mentions it and no "
            "interface asks for it.",
            coordinate,
            at=(subgraph.at(member),),
        )


def _check_interface_object(subgraph: Subgraph, definition: Type, log: IssueLog) -> None:
    if definition.has("interfaceObject") and not definition.has("key"):
        log.report(
            codes.INTERFACE_OBJECT_USAGE_ERROR,
            f"[{subgraph.name}] {definition.name} is an @interfaceObject but has no @key here.",
            definition.name,
            at=(subgraph.at(definition),),
        )


def _check_interface_keys(subgraph: Subgraph, definition: Type, log: IssueLog) -> None:
    """Every resolvable key of an interface is a resolvable key of all its implementations in the same subgraph."""
    if definition.kind is not TypeKind.INTERFACE:
        return
    for applied in definition.applied("key"):
        wanted = _key_text(applied)
        if wanted is None or applied.value("resolvable", True) is False:
            continue
        for implementer in subgraph.implementers(definition.name):
            keys = [k for k in implementer.applied("key") if _key_text(k) == wanted]
            if not keys:
                why = f"{implementer.name}, which implements it, has no such key"
            elif all(k.value("resolvable", True) is False for k in keys):
                why = f"on {implementer.name}, which implements it, that key is `resolvable: false`"
            else:
                continue
            log.report(
                codes.INTERFACE_KEY_NOT_ON_IMPLEMENTATION,
                f'[{subgraph.name}] Interface {definition.name} has @key(fields: "{wanted}"), but {why}.',
                definition.name,
                implementer.name,
                at=(subgraph.at(applied), subgraph.at(implementer)),
            )


def _key_text(applied: Applied) -> str | None:
    text = fields_argument(applied)
    try:
        return _sorted_text(field_set_node(text)) if text is not None else None
    except FieldSetSyntaxError:
        return None


def _sorted_text(node: SelectionSetNode) -> str:
    written = []
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            inner = f" {{ {_sorted_text(selection.selection_set)} }}" if selection.selection_set else ""
            written.append(selection.name.value + inner)
        else:
            written.append(field_set_text(print_ast(selection)))
    return " ".join(sorted(set(written)))


def _check_shareable_type(subgraph: Subgraph, definition: Type, log: IssueLog) -> None:
    # Repeatable, so that a definition and its extensions can each carry it.
    if sum(1 for _ in definition.applied("shareable")) > definition.declarations:
        log.report(
            codes.INVALID_SHAREABLE_USAGE,
            f"[{subgraph.name}] {definition.name} carries @shareable more than once on one declaration.",
            definition.name,
            at=(subgraph.at(definition),),
        )


def _check_shareable_field(subgraph: Subgraph, definition: Type, member: Member, log: IssueLog) -> None:
    applied = list(member.applied("shareable"))
    coordinate = f"{definition.name}.{member.name}"
    if applied and definition.kind is not TypeKind.OBJECT:
        log.report(
            codes.INVALID_SHAREABLE_USAGE,
            f"[{subgraph.name}] {coordinate}: only fields of object types can be @shareable.",
            coordinate,
            at=(subgraph.at(member),),
        )
    elif len(applied) > 1:
        log.report(
            codes.INVALID_SHAREABLE_USAGE,
            f"[{subgraph.name}] {coordinate} carries @shareable more than once.",
            coordinate,
            at=(subgraph.at(member),),
        )


def _check_auth_on_abstract(subgraph: Subgraph, definition: Type, log: IssueLog) -> None:
    """What an interface demands follows from its implementations, so it carries no access directives itself."""
    is_interface = definition.kind is TypeKind.INTERFACE
    is_interface_object = definition.has("interfaceObject")
    elements: Iterator[tuple[str, Type | Member]] = iter(())
    if is_interface or is_interface_object:
        fields = ((f"{definition.name}.{m.name}", m) for m in definition.fields.values()) if is_interface else ()
        elements = iter([(definition.name, definition), *fields])
    for coordinate, element in elements:
        for applied in element.directives:
            if applied.identity in AUTH:
                log.report(
                    codes.AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE,
                    f"[{subgraph.name}] @{applied.name} cannot be applied to {coordinate}: on interfaces, "
                    "their fields and "
                    "@interfaceObject types it follows from the implementations.",
                    coordinate,
                    at=(subgraph.at(applied),),
                )

"""Rules of GraphQL itself (October 2021, section 3) that one subgraph's schema must keep. One rule, one function.

graphql-core's own validation walks syntax trees many times over; on schemas of government size that alone would take
longer than all of composition, so the rules are applied to the declarations instead.
"""

from collections.abc import Callable, Iterator
from typing import Any

from graphql import ConstValueNode, FieldNode

from catalog_sync.schema_comparison import is_subtype
from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import STANDARD_DIRECTIVES
from gateway.supergraph.elements import BUILT_IN_SCALARS, Applied, Member, Type, is_required, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind

Refuse = Callable[[int | None, str, str], None]
"""Reports INVALID_GRAPHQL: the line, the schema coordinate, and a whole sentence."""
_MACHINERY = frozenset({"_Any", "_FieldSet", "FieldSet", "link__Import", "link__Purpose"})
_INPUT_KINDS = (TypeKind.SCALAR, TypeKind.ENUM, TypeKind.INPUT_OBJECT)


def check_graphql(subgraph: Subgraph, log: IssueLog) -> None:
    """Log an INVALID_GRAPHQL issue for everything in the subgraph that is not valid GraphQL."""

    def refuse(line: int | None, coordinate: str, sentence: str) -> None:
        log.report(codes.INVALID_GRAPHQL, f"[{subgraph.name}] {sentence}", coordinate, at=((subgraph.name, line),))

    _check_roots(subgraph, refuse)
    for definition in subgraph.types.values():
        _check_name(definition, definition.name, refuse)
        _check_not_empty(definition, refuse)
        _check_references(subgraph, definition, refuse)
        _check_implementations(subgraph, definition, refuse)
    _check_input_cycles(subgraph, refuse)
    _check_directive_declarations(subgraph, refuse)
    _check_applied(subgraph, "schema", "SCHEMA", subgraph.schema_directives, refuse)
    for coordinate, location, element in subgraph.elements():
        if element.directives:
            _check_applied(subgraph, coordinate, location, element.directives, refuse)


def _check_roots(subgraph: Subgraph, refuse: Refuse) -> None:
    for operation, name in subgraph.roots.items():
        definition = subgraph.types.get(name)
        if definition is None:
            refuse(None, name, f"The schema's {operation} type {name} is not defined.")
        elif definition.kind is not TypeKind.OBJECT:
            refuse(definition.line, name, f"The schema's {operation} type {name} must be an object type.")


def _check_name(element: Type | Member, coordinate: str, refuse: Refuse) -> None:
    if element.name.startswith("__"):
        why = f"{coordinate} begins with two underscores, which GraphQL reserves for introspection."
        refuse(element.line, element.name, why)


def _check_not_empty(definition: Type, refuse: Refuse) -> None:
    kind, name, missing = definition.kind, definition.name, ""
    if kind is TypeKind.UNION:
        missing = "" if definition.members else "member types"
    elif kind is TypeKind.ENUM:
        missing = "" if definition.values else "values"
    elif kind is not TypeKind.SCALAR and name not in ("Query", "Mutation", "Subscription"):
        missing = "" if definition.fields else "fields"
    if missing:
        refuse(definition.line, name, f"{name} must define one or more {missing}.")


def _check_references(subgraph: Subgraph, definition: Type, refuse: Refuse) -> None:
    """Every type named exists and may stand where it does."""
    is_input = definition.kind is TypeKind.INPUT_OBJECT
    for member in definition.fields.values():
        coordinate = f"{definition.name}.{member.name}"
        _check_name(member, coordinate, refuse)
        _check_type(subgraph, coordinate, member, is_input, refuse)
        for argument in member.arguments.values():
            where = f"{coordinate}({argument.name}:)"
            _check_name(argument, where, refuse)
            _check_type(subgraph, where, argument, True, refuse)
    for name in definition.members:
        member_type = subgraph.types.get(name)
        if member_type is None:
            refuse(definition.line, definition.name, f"Unknown type {name} in union {definition.name}.")
        elif member_type.kind is not TypeKind.OBJECT:
            why = f"Union {definition.name} can only include object types, not {name}."
            refuse(definition.line, definition.name, why)


def _check_type(subgraph: Subgraph, coordinate: str, member: Member, is_input: bool, refuse: Refuse) -> None:
    name = named_type(member.type)
    kind = TypeKind.SCALAR
    if name in subgraph.types and name not in BUILT_IN_SCALARS:
        kind = subgraph.types[name].kind
    elif name not in BUILT_IN_SCALARS and name not in subgraph.links.types and name not in _MACHINERY:
        refuse(member.line, coordinate, f"Unknown type {name!r} at {coordinate}.")
        return
    if is_input and kind not in _INPUT_KINDS:
        refuse(member.line, coordinate, f"{coordinate} must be of an input type, which {name} is not.")
    elif not is_input and kind is TypeKind.INPUT_OBJECT:
        refuse(member.line, coordinate, f"{coordinate} must be of an output type, which {name} is not.")
    elif is_input and member.default is not None:
        problem = value_problem(member.default, member.type, subgraph.types)
        if problem:
            refuse(member.line, coordinate, f"The default of {coordinate} is not valid: {problem}")
    if is_input and is_required(member) and any(applied.name == "deprecated" for applied in member.directives):
        refuse(member.line, coordinate, f"{coordinate} is required, so it cannot be deprecated.")


def value_problem(constant: ConstValueNode, type_: str, types: dict[str, Type]) -> str | None:
    """Why a constant is no value of the type; None if it is one. Custom scalars accept everything."""
    return next(_value_problems(constant, type_, types), None)


def _value_problems(node: Any, type_: str, types: dict[str, Type]) -> Iterator[str]:
    kind, nullable = node.kind, type_.removesuffix("!")
    definition = types.get(nullable)
    if kind == "null_value":
        if nullable != type_:
            yield f"null is not a value of {type_}."
    elif nullable.startswith("["):
        for item in node.values if kind == "list_value" else (node,):
            yield from _value_problems(item, nullable[1:-1], types)
    elif definition is None:
        if kind not in _LITERALS.get(nullable, (kind,)):
            yield f"a {kind.replace('_', ' ')} is no {nullable}."
    elif definition.kind is TypeKind.ENUM:
        if kind != "enum_value" or node.value not in definition.values:
            yield f"{getattr(node, 'value', kind)} is not a value of enum {nullable}."
    elif definition.kind is TypeKind.INPUT_OBJECT and kind != "object_value":
        yield f"input {nullable} needs an object."
    elif definition.kind is TypeKind.INPUT_OBJECT:
        given = {entry.name.value: entry.value for entry in node.fields}
        for name, value in given.items():
            if name in definition.fields:
                yield from _value_problems(value, definition.fields[name].type, types)
            else:
                yield f"input {nullable} has no field {name}."
        missing = [m.name for m in definition.fields.values() if is_required(m) and m.name not in given]
        if missing:
            yield f"input {nullable} needs {', '.join(missing)}."


_LITERALS = {
    "Int": ("int_value",),
    "Float": ("int_value", "float_value"),
    "String": ("string_value",),
    "Boolean": ("boolean_value",),
    "ID": ("int_value", "string_value"),
}


def _check_implementations(subgraph: Subgraph, definition: Type, refuse: Refuse) -> None:
    """Section 3.6.1 IsValidImplementation."""
    where = definition.name
    for name in definition.interfaces:
        interface = subgraph.types.get(name)
        if interface is None:
            refuse(definition.line, where, f"Unknown type {name!r}: {where} is said to implement it.")
        elif interface.kind is not TypeKind.INTERFACE:
            refuse(definition.line, where, f"{where} cannot implement {name}, which is no interface.")
        elif name == where:
            refuse(definition.line, where, f"{where} cannot implement itself.")
        else:
            _check_implementation(subgraph, definition, interface, refuse)


def _check_implementation(subgraph: Subgraph, definition: Type, interface: Type, refuse: Refuse) -> None:
    where = definition.name
    for inherited in interface.interfaces:
        if inherited == where:
            refuse(definition.line, where, f"{where} cannot implement {interface.name}: that would make a circle.")
        elif inherited not in definition.interfaces:
            refuse(definition.line, where, f"{where} must implement {inherited} because {interface.name} does.")
    for expected in interface.fields.values():
        actual = definition.fields.get(expected.name)
        if actual is None:
            why = f"{where} must have the field {expected.name} of the interface {interface.name}."
            refuse(definition.line, f"{where}.{expected.name}", why)
        else:
            coordinates = f"{where}.{actual.name}", f"{interface.name}.{expected.name}"
            _check_implementing_field(subgraph, coordinates, actual, expected, refuse)


def _check_implementing_field(
    subgraph: Subgraph, coordinates: tuple[str, str], actual: Member, expected: Member, refuse: Refuse
) -> None:
    ours, theirs = coordinates
    if not is_subtype(actual.type, expected.type, subgraph.is_subtype):
        refuse(actual.line, ours, f"{theirs} expects type {expected.type} but {ours} is of type {actual.type}.")
    for argument in expected.arguments.values():
        given = actual.arguments.get(argument.name)
        if given is None:
            refuse(actual.line, ours, f"{ours} must have the argument {argument.name} of {theirs}.")
        elif given.type != argument.type:
            why = f"{theirs}({argument.name}:) is of type {argument.type} but of type {given.type} in {ours}."
            refuse(given.line, ours, why)
    for argument in actual.arguments.values():
        if argument.name not in expected.arguments and is_required(argument):
            refuse(argument.line, ours, f"{ours}({argument.name}:) is required, but {theirs} does not have it.")


def _check_input_cycles(subgraph: Subgraph, refuse: Refuse) -> None:
    """Section 3.10: an input object may not require itself. Without recursion, for the chain may be long."""
    done: set[str] = set()
    for start in subgraph.types.values():
        if start.kind is not TypeKind.INPUT_OBJECT or start.name in done:
            continue
        path: dict[str, Iterator[str]] = {start.name: _required_inputs(subgraph, start)}
        while path:
            current = next(reversed(path))
            following = next(path[current], None)
            if following is None:
                path.popitem()
                done.add(current)
            elif following in path:
                circle = " -> ".join([*list(path)[list(path).index(following) :], following])
                why = f"Input {following} requires itself through non-null fields: {circle}."
                refuse(subgraph.types[following].line, following, why)
                done.add(following)
            elif following not in done:
                path[following] = _required_inputs(subgraph, subgraph.types[following])


def _required_inputs(subgraph: Subgraph, definition: Type) -> Iterator[str]:
    for member in definition.fields.values():
        if member.type.endswith("!") and not member.type.startswith("["):
            target = subgraph.types.get(member.type[:-1])
            if target is not None and target.kind is TypeKind.INPUT_OBJECT:
                yield target.name


def _check_directive_declarations(subgraph: Subgraph, refuse: Refuse) -> None:
    for declaration in subgraph.directives.values():
        if declaration.name not in subgraph.links.identities and declaration.name not in STANDARD_DIRECTIVES:
            for argument in declaration.arguments.values():
                _check_type(subgraph, f"@{declaration.name}({argument.name}:)", argument, True, refuse)


def _check_applied(
    subgraph: Subgraph, coordinate: str, location: str, directives: list[Applied], refuse: Refuse
) -> None:
    """Directives applied are known, may stand there, are not repeated, and have the arguments they need."""
    seen: set[str] = set()
    for applied in directives:
        name, line = applied.name, applied.line
        declared = subgraph.directives.get(name)
        if declared is None:
            refuse(line, coordinate, f"Unknown directive @{name} at {coordinate}.{_suggestion(subgraph, name)}")
            continue
        if location not in declared.locations:
            refuse(line, coordinate, f"Directive @{name} may not be used on {location}, as at {coordinate}.")
        if name in seen and not declared.repeatable:
            why = f"Directive @{name} is not repeatable, but stands more than once at {coordinate}."
            refuse(line, coordinate, why)
        seen.add(name)
        for argument, value in applied.arguments.items():
            expected = declared.arguments.get(argument)
            if expected is None:
                refuse(line, coordinate, f"Directive @{name} has no argument {argument!r} ({coordinate}).")
            elif applied.identity not in ("key", "requires", "provides", "link"):
                problem = value_problem(value, expected.type, subgraph.types)
                if problem:
                    refuse(line, coordinate, f"Argument {argument} of @{name} at {coordinate}: {problem}")
        for expected in declared.arguments.values():
            if is_required(expected) and expected.name not in applied.arguments:
                refuse(line, coordinate, f"Directive @{name} at {coordinate} needs argument {expected.name!r}.")


def _suggestion(subgraph: Subgraph, name: str) -> str:
    bare = name.rsplit("__", 1)[-1]
    for local, identity in subgraph.links.identities.items():
        if identity == bare:
            return f" If it is meant to be the federation directive, it is called @{local} here, or must be imported."
    return f' If it is meant to be the federation directive, import it: add "@{name}" to the `import` of @link.'


def arguments_problem(subgraph: Subgraph, member: Member, node: FieldNode) -> str | None:
    """What is wrong with the arguments that a selection gives the field, in words that follow its name."""
    given = {argument.name.value: argument.value for argument in parts(node, "arguments")}
    for name, value in given.items():
        expected = member.arguments.get(name)
        problem = value_problem(value, expected.type, subgraph.types) if expected else None
        if expected is None or problem:
            return f"is given a wrong argument {name}: {problem}" if problem else f"has no argument {name}."
    missing = [a.name for a in member.arguments.values() if is_required(a) and a.name not in given]
    return f"needs argument {missing[0]}." if missing else None

"""Rules of GraphQL itself (October 2021, section 3) that one subgraph's schema must keep. One rule, one function.

graphql-core's own validation walks syntax trees many times over; on schemas of government size that alone would take
longer than all of composition, so the rules are applied to the declarations instead.
"""

from collections.abc import Callable, Iterator
from typing import Any

from graphql import ConstValueNode

from catalog_sync.schema_comparison import is_subtype
from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import STANDARD_DIRECTIVES
from gateway.supergraph.elements import BUILT_IN_SCALARS, Applied, Member, Type, is_required, named_type
from gateway.supergraph.model import TypeKind

Report = Callable[[str, str, Any], None]
_LOCATION = {
    TypeKind.SCALAR: "SCALAR",
    TypeKind.OBJECT: "OBJECT",
    TypeKind.INTERFACE: "INTERFACE",
    TypeKind.UNION: "UNION",
    TypeKind.ENUM: "ENUM",
    TypeKind.INPUT_OBJECT: "INPUT_OBJECT",
}
_MACHINERY = frozenset({"_Any", "_FieldSet", "FieldSet", "link__Import", "link__Purpose"})
_INPUT_KINDS = (TypeKind.SCALAR, TypeKind.ENUM, TypeKind.INPUT_OBJECT)


def check_graphql(subgraph: Subgraph, log: IssueLog) -> None:
    """Log an INVALID_GRAPHQL issue for everything in the subgraph that is not valid GraphQL."""

    def report(message: str, coordinate: str, element: Any) -> None:
        log.report(codes.INVALID_GRAPHQL, f"[{subgraph.name}] {message}", coordinate, at=(subgraph.at(element),))

    _check_roots(subgraph, report)
    for definition in subgraph.types.values():
        _check_name(definition.name, definition, report)
        _check_not_empty(definition, report)
        _check_references(subgraph, definition, report)
        _check_implementations(subgraph, definition, report)
    _check_input_cycles(subgraph, report)
    _check_directive_declarations(subgraph, report)
    for coordinate, location, element, directives in _places(subgraph):
        _check_applied(subgraph, coordinate, location, element, directives, report)


def _check_roots(subgraph: Subgraph, report: Report) -> None:
    for operation, name in subgraph.roots.items():
        definition = subgraph.types.get(name)
        if definition is None:
            report(f"The schema's {operation} type {name} is not defined.", name, Applied("schema", None, {}))
        elif definition.kind is not TypeKind.OBJECT:
            report(f"The schema's {operation} type {name} must be an object type.", name, definition)


def _check_name(name: str, element: Any, report: Report) -> None:
    if name.startswith("__"):
        report(f"{name} begins with two underscores, which GraphQL reserves for introspection.", name, element)


def _check_not_empty(definition: Type, report: Report) -> None:
    kind, name = definition.kind, definition.name
    if kind in (TypeKind.OBJECT, TypeKind.INTERFACE, TypeKind.INPUT_OBJECT) and not definition.fields:
        if name not in ("Query", "Mutation", "Subscription"):
            report(f"Type {name} must define one or more fields.", name, definition)
    elif kind is TypeKind.UNION and not definition.members:
        report(f"Union type {name} must define one or more member types.", name, definition)
    elif kind is TypeKind.ENUM and not definition.values:
        report(f"Enum type {name} must define one or more values.", name, definition)


def _check_references(subgraph: Subgraph, definition: Type, report: Report) -> None:
    """Every type named exists and may stand where it does."""
    is_input = definition.kind is TypeKind.INPUT_OBJECT
    for member in definition.fields.values():
        coordinate = f"{definition.name}.{member.name}"
        _check_name(member.name, member, report)
        _check_type(subgraph, coordinate, member, is_input, report)
        if is_input and is_required(member) and any(a.name == "deprecated" for a in member.directives):
            report(f"Required input field {coordinate} cannot be deprecated.", coordinate, member)
        for argument in member.arguments.values():
            _check_name(argument.name, argument, report)
            _check_type(subgraph, f"{coordinate}({argument.name}:)", argument, True, report)
            if is_required(argument) and any(a.name == "deprecated" for a in argument.directives):
                where = f"{coordinate}({argument.name}:)"
                report(f"Required argument {where} cannot be deprecated.", where, argument)
    for name in definition.members:
        member_type = subgraph.types.get(name)
        if member_type is None:
            report(f"Unknown type {name} in union {definition.name}.", definition.name, definition)
        elif member_type.kind is not TypeKind.OBJECT:
            report(f"Union {definition.name} can only include object types, not {name}.", definition.name, definition)


def _check_type(subgraph: Subgraph, coordinate: str, member: Member, is_input: bool, report: Report) -> None:
    name = named_type(member.type)
    if name in BUILT_IN_SCALARS:
        kind = TypeKind.SCALAR
    elif name in subgraph.types:
        kind = subgraph.types[name].kind
    elif name in subgraph.links.types or name in _MACHINERY:
        kind = TypeKind.SCALAR
    else:
        report(f"Unknown type {name!r} at {coordinate}.", coordinate, member)
        return
    if is_input and kind not in _INPUT_KINDS:
        report(f"{coordinate} must be of an input type, which {name} is not.", coordinate, member)
    elif not is_input and kind is TypeKind.INPUT_OBJECT:
        report(f"{coordinate} must be of an output type, which {name} is not.", coordinate, member)
    elif is_input and member.default is not None:
        problem = value_problem(member.default, member.type, subgraph.types)
        if problem:
            report(f"The default of {coordinate} is not valid: {problem}", coordinate, member)


def value_problem(constant: ConstValueNode, type_: str, types: dict[str, Type]) -> str | None:
    """Why a constant is no value of the type; None if it is one. Custom scalars accept everything."""
    node: Any = constant
    kind = node.kind
    if type_.endswith("!"):
        if kind == "null_value":
            return f"null is not a value of {type_}."
        type_ = type_[:-1]
    if kind == "null_value":
        return None
    if type_.startswith("["):
        items = node.values if kind == "list_value" else (node,)
        return next((p for p in (value_problem(item, type_[1:-1], types) for item in items) if p), None)
    definition = types.get(type_)
    if definition is None:
        return None if kind in _LITERALS.get(type_, (kind,)) else f"a {kind.replace('_', ' ')} is no {type_}."
    if definition.kind is TypeKind.ENUM:
        if kind != "enum_value" or node.value not in definition.values:
            return f"{getattr(node, 'value', kind)} is not a value of enum {type_}."
    elif definition.kind is TypeKind.INPUT_OBJECT:
        if kind != "object_value":
            return f"input {type_} needs an object."
        given = {entry.name.value: entry.value for entry in node.fields}
        for name, value in given.items():
            if name not in definition.fields:
                return f"input {type_} has no field {name}."
            problem = value_problem(value, definition.fields[name].type, types)
            if problem:
                return problem
        missing = [m.name for m in definition.fields.values() if is_required(m) and m.name not in given]
        if missing:
            return f"input {type_} needs {', '.join(missing)}."
    return None


_LITERALS = {
    "Int": ("int_value",),
    "Float": ("int_value", "float_value"),
    "String": ("string_value",),
    "Boolean": ("boolean_value",),
    "ID": ("int_value", "string_value"),
}


def _check_implementations(subgraph: Subgraph, definition: Type, report: Report) -> None:
    """Section 3.6.1 IsValidImplementation."""
    for name in definition.interfaces:
        interface = subgraph.types.get(name)
        where = definition.name
        if interface is None:
            report(f"Unknown type {name!r}: {where} is said to implement it.", where, definition)
            continue
        if interface.kind is not TypeKind.INTERFACE:
            report(f"Type {where} must only implement interface types, it cannot implement {name}.", where, definition)
            continue
        if name == where:
            report(f"Type {where} cannot implement itself.", where, definition)
            continue
        for inherited in interface.interfaces:
            if inherited == where:
                report(f"Type {where} cannot implement {name}: that would make a circle.", where, definition)
            elif inherited not in definition.interfaces:
                report(f"Type {where} must implement {inherited} because {name} does.", where, definition)
        for expected in interface.fields.values():
            actual = definition.fields.get(expected.name)
            if actual is None:
                report(
                    f"Interface field {name}.{expected.name} expected but {where} does not provide it.",
                    f"{where}.{expected.name}",
                    definition,
                )
            else:
                _check_implementing_field(subgraph, definition, actual, name, expected, report)


def _check_implementing_field(
    subgraph: Subgraph, definition: Type, actual: Member, interface: str, expected: Member, report: Report
) -> None:
    coordinate = f"{definition.name}.{actual.name}"
    if not is_subtype(actual.type, expected.type, subgraph.is_subtype):
        report(
            f"Interface field {interface}.{expected.name} expects type {expected.type} but {coordinate} is of type "
            f"{actual.type}.",
            coordinate,
            actual,
        )
    for argument in expected.arguments.values():
        given = actual.arguments.get(argument.name)
        if given is None:
            report(
                f"Argument {interface}.{expected.name}({argument.name}:) is expected but {coordinate} does "
                "not have it.",
                coordinate,
                actual,
            )
        elif given.type != argument.type:
            report(
                f"Argument {interface}.{expected.name}({argument.name}:) is of type {argument.type} but of type "
                f"{given.type} in {coordinate}.",
                coordinate,
                given,
            )
    for argument in actual.arguments.values():
        if argument.name not in expected.arguments and is_required(argument):
            report(
                f"{coordinate}({argument.name}:) is required, but {interface}.{expected.name} does not have it.",
                coordinate,
                argument,
            )


def _check_input_cycles(subgraph: Subgraph, report: Report) -> None:
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
                circle = [*list(path)[list(path).index(following) :], following]
                report(
                    f"Input {following} requires itself through non-null fields: {' -> '.join(circle)}.",
                    following,
                    subgraph.types[following],
                )
                done.add(following)
            elif following not in done:
                path[following] = _required_inputs(subgraph, subgraph.types[following])


def _required_inputs(subgraph: Subgraph, definition: Type) -> Iterator[str]:
    for member in definition.fields.values():
        if member.type.endswith("!") and not member.type.startswith("["):
            target = subgraph.types.get(member.type[:-1])
            if target is not None and target.kind is TypeKind.INPUT_OBJECT:
                yield target.name


def _check_directive_declarations(subgraph: Subgraph, report: Report) -> None:
    for declaration in subgraph.directives.values():
        if declaration.name in subgraph.links.identities or declaration.name in STANDARD_DIRECTIVES:
            continue
        for argument in declaration.arguments.values():
            _check_type(subgraph, f"@{declaration.name}({argument.name}:)", argument, True, report)


def _places(subgraph: Subgraph) -> Iterator[tuple[str, str, Any, list[Applied]]]:
    yield "schema", "SCHEMA", Applied("schema", None, {}), subgraph.schema_directives
    for definition in subgraph.types.values():
        name, kind = definition.name, definition.kind
        if definition.directives:
            yield name, _LOCATION[kind], definition, definition.directives
        location = "INPUT_FIELD_DEFINITION" if kind is TypeKind.INPUT_OBJECT else "FIELD_DEFINITION"
        for member in definition.fields.values():
            if member.directives:
                yield f"{name}.{member.name}", location, member, member.directives
            for argument in member.arguments.values():
                if argument.directives:
                    coordinate = f"{name}.{member.name}({argument.name}:)"
                    yield coordinate, "ARGUMENT_DEFINITION", argument, argument.directives
        for value in definition.values.values():
            if value.directives:
                yield f"{name}.{value.name}", "ENUM_VALUE", value, value.directives


def _check_applied(
    subgraph: Subgraph, coordinate: str, location: str, element: Any, directives: list[Applied], report: Report
) -> None:
    """Directives applied are known, may stand there, are not repeated, and have the arguments they need."""
    seen: set[str] = set()
    for applied in directives:
        name = applied.name
        declared = subgraph.directives.get(name)
        if declared is None:
            report(f"Unknown directive @{name} at {coordinate}.{_suggestion(subgraph, name)}", coordinate, applied)
            continue
        if location not in declared.locations:
            report(f"Directive @{name} may not be used on {location}, as at {coordinate}.", coordinate, applied)
        if name in seen and not declared.repeatable:
            report(
                f"Directive @{name} is not repeatable, but stands more than once at {coordinate}.", coordinate, applied
            )
        seen.add(name)
        for argument, value in applied.arguments.items():
            expected = declared.arguments.get(argument)
            if expected is None:
                report(f"Directive @{name} has no argument {argument!r} ({coordinate}).", coordinate, applied)
            elif applied.identity not in ("key", "requires", "provides", "link"):
                problem = value_problem(value, expected.type, subgraph.types)
                if problem:
                    report(f"Argument {argument} of @{name} at {coordinate}: {problem}", coordinate, applied)
        for expected in declared.arguments.values():
            if is_required(expected) and expected.name not in applied.arguments:
                report(f"Directive @{name} at {coordinate} needs argument {expected.name!r}.", coordinate, applied)


def _suggestion(subgraph: Subgraph, name: str) -> str:
    bare = name.rsplit("__", 1)[-1]
    for local, identity in subgraph.links.identities.items():
        if identity == bare:
            return f" If it is meant to be the federation directive, it is called @{local} here, or must be imported."
    return f' If it is meant to be the federation directive, import it: add "@{name}" to the `import` of @link.'

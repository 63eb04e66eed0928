"""A schema as nested data, so that two can be compared whatever their order and layout."""

from typing import Any

from graphql import Node, parse, print_ast

from gateway.supergraph.features import parts


def tree(sdl: str) -> dict[str, Any]:
    """Every definition with its parts, in no order."""
    found: dict[str, Any] = {}
    for node in parse(sdl, no_location=True).definitions:
        name = f"@{node.name.value}" if node.kind == "directive_definition" else _name(node)  # type: ignore[attr-defined]
        found[name] = {
            "kind": node.kind,
            "parts": sorted(print_ast(part) for kind in ("interfaces", "types") for part in parts(node, kind)),
            "locations": sorted(location.value for location in parts(node, "locations")),
            "members": {
                _name(part): _member(part) for kind in ("fields", "values", "arguments") for part in parts(node, kind)
            },
            **_described(node),
        }
    return found


def _name(node: Node) -> str:
    named = getattr(node, "name", None)
    return named.value if named is not None else "schema"


def _described(node: Node) -> dict[str, Any]:
    description = getattr(node, "description", None)
    return {
        "description": description.value if description else None,
        "directives": sorted(print_ast(directive) for directive in parts(node, "directives")),
    }


def _member(node: Node) -> dict[str, Any]:
    default = getattr(node, "default_value", None)
    return {
        "type": print_ast(node.type) if hasattr(node, "type") else None,
        "default": print_ast(default) if default is not None else None,
        "arguments": {_name(argument): _member(argument) for argument in parts(node, "arguments")},
        **_described(node),
    }

"""A world's subgraphs as their departments would write them: SDL for composition."""

import json

from tests.properties.federation import OTHER_TYPES
from tests.properties.world_types import Field, Type
from tests.properties.worlds import World

_LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable",
  "@external", "@requires", "@provides", "@override", "@interfaceObject", "@context", "@fromContext"])
"""


def subgraph_sdl(world: World, name: str) -> str:
    """The SDL of one subgraph."""
    types = [_type(definition, name) for definition in world.types.values() if name in definition.keys]
    return _LINK + "\n".join([OTHER_TYPES, *(text for text in types if text)])


def _type(definition: Type, subgraph: str) -> str:
    if definition.kind == "union":
        return f"union {definition.name} = {' | '.join(sorted(definition.members[subgraph]))}"
    lent = subgraph in definition.interface_object
    head = ["type" if lent else definition.kind, definition.name]
    interfaces = sorted(definition.implements.get(subgraph, ()))
    if interfaces:
        head.append("implements " + " & ".join(interfaces))
    for key, resolvable in definition.keys[subgraph]:
        head.append(f'@key(fields: "{key}"{"" if resolvable else ", resolvable: false"})')
    if lent:
        head.append("@interfaceObject")
    below = definition.fields.get("below")
    if below is not None and subgraph in below.sources:
        head.append(f'@context(name: "given{definition.name}")')
    kind = definition.kind if definition.name not in ("Mutation", "Subscription") else "root"
    fields = [_field(definition, f, subgraph, kind) for f in definition.fields.values() if subgraph in f.sources]
    if not fields:
        return ""
    return " ".join(head) + " {\n  " + "\n  ".join(fields) + "\n}"


def _field(definition: Type, f: Field, subgraph: str, kind: str) -> str:
    source = f.sources[subgraph]
    argument = f.arguments
    if f.context:
        context = f"given{definition.name.removesuffix('Below')}"
        argument = f'(taken: String @fromContext(field: "${context} {{ {f.context} }}"))'
    parts = [
        f"{f.name}{argument}: {f.type.replace(f.target, source.narrow or f.target)}{'!' if source.stricter else ''}"
    ]
    if source.external:
        parts.append("@external")
    elif kind == "type":
        parts.append("@shareable")
    if source.requires:
        parts.append(f"@requires(fields: {json.dumps(source.requires)})")
    if source.provides:
        parts.append(f"@provides(fields: {json.dumps(source.provides)})")
    if source.override:
        parts.append(f'@override(from: "{source.override}", label: "{source.label}")')
    return " ".join(parts)

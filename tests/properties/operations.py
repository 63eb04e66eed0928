"""Random valid operations over a schema."""

from random import Random

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)


class OperationWriter:
    """Writes one operation; ``values`` are its variables' values."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self.schema = schema
        self.random = random
        self.declared: dict[str, str] = {}
        self.values: dict[str, object] = {}
        self.aliases: dict[str, str] = {}

    def write(self, depth: int = 4) -> str:
        """The document's text."""
        root = self.schema.query_type
        kind = "query"
        if self.schema.mutation_type is not None and self._chance(0.25):
            root, kind = self.schema.mutation_type, "mutation"
        body = self._selections(root, depth)
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.declared.items())
        return f"{kind}{f'({declared})' if declared else ''} {body}"

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _selections(self, type_: object, depth: int) -> str:
        parts: list[str] = []
        for name, field in ({} if isinstance(type_, GraphQLUnionType) else type_.fields).items():  # type: ignore[attr-defined]
            composite = is_composite_type(get_named_type(field.type))
            if (composite and depth <= 0) or not self._chance(0.45):
                continue
            parts.append(self._field(type_, name, field, depth))
        if is_abstract_type(type_):
            for possible in self.schema.get_possible_types(type_):  # type: ignore[arg-type]
                for _ in range(self.random.choice([0, 0, 1, 1, 2])):
                    parts.append(f"... on {possible.name} {self._selections(possible, depth - 1)}")
            for other in self.schema.type_map.values():
                if is_abstract_type(other) and other is not type_ and self._overlap(type_, other) and self._chance(0.2):
                    parts.append(f"... on {other.name} {self._selections(other, depth - 1)}")
        if not parts or self._chance(0.1):
            parts.append("__typename" if self._chance(0.7) else "kind: __typename")
        self.random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def _overlap(self, one: object, other: object) -> bool:
        first = {t.name for t in self.schema.get_possible_types(one)}  # type: ignore[arg-type]
        return bool(first & {t.name for t in self.schema.get_possible_types(other)})  # type: ignore[arg-type]

    def _field(self, parent: object, name: str, field: GraphQLField, depth: int) -> str:
        arguments = ""
        if "x" in field.args:
            value = self.random.randint(0, 2)
            style = self.random.randrange(3)
            if style:
                arguments = f"(x: {value})" if style == 1 else f"(x: ${self._variable('Int', value)})"
        # One alias means one thing in the whole document, so that selections always merge.
        alias = self._alias(f"{parent.name}.{name}{arguments}", name) if arguments or self._chance(0.15) else ""  # type: ignore[attr-defined]
        target = get_named_type(field.type)
        below = f" {self._selections(target, depth - 1)}" if is_composite_type(target) else ""
        condition = ""
        if self._chance(0.08):
            keep = self._chance(0.5)
            condition = f" @{self.random.choice(['skip', 'include'])}(if: ${self._variable('Boolean!', keep)})"
        return f"{alias}{name}{arguments}{condition}{below}"

    def _alias(self, what: str, name: str) -> str:
        return self.aliases.setdefault(what, f"{name}_{len(self.aliases)}x") + ": "

    def _variable(self, type_: str, value: object) -> str:
        name = f"p{len(self.declared)}"
        self.declared[name] = type_
        self.values[name] = value
        return name


def is_object(type_: object) -> bool:
    """Whether a type is an object type."""
    return isinstance(type_, GraphQLObjectType)

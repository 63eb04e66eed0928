"""Random valid operations over a schema."""

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
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
        self.fragments: dict[str, str] = {}

    def write(self, depth: int = 4) -> str:
        """The document's text."""
        kind, root = "query", self.schema.query_type
        if self.schema.mutation_type is not None and self._chance(0.25):
            kind, root = "mutation", self.schema.mutation_type
        elif self.schema.subscription_type is not None and self._chance(0.15):
            kind, root = "subscription", self.schema.subscription_type
        body = self._one_event(root, depth) if kind == "subscription" else self._selections(root, depth)
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.declared.items())
        return f"{kind}{f'({declared})' if declared else ''} {body}" + "".join(self.fragments.values())

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _one_event(self, type_: object, depth: int) -> str:
        name, field = self.random.choice(list(type_.fields.items()))  # type: ignore[attr-defined]
        return f"{{ {name} {self._selections(get_named_type(field.type), depth)} }}"

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
                    parts.append(self._fragment(possible, depth))
            for other in self.schema.type_map.values():
                if is_abstract_type(other) and other is not type_ and self._overlap(type_, other) and self._chance(0.2):
                    parts.append(self._fragment(other, depth))
        if depth > 0 and self._chance(0.05):
            parts.append(f"...{self._condition()} {self._selections(type_, 0)}")
        if not parts or self._chance(0.1):
            parts.append("__typename" if self._chance(0.7) else "kind: __typename")
        self.random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def _fragment(self, type_: Any, depth: int) -> str:
        """A fragment: written where it stands, or by a name under which it may stand elsewhere too."""
        named = [name for name, text in self.fragments.items() if f" on {type_.name} " in text]
        if named and self._chance(0.3):
            return f"...{self.random.choice(named)}{self._condition()}"
        if self._chance(0.3):
            name = f"F{len(self.fragments)}"
            self.fragments[name] = ""
            self.fragments[name] = f" fragment {name} on {type_.name} {self._selections(type_, depth - 1)}"
            return f"...{name}{self._condition()}"
        return f"... on {type_.name}{self._condition()} {self._selections(type_, depth - 1)}"

    def _condition(self) -> str:
        if not self._chance(0.08):
            return ""
        said = str(self._chance(0.5)).lower()
        if self._chance(0.7):
            default = self._chance(0.3)
            name = self._variable(f"Boolean! = {said}" if default else "Boolean!", said == "true")
            if default and self._chance(0.5):
                del self.values[name]
            said = f"${name}"
        return f" @{self.random.choice(['skip', 'include'])}(if: {said})"

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
        if "where" in field.args and self._chance(0.8):
            arguments = f"(where: {self._written('Where', self._where(2))})"
        # One alias mostly means one thing in the whole document, so that selections merge; else it may clash.
        alias = self._alias(f"{parent.name}.{name}{arguments}", name) if arguments or self._chance(0.15) else ""  # type: ignore[attr-defined]
        if self._chance(0.08):
            alias = self.random.choice(("same: ", "also: "))
        target = get_named_type(field.type)
        below = f" {self._selections(target, depth - 1)}" if is_composite_type(target) else ""
        return f"{alias}{name}{arguments}{self._condition()}{below}"

    def _where(self, depth: int) -> dict[str, object]:
        """A value of the input type ``Where``."""
        some: dict[str, Any] = {
            "n": self.random.choice((None, 3)),
            "all": self.random.choice((None, [], [[1, None], []])),
            "more": self._where(depth - 1) if depth else None,
            "blob": self.random.choice((None, "b", {"k": [True]})),
        }
        return {name: value for name, value in some.items() if self._chance(0.5)}

    def _written(self, type_: str, value: Any) -> str:
        """A value as literals with variables in between."""
        if self._chance(0.35):
            return f"${self._variable(type_, value)}"
        if isinstance(value, dict):
            types = {"n": "Int", "all": "[[Int]!]", "more": "Where", "blob": "Blob"}
            inner = (f"{name}: {self._written(types.get(name, 'Blob'), each)}" for name, each in value.items())
            return f"{{{', '.join(inner)}}}"
        if isinstance(value, list) and type_ != "Blob":
            item = type_[1:-1] if type_.endswith("]") else type_[1:-2]
            return f"[{', '.join(self._written(item, each) for each in value)}]"
        return json.dumps(value)

    def _alias(self, what: str, name: str) -> str:
        return self.aliases.setdefault(what, f"{name}_{len(self.aliases)}x") + ": "

    def _variable(self, type_: str, value: object) -> str:
        name = f"p{len(self.declared)}"
        self.declared[name] = type_
        self.values[name] = value
        return name

"""What worlds are made of: types, their fields in each subgraph, and rows of the data."""

from dataclasses import dataclass, field

from gateway.supergraph.field_set import FieldSet

LABEL = "moved"
BLOBS: tuple[object, ...] = ({"a": [1, None, {"b": "x"}]}, [1, [None]], "blob", 7, {"__typename": "x"}, True, {}, [])


@dataclass
class Source:
    """A field in one subgraph."""

    external: bool = False
    requires: str = ""
    provides: str = ""
    override: str = ""
    label: str = ""
    stricter: bool = False
    narrow: str = ""


@dataclass
class Field:
    """A field; ``target`` is a scalar or a type of the world."""

    name: str
    target: str
    many: bool = False
    required: bool = False
    argument: bool = False
    sources: dict[str, Source] = field(default_factory=dict)
    context: str = ""
    nested: bool = False
    filtered: bool = False

    @property
    def type(self) -> str:
        inner = f"[[{self.target}]!]" if self.nested else f"[{self.target}!]" if self.many else self.target
        return f"{inner}!" if self.required else inner

    @property
    def arguments(self) -> str:
        """The arguments' definitions."""
        return "(x: Int)" if self.argument else "(where: Where)" if self.filtered else ""


@dataclass
class Type:
    """An object, interface or union; ``keys`` per subgraph are pairs of field set and resolvable."""

    name: str
    kind: str
    keys: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)
    implements: dict[str, set[str]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    interface_object: set[str] = field(default_factory=set)

    @property
    def subgraphs(self) -> list[str]:
        return sorted(self.keys)

    @property
    def homes(self) -> list[str]:
        """The subgraphs that can be entered for the type, and so may hold fields that others lack."""
        return sorted(s for s, keys in self.keys.items() if any(resolvable for _, resolvable in keys))

    def interfaces(self) -> list[str]:
        return sorted({name for names in self.implements.values() for name in names})


@dataclass(frozen=True)
class Object:
    """A row of the data: its concrete type and number; ``rep`` and ``provided`` are what one subgraph knows of it."""

    type: str
    number: int
    rep: str | None = None
    provided: FieldSet = ()


class FailedError(Exception):
    """A field that fails wherever it is asked for."""

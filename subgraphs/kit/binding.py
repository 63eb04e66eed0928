"""How a department writes its types: entities bound to resources of the catalogue, and fields loaded in bulk.

``@resource(code:)`` says only *which resource* a type or field belongs to. Tiers, items and the provider are the
catalogue's: written into a schema they would let a developer open data by a commit.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, dataclass_transform

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from subgraphs.kit.aggregates import SMALLEST
from subgraphs.kit.errors import SCHEMA_INVALID, CodedError

RESOURCE_URL = "https://watersmeet.dev/resource/v1.0"

_CODE = re.compile(r"[123]\d{2}(\d{3}\d*)?/[1-9]\d*")
_T = TypeVar("_T")


@strawberry.federation.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION], name="resource", compose=True, import_url=RESOURCE_URL
)
class Resource:
    """The directive itself; ``code`` is the department's code of the resource (``30700503/1``)."""

    code: str


@strawberry.federation.schema_directive(
    locations=[Location.OBJECT], name="aggregate", compose=True, import_url=RESOURCE_URL
)
class Aggregate:
    """Each record of the type is an aggregate over a group of records; see ``aggregates``."""

    by: list[str]
    size: str
    smallest: int


def resource(code: str) -> Resource:
    """The directive to put on one field, where it belongs to another resource than its type.

    Raises CodedError SCHEMA_INVALID when ``code`` is not written as the catalogue writes codes.
    """
    if not _CODE.fullmatch(code):
        raise CodedError(SCHEMA_INVALID, f"{code!r} is not a resource code; one looks like 30700503/1.")
    return Resource(code=code)


def related(bulk: Callable[..., Any], *, init: Literal[False] = False) -> Any:
    """A field whose values are loaded for many parents at once.

    ``bulk`` takes the parents, the Request and then the field's GraphQL arguments (scalars); it is a coroutine function
    and returns one value, or an exception, per parent and in their order. The field's annotation gives its GraphQL
    type. ``init`` tells type checkers that constructors do not take the field; leave it.
    """
    parameters = list(inspect.signature(bulk).parameters.values())[2:]

    def unloaded(self: object, **_: object) -> Any:
        raise RuntimeError(f"{bulk.__qualname__} was read before it was loaded in bulk")

    receiver = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    unloaded.__signature__ = inspect.Signature([receiver, *parameters])  # type: ignore[attr-defined]
    # Strawberry looks annotations up in the module of the function it is given.
    unloaded.__module__ = bulk.__module__
    unloaded.bulk = bulk  # type: ignore[attr-defined]
    return strawberry.field(resolver=unloaded)


def bulk_of(field: StrawberryField) -> Callable[..., Any] | None:
    """The bulk function of a field made by ``related``; None for any other field."""
    resolver = field.base_resolver
    return getattr(resolver.wrapped_func, "bulk", None) if resolver is not None else None


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, strawberry.federation.field, related))
def aggregate(code: str, *, by: Sequence[str], size: str, smallest: int = SMALLEST) -> Callable[[type[_T]], type[_T]]:
    """Makes an aggregate type: one record a group, of a resource of its own in the catalogue.

    ``by`` names the fields (as GraphQL has them) that groups are formed by, ``size`` the field that tells how many
    records a group has. What else a group of fewer than ``smallest`` records holds never leaves the department.
    """

    def decorate(cls: type[_T]) -> type[_T]:
        rule = Aggregate(by=list(by), size=size, smallest=smallest)
        return strawberry.federation.type(cls, directives=[resource(code), rule])

    return decorate


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, strawberry.federation.field, related))
def entity(*keys: str, code: str | None = None, resolvable: bool = True) -> Callable[[type[_T]], type[_T]]:
    """Makes an entity type of a class with annotations.

    ``keys`` are field sets as Federation writes them (``"id"``, ``"routeNo stopNo"``). ``code`` binds the type to the
    resource it is the home of; leave it out for a type whose home is another department. With ``resolvable=False`` the
    type is only a reference, which others resolve.

    A class method ``resolve_references(references, request)`` loads the entities of many representations at once: it
    gets their fields by Python names and returns, aligned, an entity, None or an exception for each. Without it a
    representation is taken at its word: right for a type to which this department only adds fields.
    """

    def decorate(cls: type[_T]) -> type[_T]:
        applied = [Key(fields=FieldSet(fields), resolvable=UNSET if resolvable else False) for fields in keys]
        bound = [resource(code)] if code is not None else []
        return strawberry.federation.type(cls, keys=applied, directives=bound)

    return decorate

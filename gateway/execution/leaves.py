"""What a leaf of the answer may be (GraphQL October 2021, section 3.5, result coercion).

Coercion is as strict as the specification allows: an int where an ID is expected becomes text, an integral float
becomes an Int, nothing else is bent. Values of custom scalars pass as they are: only their subgraph knows them.
"""

from collections.abc import Callable
from functools import partial
from math import isfinite

from graphql import GraphQLEnumType, GraphQLOutputType, GraphQLScalarType

INVALID = object()
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def _int(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and INT_MIN <= value <= INT_MAX else INVALID


def _float(value: object) -> object:
    return value if type(value) is int or (isinstance(value, float) and isfinite(value)) else INVALID


def _string(value: object) -> object:
    return value if isinstance(value, str) else INVALID


def _boolean(value: object) -> object:
    return value if isinstance(value, bool) else INVALID


def _id(value: object) -> object:
    return str(value) if type(value) is int else _string(value)


def _anything(value: object) -> object:
    return value


_SCALARS = {"Int": _int, "Float": _float, "String": _string, "Boolean": _boolean, "ID": _id}


def leaf_check(type_: GraphQLOutputType) -> Callable[[object], object]:
    """A function that does what ``completed_leaf`` does for one type."""
    if isinstance(type_, GraphQLScalarType):
        return _SCALARS.get(type_.name, _anything)
    return partial(completed_leaf, type_)


def completed_leaf(type_: GraphQLOutputType, value: object) -> object:
    """The value as the answer shows it, or INVALID. ``type_`` is without its non-null wrapper and no list."""
    if isinstance(type_, GraphQLEnumType):
        return value if isinstance(value, str) and value in type_.values else INVALID
    if not isinstance(type_, GraphQLScalarType):
        return INVALID
    return leaf_check(type_)(value)

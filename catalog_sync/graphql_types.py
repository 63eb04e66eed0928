"""Which GraphQL types may serve an information item: the catalogue's data types against a schema's.

A release is checked with it: a field bound to an item answers with one of the item's types, and a field that is not
shared unconditionally is nullable, so that withholding it never takes its parent along.
"""

from collections.abc import Mapping

from catalog_sync.closed_lists import DataType, Sharing
from catalog_sync.entries import InformationItem

LONGEST_INT = 9
"""Digits that always fit GraphQL's Int of 32 bits."""

_SCALARS: Mapping[DataType, frozenset[str]] = {
    DataType.STRING: frozenset({"String", "ID"}),
    DataType.MEMO: frozenset({"String"}),
    DataType.TEXT: frozenset({"String"}),
    DataType.INTEGER: frozenset({"Int", "BigInt"}),
    DataType.DOUBLE: frozenset({"Float"}),
    DataType.FLOAT: frozenset({"Float"}),
    DataType.LOGICAL: frozenset({"Boolean"}),
    DataType.NUMERIC: frozenset({"Decimal"}),
    DataType.MONEY: frozenset({"Decimal"}),
    DataType.DATE: frozenset({"Date"}),
    DataType.DATE_TIME: frozenset({"DateTime"}),
    DataType.GENERAL: frozenset({"Base64", "String"}),
    DataType.BLOB: frozenset({"Base64", "String"}),
}


def accepted_types(item: InformationItem) -> frozenset[str]:
    """The names of the scalars that may serve an item; an item on a code list may also be served by an enum.

    A ``verify_only`` item answers Boolean whatever its type. An integer of more than nine digits needs BigInt. Contents
    (G, blob) are Base64, or a String that holds a short-lived address to fetch them from.
    """
    if item.verify_only:
        return frozenset({"Boolean"})
    if item.type is DataType.INTEGER and item.length is not None and item.length > LONGEST_INT:
        return frozenset({"BigInt"})
    return _SCALARS[item.type]


def type_problem(item: InformationItem, written: str, *, is_enum: bool = False) -> str | None:
    """Why a field of the type ``written`` (as in ``[String!]!``) cannot serve the item, None if it can."""
    named = written.strip("[]!")
    accepted = accepted_types(item)
    if named not in accepted and not (is_enum and item.codelist is not None and not item.verify_only):
        listed = " or ".join(sorted(accepted))
        return f"{item.name} has the type {item.type.value}, served as {listed}, not {named}"
    if item.sharing is not Sharing.UNCONDITIONAL and written.endswith("!"):
        return f"{item.name} is {item.sharing.value}, so its field must be nullable, not {written}"
    if item.sharing is not Sharing.UNCONDITIONAL and "!" in written:
        return f"{item.name} is {item.sharing.value}, so its list items must be nullable, not {written}"
    return None

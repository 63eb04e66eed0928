"""What of a loaded record the signed context lets out: rows, masks, verify-only items.

Every object on its way to an answer passes ``Disclosure.admit``, whatever loaded it. A department's query may already
have applied the row condition, and should, because paging and counting happen there; this gate does not rely on it.
Invariant: no value of an item leaves unless the context holds a scope for the item's resource, the record meets the
scope's condition, and the scope's mask has been applied; of a group that is too small nothing but its name leaves.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from policies.context import RequestContext, ResourceScope
from policies.masks import PSEUDONYM, Mask, PseudonymKey, mask_named
from policies.row_filters import RowFilter, items_of, matches
from subgraphs.kit.errors import RESOURCE_WITHHELD, VERIFY_ONLY, CodedError
from subgraphs.kit.tables import FieldTable, TypeTable

ALL_ROWS = "all"


class OutOfScope:
    """Stands for a record that the caller's row condition leaves out."""


OUT_OF_SCOPE: Final = OutOfScope()


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The gate of one request. Without a context (``--open``) it lets everything through."""

    context: RequestContext | None
    pseudonyms: PseudonymKey | None = None

    def admit(self, table: TypeTable, objects: list[object], selected: Collection[str]) -> list[object]:
        """Aligned with ``objects`` of one type: what may be shown, OUT_OF_SCOPE, or the error that withholds it.

        ``selected`` are the names of the fields asked for. Objects are never changed: a masked one is a copy.
        """
        if self.context is None:
            return objects
        items = [
            (name, field)
            for name in selected
            if (field := table.fields.get(name)) is not None
            and field.code is not None
            and field.bulk is None
            and name not in table.key_names
        ]
        scopes: dict[str, ResourceScope] = {}
        for name, field in items:
            refusal = self._refusal(table, name, field, scopes)
            if refusal is not None:
                return [refusal] * len(objects)
        for code in {field.code for field in table.fields.values() if field.code is not None} - scopes.keys():
            if (scope := self.context.scope(code)) is not None:
                scopes[code] = scope
        for scope in scopes.values():
            if scope.row_filter is None and scope.rows != ALL_ROWS:
                return [_unconditioned(scope)] * len(objects)
        masked = self._masked(table, _within(table, objects, scopes), items, scopes)
        return _large_enough(table, masked) if table.groups is not None else masked

    def _masked(
        self,
        table: TypeTable,
        objects: list[object],
        items: Iterable[tuple[str, FieldTable]],
        scopes: Mapping[str, ResourceScope],
    ) -> list[object]:
        masks = {
            field.python_name: self._mask(mask)
            for name, field in items
            if field.code is not None
            and not field.computed
            and (mask := scopes[field.code].masks.get(f"{field.code}.{name}")) is not None
        }
        if not masks:
            return objects
        return [record if record is OUT_OF_SCOPE else _copy(record, masks) for record in objects]

    def _mask(self, name: str) -> Mask:
        assert self.context is not None
        if name != PSEUDONYM or self.pseudonyms is None:
            return mask_named(name)
        recipient = self.context.department or self.context.subject
        return mask_named(name, self.pseudonyms.for_recipient(recipient, self.context.purpose))

    def _refusal(
        self, table: TypeTable, name: str, field: FieldTable, scopes: dict[str, ResourceScope]
    ) -> CodedError | None:
        """Fills ``scopes`` with the scope of the field's resource, or says why the field stays here."""
        assert self.context is not None
        assert field.code is not None
        scope, where, item = self.context.scope(field.code), f"{table.name}.{name}", f"{field.code}.{name}"
        details = {"resource": field.code, "items": [name]}
        if scope is None:
            return CodedError(RESOURCE_WITHHELD, f"The context grants nothing of {field.code}, as {where} is.", details)
        if item in scope.verify_only:
            if not field.computed:
                return CodedError(VERIFY_ONLY, f"{where} may be verified, not read.", details)
        elif item in scope.masks and field.computed:
            return CodedError(RESOURCE_WITHHELD, f"{where} is computed and cannot be masked.", details)
        scopes[field.code] = scope
        return None


def _unconditioned(scope: ResourceScope) -> CodedError:
    """A named condition whose terms did not arrive: no row can be shown to meet it."""
    return CodedError(
        RESOURCE_WITHHELD, f"The context names the condition {scope.rows} and does not say what it is.",
        {"resource": scope.resource},
    )  # fmt: skip


def _within(table: TypeTable, objects: list[object], scopes: Mapping[str, ResourceScope]) -> list[object]:
    filters = [scope.row_filter for scope in scopes.values() if scope.row_filter is not None]
    if not filters:
        return objects
    names = {item: _attribute(table, item) for row_filter in filters for item in items_of(row_filter)}
    return [item if _meets(item, filters, names) else OUT_OF_SCOPE for item in objects]


def _attribute(table: TypeTable, item: str) -> str:
    field = table.fields.get(item)
    if field is None or field.bulk is not None or field.computed:
        raise CodedError(
            RESOURCE_WITHHELD, f"A row condition looks at {item}, which {table.name} does not hold as a value."
        )
    return field.python_name


def _meets(record: object, filters: Iterable[RowFilter], names: Mapping[str, str]) -> bool:
    values = {item: _comparable(getattr(record, name)) for item, name in names.items()}
    return all(matches(row_filter, values) for row_filter in filters)


def _comparable(value: object) -> object:
    """A value as row conditions and masks take it: dates as ISO text, decimals as numbers."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _large_enough(table: TypeTable, objects: list[object]) -> list[object]:
    """Aggregates with the values of groups that are too small taken out."""
    assert table.groups is not None
    size = table.fields[table.groups.size].python_name
    code = next((field.code for field in table.fields.values() if field.code is not None), None)
    refusal = table.groups.refusal(table.name, code)
    names = [field.python_name for name, field in table.fields.items() if name not in table.groups.by]
    shown: list[object] = []
    for record in objects:
        # An exception stands for a record that could not be loaded, and passes as it is.
        if isinstance(record, table.origin) and table.groups.withholds(record, size):
            record = twin(record)
            for name in names:
                object.__setattr__(record, name, refusal)
        shown.append(record)
    return shown


def twin(record: object) -> object:
    """A shallow copy: records may be shared by requests, so what one request changes it changes on a copy."""
    copied = object.__new__(type(record))
    copied.__dict__.update(record.__dict__)
    return copied


def _copy(record: object, masks: Mapping[str, Mask]) -> object:
    masked = twin(record)
    for name, mask in masks.items():
        setattr(masked, name, mask(_comparable(getattr(record, name))))
    return masked

"""Which catalogue item stands behind which coordinate of the supergraph.

A subgraph says with ``@resource(code:)`` only *which resource* a type or a field belongs to; items, tiers and provider
are the catalogue's. From the two follows, for every field, the set of items a caller must be entitled to:

- a field of a bound type needs the item whose alias is the field's name;
- a *relation*, a field that leads to another bound type, tells that the two records belong together. The items that
  reference the other resource tell the same, so these are what it needs, in whichever entry they stand, and plain: the
  record that is led to tells what a mask has left out;
- a root field, and a field of a type bound to nothing (a page of results), needs nothing of its own where it leads to
  other types: what it leads to does. A leaf of such a type (a count, a cursor) needs the items that identify the
  records beside it;
- an argument needs the item it is named after, for it filters, sorts or groups by that item's values.

- a field that leads to an aggregate takes no argument but what its groups are formed by, else it is withheld: any other
  would shrink groups, and two questions that differ in one member tell of that one.

What none of this covers is *unbound*: it is withheld from everyone and reported at start. That is the invariant: a
field is either bound, or structural and leads to bound fields only, or in no caller's schema.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog_sync.entries import CatalogueEntry, InformationItem
from gateway.supergraph.field_set import FieldSet, FieldSetFragment
from gateway.supergraph.model import Aggregate, FieldDefinition, Supergraph, TypeDefinition, TypeKind

if TYPE_CHECKING:
    from catalog_sync.loading import Catalogue

SURROGATE = "id"
"""The field by which departments join personal records without passing numbers on; the catalogue reserves the name."""

_NOTHING: frozenset[str] = frozenset()
_COMPOSITE = (TypeKind.OBJECT, TypeKind.INTERFACE, TypeKind.UNION)
PLACING_ARGUMENTS = re.compile(r"^(order|sort|group)(By|ing)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unbound:
    """A field that no released catalogue entry covers, and why."""

    coordinate: str
    subgraphs: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Bindings:
    """Items by coordinate.

    ``reads`` maps ``Type.field`` to the items it discloses, those of its @requires inputs included; ``filters`` maps
    ``Type.field(argument:)`` to those it filters by; ``inner_filters`` does so by the names of an input object's fields
    or an enum's values. ``persons`` are the items whose value is a person's number. Items are named
    ``resource code.alias``. ``follows`` are those of ``reads`` whose plain value it takes: what a relation goes
    by, since a record that is led to says itself whose it is, and what a field is computed from.
    """

    reads: Mapping[str, frozenset[str]]
    filters: Mapping[str, frozenset[str]]
    inner_filters: Mapping[str, Mapping[str, frozenset[str]]]
    follows: Mapping[str, frozenset[str]]
    unbound: tuple[Unbound, ...]
    persons: frozenset[str] = frozenset()


def bind_catalogue(supergraph: Supergraph, catalogue: "Catalogue") -> Bindings:
    """Binds every object field of ``supergraph`` to the items of ``catalogue``."""
    return _Binding(supergraph, catalogue).result()


def unbound_of(subgraph: str, supergraph: Supergraph, catalogue: "Catalogue") -> tuple[Unbound, ...]:
    """Those fields of a subgraph that no released catalogue entry covers."""
    binding = _Binding(supergraph, catalogue)
    binding.bind([(definition, field) for definition, field in binding.fields() if subgraph in field.sources])
    return binding.unbound


class _Binding:
    def __init__(self, supergraph: Supergraph, catalogue: "Catalogue") -> None:
        self._supergraph = supergraph
        self._catalogue = catalogue
        self._roots = supergraph.definitions.roots()
        self._items: dict[str, dict[str, frozenset[str]]] = {}
        self._reads: dict[str, frozenset[str]] = {}
        self._filters: dict[str, frozenset[str]] = {}
        self._inner: dict[str, dict[str, frozenset[str]]] = {}
        self._follows: dict[str, frozenset[str]] = {}
        self._unbound: list[Unbound] = []

    @property
    def unbound(self) -> tuple[Unbound, ...]:
        return tuple(self._unbound)

    def fields(self) -> list[tuple[TypeDefinition, FieldDefinition]]:
        objects = (each for each in self._supergraph.types.values() if each.kind is TypeKind.OBJECT)
        return [(definition, field) for definition in objects for field in definition.fields.values()]

    def bind(self, fields: Iterable[tuple[TypeDefinition, FieldDefinition]]) -> None:
        for definition, field in fields:
            needed = self._needs(definition, field)
            coordinate = f"{definition.name}.{field.name}"
            if isinstance(needed, str):
                self._unbound.append(Unbound(coordinate, tuple(field.sources), needed))
            else:
                self._reads[coordinate] = needed
                if needed and self._bound_type(field) is not None:
                    self._follows[coordinate] = needed

    def result(self) -> Bindings:
        fields = self.fields()
        self.bind(fields)
        self._bind_inputs(fields)
        for definition, field in fields:
            self._bind_arguments(definition, field)
        persons = _persons(self._catalogue)
        return Bindings(self._reads, self._filters, self._inner, self._follows, self.unbound, persons)

    def _needs(self, definition: TypeDefinition, field: FieldDefinition) -> frozenset[str] | str:
        """The items a field discloses, or the reason why none can be named."""
        code = field.resource or definition.resource
        target = self._bound_type(field)
        if narrowing := self._narrowing(field):
            return f"it leads to an aggregate and takes {narrowing}, which would shrink its groups"
        if definition.resource is None and self._is_composite(field):
            return _NOTHING
        if code is None:
            if definition.name in self._roots:
                return "a root field that returns no bound type needs @resource(code:) of its own"
            return self._about_records(definition.name)
        entry = self._catalogue.entry(code)
        if entry is None:
            return f"no released catalogue entry has the code {code}"
        item = self._items_of(entry).get(field.name)
        if item is not None:
            return item
        if field.name == SURROGATE:
            return "a surrogate key joins records and is never answered"
        if target is None:
            return f"the entry {code} has no item with the alias {field.name}"
        return self._relation(definition, target)

    def _narrowing(self, field: FieldDefinition) -> str:
        """The arguments of a field that leads to aggregates by which no groups of theirs are formed."""
        if not field.arguments:
            return ""
        rules = self._aggregates(field.type.strip("[]!"), set())
        return ", ".join(sorted({name for rule in rules for name in set(field.arguments) - rule.by}))

    def _aggregates(self, name: str, seen: set[str]) -> Iterator[Aggregate]:
        """The aggregates that a type is, can be, or holds a page of."""
        definition = self._supergraph.types.get(name)
        if definition is None or definition.kind not in _COMPOSITE or name in seen:
            return
        seen.add(name)
        if definition.kind is not TypeKind.OBJECT:
            for concrete in self._concrete(name):
                yield from self._aggregates(concrete, seen)
        elif definition.aggregate is not None:
            yield definition.aggregate
        elif definition.resource is None:
            for field in definition.fields.values():
                yield from self._aggregates(field.type.strip("[]!"), seen)

    def _about_records(self, type_name: str) -> frozenset[str]:
        """A count or a cursor beside records tells that they exist, so it needs the items that identify them."""
        code = self._reached(type_name)
        entry = self._catalogue.entry(code) if code is not None else None
        return frozenset(_name(entry, item) for item in entry.keys) if entry is not None else frozenset()

    def _relation(self, definition: TypeDefinition, target: TypeDefinition) -> frozenset[str] | str:
        """What a field of ``definition`` that leads to ``target`` tells; its own @resource cannot make it tell less."""
        assert target.resource is not None
        entry = self._catalogue.entry(definition.resource or "")
        other = self._catalogue.entry(target.resource)
        if entry is None or other is None:
            missing = target.resource if other is None else definition.resource
            return f"it leads to {target.name}, and no released catalogue entry has the code {missing}"
        items = _references(entry, other) or _references(other, entry)
        if items:
            return items
        return f"no item of {entry.codes[0]} references {target.resource}, or the other way round"

    def _bound_type(self, field: FieldDefinition) -> TypeDefinition | None:
        definition = self._supergraph.types.get(field.type.strip("[]!"))
        return definition if definition is not None and definition.resource is not None else None

    def _is_composite(self, field: FieldDefinition) -> bool:
        definition = self._supergraph.types.get(field.type.strip("[]!"))
        return definition is not None and definition.kind in _COMPOSITE

    def _bind_inputs(self, fields: Iterable[tuple[TypeDefinition, FieldDefinition]]) -> None:
        """A computed field tells of its @requires inputs and of theirs, so it needs the rights to all of them."""
        inputs = [
            (f"{definition.name}.{field.name}", needed)
            for definition, field in fields
            for source in field.sources.values()
            for needed in self._coordinates(definition.name, source.requires)
        ]
        inputs = [(computed, needed) for computed, needed in inputs if {computed, needed} <= self._reads.keys()]
        grown = True
        while grown:  # an input may be computed itself, whichever of the two is declared first
            grown = False
            for computed, needed in inputs:
                if not self._reads[needed] <= self._reads[computed]:
                    self._reads[computed] |= self._reads[needed]
                    grown = True
        for computed, needed in inputs:
            # From a mask something else would be computed, and from the plain value what the mask hides.
            self._follows[computed] = self._follows.get(computed, frozenset()) | self._reads[needed]

    def _coordinates(self, parent: str, fields: FieldSet) -> Iterator[str]:
        for selection in fields:
            if isinstance(selection, FieldSetFragment):
                yield from self._coordinates(selection.type_condition, selection.selections)
                continue
            field = self._supergraph.types[parent].fields.get(selection.name)
            for concrete in self._concrete(parent):
                yield f"{concrete}.{selection.name}"
            if field is not None and selection.selections:
                yield from self._coordinates(field.type.strip("[]!"), selection.selections)

    def _concrete(self, name: str) -> Iterable[str]:
        definition = self._supergraph.types[name]
        if definition.kind is TypeKind.OBJECT:
            return (name,)
        abstract = self._supergraph.schema.type_map[name]
        return [possible.name for possible in self._supergraph.schema.get_possible_types(abstract)]  # type: ignore[arg-type]

    def _bind_arguments(self, definition: TypeDefinition, field: FieldDefinition) -> None:
        entries = self._entries_about(definition, field) if field.arguments else []
        for name, argument in field.arguments.items():
            coordinate = f"{definition.name}.{field.name}({name}:)"
            items = self._named(entries, name)
            if items:
                self._filters[coordinate] = items
            for inner, named in _inner_names(self._supergraph.types, name, argument):
                if found := self._named(entries, named):
                    self._inner.setdefault(coordinate, {})[inner] = found

    def _entries_about(self, definition: TypeDefinition, field: FieldDefinition) -> list[CatalogueEntry]:
        """The entries that an argument can name items of: that of the records it leads to, then its own."""
        codes = [self._reached(field.type.strip("[]!")), field.resource or definition.resource]
        return [entry for code in codes if code is not None and (entry := self._catalogue.entry(code)) is not None]

    def _items_of(self, entry: CatalogueEntry) -> dict[str, frozenset[str]]:
        """The items of an entry by alias, each as a set of its name."""
        known = self._items.get(entry.id)
        if known is None:
            known = self._items[entry.id] = {item.alias: frozenset({_name(entry, item)}) for item in entry.items}
        return known

    def _named(self, entries: Iterable[CatalogueEntry], alias: str) -> frozenset[str]:
        return next((found for entry in entries if (found := self._items_of(entry).get(alias))), _NOTHING)

    def _reached(self, name: str, seen: frozenset[str] = frozenset()) -> str | None:
        """The resource of the records that a type is, or holds a page of."""
        definition = self._supergraph.types.get(name)
        if definition is None or name in seen:
            return None
        if definition.resource is not None:
            return definition.resource
        for field in definition.fields.values():
            if code := self._reached(field.type.strip("[]!"), seen | {name}):
                return code
        return None


def _persons(catalogue: "Catalogue") -> frozenset[str]:
    return frozenset(
        _name(entry, item)
        for entry in catalogue.released
        for item in entry.items
        if item.sensitivity.personal and (item.key or item.references)
    )


def _inner_names(types: Mapping[str, TypeDefinition], argument: str, type_text: str) -> Iterator[tuple[str, str]]:
    """Names inside an argument's type that could be those of items: (as written, as an alias)."""
    seen: set[str] = set()
    waiting = [type_text]
    while waiting:
        name = waiting.pop().strip("[]!")
        current = types.get(name)
        if current is None or name in seen:
            continue
        seen.add(name)
        if current.kind is TypeKind.INPUT_OBJECT:
            for field in current.fields.values():
                yield field.name, field.name
                waiting.append(field.type)
        elif current.kind is TypeKind.ENUM and (len(seen) > 1 or PLACING_ARGUMENTS.match(argument)):
            for value in current.values:
                yield value, _alias(value)


def _alias(value: str) -> str:
    """``RESIDENT_ID_DESC`` -> ``residentId``: how an enum of sort orders names an item."""
    words = re.sub(r"_(ASC|DESC)$", "", value, flags=re.IGNORECASE).split("_")
    if len(words) == 1 and not value.isupper():
        return words[0]
    return words[0].lower() + "".join(word.capitalize() for word in words[1:])


def _references(entry: CatalogueEntry, other: CatalogueEntry) -> frozenset[str]:
    codes = {str(code) for code in other.codes}
    return frozenset(_name(entry, item) for item in entry.items if item.references and str(item.references) in codes)


def _name(entry: CatalogueEntry, item: InformationItem) -> str:
    return f"{entry.codes[0]}.{item.alias}"

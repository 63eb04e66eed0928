"""A department as a value: what it is called, what it serves, and how its store is opened."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from catalog_sync.documents import ListNode, parse_yaml, read_text
from catalog_sync.entries import CatalogueEntry
from catalog_sync.reading import read_entry
from subgraphs.kit.schema import ServedSchema, build_schema


class DepartmentStore(Protocol):
    """What every opened store can tell."""

    def describe(self) -> str:
        """What the department runs on, for people: ``SQLite, 50,000 residents``."""
        ...


@dataclass(frozen=True, slots=True)
class StoreLocation:
    """Where a store is: the department's own folder of generated data, or an address instead.

    ``address`` is a PostgreSQL URL or that of an older service, None where the department keeps its data in ``folder``.
    """

    folder: Path
    address: str | None = None


def newest_file(location: StoreLocation) -> datetime | None:
    """When the data of a store that is files last really changed; None where the store is elsewhere or empty."""
    if location.address is not None:
        return None
    times = [path.stat().st_mtime for path in location.folder.rglob("*") if path.is_file()]
    return datetime.fromtimestamp(max(times), UTC) if times else None


@dataclass(frozen=True, slots=True)
class Department:
    """One department's subgraph.

    ``name`` is the subgraph's name: the audience of signed contexts, and the folder of its data. ``title`` is the
    department's own. ``query`` is the Strawberry query type; ``types`` are entity types that no query field leads to.
    ``catalogue`` is the folder of its entries, from which schema descriptions come. ``data_time`` says when its data
    last really changed: by the files of its store unless it knows better, such as the newest row's time.
    """

    name: str
    title: str
    query: type
    open_store: Callable[[StoreLocation], AbstractAsyncContextManager[Any]]
    types: tuple[type, ...] = ()
    catalogue: Path | None = None
    data_time: Callable[[StoreLocation], datetime | None] = newest_file

    def data_times(self, location: StoreLocation) -> dict[str, datetime]:
        """When the data of each of its resources last really changed, by code; empty where that is not known."""
        at = self.data_time(location)
        if at is None or self.catalogue is None:
            return {}
        return {str(entry.code): at for entry in _entries(self.catalogue)}

    def schema(self) -> ServedSchema:
        """The schema, described in the catalogue's words."""
        return build_schema(self.query, self.types, descriptions(_entries(self.catalogue)) if self.catalogue else {})


def _entries(folder: Path) -> Iterator[CatalogueEntry]:
    """The entries that a department's own files hold; what they refer to is judged with the whole catalogue only."""
    for path in sorted(folder.glob("*.yaml")):
        root = parse_yaml(read_text(path, path.name), path.name)
        for node in root.items if isinstance(root, ListNode) else (root,) if root is not None else ():
            entry = read_entry(node, [])
            if entry is not None:
                yield entry


def descriptions(entries: Iterable[CatalogueEntry]) -> dict[str, str]:
    """Schema descriptions by coordinate: an entry's title and code, an item's name of record and unit."""
    found: dict[str, str] = {}
    for entry in entries:
        found[entry.alias] = f"{entry.title} ({entry.code})\n\n{entry.abstract}"
        for item in entry.items:
            unit = f" ({item.unit})" if item.unit else ""
            found[f"{entry.alias}.{item.alias}"] = f"{item.name}{unit}"
    return found

"""Importing and exporting whole catalogues: YAML, JSON, xlsx and csv, by a file's ending.

What is exported and imported again is the same catalogue, value for value.
"""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from catalog_sync.documents import DocumentError, ListNode, Node, parse_json, parse_yaml, read_text
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import CATALOGUE_UNREADABLE, CodedError
from catalog_sync.loading import Catalogue, check_documents, document_nodes, load_catalogue
from catalog_sync.problems import CatalogueInvalid
from catalog_sync.spreadsheets import read_csv, read_xlsx, write_csv, write_xlsx
from catalog_sync.writing import entry_document

FORMATS = (".yaml", ".yml", ".json", ".xlsx", ".csv")

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _PlainDumper(_DUMPER):  # type: ignore[misc] # the class depends on whether libyaml is there
    """Writes every value where it is used: reading refuses anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def import_catalogue(source: Path, *, today: date | None = None, known: Iterable[CatalogueEntry] = ()) -> Catalogue:
    """The catalogue in a file of any format, or in a directory of YAML and JSON files.

    ``known`` are entries that the imported ones may refer to. Raises CatalogueInvalid with every problem, CodedError
    CATALOGUE_UNREADABLE if there is no such file or its ending names no format.
    """
    if source.is_dir():
        return load_catalogue(source, today=today)
    return check_documents(read_documents(source), today=today, known=known)


def read_documents(source: Path) -> list[Node]:
    """The entries of a file or directory as they are written, unchecked. Raises as ``import_catalogue`` does."""
    if source.is_dir():
        return document_nodes(source)
    try:
        return _nodes(source)
    except DocumentError as error:
        raise CatalogueInvalid([error.problem]) from error


def _nodes(source: Path) -> list[Node]:
    _known_format(source)
    if not source.is_file():
        raise CodedError(CATALOGUE_UNREADABLE, f"There is no file {str(source)!r}.")
    if source.suffix == ".xlsx":
        return read_xlsx(source, source.name)
    text = read_text(source, source.name)
    if source.suffix == ".csv":
        return read_csv(text, source.name)
    root = parse_json(text, source.name) if source.suffix == ".json" else parse_yaml(text, source.name)
    if root is None:
        return []
    return list(root.items) if isinstance(root, ListNode) else [root]


def export_catalogue(entries: Iterable[CatalogueEntry], target: Path) -> None:
    """Writes entries to a file in the format its ending names; CodedError CATALOGUE_UNREADABLE if it names none."""
    _known_format(target)
    if target.suffix == ".xlsx":
        write_xlsx(entries, target)
    elif target.suffix == ".csv":
        write_csv(entries, target)
    elif target.suffix == ".json":
        target.write_text(json_text(entries), encoding="utf-8")
    else:
        target.write_text(yaml_text(entries), encoding="utf-8")


def yaml_text(entries: Iterable[CatalogueEntry]) -> str:
    """Entries as a YAML list."""
    documents = [entry_document(entry) for entry in entries]
    text: str = yaml.dump(documents, Dumper=_PlainDumper, allow_unicode=True, sort_keys=False, width=120)
    return text


def json_text(entries: Iterable[CatalogueEntry]) -> str:
    """Entries as a JSON list, one entry a line."""
    lines = [json.dumps(entry_document(entry), ensure_ascii=False) for entry in entries]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _known_format(path: Path) -> None:
    if path.suffix not in FORMATS:
        message = f"{path.name!r} has no ending that names a format. Use one of {', '.join(FORMATS)}."
        raise CodedError(CATALOGUE_UNREADABLE, message)

"""Files as trees of text in which every node remembers its line.

YAML is read as text only: YAML 1.1 makes numbers of ``307001:12``, dates of ``2026-01-15`` and booleans of ``no``,
and the catalogue's codes are none of these. So nothing here guesses a type; the reader of a field knows what it takes.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from catalog_sync.problems import CatalogueProblem, Place

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class TextNode:
    """A scalar, as it is written."""

    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence of nodes."""

    items: "tuple[Node, ...]"
    place: Place


@dataclass(frozen=True, slots=True)
class MapNode:
    """Named nodes, in the order written."""

    fields: "dict[str, Node]"
    place: Place


Node = TextNode | ListNode | MapNode


class DocumentError(Exception):
    """A file that is not what its name says, as a problem."""

    def __init__(self, problem: CatalogueProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _refuse(place: Place, message: str, remedy: str, rule: str = "FORM") -> DocumentError:
    return DocumentError(CatalogueProblem(rule, message, remedy, place))


def read_text(path: Path, name: str) -> str:
    """The text of a UTF-8 file; DocumentError if it is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"Byte {error.start} is not UTF-8."
        raise _refuse(Place(name), message, "Save the file in the encoding UTF-8.") from error


def parse_yaml(text: str, name: str) -> Node | None:
    """The tree of a YAML document, None if it is empty; DocumentError with the line at which it stops being YAML."""
    try:
        return _YamlTree(name).read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        message = f"This is not YAML: {error.problem or error.context}."
        remedy = "Quote texts that hold a colon, a hash or brackets, and indent with spaces."
        raise _refuse(Place(name, line), message, remedy) from error
    except yaml.YAMLError as error:
        raise _refuse(
            Place(name), f"This is not YAML: {error}.", "Remove characters that cannot be printed."
        ) from error


MAX_DEPTH = 12


class _YamlTree:
    """Builds the tree from YAML's events: a third of the time that PyYAML's own nodes take, at a city's scale."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._place = Place(name, 1)
        self._open: list[tuple[list[Node] | dict[str, Node], Place]] = []
        self._keys: list[TextNode | None] = []
        self._root: Node | None = None

    def read(self, events: Iterable[yaml.Event]) -> Node | None:
        """The document's root; a second document in the file is refused."""
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._add(TextNode(event.value, self._at(event)), event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._begin({}, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._begin([], event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end(event)
            elif isinstance(event, yaml.AliasEvent):
                raise self._no_anchors(event)
            elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
                raise _refuse(self._at(event), "The file holds a second document.", "Write a list into one document.")
        return self._root

    def _at(self, event: yaml.Event) -> Place:
        assert event.start_mark is not None
        line = event.start_mark.line + 1
        if self._place.line != line:
            self._place = Place(self._name, line)
        return self._place

    def _begin(self, content: "list[Node] | dict[str, Node]", event: yaml.Event) -> None:
        place = self._at(event)
        if getattr(event, "anchor", None) is not None:
            raise self._no_anchors(event)
        if len(self._open) > MAX_DEPTH:
            raise _refuse(place, "Values are nested too deeply.", "An entry has four levels.")
        if self._keys and self._keys[-1] is None and isinstance(self._open[-1][0], dict):
            raise _refuse(place, "A field's name must be a word.", "Write `name: value`.")
        self._open.append((content, place))
        self._keys.append(None)

    def _end(self, event: yaml.Event) -> None:
        content, place = self._open.pop()
        self._keys.pop()
        node = MapNode(content, place) if isinstance(content, dict) else ListNode(tuple(content), place)
        self._add(node, event)

    def _add(self, node: Node, event: yaml.Event) -> None:
        if getattr(event, "anchor", None) is not None:
            raise self._no_anchors(event)
        if not self._open:
            self._root = node
            return
        content, _ = self._open[-1]
        if isinstance(content, list):
            content.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            content[key.value] = node
            self._keys[-1] = None
        elif isinstance(node, TextNode):
            if node.value in content:
                message = f"The field {node.value!r} is given twice."
                raise _refuse(node.place, message, "Keep the one that is right.", "DUPLICATE")
            self._keys[-1] = node

    def _no_anchors(self, event: yaml.Event) -> DocumentError:
        remedy = "Write the value out where it is used."
        return _refuse(self._at(event), "Anchors and aliases (& and *) are not read here.", remedy)


def parse_json(text: str, name: str) -> Node:
    """The tree of a JSON document; truth values and whole numbers become the text they are written as."""
    place = Place(name)

    def fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                message = f"The field {key!r} is given twice."
                raise _refuse(place, message, "Keep the one that is right.", "DUPLICATE")
            found[key] = value
        return found

    try:
        value = json.loads(text, object_pairs_hook=fields, parse_float=str, parse_int=str)
    except json.JSONDecodeError as error:
        remedy = "Mend the syntax at the line given."
        raise _refuse(Place(name, error.lineno), f"This is not JSON: {error.msg}.", remedy) from error
    except RecursionError as error:
        raise _refuse(place, "Values are nested too deeply.", "An entry has four levels.") from error
    return node_of(value, place)


def node_of(value: object, place: Place) -> Node:
    """The tree of a plain value: dictionaries, lists and what prints as text; null is empty text."""
    if isinstance(value, dict):
        return MapNode({str(key): node_of(inner, place) for key, inner in value.items()}, place)
    if isinstance(value, list | tuple):
        return ListNode(tuple(node_of(inner, place) for inner in value), place)
    if value is None:
        return TextNode("", place)
    return TextNode(str(value).lower() if isinstance(value, bool) else str(value), place)


def place_of(node: Node, path: str) -> Place:
    """The place of a field such as ``items[2].share`` within a tree, or of the nearest node around it."""
    for step in _steps(path):
        inner = node.items[step] if isinstance(step, int) and isinstance(node, ListNode) else None
        if isinstance(step, str) and isinstance(node, MapNode):
            inner = node.fields.get(step)
        if inner is None:
            break
        node = inner
    return node.place


def _steps(path: str) -> Iterator[str | int]:
    for part in path.replace("[", ".[").split("."):
        if part.startswith("["):
            yield int(part[1:-1])
        elif part:
            yield part

"""Reading the fields of one tree node: every problem is noted, none stops the reading of the rest.

A ``FieldReader`` stands on one mapping of a document. Its methods take a field's name and give the value in its type,
or None, having noted what is wrong. ``finish`` notes the fields nobody asked for, with the nearest name that exists.
"""

import difflib
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from catalog_sync.closed_lists import SYNONYMS, written
from catalog_sync.documents import DocumentError, ListNode, MapNode, Node, TextNode, parse_yaml
from catalog_sync.errors import CodedError
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem, Place

Member = TypeVar("Member", bound=StrEnum)
Parsed = TypeVar("Parsed")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_TRUE = frozenset({"true", "是", "yes", "1"})
_FALSE = frozenset({"false", "否", "no", "0"})


class FieldReader:
    """Reads the fields of ``node``; problems go to ``problems`` with ``entry`` and a path beginning with ``path``."""

    def __init__(self, node: Node, problems: list[CatalogueProblem], entry: str = "", path: str = "") -> None:
        self.node = node
        self.entry = entry
        self._problems = problems
        self._path = path
        self._asked: set[str] = set()
        self._fields: dict[str, Node] = node.fields if isinstance(node, MapNode) else {}
        if not isinstance(node, MapNode):
            self._note("FORM", "", "Named fields are expected here.", "Write `name: value`, one a line.")

    def has(self, name: str) -> bool:
        """Whether the field is given and not empty."""
        node = self._fields.get(name)
        return node is not None and not (isinstance(node, TextNode) and not node.value.strip())

    def note(self, rule: str, name: str, message: str, remedy: str) -> None:
        """Notes a problem with a field."""
        self._asked.add(name)
        self._note(rule, name, message, remedy)

    def text(self, name: str, *, required: bool = False, longest: int | None = None) -> str | None:
        """A text without blanks around it, None if absent or empty."""
        self._asked.add(name)
        node = self._fields.get(name)
        if node is not None and not isinstance(node, TextNode):
            self._note("FORM", name, "One value is expected, not a list or a group of fields.", "Write `name: value`.")
            return None
        value = "" if node is None else node.value.strip()
        if not value:
            if required:
                self._note("REQUIRED", name, "The field is missing.", "Fill it in; see docs/catalogue.md.")
            return None
        if _UNPRINTABLE.search(value):
            self._note("FORM", name, "The value holds a character that cannot be printed.", "Remove it.")
            return None
        if longest is not None and len(value) > longest:
            message = f"The value has {len(value)} characters; the guideline allows {longest}."
            self._note("LENGTH", name, message, "Shorten it.")
        return value

    def parsed(self, name: str, parse: Callable[[str], Parsed], *, required: bool = False) -> Parsed | None:
        """A text as ``parse`` reads it; its CodedError becomes the problem."""
        value = self.text(name, required=required)
        if value is None:
            return None
        try:
            return parse(value)
        except CodedError as error:
            self._note("FORM", name, error.message, "Correct it.")
            return None

    def choice(self, name: str, kind: type[Member], *, required: bool = False) -> Member | None:
        """A member of a closed list, by any word it goes by."""
        value = self.text(name, required=required)
        if value is None:
            return None
        found = member_of(kind, value)
        if found is None:
            allowed = ", ".join(written(member) for member in kind)
            self._note("CLOSED_LIST", name, "The value is not in the closed list.", f"Write one of: {allowed}.")
        return found

    def flag(self, name: str) -> bool:
        """True or false, false if absent."""
        value = self.text(name)
        if value is None or value.lower() in _FALSE:
            return False
        if value.lower() not in _TRUE:
            self._note("FORM", name, "True or false is expected.", "Write true or false.")
        return value.lower() in _TRUE

    def day(self, name: str, *, required: bool = False) -> date | None:
        """A date as YYYY-MM-DD."""
        value = self.text(name, required=required)
        if value is None:
            return None
        try:
            if _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self._note("FORM", name, "This is no date of the calendar.", "Write it as YYYY-MM-DD, as in 2026-01-15.")
        return None

    def number(self, name: str) -> int | None:
        """A whole number from 0."""
        value = self.text(name)
        if value is None:
            return None
        if re.fullmatch(r"[0-9]{1,15}", value):
            return int(value)
        self._note("FORM", name, "A whole number from 0 is expected.", "Write digits only.")
        return None

    def decimal(self, name: str) -> Decimal | None:
        """A decimal number from 0."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value):
                return Decimal(value)
        except InvalidOperation:
            pass
        self._note("FORM", name, "A number from 0 is expected.", "Write digits, with a point before decimals.")
        return None

    def list_of(self, name: str, *, required: bool = False) -> list[tuple[Node, str]]:
        """The nodes of a list with the path of each; a single value counts as a list of one."""
        self._asked.add(name)
        node = self._fields.get(name)
        if node is None or (isinstance(node, TextNode) and not node.value.strip()):
            if required:
                self._note("REQUIRED", name, "The list is missing.", "List at least one; see docs/catalogue.md.")
            return []
        nodes = node.items if isinstance(node, ListNode) else (node,)
        if required and not nodes:
            self._note("REQUIRED", name, "The list is empty.", "List at least one; see docs/catalogue.md.")
        return [(inner, f"{self._path}{name}[{place}]") for place, inner in enumerate(nodes)]

    def parsed_list(self, name: str, parse: Callable[[str], Parsed], *, required: bool = False) -> tuple[Parsed, ...]:
        """A list of texts, each as ``parse`` reads it."""
        found: list[Parsed] = []
        for node, path in self.list_of(name, required=required):
            if not isinstance(node, TextNode):
                self._problem("FORM", path, node, "A text is expected.", "Write one value a line, each after a dash.")
                continue
            try:
                found.append(parse(node.value.strip()))
            except CodedError as error:
                self._problem("FORM", path, node, error.message, "Correct it.")
        return tuple(found)

    def group(self, name: str, *, required: bool = False) -> "FieldReader | None":
        """A reader on a group of fields, None if absent."""
        self._asked.add(name)
        node = self._fields.get(name)
        if node is None or (isinstance(node, TextNode) and not node.value.strip()):
            if required:
                self._note("REQUIRED", name, "The group of fields is missing.", "Fill it in; see docs/catalogue.md.")
            return None
        return FieldReader(node, self._problems, self.entry, f"{self._path}{name}.")

    def at(self, node: Node, path: str) -> "FieldReader":
        """A reader on one element of a list."""
        return FieldReader(node, self._problems, self.entry, f"{path}.")

    def finish(self) -> None:
        """Notes the fields that are not known here."""
        for name in self._fields:
            if name not in self._asked:
                near = difflib.get_close_matches(name, self._asked, n=1)
                known = ", ".join(sorted(self._asked))
                remedy = f"Did you mean {near[0]!r}?" if near else f"Known here: {known}."
                self._note("UNKNOWN_FIELD", name, "There is no such field.", remedy)

    def _note(self, rule: str, name: str, message: str, remedy: str) -> None:
        self._problem(rule, f"{self._path}{name}".rstrip("."), self._fields.get(name, self.node), message, remedy)

    def _problem(self, rule: str, path: str, node: Node, message: str, remedy: str) -> None:
        value = node.value if isinstance(node, TextNode) else ""
        self._problems.append(CatalogueProblem(rule, message, remedy, node.place, self.entry, path, value))


def member_of(kind: type[Member], word: str) -> Member | None:
    """The member of a closed list that a word stands for, None if there is none."""
    own = kind._value2member_map_.get(word)
    found = SYNONYMS.get(kind, {}).get(word) if own is None else own
    return found if isinstance(found, kind) else None


def read_list(
    text: str, name: str, of: str, read: Callable[[FieldReader, list[CatalogueProblem]], Parsed]
) -> tuple[Parsed, ...]:
    """What ``read`` makes of each element of a YAML list ``of`` something; CatalogueInvalid with all that is wrong."""
    problems: list[CatalogueProblem] = []
    try:
        root = parse_yaml(text, name)
    except DocumentError as error:
        raise CatalogueInvalid([error.problem]) from error
    if not isinstance(root, ListNode):
        raise CatalogueInvalid([CatalogueProblem("FORM", f"A list of {of} is expected.", "See docs.", Place(name))])
    found = tuple(read(FieldReader(node, problems), problems) for node in root.items)
    if problems:
        raise CatalogueInvalid(problems)
    return found

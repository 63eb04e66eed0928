"""A catalogue from its files: everything read, everything checked, all problems at once, or a catalogue in force."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.documents import (
    DocumentError,
    ListNode,
    MapNode,
    Node,
    TextNode,
    parse_json,
    parse_yaml,
    place_of,
    read_text,
)
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.errors import CATALOGUE_UNREADABLE, UNKNOWN_RESOURCE, CodedError
from catalog_sync.fields import FieldReader
from catalog_sync.identifiers import ClassKind, CreditCode, ResourceCode, is_class_code
from catalog_sync.licences import default_licence
from catalog_sync.partial_findings import certain_findings, doubtful_fields, is_doubtful
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem, Place, Severity
from catalog_sync.reading import identity_of, read_partly
from catalog_sync.rules import Finding, RegisteredProvider, Surroundings, findings

_SECTIONS = ("entries", "providers", "classes")


class Catalogue:
    """The entries in force, immutable; by code, by id and by type name.

    ``notices`` are problems that stop nothing, such as a legal basis due for review. ``on`` is the day for which it
    holds, today when left out.
    """

    def __init__(
        self,
        entries: Iterable[CatalogueEntry],
        notices: Iterable[CatalogueProblem] = (),
        classes: Mapping[str, str] | None = None,
        providers: Iterable[RegisteredProvider] = (),
        on: date | None = None,
    ) -> None:
        self._entries = tuple(entries)
        self.notices = tuple(notices)
        self.classes: Mapping[str, str] = MappingProxyType(dict(national_classes() if classes is None else classes))
        self.providers = tuple(providers)
        day = on or date_in_chongqing()
        self._released = tuple(entry for entry in self._entries if entry.in_force(day))
        self._by_code = {code: entry for entry in self._released for code in entry.codes}
        self._by_text = {str(code): entry for code, entry in self._by_code.items()}
        self._by_alias = {entry.alias: entry for entry in self._released}
        self._by_id = {entry.id: entry for entry in self._entries}

    @property
    def entries(self) -> tuple[CatalogueEntry, ...]:
        """Every entry, whatever its state: the whole catalogue can be searched by every department (R11)."""
        return self._entries

    @property
    def released(self) -> tuple[CatalogueEntry, ...]:
        """The entries released and, when the catalogue was loaded, in their period of validity; no other is served."""
        return self._released

    def entry(self, code: ResourceCode | str) -> CatalogueEntry | None:
        """The released entry that has this code in any of its classes, None if there is none."""
        return self._by_text.get(code) if isinstance(code, str) else self._by_code.get(code)

    def item(self, code: ResourceCode | str, alias: str) -> InformationItem | None:
        """The item of a released entry by its alias, None if either does not exist."""
        entry = self.entry(code)
        return None if entry is None else entry.item(alias)

    def typed(self, alias: str) -> CatalogueEntry | None:
        """The released entry whose GraphQL type has this name."""
        return self._by_alias.get(alias)

    def by_id(self, identity: str) -> CatalogueEntry:
        """The entry of that identity, whatever its state; CodedError UNKNOWN_RESOURCE if there is none."""
        try:
            return self._by_id[identity]
        except KeyError:
            raise CodedError(UNKNOWN_RESOURCE, f"The catalogue has no entry {identity!r}.") from None

    def __len__(self) -> int:
        return len(self._entries)


_REGISTRY = Place("the registry")


@dataclass(slots=True)
class _Collected:
    """What the files hold, while they are read."""

    nodes: list[Node] = field(default_factory=list)
    providers: dict[CreditCode, RegisteredProvider] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    registered: bool = False
    problems: list[CatalogueProblem] = field(default_factory=list)


def load_catalogue(directory: Path, *, today: date | None = None) -> Catalogue:
    """The catalogue written in the ``.yaml``, ``.yml`` and ``.json`` files under ``directory`` (or in one such file).

    A file holds one entry, a list of them, or the sections ``entries``, ``providers`` and ``classes``. Raises
    CatalogueInvalid with every problem of every file, CodedError CATALOGUE_UNREADABLE if there is nothing to read.
    """
    collected = _collected(directory)
    return check_documents(
        collected.nodes,
        today=today,
        classes=collected.classes,
        providers=tuple(collected.providers.values()) if collected.registered else None,
        problems=collected.problems,
    )


@dataclass(frozen=True, slots=True)
class Register:
    """Who keeps a catalogue, and which classes it has beside the national ones; None: no register is kept."""

    providers: tuple[RegisteredProvider, ...] | None = None
    classes: Mapping[str, str] = field(default_factory=dict)

    def credit_code(self, department: str) -> CreditCode | None:
        """The code of a department by its name in policy, or itself if it is a code; None for a stranger."""
        named = next((each for each in self.providers or () if each.department == department), None)
        if named is not None:
            return named.credit_code
        with suppress(CodedError):
            return CreditCode.parse(department)
        return None


def load_register(directory: Path) -> Register:
    """The sections ``providers`` and ``classes`` of the files under ``directory`` (or of one file); entries are left.

    Raises as ``load_catalogue`` does.
    """
    collected = _collected(directory)
    if collected.problems:
        raise CatalogueInvalid(collected.problems)
    providers = tuple(collected.providers.values()) if collected.registered else None
    return Register(providers, MappingProxyType(collected.classes))


def document_nodes(directory: Path) -> list[Node]:
    """The entries under ``directory`` as they are written, unchecked. Raises as ``load_catalogue`` does."""
    collected = _collected(directory)
    if collected.problems:
        raise CatalogueInvalid(collected.problems)
    return collected.nodes


def _collected(directory: Path) -> _Collected:
    collected = _Collected()
    for path in _files(directory):
        name = str(path.relative_to(directory)) if directory.is_dir() else path.name
        try:
            text = read_text(path, name)
            root = parse_json(text, name) if path.suffix == ".json" else parse_yaml(text, name)
            if root is not None:
                _collect(root, collected)
        except DocumentError as error:
            collected.problems.append(error.problem)
    return collected


def check_documents(
    nodes: Sequence[Node],
    *,
    today: date | None = None,
    classes: Mapping[str, str] | None = None,
    providers: Sequence[RegisteredProvider] | None = None,
    problems: Iterable[CatalogueProblem] = (),
    known: Iterable[CatalogueEntry] = (),
) -> Catalogue:
    """The catalogue of the entries written at ``nodes``, checked together and against the ``known`` ones.

    ``problems`` are those found before; with any error among all, CatalogueInvalid is raised.
    """
    found = list(problems)
    written = [_Written.at(node) for node in nodes]
    for each in written:
        found.extend(each.problems)
    entries = tuple(each.entry for each in written if not each.doubtful)
    unread = {code for each in written if each.doubtful for code in _codes_of(each.node)}
    all_classes = {**national_classes(), **(classes or {})}
    others = tuple(known)
    found.extend(_clashes(written, others))
    around = surroundings((*others, *entries), all_classes, providers, today, unread)
    for each in written:
        if not each.doubtful:
            breaches: Iterable[Finding] = findings(each.entry, around)
        elif isinstance(each.node, MapNode):
            breaches = certain_findings(each.entry, around, each.doubtful)
        else:
            continue
        found.extend(_as_problem(breach, each.entry, each.node) for breach in breaches)
    errors = [problem for problem in found if problem.severity is Severity.ERROR]
    if errors:
        raise CatalogueInvalid(errors)
    return Catalogue(entries, found, all_classes, providers or (), today)


@dataclass(frozen=True, slots=True)
class _Written:
    """An entry as it is written: what was read of it, and the fields that are not known for want of a right form."""

    node: Node
    entry: CatalogueEntry
    problems: Sequence[CatalogueProblem]
    doubtful: Collection[str]

    @staticmethod
    def at(node: Node) -> "_Written":
        entry, problems = read_partly(node)
        return _Written(node, entry, problems, doubtful_fields(problems))


def _as_problem(found: Finding, entry: CatalogueEntry, node: Node) -> CatalogueProblem:
    place = place_of(node, found.field)
    return CatalogueProblem(
        found.rule, found.message, found.remedy, place, entry.id, found.field, found.value, found.severity
    )


def surroundings(
    entries: Sequence[CatalogueEntry],
    classes: Mapping[str, str],
    providers: Sequence[RegisteredProvider] | None,
    today: date | None,
    unread: Collection[ResourceCode] = (),
) -> Surroundings:
    """What the rules look at: the department that first used a class of its own owns it where no register says so.

    ``unread`` are codes of entries that exist but could not be read: whoever refers to them is not to blame.
    """
    owners: dict[str, CreditCode] = {}
    for entry in entries:
        for code in entry.codes:
            if code.kind is ClassKind.DEPARTMENT:
                owners.setdefault(code.class_code, entry.provider.credit_code)
    day = today or date_in_chongqing()
    return Surroundings(
        today=day,
        entries={code: entry for entry in entries for code in entry.codes},
        classes=classes,
        providers=None if providers is None else {each.credit_code: each for each in providers},
        owners=owners,
        unread=frozenset(unread),
        licence=default_licence(day),
    )


def _codes_of(node: Node) -> Iterator[ResourceCode]:
    """The codes written at a node that is otherwise unreadable, as far as they are codes."""
    listed = node.fields.get("codes") if isinstance(node, MapNode) else None
    for inner in listed.items if isinstance(listed, ListNode) else ():
        with suppress(CodedError):
            yield ResourceCode.parse(inner.value if isinstance(inner, TextNode) else "")


@lru_cache(maxsize=1)
def national_classes() -> Mapping[str, str]:
    """The classes of the national tree that this distribution carries, code to name."""
    text = resources.files("catalog_sync").joinpath("classification.yaml").read_text(encoding="utf-8")
    root = parse_yaml(text, "classification.yaml")
    assert isinstance(root, MapNode)
    return MappingProxyType({code: node.value for code, node in root.fields.items() if isinstance(node, TextNode)})


def _files(directory: Path) -> list[Path]:
    if directory.is_file():
        return [directory]
    if not directory.is_dir():
        message = f"{str(directory)!r} is neither a directory nor a file."
        raise CodedError(CATALOGUE_UNREADABLE, f"{message} Give the directory that holds the catalogue's entries.")
    files = sorted(
        path for path in directory.rglob("*") if path.suffix in (".yaml", ".yml", ".json") and path.is_file()
    )
    if not files:
        message = f"{str(directory)!r} holds no .yaml, .yml or .json file."
        raise CodedError(CATALOGUE_UNREADABLE, f"{message} Write one entry or several into each file.")
    return files


def _collect(root: Node, collected: _Collected) -> None:
    if isinstance(root, ListNode):
        collected.nodes.extend(root.items)
    elif isinstance(root, MapNode) and not any(section in root.fields for section in _SECTIONS):
        collected.nodes.append(root)
    else:
        reader = FieldReader(root, collected.problems)
        collected.nodes.extend(node for node, _ in reader.list_of("entries"))
        for node, path in reader.list_of("providers"):
            collected.registered = True
            _collect_provider(reader.at(node, path), collected)
        if (classes := reader.group("classes")) is not None:
            _collect_classes(classes, collected)
        reader.finish()


def _collect_provider(reader: FieldReader, collected: _Collected) -> None:
    code = reader.parsed("uscc", CreditCode.parse, required=True)
    provider = RegisteredProvider(
        reader.text("name", required=True) or "",
        code or CreditCode(""),
        reader.text("responsible", required=True) or "",
        reader.text("unit", required=True) or "",
        reader.text("contact", required=True) or "",
        tuple(node.value for node, _ in reader.list_of("classes", required=True) if isinstance(node, TextNode)),
        reader.text("department"),
    )
    reader.finish()
    if code is not None and code in collected.providers:
        reader.note("DUPLICATE", "uscc", "This provider is registered twice.", "Keep one of the two.")
    elif code is not None:
        collected.providers[code] = provider


def _collect_classes(reader: FieldReader, collected: _Collected) -> None:
    assert isinstance(reader.node, MapNode)
    for code in reader.node.fields:
        name = reader.text(code, required=True)
        if not is_class_code(code):
            remedy = "Write 1, 2 or 3 and two digits; then three digits, then any number of them."
            reader.note("FORM", code, "This is no class code.", remedy)
        elif name is not None:
            collected.classes[code] = name


def _clashes(written: Sequence[_Written], known: Iterable[CatalogueEntry]) -> Iterable[CatalogueProblem]:
    """Ids, codes, type names and titles that two entries both claim (V14, V9 and the uniqueness of titles).

    A known entry of the same id is the one that is replaced, and claims nothing; nor does a written one of which the
    id is not known, for it may be to replace a known one.
    """
    named = [each for each in written if not is_doubtful("id", each.doubtful)]
    replaced = {each.entry.id for each in named}
    seen: dict[tuple[str, str], tuple[CatalogueEntry, Place]] = {
        (kind, value): (entry, _REGISTRY)
        for entry in known
        if entry.id not in replaced
        for _, _, kind, value in _claims(entry)
    }
    for each in named:
        entry, node = each.entry, each.node
        for rule, path, kind, value in _claims(entry):
            if is_doubtful(path, each.doubtful) or (kind == "title" and is_doubtful("provider.name", each.doubtful)):
                continue
            place = place_of(node, path)
            if (kind, value) not in seen:
                seen[kind, value] = (entry, place)
                continue
            other, where = seen[kind, value]
            if other is entry:
                continue
            message = f"{other.id} of {other.provider.name} ({where}) has the same {kind}."
            remedy = "Give one of the two another; entries are never merged because their names match."
            yield CatalogueProblem(rule, message, remedy, place, identity_of(node), path, value)


def _claims(entry: CatalogueEntry) -> Iterator[tuple[str, str, str, str]]:
    """What an entry alone may have: rule, field, kind and value."""
    yield "DUPLICATE", "id", "id", entry.id
    yield "V9", "alias", "alias", entry.alias
    for place, code in enumerate(entry.codes):
        yield "V14", f"codes[{place}]", "code", str(code)
    yield "DUPLICATE", "title", "title", f"{entry.title} of {entry.provider.name}"

"""What ``watersmeet catalogue ...`` does, as functions from paths to a text and an exit code; printing is the caller's.

Exit codes: 0 done, 1 problems found, 2 wrong usage (a path that is not there, a format that is none).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.comparison import Change, Effect, changes_between
from catalog_sync.dcat import dcat_text
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import CodedError
from catalog_sync.interchange import export_catalogue, import_catalogue
from catalog_sync.languages import Sentence
from catalog_sync.licences import licence_of
from catalog_sync.loading import Catalogue
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem
from catalog_sync.search import CatalogueSearch, Search

DONE, PROBLEMS, WRONG_USAGE = 0, 1, 2
Standing = Callable[[list[str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command says and the code it exits with."""

    exit_code: int
    text: str


def check(source: Path, *, as_json: bool = False, today: date | None = None) -> CommandResult:
    """Reads and checks a catalogue: every problem, or what it holds."""
    try:
        catalogue = import_catalogue(source, today=today)
    except CodedError as error:
        return _refused(error, as_json)
    notices = catalogue.notices
    if as_json:
        told = {"entries": len(catalogue), "items": _items(catalogue), "problems": [n.as_json() for n in notices]}
        return CommandResult(DONE, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    listed = "".join(f"{notice}\n" for notice in notices)
    summary = f"{len(catalogue)} entries with {_items(catalogue)} items are in order"
    return CommandResult(DONE, f"{listed}{summary}{f', {len(notices)} notices' if notices else ''}.\n")


def convert(source: Path, target: Path, *, today: date | None = None) -> CommandResult:
    """Import and export alike: reads a catalogue in one format, checks it, writes it in another."""
    try:
        catalogue = import_catalogue(source, today=today)
        export_catalogue(catalogue.entries, target)
    except CodedError as error:
        return _refused(error, as_json=False)
    except OSError as error:
        return CommandResult(WRONG_USAGE, f"{str(target)!r} cannot be written: {error.strerror}.\n")
    return CommandResult(DONE, f"{len(catalogue)} entries written to {target}.\n")


def publish_dcat(source: Path, base: str) -> CommandResult:
    """The open part of a catalogue as DCAT-AP in JSON-LD; ``base`` is the opening portal's address."""
    try:
        catalogue = import_catalogue(source)
    except CodedError as error:
        return _refused(error, as_json=False)
    return CommandResult(DONE, dcat_text(catalogue.released, base.rstrip("/"), catalogue.classes, date_in_chongqing()))


def diff(before: Path, after: Path, *, as_json: bool = False) -> CommandResult:
    """What changed between two catalogues, entry by entry; exits 1 if anything breaks or narrows."""
    try:
        old = {entry.id: entry for entry in import_catalogue(before).entries}
        new = {entry.id: entry for entry in import_catalogue(after).entries}
    except CodedError as error:
        return _refused(error, as_json)
    changed = [(identity, _changes(old.get(identity), new.get(identity))) for identity in dict.fromkeys((*old, *new))]
    found = [(identity, changes) for identity, changes in changed if changes]
    harmful = any(change.effect in (Effect.BREAKING, Effect.NARROWING) for _, changes in found for change in changes)
    if as_json:
        told = [{"entry": identity, "changes": [_change_json(each) for each in changes]} for identity, changes in found]
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    else:
        text = "".join(f"{identity}\n" + "".join(f"  {each}\n" for each in changes) for identity, changes in found)
        text = text or "The two catalogues say the same.\n"
    return CommandResult(PROBLEMS if harmful else DONE, text)


def search(source: Path | Search, query: str, *, limit: int = 20, as_json: bool = False) -> CommandResult:
    """Entries in which every word of a query is found, in files or in what is open to be searched."""
    today = date_in_chongqing()
    try:
        hits = _searched(source).find(query, limit=limit)
    except CodedError as error:
        return _refused(error, as_json)
    if as_json:
        told = [
            {
                "code": str(hit.entry.code), "title": hit.entry.title, "provider": hit.entry.provider.name,
                "sharing": hit.entry.sharing.value, "opening": hit.entry.opening.value,
                "licence": _licence_json(hit.entry, today),
                "items": [item.alias for item in hit.items],
            }
            for hit in hits
        ]  # fmt: skip
        return CommandResult(DONE, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    lines = [
        f"{hit.entry.code}  {hit.entry.title}  {hit.entry.provider.name}  {hit.entry.sharing}, {hit.entry.opening}"
        + (f", {licence.code}" if (licence := licence_of(hit.entry, today)) is not None else "")
        + "".join(f"\n    {item.alias} {item.name}: {item.sharing}, {item.opening}" for item in hit.items)
        for hit in hits
    ]
    return CommandResult(DONE, "".join(f"{line}\n" for line in lines) or "Nothing found.\n")


def obtainable(source: Path | Search, wanted: list[str], standing: Standing | None = None) -> CommandResult:
    """Which of the items wanted departments have already, from whom, at which tier (R22); exits 1 if one is nowhere.

    ``standing`` says of items how they stand for one caller.
    """
    try:
        answers = _searched(source).obtainable(wanted)
        told = standing([each.name for answer in answers for each in answer.sources]) if standing else {}
    except CodedError as error:
        return _refused(error, as_json=False)
    missing = any(not answer.sources for answer in answers)
    return CommandResult(PROBLEMS if missing else DONE, "".join(answer.text(told) for answer in answers))


def _searched(source: Path | Search) -> Search:
    return source if isinstance(source, Search) else CatalogueSearch(import_catalogue(source).entries)


def _refused(error: CodedError, as_json: bool) -> CommandResult:
    invalid = isinstance(error, CatalogueInvalid)
    problems: tuple[CatalogueProblem, ...] = tuple(error.problems) if isinstance(error, CatalogueInvalid) else ()
    if as_json:
        told = {"code": error.code.name, "problems": [problem.as_json() for problem in problems]}
        if not invalid:
            told["message"] = error.message
        return CommandResult(
            PROBLEMS if invalid else WRONG_USAGE, json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        )
    return CommandResult(PROBLEMS if invalid else WRONG_USAGE, f"{error.message}\n")


def _items(catalogue: Catalogue) -> int:
    return sum(len(entry.items) for entry in catalogue.entries)


def _licence_json(entry: CatalogueEntry, today: date) -> dict[str, object] | None:
    licence = licence_of(entry, today)
    if licence is None:
        return None
    said = {"title": _both(licence.title), "conditions": _both(licence.conditions)}
    return {"code": licence.code, "version": licence.version, "link": licence.link, **said,
            "acceptance": licence.acceptance}  # fmt: skip


def _both(said: Sentence) -> dict[str, str]:
    return {"zh": said.chinese, "en": said.english}


def _changes(before: CatalogueEntry | None, after: CatalogueEntry | None) -> tuple[Change, ...]:
    if before is not None and after is not None:
        return changes_between(before, after)
    if after is not None:
        return (Change("entry", "", after.title, Effect.WIDENING),)
    assert before is not None
    return (Change("entry", before.title, "", Effect.BREAKING),)


def _change_json(change: Change) -> dict[str, str]:
    return {"path": change.path, "before": change.before, "after": change.after, "effect": change.effect.value}

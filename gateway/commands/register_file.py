"""Editing the file of callers: what people wrote around the keys stays as they wrote it.

The new text is read as the gateway reads it before it takes the place of the old, and takes it in one step: whoever
looks sees the one or the other. Two commands at once edit one after the other.
"""

import fcntl
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import ParseError

from gateway.errors import CodedError
from policies.credentials import ApiKeys, CallerRegister, Certificates, RegisteredCaller, read_register
from policies.errors import CREDENTIALS_INVALID

Table = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key to be written down; ``like`` is the entry whose scope it has."""

    id: str
    sha256: str
    expires: datetime | None = None
    like: Mapping[str, Any] | None = None

    def entry(self) -> dict[str, Any]:
        """As the file writes it."""
        like = self.like or {}
        scope = {name: like[name] for name in ("zones", "purposes", "certificate") if name in like}
        ends = {} if self.expires is None else {"expires": self.expires}
        return {"id": self.id, "sha256": self.sha256, **ends, **scope}


class RegisterText:
    """The file of callers while it is edited."""

    def __init__(self, document: tomlkit.TOMLDocument, path: Path) -> None:
        self._document = document
        self._path = path

    def add_caller(self, subject: str, kind: str, department: str | None) -> None:
        """Writes down a caller without keys, unless it is there."""
        if any(caller["subject"] == subject for caller in self._callers()):
            return
        table = tomlkit.table()
        table.add("subject", subject)
        table.add("kind", kind)
        if department is not None:
            table.add("department", department)
        if "callers" not in self._document:
            self._document.add("callers", tomlkit.aot())
        cast(Any, self._document["callers"]).append(table)

    def keys(self, subject: str) -> list[Table]:
        """The entries of a caller's keys. Raises CodedError CREDENTIALS_INVALID where there is no such caller."""
        return list(self._caller(subject).get("keys", ()))

    def add_key(self, subject: str, key: NewKey) -> None:
        """Adds a key to a caller. Raises CodedError CREDENTIALS_INVALID where it has one with this id."""
        caller = self._caller(subject)
        if any(entry["id"] == key.id for entry in caller.get("keys", ())):
            raise CodedError(CREDENTIALS_INVALID, f"{subject} has a key {key.id} already; choose another --id.")
        if "keys" not in caller:
            caller["keys"] = tomlkit.aot()
        keys = caller["keys"]
        written = tomlkit.inline_table() if isinstance(keys, tomlkit.items.Array) else tomlkit.table()
        written.update(key.entry())
        keys.append(written)

    def _callers(self) -> list[Table]:
        return list(cast(Any, self._document.get("callers", ())))

    def _caller(self, subject: str) -> Table:
        for caller in self._callers():
            if caller["subject"] == subject:
                return caller
        raise CodedError(CREDENTIALS_INVALID, f"{self._path}: there is no caller {subject}; `key create` adds one.")


@contextmanager
def edited(path: Path) -> Iterator[RegisterText]:
    """The file for editing; written when the block ends without an error. A file that is not there is begun.

    Raises CodedError CREDENTIALS_INVALID where it is not TOML, or what came out is no register.
    """
    if path.suffix in (".yaml", ".yml"):
        raise CodedError(CREDENTIALS_INVALID, f"{path}: commands edit TOML; a file in YAML is edited by hand.")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            document = tomlkit.parse(before)
        except ParseError as error:
            raise CodedError(CREDENTIALS_INVALID, f"{path} cannot be read: {error}.") from None
        _checked(before, path)
        yield RegisterText(document, path)
        after = tomlkit.dumps(document)
        _checked(after, path)
        _replace(path, after)
        os.fsync(folder)
    finally:
        os.close(folder)


def read_callers(path: Path) -> tuple[RegisteredCaller, ...]:
    """The callers in a file of TOML. Raises CodedError CREDENTIALS_INVALID."""
    if not path.exists():
        raise CodedError(CREDENTIALS_INVALID, f"There is no file of callers {path}.")
    return _checked(path.read_text(encoding="utf-8"), path).callers


def moment() -> datetime:
    """Now, as files of callers write it."""
    return datetime.now(UTC).replace(microsecond=0)


def _checked(text: str, path: Path) -> CallerRegister:
    try:
        register = read_register(tomllib.loads(text), str(path))
    except tomllib.TOMLDecodeError as error:
        raise CodedError(CREDENTIALS_INVALID, f"{path} cannot be read: {error}.") from None
    ApiKeys(register.callers)
    Certificates(register.callers, path.parent)
    return register


def _replace(path: Path, text: str) -> None:
    handle, written = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with ExitStack() as unfinished:
        unfinished.callback(os.unlink, written)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        os.replace(written, path)
        unfinished.pop_all()

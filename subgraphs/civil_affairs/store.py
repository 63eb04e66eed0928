"""Civil affairs' files: a folder of XML documents, one a district and kind, read into memory when the process starts.

Documents are data from elsewhere, so they are parsed by defusedxml: no entity is expanded, nothing is fetched.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from xml.sax.saxutils import quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from subgraphs.kit.department import StoreLocation
from subgraphs.kit.errors import STORE_UNREADABLE, CodedError


class MarriageRecord(NamedTuple):
    """One party of a registered marriage or divorce; ``resident`` is the party's surrogate."""

    id: str
    resident: str
    resident_id: str
    marital_status: str
    registered_on: str
    certificate_no: str


class AllowanceRecord(NamedTuple):
    """A household's minimum living allowance; ``resident`` is the surrogate of the applicant. Money in 元, as text."""

    id: str
    resident: str
    resident_id: str
    case_no: str
    monthly_amount: str
    approved_on: str
    member_count: str


class OrganisationRecord(NamedTuple):
    """A registered social organisation."""

    credit_code: str
    name: str
    kind: str
    division_code: str
    annual_review: str


KINDS: Mapping[str, Callable[..., Any]] = {
    "marriage": MarriageRecord,
    "allowance": AllowanceRecord,
    "organisation": OrganisationRecord,
}


_SPECIAL = re.compile("[&<>\"'\n\r\t]")


def write(folder: Path, kind: str, division: str, records: Iterable[NamedTuple]) -> None:
    """Writes one document: the records of a kind (``marriage``, ``allowance``, ``organisation``) in one district."""
    (folder / kind).mkdir(parents=True, exist_ok=True)
    with (folder / kind / f"{division}.xml").open("w", encoding="utf-8") as stream:
        stream.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<records kind="{kind}" division="{division}">\n')
        for record in records:
            values = zip(record._fields, record, strict=True)
            stream.write(f"<{kind} {' '.join(f'{name}={_attribute(value)}' for name, value in values)}/>\n")
        stream.write("</records>\n")


def _attribute(value: str) -> str:
    return quoteattr(value) if _SPECIAL.search(value) else f'"{value}"'


def read(folder: Path, kind: str) -> list[Any]:
    """All records of a kind. Raises CodedError STORE_UNREADABLE naming the document that cannot be read."""
    record = KINDS[kind]
    paths = sorted((folder / kind).glob("*.xml"))
    if not paths:
        raise CodedError(STORE_UNREADABLE, f"There are no documents in {folder / kind}.")
    found: list[Any] = []
    for path in paths:
        try:
            found += [record(**element.attrib) for _, element in iterparse(str(path)) if element.tag == kind]
        except (ParseError, DefusedXmlException, TypeError) as error:
            raise CodedError(STORE_UNREADABLE, f"The document {path} cannot be read: {type(error).__name__}.") from None
    return found


_R = TypeVar("_R")


class Indexed(Generic[_R]):
    """Records in the order they came, and by the values of two of their fields."""

    def __init__(self, records: Sequence[_R], identity: str, other: str) -> None:
        self.records = records
        self.by_identity: Mapping[str, _R] = {getattr(record, identity): record for record in records}
        self.by_other: dict[str, list[_R]] = {}
        for record in records:
            self.by_other.setdefault(getattr(record, other), []).append(record)


class CivilFiles:
    """Everything the documents hold."""

    def __init__(
        self,
        marriages: Sequence[MarriageRecord],
        allowances: Sequence[AllowanceRecord],
        organisations: Sequence[OrganisationRecord],
    ) -> None:
        self.marriages = Indexed(marriages, "id", "resident")
        self.allowances = Indexed(allowances, "id", "resident")
        self.organisations = Indexed(organisations, "credit_code", "division_code")

    def describe(self) -> str:
        """See DepartmentStore."""
        people, houses, bodies = self.marriages, self.allowances, self.organisations
        return (
            f"XML documents, {len(people.records):,} marriage records, {len(houses.records):,} allowances, "
            f"{len(bodies.records):,} organisations"
        )


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[CivilFiles]:
    """The documents under ``location.folder``. Raises CodedError STORE_UNREADABLE."""
    yield CivilFiles(*(read(location.folder, kind) for kind in KINDS))

"""A department made for tests: libraries and their books, in memory, with every loading counted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date

import strawberry

from subgraphs.kit.binding import entity, related
from subgraphs.kit.department import Department, StoreLocation
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request

LIBRARY, BOOK = "30700513/1", "30700513/2"


@dataclass
class Shelves:
    """The store: what it was asked for, call by call."""

    calls: list[tuple[str, int]] = field(default_factory=list)

    def describe(self) -> str:
        return "memory"


Asked = Request[Shelves]


async def books_of(libraries: Sequence["Library"], request: Asked, first: int = 2) -> "list[list[Book] | Exception]":
    request.store.calls.append(("books", len(libraries)))
    if any(library.library_no == "burnt" for library in libraries):
        return [
            ValueError("burnt: 宋静娟") if library.library_no == "burnt" else _books(library, first)
            for library in libraries
        ]
    return [_books(library, first) for library in libraries]


def _books(library: "Library", first: int) -> "list[Book]":
    return [
        Book(
            isbn=strawberry.ID(f"{library.library_no}-{n}"), title=f"书{n}", bought_on=date(2020, 1, n), library=library
        )
        for n in range(1, first + 1)
    ]


@entity("libraryNo", code=LIBRARY)
class Library:
    library_no: strawberry.ID
    display_name: str | None
    division_code: str | None
    opened_on: date | None
    books: "list[Book | None] | None" = related(books_of)

    @strawberry.field
    def alarm_code(self, equals: str) -> bool | None:
        """Whether the alarm code is the one offered."""
        return equals == "1234"

    @classmethod
    async def resolve_references(
        cls, references: Sequence[Reference], request: Asked
    ) -> "list[Library | Exception | None]":
        request.store.calls.append(("libraries", len(references)))
        return [_library(reference["library_no"]) for reference in references]


def _library(number: str) -> "Library | Exception | None":
    if number == "fire":
        return RuntimeError("the shelf of 康红玉 is on fire")
    if number == "none":
        return None
    if number == "nameless":
        return Library(library_no=None, display_name=ValueError("no name"), division_code=None, opened_on=None)  # type: ignore[arg-type]
    if number == "undated":
        return Library(library_no=strawberry.ID(number), display_name="x", division_code=None, opened_on=object())  # type: ignore[arg-type]
    division = "500103" if number[-1] in "02468" else "500105"
    return Library(library_no=strawberry.ID(number), display_name=f"第{number}图书馆", division_code=division, opened_on=date(1987, 5, 4))  # fmt: skip  # noqa: E501


@entity("isbn", code=BOOK)
class Book:
    isbn: strawberry.ID
    title: str | None
    bought_on: date | None
    library: Library | None


@entity("id")
class ResidentBasic:
    """Another department's type to which this one adds a field."""

    id: strawberry.ID
    reader_card: str | None = related(lambda residents, request: _cards(residents))


async def _cards(residents: Sequence[ResidentBasic]) -> list[str]:
    return [f"card of {resident.id}" for resident in residents]


@strawberry.type
class Query:
    @strawberry.field
    async def libraries(self, info: strawberry.Info[Asked, None], first: int = 4) -> list[Library | None] | None:
        """Libraries by number."""
        return [_library(str(n)) for n in range(first)]  # type: ignore[misc]

    @strawberry.field
    async def library(self, library_no: str) -> Library | None:
        """One library."""
        return _library(library_no)  # type: ignore[return-value]

    @strawberry.field
    def broken(self) -> str | None:
        """Always fails."""
        raise RuntimeError("password is " + "hunter".upper())


@asynccontextmanager
async def open_store(_: StoreLocation) -> AsyncIterator[Shelves]:
    yield Shelves()


department = Department("library", "文化旅游委", Query, open_store, types=(Library, Book, ResidentBasic))

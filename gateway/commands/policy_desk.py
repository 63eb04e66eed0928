"""What ``watersmeet policy`` works with: the catalogue's items, the office over the store, who acts, files of tests."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from catalog_sync.loading import Catalogue, load_catalogue
from gateway.commands.hand import hand
from gateway.errors import CodedError
from gateway.policy_source import items_of, open_store, read_key, run_apart
from gateway.registry_source import read_registered_catalogue
from gateway.settings import SETTINGS_INVALID, Settings, load_settings
from gateway.sources import read_text
from policies.drafts import Draft, PolicyTest
from policies.items import ItemTiers
from policies.ports import PolicyStore
from policies.publication import Person, PolicyOffice

T = TypeVar("T")

ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The gateway's settings.")]
PersonOption = Annotated[str, typer.Option("--as", metavar="PERSON@DEPARTMENT", help="Who acts: user:ada@tax.")]
DraftArgument = Annotated[str, typer.Argument(metavar="DRAFT", help="The draft's id.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why, in a sentence; kept in the ledger.")]
TestsOption = Annotated[
    Path | None, typer.Option("--tests", metavar="FILE", help="Policy tests, a list in YAML or JSON.")
]


def items_under(config: Path) -> dict[str, ItemTiers]:
    """The items of the catalogue that the settings name."""
    return items_of(catalogue_of(load_settings(config)))


def catalogue_of(settings: Settings) -> Catalogue:
    """The catalogue of the registry, or else of the folder. Raises CodedError SETTINGS_INVALID where neither is set."""
    if settings.registry.store:
        return read_registered_catalogue(settings.registry.store)
    if not settings.access.catalogue:
        raise CodedError(
            SETTINGS_INVALID, "Neither registry.store nor access.catalogue is set; name the store or folder of entries."
        )
    return load_catalogue(Path(settings.access.catalogue))


def at_office(config: Path, act: Callable[[PolicyOffice, PolicyStore], Awaitable[T]]) -> T:
    """What ``act`` does with the office and the store that the settings name."""
    settings = load_settings(config)
    if not settings.access.store:
        raise CodedError(SETTINGS_INVALID, "access.store is not set; drafts and versions live in a store.")
    key = read_key(settings.access.store_key, "access.store_key")
    catalogue = catalogue_of(settings)

    async def work() -> T:
        async with open_store(settings.access.store) as store:
            with ThreadPoolExecutor(1) as prover:
                return await act(PolicyOffice(store, key, lambda: items_of(catalogue), executor=prover), store)

    return run_apart(work)


async def found_draft(store: PolicyStore, identity: str) -> Draft:
    """A draft. Raises CodedError SETTINGS_INVALID, naming those there are."""
    draft = await store.draft(identity)
    if draft is None:
        known = ", ".join(each.id for each in await store.drafts()) or "none"
        raise CodedError(SETTINGS_INVALID, f"There is no draft {identity}; there are: {known}.")
    return draft


def person_of(text: str) -> Person:
    """Who acts, by the word of whoever runs the command. CodedError SETTINGS_INVALID for what is written otherwise."""
    subject, at, department = text.partition("@")
    if not at or not department or not subject.startswith("user:"):
        raise CodedError(SETTINGS_INVALID, f"--as {text}: a person is written user:NAME@DEPARTMENT.")
    return Person(subject, department, unproved=hand())


def read_tests(path: Path) -> tuple[PolicyTest, ...]:
    """The policy tests in a file. Raises CodedError SETTINGS_INVALID saying which is malformed, and how."""
    try:
        return msgspec.yaml.decode(read_text(path), type=tuple[PolicyTest, ...])
    except msgspec.MsgspecError as error:
        raise CodedError(
            SETTINGS_INVALID,
            f"{path}: {error}. A test is written {{name: ..., subject: app:portal, department: welfare, "
            "item: 30700503/1.name, allowed: true}, with zone, purpose, act, rows and at where they matter.",
        ) from None

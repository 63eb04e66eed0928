"""The registry that a command works on: named by the settings or by its address, with whoever acts there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog_sync.commands import Standing
from catalog_sync.comparison import LiveGrant
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import CodedError
from catalog_sync.languages import Language
from catalog_sync.lifecycle import Side
from catalog_sync.loading import Catalogue
from catalog_sync.office import Acting, CatalogueOffice
from catalog_sync.platform import open_platform
from catalog_sync.registry import Actor
from gateway.commands.hand import hand
from gateway.level import office_of
from gateway.releasing.users import Users, find_grants, find_users
from gateway.server.stored_documents import read_trusted
from gateway.settings import SETTINGS_INVALID, Settings, load_settings
from policies.callers import ANONYMOUS_SUBJECT, anonymous
from policies.credentials import CallerRegister
from policies.items import ItemTiers, items_of_catalogue


@dataclass(frozen=True, slots=True)
class Registry:
    """An open registry."""

    settings: Settings
    office: CatalogueOffice

    def provider(self, person: str) -> Actor:
        """The person on the side of a provider. CodedError SETTINGS_INVALID if it names no department."""
        return self._actor(person, Side.PROVIDER)

    def competent(self, person: str) -> Actor:
        """The person on the side of the competent department."""
        return self._actor(person, Side.COMPETENT)

    def providers(self, person: str) -> Acting:
        """As ``provider``; ``PERSON@*`` brings a catalogue over, each entry in the name of its own provider."""
        subject, _, department = person.partition("@")
        if department != "*":
            return self.provider(person)

        def own(entry: CatalogueEntry) -> Actor:
            return Actor(subject, entry.provider.credit_code, Side.PROVIDER, hand())

        return own

    def grants(self) -> tuple[LiveGrant, ...]:
        """The live grants, where the settings name a policy store; none otherwise."""
        from gateway.policy_source import open_store, run_apart  # the stores and Casbin take long to import

        items, now = self._items(), self.office.now

        async def find() -> tuple[LiveGrant, ...]:
            async with open_store(self.settings.access.store) as store:
                return await find_grants(store, items, now)

        return run_apart(find) if self.settings.access.store else ()

    def standing(self, subject: str, purpose: str | None, language: Language) -> Standing:
        """How items stand under the live policy for a caller of ``access.callers``, or for ``anon``."""
        from gateway.admin.obtaining import standing
        from gateway.policy_source import live_tables
        from gateway.server.authentication import read_register_file

        access = self.settings.access
        register = read_register_file(Path(access.callers)) if access.callers else CallerRegister()
        callers = {each.subject: each for each in register.callers}
        if subject == ANONYMOUS_SUBJECT:
            caller = anonymous(access.zone, purpose)
        elif (found := callers.get(subject)) is not None:
            caller = found.caller(access.zone, purpose)
        else:
            known = ", ".join((*callers, ANONYMOUS_SUBJECT))
            raise CodedError(SETTINGS_INVALID, f"--for {subject}: access.callers names {known}.")
        tables = live_tables(access, Catalogue(self.office.in_force()))
        return lambda items: standing(tables, caller, items, self.office.now, language)

    def users(self) -> Users:
        """Who uses the graph, as far as the settings let one look."""
        from gateway.policy_source import open_store, run_apart

        items, now, trusted = self._items(), self.office.now, self.settings.documents.trusted
        documents = read_trusted(Path(trusted)) if trusted else None

        async def find() -> Users:
            if not self.settings.access.store:
                return await find_users(None, documents, items, now)
            async with open_store(self.settings.access.store) as store:
                return await find_users(store, documents, items, now)

        return run_apart(find)

    def _items(self) -> Mapping[str, ItemTiers]:
        return items_of_catalogue(self.office.in_force(), self.office.today)

    def _actor(self, person: str, side: Side) -> Actor:
        subject, at, department = person.partition("@")
        code = self.office.register.credit_code(department)
        if not at or not subject.startswith("user:") or code is None:
            raise CodedError(
                SETTINGS_INVALID,
                f"--as {person}: a person is written user:NAME@DEPARTMENT, with a department of registry.departments "
                "or a credit code.",
            )
        return Actor(subject, code, side, hand())


@contextmanager
def open_registry(config: Path | None, address: str | None) -> Iterator[Registry]:
    """The registry at ``address``, or the one that the settings name. CodedError SETTINGS_INVALID if neither does."""
    settings = load_settings(config)
    store = address or settings.registry.store
    if not store:
        raise CodedError(SETTINGS_INVALID, "registry.store is not set: name the registry with --config or --registry.")
    with open_platform(store) as platform:
        yield Registry(settings, office_of(settings, platform))

"""This level, from the settings: the office over its registry's store, and its exchange with other levels."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.closed_lists import EntryState, Network
from catalog_sync.endpoint import exchange_routes
from catalog_sync.errors import CodedError as CatalogueError
from catalog_sync.exchange import Exchange
from catalog_sync.identifiers import DivisionCode
from catalog_sync.loading import Register, load_register
from catalog_sync.office import CatalogueOffice
from catalog_sync.platform import CataloguePlatform, open_platform
from catalog_sync.registry import EntryRecord, EntryVersion
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.signing import Peer, SigningKey
from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID, PeerSettings, Settings
from gateway.sources import read_text

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Offered:
    """What was put on its way to a level: how many versions, and the ids of those that may not travel there."""

    versions: int
    kept_back: tuple[str, ...]


def office_of(settings: Settings, platform: CataloguePlatform) -> CatalogueOffice:
    """The office over an open store, with the departments on file. Raises CodedError for a file not in order."""
    departments = settings.registry.departments
    register = load_register(Path(departments)) if departments else Register()
    return CatalogueOffice(platform, register, settings.access.rules)


@contextmanager
def open_level(settings: Settings) -> Iterator[Exchange]:
    """The exchange over the registry's store, open while entered."""
    if not settings.registry.store:
        raise CodedError(SETTINGS_INVALID, "registry.store is not set: a level keeps its catalogue there.")
    with open_platform(settings.registry.store) as platform:
        yield exchange_of(settings, platform)


class LevelEndpoint:
    """The addresses at which other levels reach this one, from now until it is closed."""

    def __init__(self, settings: Settings) -> None:
        self._open = ExitStack()
        self.routes = exchange_routes(self._open.enter_context(open_level(settings)))

    def close(self) -> None:
        """Closes the store; nothing is answered any more."""
        self._open.close()


def offer_all(
    exchange: Exchange, platform: CataloguePlatform, receiver: str, progress: Callable[[int, int], None]
) -> Offered:
    """Puts every version that came into or out of force on its way to a level; what was offered before counts once."""
    newest = tuple(platform.entries.newest())
    offered, kept_back = 0, []
    with platform.database.transaction():
        for done, entry in enumerate(newest):
            progress(done, len(newest))
            record = platform.entries.record(entry.id)
            told = None if record is None else _to_tell(record)
            if told is None:
                continue
            if exchange.offer(receiver, told.entry, told.trigger):
                offered += 1
            else:
                kept_back.append(entry.id)
    progress(len(newest), len(newest))
    return Offered(offered, tuple(kept_back))


def _to_tell(record: EntryRecord) -> EntryVersion | None:
    """The version in force, or the last that was taken out of it; None for what never was in force."""
    withdrawn = (each for each in reversed(record.versions) if each.state is EntryState.WITHDRAWN)
    return record.released or next(withdrawn, None)


def exchange_of(settings: Settings, platform: CataloguePlatform) -> Exchange:
    """The exchange of the level that the section ``sync`` names. CodedError SETTINGS_INVALID naming what is wrong."""
    sync = settings.sync
    if not sync.division or not sync.key:
        raise CodedError(SETTINGS_INVALID, "sync.division and sync.key are not set, so this registry is no level.")
    if sync.superior and sync.superior not in settings.peers:
        raise CodedError(SETTINGS_INVALID, f"sync.superior: {sync.superior} is no name under peers.")
    return Exchange(
        platform.database,
        _division("sync.division", sync.division),
        Network(sync.network),
        read_level_key(Path(sync.key)),
        [_peer(name, told) for name, told in settings.peers.items()],
        profile_in_force(settings.access.rules, date_in_chongqing()),
        superior=sync.superior or None,
    )


def read_level_key(path: Path) -> SigningKey:
    """The key in a file that ``watersmeet sync key`` wrote. CodedError SETTINGS_INVALID if it holds none."""
    identity, _, secret = read_text(path).strip().partition(":")
    return SigningKey.from_bytes(identity, _raw(f"{path}", secret))


def key_text(key: SigningKey) -> str:
    """A key as ``read_level_key`` reads it."""
    return f"{key.id}:{key.to_bytes().hex()}\n"


def _peer(name: str, told: PeerSettings) -> Peer:
    division, _, network = name.partition("-")
    if network not in set(Network):
        raise CodedError(SETTINGS_INVALID, f"peers.{name}: a level is named by division and network: 500000-extranet.")
    keys: Mapping[str, bytes] = {
        identity: _raw(f"peers.{name}.keys.{identity}", k) for identity, k in told.keys.items()
    }
    return Peer(_division(f"peers.{name}", division), keys, Network(network))


def _division(setting: str, text: str) -> DivisionCode:
    try:
        return DivisionCode.parse(text)
    except CatalogueError as error:
        raise CodedError(SETTINGS_INVALID, f"{setting}: {error.message}") from None


def _raw(place: str, text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise CodedError(SETTINGS_INVALID, f"{place}: a key is {2 * KEY_BYTES} hexadecimal digits.")
    return raw

"""This level among the others, from the settings: its exchange over the registry's store."""

from collections.abc import Mapping
from pathlib import Path

from catalog_sync.closed_lists import Network
from catalog_sync.errors import CodedError as CatalogueError
from catalog_sync.exchange import Exchange
from catalog_sync.identifiers import DivisionCode
from catalog_sync.loading import date_in_chongqing
from catalog_sync.platform import CataloguePlatform
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.signing import Peer, SigningKey
from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID, PeerSettings, Settings
from gateway.sources import read_text

KEY_BYTES = 32


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

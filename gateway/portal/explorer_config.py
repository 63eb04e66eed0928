"""What an operator can put ready into the explorer: callers to switch between and queries to start from."""

from pathlib import Path

import msgspec

from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID

CALLER_HEADERS = ("X-API-Key", "X-Purpose", "X-Case-Number", "X-Officer")


class ReadyCaller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A caller to choose by name. No headers: the public. Everyone who sees the page sees these credentials too.

    Texts ending in ``_zh`` stand on the Chinese page; where they are empty, the others do.
    """

    label: str
    label_zh: str = ""
    description: str = ""
    description_zh: str = ""
    headers: dict[str, str] = {}


class ReadyQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query to load with one click."""

    label: str
    label_zh: str = ""
    query: str
    description: str = ""
    description_zh: str = ""
    variables: dict[str, object] = {}


class ExplorerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is ready-made; the first query stands in the editor when the page opens."""

    callers: tuple[ReadyCaller, ...] = ()
    queries: tuple[ReadyQuery, ...] = ()


def read_explorer_config(path: str) -> ExplorerConfig:
    """Reads the JSON file at ``path`` (empty: nothing is ready-made).

    Raises CodedError SETTINGS_INVALID naming the file and the place in it.
    """
    if not path:
        return ExplorerConfig()
    try:
        config = msgspec.json.decode(Path(path).read_bytes(), type=ExplorerConfig)
    except OSError as error:
        raise CodedError(SETTINGS_INVALID, f"server.explorer_config: {path}: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise CodedError(SETTINGS_INVALID, f"server.explorer_config: {path}: {error}.") from None
    for caller in config.callers:
        unknown = sorted(caller.headers.keys() - CALLER_HEADERS)
        if unknown:
            raise CodedError(
                SETTINGS_INVALID,
                f"server.explorer_config: {path}: caller {caller.label!r} has the header {unknown[0]}; "
                f"a caller is described by {', '.join(CALLER_HEADERS)}.",
            )
    return config

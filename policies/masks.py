"""Masks: what is left of a value when a caller may see that it is there, and not what it is.

Each is a total function: any value goes in, nothing is raised, a missing value stays missing, and a value that the
mask was not made for is blacked out whole rather than let through. They run in the provider's subgraph, before the
data leaves it. Names are those that the catalogue writes at an item.
"""

import hashlib
import hmac
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from policies.errors import MASK_UNKNOWN, CodedError

BLACK = "*"
_DATE = re.compile(r"(\d{4})(-?)(\d{2})\2(\d{2})(?=$|T| )")
_DISTRICT = re.compile(r"^(.{2,12}?(?:省|自治区|市))?(.{1,12}?(?:自治县|区|县|市))(?=.|$)")
_COMPOUND_SURNAMES = frozenset(
    (
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "令狐",
        "宇文",
        "长孙",
        "慕容",
        "司徒",
        "夏侯",
        "轩辕",
        "端木",
        "南宫",
        "闻人",
        "独孤",
        "申屠",
    )
)
# One hundred metres of latitude in degrees; of longitude it is somewhat less on the ground, so still at least 80 m in
# Chongqing (29 degrees north).
_GRID = 0.001

Mask = Callable[[object], object]


def redact(value: object) -> object:
    """Nothing but that there is a value."""
    return None if value is None else BLACK * 3


def _text(mask: Callable[[str], str]) -> Mask:
    def masked(value: object) -> object:
        return mask(value) if isinstance(value, str) else redact(value)

    return masked


def _keep(first: int, last: int) -> Mask:
    """Keeps the ends of a number; what is not longer than both together is blacked out whole."""

    def masked(value: str) -> str:
        hidden = len(value) - first - last
        if hidden < 1:
            return BLACK * max(len(value), 1)
        return value[:first] + BLACK * hidden + value[len(value) - last :]

    return _text(masked)


def _surname(value: str) -> str:
    name = value.strip()
    if len(name) < 2:
        return BLACK * 2
    if " " in name:
        return f"{BLACK * 2} {name.rsplit(' ', 1)[1]}" if name.isascii() else BLACK * 2
    kept = 2 if len(name) > 2 and name[:2] in _COMPOUND_SURNAMES else 1
    return name[:kept] + BLACK * (len(name) - kept)


def _year(value: str) -> str:
    found = _DATE.match(value.strip())
    return found[1] if found else BLACK * 4


def _district(value: str) -> str:
    found = _DISTRICT.match(value.strip())
    return (found[0] if found else "") + BLACK * 3


def _grid(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 180:
        return None
    return round(math.floor(value / _GRID) * _GRID, 3)


def _decade(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return math.floor(value / 10) * 10


MASKS: Mapping[str, Mask] = MappingProxyType(
    {
        "redact": redact,
        "keep_3_4": _keep(3, 4),
        "keep_6_4": _keep(6, 4),
        "last_4": _keep(0, 4),
        "surname": _text(_surname),
        "year": _text(_year),
        "district": _text(_district),
        "grid_100m": _grid,
        "decade": _decade,
        "pseudonym": redact,
    }
)


PSEUDONYM = "pseudonym"
SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A provider's secret for pseudonyms, from which each recipient's own key is made."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise CodedError(MASK_UNKNOWN, f"A key for pseudonyms has at least {SHORTEST_SECRET} characters.")

    def for_recipient(self, recipient: str, purpose: str | None) -> bytes:
        """The key of one department (or caller without one) and purpose.

        Equal values have equal pseudonyms for it as long as the secret stands; two recipients, or one for two purposes,
        cannot put theirs together.
        """
        return hmac.digest(self.secret, msgspec.json.encode(["pseudonym", recipient, purpose or ""]), "sha256")


def mask_named(name: str, key: bytes | None = None) -> Mask:
    """The mask of that name.

    ``pseudonym`` needs the provider's ``key``: equal values get equal pseudonyms under one key, and nobody without it
    can try values out. Raises CodedError MASK_UNKNOWN for a name nobody defined, or a pseudonym without key.
    """
    if name == PSEUDONYM:
        if not key:
            raise CodedError(MASK_UNKNOWN, "The mask pseudonym needs the provider's secret key.")
        return pseudonym(key)
    if name not in MASKS:
        raise CodedError(MASK_UNKNOWN, f"There is no mask {name[:40]}; there are {', '.join(sorted(MASKS))}.")
    return MASKS[name]


def pseudonym(key: bytes) -> Mask:
    """A mask that replaces values by keyed hashes of 22 letters and digits."""

    def masked(value: object) -> object:
        if value is None:
            return None
        digest = hmac.digest(key, f"{type(value).__name__}:{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        number = int.from_bytes(digest[:16], "big")
        letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return "".join(letters[(number >> (5 * place)) & 31] for place in range(26))

    return masked

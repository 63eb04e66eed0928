"""Numbers with right check digits that no real person or body can hold.

Resident numbers and credit codes hold a division code, and GB/T 2260 gives Chongqing 5001xx and 5002xx alone. Here both
carry 5099xx, a prefecture that has never been assigned; xx counts the districts. Organisation codes begin with XX, a
range outside those handed out. Telephone numbers begin with 100, where no network in China begins.
"""

import hashlib
from collections import Counter
from datetime import date

from catalog_sync.identifiers import credit_code_check, organisation_check, resident_check
from subgraphs.seed.places import DIVISIONS, Division

_INVENTED = {division.code: f"5099{place:02d}" for place, division in enumerate(DIVISIONS, 1)}


class Numbers:
    """Hands out numbers, each once. ``key`` makes the surrogates: without it nobody can compute them."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._on_day: Counter[str] = Counter()
        self._bodies = 0

    def resident(self, division: Division, born: date, female: bool) -> str:
        """A resident number (GB 11643): the sequence is odd for men, even for women."""
        head = f"{_INVENTED[division.code]}{born:%Y%m%d}"
        self._on_day[head] += 1
        sequence = 2 * self._on_day[head] + (0 if female else 1)
        first17 = f"{head}{sequence:03d}"
        return first17 + resident_check(first17)

    def credit_code(self, division: Division, authority: str, kind: str) -> str:
        """A unified social credit code (GB 32100) of a registering authority and kind of body."""
        self._bodies += 1
        organisation = f"XX{self._bodies:06d}"
        first17 = f"{authority}{kind}{_INVENTED[division.code]}{organisation}{organisation_check(organisation)}"
        return first17 + credit_code_check(first17)

    def surrogate(self, kind: str, number: str) -> str:
        """The opaque key of a record: a keyed hash of its kind and real number, 24 hexadecimal digits."""
        return hashlib.blake2b(f"{kind}:{number}".encode(), key=self._key, digest_size=12).hexdigest()


def photograph(resident_number: str) -> bytes:
    """What stands for a resident's photograph: bytes that only this resident's file matches."""
    return b"\x89PORTRAIT" + hashlib.sha256(resident_number.encode()).digest()

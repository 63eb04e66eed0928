"""Check digits of the three national codes: computing them and nothing else.

Sources: GB 11714-1997 (organisation code), GB 32100-2015 (unified social credit code), GB 11643-1999 with
ISO 7064 MOD 11-2 (resident number). Each function takes the characters before the check digit and returns it.
A caller that has a whole code wants ``catalog_sync.identifiers``, which also looks at its form.
"""

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of GB 32100: digits and capitals without I, O, S, V and Z, which are read for 1, 0, 5, U and 2."""

_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_RESIDENT_WEIGHTS = tuple(pow(2, place, 11) for place in range(17, 0, -1))


def _values(text: str, length: int, alphabet: str) -> list[int]:
    if len(text) != length or any(character not in alphabet for character in text):
        raise ValueError(f"expected {length} characters of {alphabet}, got {text!r}")
    return [alphabet.index(character) for character in text]


def _weighted(values: list[int], weights: tuple[int, ...]) -> int:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))


def organisation_check(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714) from its first eight; ValueError if they are not eight."""
    rest = 11 - _weighted(_values(first8, 8, _ORGANISATION_ALPHABET), _ORGANISATION_WEIGHTS) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def credit_code_check(first17: str) -> str:
    """The eighteenth character of a unified social credit code (GB 32100) from its first seventeen."""
    total = _weighted(_values(first17, 17, CREDIT_ALPHABET), _CREDIT_WEIGHTS)
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def resident_check(first17: str) -> str:
    """The eighteenth character of a resident number (GB 11643) from its first seventeen digits."""
    total = _weighted(_values(first17, 17, "0123456789"), _RESIDENT_WEIGHTS)
    return "10X98765432"[total % 11]

"""The codes by which the law and the platform name things, as values that cannot be malformed.

Every ``parse`` raises CodedError MALFORMED_CODE, naming the standard and what is wrong; a value that exists is right.
Check digits can be computed with the functions re-exported here, for whoever has to make new codes.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from catalog_sync.check_digits import CREDIT_ALPHABET, credit_code_check, organisation_check, resident_check
from catalog_sync.errors import MALFORMED_CODE, CodedError

__all__ = [
    "ClassKind",
    "Coordinate",
    "CreditCode",
    "DivisionCode",
    "ResidentNumber",
    "ResourceCode",
    "credit_code_check",
    "organisation_check",
    "resident_check",
]

_CLASS = re.compile(r"[123][0-9]{2}(?:[0-9]{3}[0-9]*)?")
_RESOURCE = re.compile(rf"({_CLASS.pattern})/0*([1-9][0-9]*)")
_CREDIT = re.compile(rf"[{CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{CREDIT_ALPHABET}]{{10}}")
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_DIVISION = re.compile(r"[1-9][0-9]{5}")
_NAME = r"[_A-Za-z][_0-9A-Za-z]*"
_COORDINATE = re.compile(rf"({_NAME})(?:\.({_NAME})(?:\(({_NAME}):\))?)?")


def _malformed(what: str, text: str, why: str) -> CodedError:
    return CodedError(MALFORMED_CODE, f"{text!r} is not a {what}: {why}.", {"value": text})


class ClassKind(IntEnum):
    """The first digit of a class code: 类 of the national classification."""

    BASE = 1
    THEME = 2
    DEPARTMENT = 3


@dataclass(frozen=True, slots=True, order=True)
class ResourceCode:
    """信息资源代码: a class of the national tree and a number that counts within it.

    A resource has one code per class it hangs under, so the code is a name and the entry's ``id`` the identity.
    Source: Catalogue Compilation Guideline, 2017.
    """

    class_code: str
    sequence: int

    @staticmethod
    def parse(text: str) -> "ResourceCode":
        """The code written as ``30700503/1``; zeros before the number are dropped, so ``30700503/0001`` is the same."""
        return _resource_code(text)

    @property
    def kind(self) -> ClassKind:
        """Base, theme or department, from the first digit."""
        return ClassKind(int(self.class_code[0]))

    def __str__(self) -> str:
        return f"{self.class_code}/{self.sequence}"


@lru_cache(maxsize=65536)
def _resource_code(text: str) -> ResourceCode:
    found = _RESOURCE.fullmatch(text)
    if found is None:
        why = (
            "write a class code (first digit 1, 2 or 3; three digits, or six and more), a slash and a number from 1, "
            "as in 30700503/1"
        )
        raise _malformed("resource code", text, why)
    return ResourceCode(found[1], int(found[2]))


def is_class_code(text: str) -> bool:
    """Whether the text is a class of the national tree in form: 类 + 项, or 类 + 项 + 目 with any 细目."""
    return _CLASS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class CreditCode:
    """统一社会信用代码 (GB 32100): eighteen characters that name one organisation."""

    text: str

    @staticmethod
    def parse(text: str) -> "CreditCode":
        """The code, after its own check digit and that of the organisation code inside it have been verified.

        The inner digit is worth checking: python-stdnum does not, and lets ``11500000XXXX00015H`` pass.
        """
        return _credit_code(text)

    @property
    def authority(self) -> str:
        """登记管理部门, one character: 1 establishment office, 5 civil affairs, 9 market regulation."""
        return self.text[0]

    @property
    def division(self) -> "DivisionCode":
        """登记管理机关行政区划码, six digits (GB/T 2260)."""
        return DivisionCode(self.text[2:8])

    @property
    def organisation(self) -> str:
        """主体标识码, the organisation code of nine characters (GB 11714)."""
        return self.text[8:17]

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=65536)
def _credit_code(text: str) -> CreditCode:
    what = "unified social credit code (GB 32100)"
    if _CREDIT.fullmatch(text) is None:
        why = (
            "it takes eighteen characters, digits and capitals without I, O, S, V and Z; "
            "the third to the eighth are the division's six digits"
        )
        raise _malformed(what, text, why)
    inner = organisation_check(text[8:16])
    if inner != text[16]:
        why = f"the organisation code in it ends in {text[16]!r} where GB 11714 computes {inner!r}"
        raise _malformed(what, text, why)
    if credit_code_check(text[:17]) != text[17]:
        raise _malformed(
            what, text, f"it ends in {text[17]!r} where its first seventeen compute {credit_code_check(text[:17])!r}"
        )
    return CreditCode(text)


@dataclass(frozen=True, slots=True, order=True)
class ResidentNumber:
    """公民身份号码 (GB 11643).

    Only form and check digit are verified. Comparing the division with the birth date, as python-stdnum does, refuses
    everybody in Chongqing born before the city left Sichuan in 1997.
    """

    text: str

    @staticmethod
    def parse(text: str) -> "ResidentNumber":
        """The number; the error never repeats it, for it is personal."""
        if _RESIDENT.fullmatch(text) is None:
            raise CodedError(MALFORMED_CODE, "A resident number (GB 11643) takes seventeen digits and a digit or X.")
        if resident_check(text[:17]) != text[17]:
            raise CodedError(MALFORMED_CODE, "The resident number's check digit (GB 11643) does not fit its digits.")
        return ResidentNumber(text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"ResidentNumber({self.text[:3]}***)"


@dataclass(frozen=True, slots=True, order=True)
class DivisionCode:
    """行政区划代码 (GB/T 2260): 500000 is the municipality of Chongqing, 500103 its district Yuzhong."""

    text: str

    @staticmethod
    def parse(text: str) -> "DivisionCode":
        """The code of six digits, the first of them not zero."""
        if _DIVISION.fullmatch(text) is None:
            raise _malformed("division code (GB/T 2260)", text, "it takes six digits, as in 500103")
        return DivisionCode(text)

    def within(self, other: "DivisionCode") -> bool:
        """Whether this division lies in the other, or is it: 500103 within 500000, both within no district."""
        if other.text.endswith("0000"):
            return self.text[:2] == other.text[:2]
        if other.text.endswith("00"):
            return self.text[:4] == other.text[:4]
        return self == other

    @property
    def parent(self) -> "DivisionCode | None":
        """The division above: a prefecture's for a county, the province's for a prefecture, None for a province.

        A municipality's districts have no prefecture between: 500103 answers 500000.
        """
        if self.text.endswith("0000"):
            return None
        municipality = self.text[:2] in {"11", "12", "31", "50"}
        if self.text.endswith("00") or municipality:
            return DivisionCode(f"{self.text[:2]}0000")
        return DivisionCode(f"{self.text[:4]}00")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Coordinate:
    """A schema coordinate: ``Type``, ``Type.field`` or ``Type.field(argument:)``."""

    type: str
    field: str | None = None
    argument: str | None = None

    @staticmethod
    def parse(text: str) -> "Coordinate":
        """The coordinate in the form the GraphQL specification prints it."""
        found = _COORDINATE.fullmatch(text)
        if found is None:
            raise _malformed("schema coordinate", text, "write Type, Type.field or Type.field(argument:)")
        return Coordinate(found[1], found[2], found[3])

    def __str__(self) -> str:
        field = f".{self.field}" if self.field else ""
        argument = f"({self.argument}:)" if self.argument else ""
        return f"{self.type}{field}{argument}"

"""``watersmeet error CODE``: what a code means and how to mend it."""

import difflib

from gateway.codes import all_codes
from gateway.composition.codes import ALL_CODES
from gateway.composition.issues import CompositionCode
from gateway.errors import CodedError, ErrorCode, Family

UNKNOWN_CODE = ErrorCode(
    "UNKNOWN_CODE", Family.REQUEST,
    "A code was asked about that the product does not have.",
    "Copy the code from `extensions.code`, or from the beginning of a command's message.",
)  # fmt: skip


def run(name: str) -> str:
    """The prose for a code. Raises CodedError for a name that no code has, with the nearest ones."""
    codes = all_codes()
    wanted = name.strip().upper()
    if wanted in codes:
        return prose(codes[wanted])
    of_composition = [_composition_prose(code) for code in ALL_CODES if code.name == wanted]
    if of_composition:
        return "\n\n".join(of_composition)
    near = difflib.get_close_matches(wanted, [*codes, *(code.name for code in ALL_CODES)], n=3)
    lists = " docs/errors.md and docs/composition-codes.md list all codes."
    hint = f" Did you mean {' or '.join(near)}?" if near else lists
    raise CodedError(UNKNOWN_CODE, f"There is no error code {wanted}.{hint}")


def prose(code: ErrorCode) -> str:
    """A code as a paragraph."""
    return f"{code.name} (HTTP {code.status}; for {code.family})\n  {code.meaning}\n  Mend: {code.remedy}"


def _composition_prose(code: CompositionCode) -> str:
    lines = [f"{code.name} ({code.severity.value} of composition)", f"  {code.meaning}", f"  Mend: {code.remedy}"]
    if code.example:
        lines += ["  Example:", *(f"    {line}" for line in code.example.splitlines())]
    return "\n".join(lines)

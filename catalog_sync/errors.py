"""The form that every coded error of the product takes; the catalogue's own codes.

A code names one situation. It carries what the documentation prints about it, so that the code in an answer, the page
in ``docs/`` and ``watersmeet error CODE`` can never say different things.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog_sync.languages import Sentence


class Family(StrEnum):
    """Who has to act on an error."""

    REQUEST = "the client"
    ACCESS = "the caller's department"
    SUBGRAPH = "the provider"
    CATALOGUE = "the registrar"
    COMPOSITION = "the subgraph's author"
    POLICY = "the policy administrator"
    SETTINGS = "the operator"
    GATEWAY = "the gateway's maintainers"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A situation with a stable name.

    ``status`` is the HTTP status under ``application/graphql-response+json`` when this error alone ends the request.
    ``meaning`` and ``remedy`` are whole sentences for the documentation.
    """

    name: str
    family: Family
    meaning: str
    remedy: str
    status: int = 200


class CodedError(Exception):
    """An error with a code, a message naming what and where, and machine-readable details.

    ``details`` become the ``extensions`` of a GraphQL error beside ``code``: never values of a person or a subgraph.
    A message that people of any language have to understand is a Sentence; ``message`` is its English.
    """

    def __init__(self, code: ErrorCode, message: str | Sentence, details: Mapping[str, object] | None = None) -> None:
        super().__init__(str(message))
        self.code = code
        self.said = message if isinstance(message, Sentence) else Sentence.alike(message)
        self.details: Mapping[str, object] = details or {}

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return self.said.english

    def __reduce__(self) -> tuple[type["CodedError"], tuple[ErrorCode, Sentence, dict[str, object]]]:
        """So that it comes whole out of another process: an exception is otherwise made anew of its message alone."""
        return CodedError, (self.code, self.said, dict(self.details))


MALFORMED_CODE = ErrorCode(
    "MALFORMED_CODE", Family.CATALOGUE,
    "A code of a resource, a provider, a person or a place does not have the form its standard gives it.",
    "Compare the code with the document it was copied from; the message names the standard and what is wrong.",
    400,
)  # fmt: skip
CATALOGUE_INVALID = ErrorCode(
    "CATALOGUE_INVALID", Family.CATALOGUE,
    "One or more catalogue entries break a rule of the national guideline or of this platform.",
    "Mend every problem listed: each names file, entry, field, value, rule and what to write instead.",
    422,
)  # fmt: skip
CATALOGUE_UNREADABLE = ErrorCode(
    "CATALOGUE_UNREADABLE", Family.CATALOGUE,
    "A catalogue file or directory is missing or cannot be read.",
    "Give the path of a directory that holds the entries as .yaml files, or of a file in a supported format.", 404,
)  # fmt: skip
UNKNOWN_RESOURCE = ErrorCode(
    "UNKNOWN_RESOURCE", Family.CATALOGUE,
    "The catalogue holds no entry, or the entry no item, of the name asked for.",
    "Search the catalogue for the resource; codes look like 30700503/1 and items go by their alias.", 404,
)  # fmt: skip
UNKNOWN_CLOCK = ErrorCode(
    "UNKNOWN_CLOCK", Family.SETTINGS,
    "No rule profile in effect sets the clock that is asked for.",
    "Name one of the profiles that ship, or write the clock into a rule profile of your own.", 500,
)  # fmt: skip
ILLEGAL_TRANSITION = ErrorCode(
    "ILLEGAL_TRANSITION", Family.CATALOGUE,
    "The step is not possible from the state the thing is in, or not for the side that takes it.",
    "Take one of the steps that the message names; the diagrams in docs/catalogue-sync.md show all of them.", 409,
)  # fmt: skip
STALE_VERSION = ErrorCode(
    "STALE_VERSION", Family.CATALOGUE,
    "Somebody else changed the record since it was read.", "Read it again, compare, and repeat the step.", 409,
)  # fmt: skip
NOT_YOURS = ErrorCode(
    "NOT_YOURS", Family.CATALOGUE,
    "A step was tried by somebody who may not take it: only the provider changes its resources, and nobody decides "
    "on their own submission.",
    "Let the department or the person that the message names take the step.", 403,
)  # fmt: skip
REASON_NEEDED = ErrorCode(
    "REASON_NEEDED", Family.CATALOGUE,
    "The step needs a reason, a document or a date that was not given.", "Give what the message names.", 422,
)  # fmt: skip
LEDGER_BROKEN = ErrorCode(
    "LEDGER_BROKEN", Family.CATALOGUE,
    "A row of the ledger was changed, removed or put in after it was written.",
    "Compare the ledger with the last anchored copy from the row named onwards, and restore it.", 500,
)  # fmt: skip
BUNDLE_MALFORMED = ErrorCode(
    "BUNDLE_MALFORMED", Family.CATALOGUE,
    "A bundle or receipt between levels is cut short, damaged or not in its form. Nothing was changed.",
    "Transfer it again; if it stays, the sender must seal it again.", 400,
)  # fmt: skip
BUNDLE_VERSION = ErrorCode(
    "BUNDLE_VERSION", Family.CATALOGUE,
    "A bundle is in a format that this platform does not read. Nothing was changed.",
    "Update the platform that is behind; bundles wait at the sender.", 400,
)  # fmt: skip
BUNDLE_MISDIRECTED = ErrorCode(
    "BUNDLE_MISDIRECTED", Family.CATALOGUE,
    "A bundle is addressed to another level, or its sender has no business with this one. Nothing was changed.",
    "Deliver it to the level it names.", 400,
)  # fmt: skip
SIGNER_UNKNOWN = ErrorCode(
    "SIGNER_UNKNOWN", Family.CATALOGUE,
    "A message between levels is signed by a level or with a key that is not on file. Nothing was changed.",
    "Exchange public keys out of band and enter the peer with its key id.", 403,
)  # fmt: skip
SIGNATURE_WRONG = ErrorCode(
    "SIGNATURE_WRONG", Family.CATALOGUE,
    "A message between levels does not carry its signer's signature: it was damaged or changed. Nothing was changed.",
    "Transfer it again; if it stays, ask the sender what it signed.", 403,
)  # fmt: skip
CHAIN_BROKEN = ErrorCode(
    "CHAIN_BROKEN", Family.CATALOGUE,
    "A bundle does not follow the one before: another was taken under its number, it names another predecessor, or too "
    "many before it are missing. Nothing was changed.",
    "Ask the sender for the bundles from the number that the message names.", 409,
)  # fmt: skip
UPLOAD_REFUSED = ErrorCode(
    "UPLOAD_REFUSED", Family.CATALOGUE,
    "A part of a bundle does not fit the parts before it, or the whole does not have the digest announced.",
    "Ask where the upload stands and go on from there.", 409,
)  # fmt: skip
EXCHANGE_UNREACHABLE = ErrorCode(
    "EXCHANGE_UNREACHABLE", Family.CATALOGUE,
    "The other level's endpoint cannot be reached or broke off. What it confirmed stays confirmed.",
    "Try again: the exchange goes on at the byte where it stopped.", 502,
)  # fmt: skip
SDL_UNREADABLE = ErrorCode(
    "SDL_UNREADABLE", Family.SUBGRAPH,
    "A subgraph's schema is not GraphQL SDL, or names types that it does not define.",
    "Mend the schema at the place that the message names.", 422,
)  # fmt: skip
CATALOGUE_STORE_UNAVAILABLE = ErrorCode(
    "CATALOGUE_STORE_UNAVAILABLE", Family.SETTINGS,
    "The database under the catalogue cannot be asked: locked for too long, full, stopped, or not at its address.",
    "Bring the database back or correct registry.store; whether a step that was cut off was kept, reading tells.", 503,
)  # fmt: skip
STORE_OF_LATER_VERSION = ErrorCode(
    "STORE_OF_LATER_VERSION", Family.SETTINGS,
    "The catalogue's store was written by a later version of Watersmeet.",
    "Run that version, or restore a backup made before the upgrade.", 500,
)  # fmt: skip
HARVEST_FAILED = ErrorCode(
    "HARVEST_FAILED", Family.SUBGRAPH,
    "A running subgraph could not be asked for its schema.",
    "Bring the subgraph back, or correct the address of its release.", 502,
)  # fmt: skip
REQUEST_STALE = ErrorCode(
    "REQUEST_STALE", Family.CATALOGUE,
    "A signed request between levels was made at another time than now: an old one repeated, or a clock is wrong.",
    "Set both platforms' clocks; they may differ by five minutes.", 403,
)  # fmt: skip
GROUP_TOO_SMALL = ErrorCode(
    "GROUP_TOO_SMALL", Family.SUBGRAPH,
    "The aggregate is over fewer records than the department tells of, or would show such a group beside others.",
    "Ask for wider groups; the smallest number stands in `smallest`, and no grant lowers it.",
)  # fmt: skip

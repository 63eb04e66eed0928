"""Pages of what concerns a person: connections with cursors that stand for a place, whatever is added meanwhile."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, TypeVar

import strawberry

from gateway.admin.filing import Filed
from gateway.errors import BAD_REQUEST, CodedError
from policies.matters import Step

T = TypeVar("T")
M = TypeVar("M")
N = TypeVar("N")
MOST = 200

First = Annotated[int, strawberry.argument(description=f"How many at most, 1 to {MOST}.")]
After = Annotated[str | None, strawberry.argument(description="`endCursor` of the page before; none: the first page.")]


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type(description="One page, the oldest first.")
class Connection(Generic[N]):
    nodes: list[N]
    page_info: PageInfo
    total_count: int


def paged(
    found: Iterable[Filed[M]], place: Callable[[M], tuple[str, str]], node: Callable[[Filed[M]], N],
    first: int, after: str | None,
) -> Connection[N]:  # fmt: skip
    """The page of ``first`` matters after a cursor, by ``place`` (when it began, its name), which never changes.

    Raises CodedError BAD_REQUEST for a cursor that is none, or a page that is too large.
    """
    if not 1 <= first <= MOST:
        raise CodedError(BAD_REQUEST, f"`first` is 1 to {MOST}, not {first}.")
    placed = sorted(((place(filed.value), filed) for filed in found), key=lambda pair: pair[0])
    begin = _place_of(after) if after is not None else ("", "")
    rest = [pair for pair in placed if pair[0] > begin]
    here = rest[:first]
    info = PageInfo(has_next_page=len(rest) > first, end_cursor=_cursor(here[-1][0]) if here else None)
    return Connection(nodes=[node(filed) for _, filed in here], page_info=info, total_count=len(placed))


def place_of(identity: str, steps: Sequence[Step]) -> tuple[str, str]:
    """Where a matter stands among its kind: by its first step, then by its name."""
    return steps[0].at if steps else "", identity


def _cursor(place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode("\n".join(place).encode()).decode()


def _place_of(cursor: str) -> tuple[str, str]:
    try:
        at, separator, name = base64.urlsafe_b64decode(cursor.encode()).decode().partition("\n")
    except (binascii.Error, ValueError):
        separator = ""
    if not separator:
        raise CodedError(BAD_REQUEST, "`after` is no cursor: give back the `endCursor` of the page before.")
    return at, name

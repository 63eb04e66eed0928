"""What a department's functions know of the request they answer."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from policies.context import RequestContext
from policies.masks import PseudonymKey
from policies.row_filters import RowFilter

Store = TypeVar("Store", covariant=True)


@dataclass(frozen=True, slots=True)
class Request(Generic[Store]):
    """One request: the department's store, and the context that the gateway signed.

    ``pseudonyms`` is the department's secret for the mask of that name.
    ``context`` is None only where the department was started with ``--open``: then everything is disclosed.
    """

    store: Store
    context: RequestContext | None = field(repr=False)
    pseudonyms: PseudonymKey | None = field(default=None, repr=False)

    def row_filter(self, resource: str) -> RowFilter | None:
        """The condition that rows of ``resource`` must meet, to be put into the store's query.

        The kit applies it again to whatever comes back; a query that leaves it out is slower and counts wrongly, but
        discloses nothing.
        """
        scope = self.context.scope(resource) if self.context is not None else None
        return scope.row_filter if scope is not None else None

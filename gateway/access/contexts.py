"""What each subgraph is told about one request, signed: for its eyes only, and only about the resources it serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from gateway.access.standing import Standing
from gateway.errors import CodedError
from gateway.memo import Memo
from policies.callers import Caller
from policies.context import ContextSigner, SigningKey, encoded_members, joined_context
from policies.errors import STATEMENT_REQUIRED
from policies.wording import say

# What a caller is told as, by subgraph; each some hundred bytes.
CALLERS_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class SubgraphSeal:
    """How requests to one subgraph are signed: its key, and the path that the signature covers."""

    signer: ContextSigner
    path: str
    resources: frozenset[str]
    _callers: Memo[Caller, str] = field(default_factory=lambda: Memo(CALLERS_KEPT), repr=False, compare=False)

    def told(self, caller: Caller) -> str:
        """What the subgraph is told of who asks, as ``encoded_members``."""
        told = self._callers.young.get(caller) or self._callers.get(caller)
        return told or self._callers.put(
            caller,
            encoded_members(
                {
                    "audience": self.signer.subgraph,
                    "subject": caller.subject,
                    "zone": caller.zone,
                    "department": caller.department,
                    "purpose": caller.purpose,
                    "case_number": caller.case_number,
                    "officer": caller.officer,
                }
            ),
        )


def seal_for(subgraph: str, url: str, key: SigningKey, resources: frozenset[str]) -> SubgraphSeal:
    """The seal of a subgraph at ``url`` that serves ``resources`` (codes)."""
    return SubgraphSeal(ContextSigner(subgraph, key), urlsplit(url).path or "/", resources)


class SignedContexts(msgspec.Struct, frozen=True):
    """The RequestSigner of one request.

    A subgraph without a seal is told nothing; it will refuse to answer unless it is meant to be open.
    """

    caller: Caller
    policy_version: str
    request_id: str
    standing: Standing
    seals: Mapping[str, SubgraphSeal]

    def headers_for(self, subgraph: str, body: bytes) -> tuple[tuple[str, str], ...]:
        """See RequestSigner."""
        seal = self.seals.get(subgraph)
        if seal is None:
            return ()
        grounds = self.standing.told(subgraph, seal.resources, self.policy_version, self.caller)
        context = joined_context((seal.told(self.caller), grounds), self.request_id)
        return seal.signer.sign("POST", seal.path, body, context)


def require_statement(caller: Caller, standing: Standing) -> None:
    """Raises CodedError STATEMENT_REQUIRED where items are asked for that are given for a stated case only (R43)."""
    asked = standing.stated_for
    if not asked or (caller.purpose and caller.case_number and caller.officer):
        return
    if caller.department is not None:
        raise CodedError(
            STATEMENT_REQUIRED,
            say("STATEMENT_REQUIRED", resources=asked),
            {"resources": asked},
        )

"""What each subgraph is told about one request, signed: for its eyes only, and only about the resources it serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.errors import CodedError
from policies.callers import Caller
from policies.context import ContextSigner, RequestContext, ResourceScope, SigningKey
from policies.errors import STATEMENT_REQUIRED
from policies.row_filters import bind_caller
from policies.views import Entitlement


@dataclass(frozen=True, slots=True)
class SubgraphSeal:
    """How requests to one subgraph are signed: its key, and the path that the signature covers."""

    signer: ContextSigner
    path: str
    resources: frozenset[str]


def seal_for(subgraph: str, url: str, key: SigningKey, resources: frozenset[str]) -> SubgraphSeal:
    """The seal of a subgraph at ``url`` that serves ``resources`` (codes)."""
    return SubgraphSeal(ContextSigner(subgraph, key), urlsplit(url).path or "/", resources)


@dataclass(frozen=True, slots=True)
class SignedContexts:
    """The RequestSigner of one request: a context per subgraph, made when the first fetch goes there.

    A subgraph without a seal is told nothing; it will refuse to answer unless it is meant to be open.
    """

    caller: Caller
    policy_version: str
    request_id: str
    grounds: Mapping[str, Entitlement]
    seals: Mapping[str, SubgraphSeal]
    _made: dict[str, RequestContext] = field(default_factory=dict)

    def headers_for(self, subgraph: str, body: bytes) -> tuple[tuple[str, str], ...]:
        """See RequestSigner."""
        seal = self.seals.get(subgraph)
        if seal is None:
            return ()
        context = self._made.get(subgraph)
        if context is None:
            context = self._made[subgraph] = self._context(subgraph, seal)
        return seal.signer.headers("POST", seal.path, body, context)

    def _context(self, subgraph: str, seal: SubgraphSeal) -> RequestContext:
        served = (entry for entry in self.grounds.items() if entry[0] in seal.resources)
        return RequestContext(
            audience=subgraph,
            subject=self.caller.subject,
            zone=self.caller.zone,
            policy_version=self.policy_version,
            department=self.caller.department,
            purpose=self.caller.purpose,
            case_number=self.caller.case_number,
            officer=self.caller.officer,
            request_id=self.request_id,
            resources=tuple(_scope(resource, entitlement, self.caller) for resource, entitlement in served),
        )


def require_statement(caller: Caller, grounds: Mapping[str, Entitlement]) -> None:
    """Raises CodedError STATEMENT_REQUIRED where items are asked for that are given for a stated case only (R43)."""
    if caller.purpose and caller.case_number and caller.officer:
        return
    asked = sorted(resource for resource, entitlement in grounds.items() if entitlement.statement_required)
    if asked and caller.department is not None:
        raise CodedError(
            STATEMENT_REQUIRED,
            f"Personal or conditional items of {', '.join(asked)} are given for a stated purpose, case and officer: "
            "send X-Purpose, X-Case-Number and X-Officer.",
            {"resources": asked},
        )


def _scope(resource: str, entitlement: Entitlement, caller: Caller) -> ResourceScope:
    return ResourceScope(
        resource=resource,
        rows=entitlement.rows,
        row_filter=None if entitlement.row_filter is None else bind_caller(entitlement.row_filter, caller),
        masks=dict(entitlement.masks),
        verify_only=tuple(sorted(entitlement.verify_only)),
        rules=entitlement.rule_ids,
        grant=entitlement.grant,
    )

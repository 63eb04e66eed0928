"""What the server calls: who is asking, what that caller sees, the answer, and its record."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from catalog_sync.languages import Language, language_of
from gateway.access.caller_view import CallerView
from gateway.access.row_checks import check_rows, row_checks
from gateway.binding import GovernedBinding, PlainBinding
from gateway.building import Build
from gateway.errors import NOTHING_RELEASED, CodedError, RequestError
from gateway.execution.result import BoundPlan, Result
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.execution.transport import RoutedTransport
from gateway.pipeline import answer
from gateway.preparation import Prepared
from gateway.server.answering import Answer, Answering, Credentials, EncodableResult, GraphQLRequest
from gateway.snapshot import Text
from gateway.subscriptions import stream
from policies.callers import ANONYMOUS_SUBJECT, Caller

if TYPE_CHECKING:
    from gateway.doubt_flags import DoubtFlags
    from gateway.provenance import ProvenanceTelling
    from gateway.recording import OperationLedger
    from gateway.server.authentication import Authenticator


@dataclass(frozen=True, slots=True)
class _Footing:
    """What a streamed operation stands on: the build, what the caller sees, and the plan bound for it."""

    build: Build
    view: CallerView
    prepared: Prepared
    bound: BoundPlan

    @property
    def routes(self) -> Mapping[str, SubgraphRoute]:
        """See gateway.subscriptions.Footing."""
        return self.build.routes


class _OnBuilds(Answering):
    """Answers on the build in force, which is replaced by one assignment: requests under way finish on theirs."""

    transport: RoutedTransport

    def __init__(self, build: Build | None) -> None:
        self._build = build
        self._streams: set[asyncio.Event] = set()

    @property
    def build(self) -> Build:
        """The build in force. Raises CodedError NOTHING_RELEASED where there is none yet."""
        if self._build is None:
            raise CodedError(NOTHING_RELEASED, "Nothing is released yet: the registry holds no live subgraph.")
        return self._build

    @build.setter
    def build(self, build: Build) -> None:
        self.replace_build(build)

    def replace_build(self, build: Build | None) -> None:
        """Puts a build into force, or none, and has every stream judged under it."""
        self._build = build
        for swapped in self._streams:
            swapped.set()

    @property
    def serving(self) -> bool:
        """Whether there is anything to ask for."""
        return self._build is not None

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @contextmanager
    def _told_of_swaps(self) -> Iterator[asyncio.Event]:
        swapped = asyncio.Event()
        self._streams.add(swapped)
        try:
            yield swapped
        finally:
            self._streams.discard(swapped)


class PlainGateway(_OnBuilds):
    """Plain federation: no catalogue, no policy, every field public."""

    def __init__(self, build: Build | None, timeout: float) -> None:
        super().__init__(build)
        self._binding = PlainBinding(timeout)

    async def admit(self, credentials: Credentials) -> str | None:
        """See Answering: everybody is the public."""
        return None

    async def view_of(self, credentials: Credentials) -> CallerView:
        """What everybody sees."""
        return self.build.snapshot.plain_view

    def calls(self, grants: Iterable[str]) -> dict[str, dict[str, int]]:
        """See Viewed: there are no grants."""
        return {}

    async def answer(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        """See Answering."""
        snapshot = self.build.snapshot
        view = snapshot.plain_view
        _, _, result = await answer(_text(request), request.variables, view, self._binding, snapshot, self.transport)
        return Answer(result=result)

    async def subscribe(
        self, request: GraphQLRequest, credentials: Credentials
    ) -> AsyncGenerator[EncodableResult, None]:
        """See Answering."""
        text = _text(request)

        async def find() -> _Footing:
            build = self.build
            view = build.snapshot.plain_view
            prepared, values = await build.snapshot.prepare(text, view, request.variables)
            return _Footing(build, view, prepared, self._binding.bind(prepared, values))

        with self._told_of_swaps() as swapped:
            async with aclosing(stream(find, swapped, self.transport)) as results:
                async for _, result in results:
                    yield result


class GovernedGateway(_OnBuilds):
    """Every caller under the catalogue and the policy; ``ledger`` is None where no store is configured."""

    ledger: "OperationLedger | None" = None
    doubts: "DoubtFlags | None" = None
    provenance: "ProvenanceTelling | None" = None

    def __init__(self, build: Build | None, authenticator: "Authenticator", timeout: float) -> None:
        super().__init__(build)
        self._authenticator = authenticator
        self._timeout = timeout
        self._latest = datetime.now(UTC)

    async def admit(self, credentials: Credentials) -> str | None:
        """See Answering."""
        caller = await self._authenticator.authenticate(credentials)
        return None if caller.subject == ANONYMOUS_SUBJECT else caller.subject

    async def view_of(self, credentials: Credentials) -> CallerView:
        """What whoever the credentials prove sees now. Raises CodedError where they prove nobody."""
        caller = await self._authenticator.authenticate(credentials)
        return self.build.governance().view_for(caller, self._now())

    def calls(self, grants: Iterable[str]) -> dict[str, dict[str, int]]:
        """See Viewed."""
        limited = self.build.governance().tables.index.ceilings
        return {
            grant: {"perDay": limited[grant], "today": 0 if self.ledger is None else self.ledger.calls_today(grant)}
            for grant in sorted(limited.keys() & set(grants))
        }

    async def answer(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        """See Answering."""
        build = self.build
        caller = await self._authenticator.authenticate(credentials)
        view, binding = self._perspective(build, request, caller)
        try:
            prepared, bound, result = await answer(
                _text(request), request.variables, view, binding, build.snapshot, self.transport
            )
        except RequestError as error:
            await self._record_refusal(caller, error, build, request)
            raise
        result = _without_foreign_rows(result, prepared, build, caller)
        result = await self._with_notices(result, prepared, bound, build, request)
        await self._record(caller, prepared, bound, result, build, request)
        return Answer(result=_in_language_of(request, result), partial=prepared.refused)

    async def subscribe(
        self, request: GraphQLRequest, credentials: Credentials
    ) -> AsyncGenerator[EncodableResult, None]:
        """See Answering."""
        text = _text(request)
        caller = await self._authenticator.authenticate(credentials)

        async def find() -> _Footing:
            build = self.build
            view, binding = self._perspective(build, request, caller)
            prepared, values = await build.snapshot.prepare(text, view, request.variables)
            return _Footing(build, view, prepared, binding.bind(prepared, values))

        try:
            with self._told_of_swaps() as swapped:
                async with aclosing(stream(find, swapped, self.transport)) as results:
                    async for footing, result in results:
                        build, prepared = footing.build, footing.prepared
                        # A credential that ended or was taken back ends its subscriptions, as the end of a right does.
                        await self._authenticator.authenticate(credentials)
                        await self._judge_again(caller, footing.view, text, request)
                        kept = _without_foreign_rows(result, prepared, build, caller)
                        kept = await self._with_notices(kept, prepared, footing.bound, build, request)
                        await self._record(caller, prepared, footing.bound, kept, build, request)
                        yield _in_language_of(request, kept)
        except RequestError as error:
            if self.serving:
                await self._record_refusal(caller, error, self.build, request)
            raise

    async def _with_notices(
        self, result: Result, prepared: Prepared, bound: BoundPlan, build: Build, request: GraphQLRequest
    ) -> Result:
        """The result with what goes with its data: terms of grants, doubts, and, where wanted, where they come from."""
        notices: dict[str, object] = {}
        if prepared.standing.terms:
            notices["grants"] = prepared.standing.terms
        if self.doubts is not None and self.doubts.concern(prepared.items):
            flags = await self.doubts.flags(prepared, bound.variables, result, language_of(request.language))
            if flags:
                notices["doubts"] = flags
        if self.provenance is not None and self.provenance.wanted(request):
            notices["provenance"] = self.provenance.of(prepared, build, self._now())
        return msgspec.structs.replace(result, extensions={**result.extensions, **notices}) if notices else result

    def _now(self) -> datetime:
        """The moment; never earlier than before, or a clock set back would reopen a grant that has ended."""
        self._latest = max(self._latest, datetime.now(UTC))
        return self._latest

    async def _judge_again(self, caller: Caller, view: CallerView, text: Text, request: GraphQLRequest) -> None:
        """Raises RequestError where an event comes after the right to it ended: expired, revoked or stopped."""
        build = self.build
        current = build.governance().view_for(caller, self._now())
        if current.digest != view.digest:
            await build.snapshot.prepare(text, current, request.variables)

    def _perspective(self, build: Build, request: GraphQLRequest, caller: Caller) -> tuple[CallerView, GovernedBinding]:
        """What the caller sees, and what its requests carry to the subgraphs."""
        governance = build.governance()
        view = governance.view_for(caller, self._now())
        who = (caller, build.versions(), request.request_id)
        return view, GovernedBinding(*who, build.seals, self._timeout, self.ledger)

    async def _record(
        self,
        caller: Caller,
        prepared: Prepared,
        bound: BoundPlan,
        result: Result,
        build: Build,
        request: GraphQLRequest,
    ) -> None:
        if self.ledger is not None:
            failed = any(error.code != "FORBIDDEN" for error in result.errors)
            await self.ledger.granted(
                caller, prepared, bound.variables, build.versions(), request.request_id, failed=failed
            )

    async def _record_refusal(self, caller: Caller, error: RequestError, build: Build, request: GraphQLRequest) -> None:
        if self.ledger is not None and error.status == 403:
            await self.ledger.refused(caller, error.errors, build.versions(), request.request_id)


def _text(request: GraphQLRequest) -> Text:
    assert request.document is not None
    preferences = request.prefer_partial, request.queries_only
    return Text(request.document, request.operation_name, *preferences, request.request_id)


def _in_language_of(request: GraphQLRequest, result: Result) -> Result:
    """The result with what it says of things left out in the language that the request prefers."""
    if not result.errors or (language := language_of(request.language)) is Language.ENGLISH:
        return result
    return msgspec.structs.replace(result, errors=tuple(error.within(language) for error in result.errors))


def _without_foreign_rows(result: Result, prepared: Prepared, build: Build, caller: Caller) -> Result:
    """The result without rows outside the grants it stands on and without groups that are too small."""
    governance = build.governance()
    if not prepared.standing.limits_rows and governance.grouped.isdisjoint(prepared.grounds):
        return result
    checks = row_checks(prepared.grounds, governance.types_by_resource(), caller, governance.groups)
    data = result.data if result.encoded is None else msgspec.json.decode(result.encoded)["data"]
    plan = prepared.compiled.plan
    kept, reports = check_rows(data, plan.projection, plan.root_type, checks)
    return Result(kept, (*result.errors, *reports), result.extensions) if reports else result

"""All that a request runs under, as one value: change means building another and swapping the reference.

A snapshot's memories only hold what can be computed again from the snapshot itself, so to an observer it never
changes. Computing something for the first time happens in a thread, once for all who wait for it: the event loop goes
on answering others.
"""

import asyncio
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec
from graphql import DocumentNode, GraphQLSchema, parse

from gateway.access.caller_view import CallerView
from gateway.access.governance import Governance
from gateway.access.permit import permit
from gateway.document_limits import DocumentLimits
from gateway.documents import forget, read_document
from gateway.errors import CodedError, RequestError
from gateway.execution.compiled import WEIGHT, CompiledPlan, compile_plan
from gateway.garbage import built_beside_requests
from gateway.memo import Memo
from gateway.planning.normalize import normalize
from gateway.planning.operation import Operation
from gateway.planning.planner import Planner
from gateway.planning.rollout import Rollout
from gateway.preparation import Prepared, PreparedDocument, Shape, are_few, literals_of, sources_of
from gateway.settings import CacheSettings
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.model import Supergraph
from gateway.yielding import yielding

T = TypeVar("T")

BYTES_OF_A_CHARACTER = 9
"""What a document takes for each character of its text: at worst it is a list of short strings."""

DocumentKey = tuple[str, str, str | None, bool]


class Text(msgspec.Struct, frozen=True):
    """What a client sent that decides the plan.

    ``partial`` asks for the permitted rest of a refused operation; ``queries_only`` refuses anything but a query.
    ``request_id`` decides whether the request is among the share that a progressive override is for.
    """

    document: str
    operation_name: str | None = None
    partial: bool = False
    queries_only: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class UsedDocument:
    """A document as it was asked for: the digest of the view, how often, and each choice of its conditions."""

    view: str
    text: Text
    uses: int
    conditions: tuple[Mapping[str, bool], ...]


def _documents(bound: int) -> Memo[DocumentKey, PreparedDocument]:
    return Memo(bound, PreparedDocument.full_weight)


def _conditions(prepared: PreparedDocument) -> tuple[Mapping[str, bool], ...]:
    choices = dict.fromkeys(choice for choice, _ in tuple(prepared.shapes))
    return tuple(dict(zip(prepared.conditions, choice, strict=True)) for choice in choices)


def _beside_others(compute: Callable[[], T]) -> T:
    """Computes in a thread, without holding up the event loop."""
    with yielding(), built_beside_requests():
        try:
            return compute()
        except (CodedError, RequestError) as error:
            error.__context__ = None  # Whoever waits is in a ring with the error, and with all that its frames hold.
            raise error.with_traceback(None) from None


class Snapshot:
    """One supergraph, one policy version, and what was computed from them.

    ``graph_version`` is a digest of the supergraph SDL. ``governance`` is None in plain federation. ``labels`` are the
    labels of progressive overrides that hold for every request.
    """

    def __init__(
        self,
        supergraph: Supergraph,
        graph_version: str,
        governance: Governance | None = None,
        caches: CacheSettings | None = None,
        labels: frozenset[str] = frozenset(),
        limits: DocumentLimits | None = None,
    ) -> None:
        bounds = caches or CacheSettings()
        self._limits = limits or DocumentLimits()
        self.supergraph = supergraph
        self.graph_version = graph_version
        self.governance = governance
        self.schema: GraphQLSchema = api_schema(supergraph)
        self.plain_view = CallerView("", self.schema)
        self._planner = Planner(supergraph)
        self._rollout = Rollout(supergraph, labels)
        self._documents: Memo[DocumentKey, PreparedDocument] = _documents(bounds.documents)
        self._plans: Memo[tuple[str, str, frozenset[str]], CompiledPlan] = Memo(bounds.plans, lambda plan: plan.weight)
        self._underway: dict[object, asyncio.Future[Any]] = {}

    def under(self, governance: Governance) -> "Snapshot":
        """The same supergraph under another policy: planner and plans stay, what was permitted is forgotten."""
        changed = copy(self)
        changed.governance = governance
        changed._documents = _documents(self._documents.bound)
        changed._underway = {}
        return changed

    async def prepare(
        self, text: Text, view: CallerView, variables: Mapping[str, object]
    ) -> tuple[Prepared, Mapping[str, object]]:
        """The prepared operation and the values of its plan's variables.

        Raises RequestError or CodedError for a document that cannot be parsed, validated, permitted or planned, and
        for variables that do not fit.
        """
        key = (view.digest, text.document, text.operation_name, text.partial)
        document = self._documents.young.get(key) or self._documents.get(key)
        if document is None:
            document = await self._once(key, lambda: self._first(key, text, view))
        document.uses.number += 1
        if not document.definitions or are_few(variables):
            values = document.coerce(variables)
        else:
            values = await asyncio.to_thread(_beside_others, lambda: document.coerce(variables))
        shape = document.choice_of(values), self._rollout.labels_for(text.request_id)
        prepared = document.shapes.get(shape)
        if prepared is None:
            prepared = await self._once((key, shape), lambda: self._shape(document, shape, text, view, values, None))
        return prepared, prepared.bind_values(values)

    def most_used(self, count: int) -> list["UsedDocument"]:
        """The documents asked for most often, most used first; may be asked from another thread."""
        known = sorted(self._documents.items(), key=lambda entry: -entry[1].uses.number)[:count]
        return [
            UsedDocument(view, Text(document, name, partial), prepared.uses.number, _conditions(prepared))
            for (view, document, name, partial), prepared in known
        ]

    def warm(self, used: "UsedDocument", view: CallerView) -> None:
        """Prepares a document as requests of its kind will want it; half its uses count on. For a thread of its own.

        Raises RequestError or CodedError where the document is not served here.
        """
        key = (view.digest, used.text.document, used.text.operation_name, used.text.partial)
        document, parsed = self._read(used.text, view)
        document.uses.number = used.uses // 2
        try:
            for values in used.conditions:
                for labels in self._rollout.sets:
                    shape = document.choice_of(values), labels
                    self._shape(document, shape, used.text, view, values, parsed).compiled.warm()
        finally:
            forget(parsed)
            self._documents.put(key, document)

    async def _once(self, key: object, compute: Callable[[], T]) -> T:
        underway = cast("asyncio.Future[T] | None", self._underway.get(key))
        if underway is None:
            underway = asyncio.ensure_future(asyncio.to_thread(_beside_others, compute))
            self._underway[key] = underway
            underway.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(underway)

    def _ended(self, key: object, done: asyncio.Future[Any]) -> None:
        self._underway.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen: if all who waited have left, asyncio would report it as lost

    def _first(self, key: DocumentKey, text: Text, view: CallerView) -> PreparedDocument:
        """A document that was not asked for lately, with its plan if it has but one."""
        document, parsed = self._read(text, view)
        try:
            if not document.conditions and len(self._rollout.sets) == 1:
                self._shape(document, ((), self._rollout.sets[0]), text, view, {}, parsed)
        finally:  # only now, or whoever asks meanwhile would have it planned once more
            forget(parsed)
            self._documents.put(key, document)
        return document

    def _read(self, text: Text, view: CallerView) -> tuple[PreparedDocument, DocumentNode]:
        valid = read_document(text.document, text.operation_name, view.schema, self._limits)
        definitions = tuple(valid.operation.variable_definitions or ())
        weight = BYTES_OF_A_CHARACTER * len(text.document) // WEIGHT
        return PreparedDocument(valid.conditions, definitions, view.schema, weight), valid.document

    def _shape(
        self,
        document: PreparedDocument,
        shape: Shape,
        text: Text,
        view: CallerView,
        values: Mapping[str, object],
        parsed: DocumentNode | None,
    ) -> Prepared:
        operation = normalize(
            view.schema, parsed or parse(text.document, no_location=True), text.operation_name, values
        )
        permitted = permit(operation, view, partial=text.partial)
        compiled = self._plan(permitted.operation, view, shape[1])
        prepared = Prepared(
            operation.kind,
            compiled,
            literals_of(operation),
            sources_of(operation),
            permitted.grounds,
            permitted.refused,
            permitted.items,
            permitted.persons,
            permitted.uses,
        )
        gained = document.remember(shape, prepared)
        if parsed is None:  # otherwise the document is not among the remembered yet
            self._documents.grew(gained)
        return prepared

    def _plan(self, operation: Operation, view: CallerView, labels: frozenset[str]) -> CompiledPlan:
        key = (view.contract, operation.digest, labels)
        known = self._plans.get(key)
        if known is not None:
            return known
        return self._plans.put(key, compile_plan(self._planner.plan(operation, view.schema, labels), view.schema))

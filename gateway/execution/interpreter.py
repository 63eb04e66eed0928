"""The general path: interprets any plan, over any answer.

It is complete where the compiled form is fast, takes over from it whenever an answer is not as expected, and is the
oracle for what the answer must be.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from gateway.errors import SUBGRAPH_FAILED, CodedError, ErrorCode
from gateway.execution.representations import Batch, batches, objects_at
from gateway.execution.response_tree import Failed, Failure, Merging, Object, ResponseTree
from gateway.execution.subgraph_request import RequestTemplate
from gateway.execution.subgraph_response import Path, SubgraphError, SubgraphResponse, read_response
from gateway.planning.plan import EntityRequest, Fetch, QueryPlan

Answer = bytes | CodedError
_NONE = Batch()

QUICK = 50_000
"""Bytes of answers in all, up to which steps are done on the event loop."""


class Interpreter:
    """Makes the requests of a plan's fetches and merges their answers into its ``tree``.

    For each fetch, ``requests`` is called once when all it comes after are placed, then ``place`` once.
    """

    def __init__(
        self,
        plan: QueryPlan,
        templates: tuple[RequestTemplate, ...],
        merging: Merging,
        variables: Mapping[str, object],
    ) -> None:
        self.tree = ResponseTree(merging, plan.root_type)
        self._fetches = plan.fetches
        self._templates = templates
        self._variables = variables
        self._batches: dict[int, list[list[Batch]]] = {}
        self._places: dict[int, list[Object]] = {}
        self._bytes = 0

    def requests(self, number: int) -> list[bytes]:
        """The bodies to send for a fetch; none if there is nothing to ask."""
        fetch, template = self._fetches[number], self._templates[number]
        if not fetch.entities:
            self._places[number] = objects_at(self.tree.root, fetch)
            return [template.body(self._variables)] if self._places[number] else []
        columns = [batches(self.tree, request) for request in fetch.entities]
        calls = [list(call) for call in zip_longest(*columns, fillvalue=_NONE)]
        self._batches[number] = calls
        return [template.body(self._variables, _entity_variables(fetch, call)) for call in calls]

    def are_quick(self, answers: Sequence[Answer]) -> bool:
        """Whether there is so little to walk, these answers included, that no step takes more than some 2 ms."""
        self._bytes += sum(len(answer) for answer in answers if isinstance(answer, bytes))
        return self._bytes <= QUICK

    def place(self, number: int, answers: Sequence[Answer]) -> None:
        """Merge the answers to a fetch's requests, in their order; an error stands for an answer that never came."""
        fetch = self._fetches[number]
        if not fetch.entities:
            if answers:
                self._place_root(fetch, self._places.pop(number), answers[0])
            return
        for call, answer in zip(self._batches.pop(number), answers, strict=True):
            self._place_entities(fetch, call, answer)

    def _place_root(self, fetch: Fetch, targets: list[Object], answer: Answer) -> None:
        response = self._read(fetch, answer)
        if isinstance(response, Failure):
            for target in targets:
                self.tree.fail(target, fetch.fields, response)
        elif response.data is None:
            failures = [(error.path, _failure(fetch)) for error in response.errors]
            for field in fetch.fields:
                own = (failure for path, failure in failures if path and path[0] == field.slot)
                failure = next(own, failures[0][1])
                for target in targets:
                    self.tree.fail(target, (field,), failure)
        else:
            self._mark_errors(fetch, response.data, response.errors)
            for target in targets:
                self.tree.merge(target, response.data, fetch.fields, _failure(fetch, whole=False))

    def _place_entities(self, fetch: Fetch, call: list[Batch], answer: Answer) -> None:
        response = self._read(fetch, answer)
        if isinstance(response, SubgraphResponse):
            if response.data is None:
                response = _failure(fetch)
            else:
                self._mark_errors(fetch, response.data, response.errors)
        for request, batch in zip(fetch.entities, call, strict=True):
            found = response if isinstance(response, Failure) else _entities(response, request)
            if isinstance(found, Failed):
                self._fail_all(batch, found.failure)
            elif isinstance(found, Failure):
                self._fail_all(batch, found)
            elif not isinstance(found, list) or len(found) != len(batch.groups):
                self._fail_all(batch, _failure(fetch).malformed())
            else:
                self._place_list(_failure(fetch, whole=False), batch, found)

    def _place_list(self, source: Failure, batch: Batch, entities: list[object]) -> None:
        for entity, targets, fields in zip(entities, batch.groups, batch.fields, strict=True):
            if entity is None:
                continue
            if isinstance(entity, dict):
                for target in targets:
                    self.tree.merge(target, entity, fields, source)
            else:
                failure = entity.failure if isinstance(entity, Failed) else source.malformed()
                for target in targets:
                    self.tree.fail(target, fields, failure)

    def _fail_all(self, batch: Batch, failure: Failure) -> None:
        for targets, fields in zip(batch.groups, batch.fields, strict=True):
            for target in targets:
                self.tree.fail(target, fields, failure)

    def _read(self, fetch: Fetch, answer: Answer) -> SubgraphResponse | Failure:
        try:
            if isinstance(answer, CodedError):
                raise answer
            return read_response(answer)
        except CodedError as error:
            return _failure(fetch, error.code)

    def _mark_errors(self, fetch: Fetch, data: Object, errors: tuple[SubgraphError, ...]) -> None:
        """Put a ``Failed`` where an error's path meets null, so that it is found wherever the value is placed."""
        for error in errors:
            if error.path is None:
                self.tree.unplaced.append(_failure(fetch))
                continue
            whole = bool(fetch.entities) and len(error.path) == 1
            failure = _failure(fetch) if whole else _failure(fetch, error.code, whole=False)
            if not _mark(data, error.path, failure):
                self.tree.unplaced.append(failure)


def _failure(fetch: Fetch, code: ErrorCode = SUBGRAPH_FAILED, whole: bool = True) -> Failure:
    """By default that of a whole request, whose answer cannot be told apart."""
    return Failure(code, fetch.subgraph, fetch.number, whole)


def _entity_variables(fetch: Fetch, call: list[Batch]) -> list[tuple[str, bytes]]:
    added: list[tuple[str, bytes]] = []
    for request, batch in zip(fetch.entities, call, strict=True):
        added.append((request.variable, b"[" + b",".join(batch.representations) + b"]"))
        values = batch.context or (b"null",) * len(request.context)
        added += [(context.variable, value) for context, value in zip(request.context, values, strict=True)]
    return added


def _entities(response: SubgraphResponse, request: EntityRequest) -> object:
    return response.data.get(request.alias) if response.data is not None else None


def _mark(data: Object, path: Path, failure: Failure) -> bool:
    """Whether the path leads to null, for this cause or for one before."""
    here: Any = data
    for step in path:
        in_object = isinstance(here, dict) and step in here
        if not in_object and not (isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here)):
            return False
        if here[step] is None:
            here[step] = Failed(failure)
        here = here[step]
        if isinstance(here, Failed):
            return True
    return False

"""Which entities a request asks about, and how they are represented to the subgraph.

Targets are found by one walk over the tree for all paths of an entity request; equal representations are sent once, so
that an answer belongs to a *group* of targets. Groups make up batches: one ``_entities`` call holds at most so many
representations, and only such as agree in the values of @fromContext arguments.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from gateway.execution import subgraph_request
from gateway.execution.response_tree import Failed, Failure, Object, ResponseTree
from gateway.planning.plan import EntityRequest, Fetch, FetchedField, PathStep, Representation, RepresentationField

_MISSING = object()


class _IncompleteError(Exception):
    """A key or an input is null or missing. ``failure`` is the cause, if there is one."""

    def __init__(self, failure: Failure | None = None) -> None:
        self.failure = failure


@dataclass(slots=True)
class Batch:
    """One call's share of an entity request.

    Representations as JSON, each with the targets it stands for and the fields that its answer is taken for.
    """

    context: tuple[bytes, ...] = ()
    representations: list[bytes] = field(default_factory=list)
    groups: list[list[Object]] = field(default_factory=list)
    fields: list[tuple[FetchedField, ...]] = field(default_factory=list)


def batches(tree: ResponseTree, request: EntityRequest) -> list[Batch]:
    """Collect, represent, de-duplicate and divide the targets of ``request``, in the order of the tree.

    An object whose key is null is left out: its fields stay missing. One whose key or context failed inherits that. If
    an input failed, so do the fields that need it; the others are asked for with null in its place.
    """
    found: list[Batch] = []
    open_batches: dict[tuple[bytes, ...], Batch] = {}
    groups: dict[tuple[tuple[bytes, ...], bytes, int], list[Object]] = {}
    seen: set[int] = set()
    for target, ancestors in _targets(tree.root, request):
        if id(target) in seen:
            continue
        seen.add(id(target))
        lacking: dict[str, Failure | None] = {}
        try:
            representation = msgspec.json.encode(_represented(target, request.representations, lacking))
            context = tuple(
                msgspec.json.encode(_context(ancestors[value.depth], value.alternatives)) for value in request.context
            )
            fields = _still_wanted(tree, target, request, lacking) if lacking else request.fields
        except _IncompleteError as incomplete:
            if incomplete.failure is not None:
                tree.fail(target, request.fields, incomplete.failure)
            continue
        group = groups.get((context, representation, id(fields)))
        if group is not None:
            group.append(target)
            continue
        batch = open_batches.get(context)
        if batch is None or len(batch.groups) == subgraph_request.MAX_REPRESENTATIONS:
            batch = open_batches[context] = Batch(context)
            found.append(batch)
        groups[context, representation, id(fields)] = group = [target]
        batch.representations.append(representation)
        batch.groups.append(group)
        batch.fields.append(fields)
    return found


def _still_wanted(
    tree: ResponseTree, target: Object, request: EntityRequest, lacking: dict[str, Failure | None]
) -> tuple[FetchedField, ...]:
    """The fields that need nothing of what is lacking; the others fail. Raises _IncompleteError if that leaves none."""
    lost: set[str] = set()
    for name, failure in lacking.items():
        without = {slot for slot, needed in request.needs if name in needed}
        if not without:
            raise _IncompleteError(failure)
        if failure is not None:
            tree.fail(target, tuple(each for each in request.fields if each.slot in without - lost), failure)
        lost |= without
    kept = tree.merging.without(request.fields, frozenset(lost))
    if all(each.slot == "__typename" for each in kept):
        raise _IncompleteError
    return kept


P = TypeVar("P", EntityRequest, Fetch)


@dataclass(slots=True)
class Branches(Generic[P]):
    """Paths merged by their common beginnings, so that one walk finds the targets of all. ``ends``: whose paths end."""

    ends: list[P] = field(default_factory=list)
    steps: dict[PathStep, "Branches[P]"] = field(default_factory=dict)
    _sorted: list[tuple[PathStep, "Branches[P]"]] | None = None

    def sorted_steps(self) -> list[tuple[PathStep, "Branches[P]"]]:
        """The steps in an order that does not depend on which paths were merged: that of requests follows from it."""
        if self._sorted is None:
            self._sorted = sorted(self.steps.items(), key=lambda each: (each[0].slot, sorted(each[0].on_types or ())))
        return self._sorted


def branches(requests: Iterable[P]) -> Branches[P]:
    """The merged paths of some requests."""
    start: Branches[P] = Branches()
    for request in requests:
        for path in request.paths:
            here = start
            for step in path:
                here = here.steps.setdefault(step, Branches())
            here.ends.append(request)
    return start


def objects_at(root: Object, fetch: Fetch) -> list[Object]:
    """The objects that a root fetch's answer is for."""
    found: list[tuple[Object, tuple[Object, ...]]] = []
    _walk(root, branches((fetch,)), (), found)
    return [target for target, _ in found]


def _targets(root: Object, request: EntityRequest) -> list[tuple[Object, tuple[Object, ...]]]:
    """The objects at the end of each path, each with its ancestors if they matter: the root first, itself last."""
    found: list[tuple[Object, tuple[Object, ...]]] = []
    _walk(root, branches((request,)), (root,) if request.context else (), found)
    return found


def _walk(
    here: Object, wanted: Branches[P], ancestors: tuple[Object, ...], found: list[tuple[Object, tuple[Object, ...]]]
) -> None:
    if wanted.ends:
        found.append((here, ancestors))
    for step, below in wanted.sorted_steps():
        for child in _objects(here.get(step.slot)):
            if step.on_types is None or child.get("__typename") in step.on_types:
                _walk(child, below, (*ancestors, child) if ancestors else (), found)


def _objects(value: object) -> list[Object]:
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        return []
    return [each for item in value for each in ((item,) if isinstance(item, dict) else _objects(item))]


def _represented(
    target: Object, representations: tuple[Representation, ...], lacking: dict[str, Failure | None]
) -> Object:
    """How a target is represented; ``lacking`` gains the inputs that have no value, with the cause if there is one."""
    typename = target.get("__typename")
    for representation in representations:
        if representation.on_types is None or typename in representation.on_types:
            name = representation.typename or typename
            if isinstance(name, Failed):
                raise _IncompleteError(name.failure)
            if not isinstance(name, str):
                raise _IncompleteError
            return {"__typename": name, **_read(target, representation.fields, lacking)}
    raise _IncompleteError(typename.failure if isinstance(typename, Failed) else None)


def _read(
    source: Object, fields: tuple[RepresentationField, ...], lacking: dict[str, Failure | None] | None = None
) -> Object:
    read: Object = {}
    for field_ in fields:
        if field_.on_types is None or source.get("__typename") in field_.on_types:
            try:
                read[field_.name] = field_.constant or _value(field_, source.get(field_.slot, _MISSING))
            except _IncompleteError as incomplete:
                if lacking is None or not field_.input:
                    raise
                read[field_.name] = None
                lacking[field_.name] = incomplete.failure
    return read


def _value(field_: RepresentationField, value: object) -> object:
    if isinstance(value, Failed):
        raise _IncompleteError(value.failure)
    if value is _MISSING and field_.input:
        value = None
    if value is _MISSING:
        raise _IncompleteError
    if value is None:
        if not field_.nullable:
            raise _IncompleteError
        return None
    return _nested(field_, value) if field_.fields else value


def _nested(field_: RepresentationField, value: object) -> object:
    if isinstance(value, list):
        return [_nested(field_, item) for item in value]
    if isinstance(value, Failed):
        raise _IncompleteError(value.failure)
    return _read(value, field_.fields) if isinstance(value, dict) else None


def _context(ancestor: Object, alternatives: tuple[RepresentationField, ...]) -> object:
    """The value of the first alternative that holds for the ancestor's type; null if none does.

    Raises _IncompleteError if it failed.
    """
    for alternative in alternatives:
        if alternative.on_types is None or ancestor.get("__typename") in alternative.on_types:
            value = ancestor.get(alternative.slot)
            if isinstance(value, Failed):
                raise _IncompleteError(value.failure)
            return _context(value, alternative.fields) if alternative.fields and isinstance(value, dict) else value
    return None

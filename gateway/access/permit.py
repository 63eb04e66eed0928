"""Operation -> Operation with outcomes: the one place where policy enters, before anything is planned.

Every selected field and every argument is turned into the items it discloses or filters by, an abstract type into the
concrete ones it can be. Per resource, *one* entitlement must cover all that the operation asks of it, since the columns
of one grant joined with the rows of another would show what neither allows. What is not covered refuses the operation,
or, if the caller prefers a part, only the fields concerned. Invariant: a field whose outcome is Read is covered.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from graphql import (
    EnumValueNode,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    is_abstract_type,
)

from gateway.access.bindings import Bindings
from gateway.access.caller_view import CallerView, Permitted, Rights
from gateway.access.refusals import Refusal, refusal_reports
from gateway.errors import RequestError
from gateway.planning.normalize import digest_of
from gateway.planning.operation import (
    Argument,
    FieldSelection,
    FragmentSelection,
    Operation,
    OperationKind,
    Refused,
    Selection,
)
from policies.views import Act, Entitlement, Missing

Need = tuple[str, Act]


@dataclass(frozen=True, slots=True)
class _Use:
    """A selected field: what it needs, and where it stands in the answer."""

    selection: FieldSelection
    path: tuple[str, ...]
    needs: frozenset[Need]


def permit(operation: Operation, view: CallerView, *, partial: bool) -> Permitted:
    """Decides an operation for one class of callers.

    Raises RequestError (403) with one report per resource when something is refused and the caller did not ask for
    the permitted rest; a mutation is always refused whole.
    """
    rights = view.rights
    if rights is None:
        return Permitted(operation)
    literals = {variable.name: variable.literal for variable in operation.variables if variable.source is None}
    uses = list(_uses(operation.selections, (), _Reading(view.schema, rights.bindings, literals)))
    grounds, refusals = _decide(uses, rights)
    if not refusals:
        return Permitted(operation, grounds)
    if not partial or operation.kind is not OperationKind.QUERY:
        raise RequestError(refusal_reports(refusals.values(), rights.texts), 403)
    outcomes = {id(refusal.selection): rights.texts.outcome(refusal) for refusal in refusals.values()}
    selections = tuple(_with_outcomes(operation.selections, outcomes))
    digest = digest_of(operation.kind, operation.variables, selections)
    return Permitted(replace(operation, selections=selections, digest=digest), grounds, refused=True)


def _decide(uses: list[_Use], rights: Rights) -> tuple[dict[str, Entitlement], dict[int, Refusal]]:
    """One entitlement per resource, and the refused fields by the identity of their selection.

    Refusing a field takes its needs away from every resource, which may let another entitlement cover the rest; each
    round refuses at least one field, so the rounds end.
    """
    refusals: dict[int, Refusal] = {}
    while True:
        needed: dict[str, set[Need]] = defaultdict(set)
        for use in uses:
            if not _is_refused(use, refusals):
                for item, act in use.needs:
                    needed[item.rpartition(".")[0]].add((item, act))
        grounds: dict[str, Entitlement] = {}
        missing: dict[str, Missing] = {}
        for resource, needs in sorted(needed.items()):
            answer = rights.view.entitle(resource, frozenset(needs))
            if isinstance(answer, Missing):
                missing[resource] = answer
            else:
                grounds[resource] = answer
        if not missing:
            return grounds, refusals
        for use in uses:
            if _is_refused(use, refusals):
                continue
            for resource, answer in missing.items():
                if items := answer.items & {item for item, _ in use.needs}:
                    refusals[id(use.selection)] = Refusal(use.selection, use.path, resource, items, answer)
                    break


def _is_refused(use: _Use, refusals: dict[int, Refusal]) -> bool:
    if id(use.selection) in refusals:
        return True
    paths = {refusal.path for refusal in refusals.values()}
    return any(use.path[:length] in paths for length in range(1, len(use.path)))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is needed to read an operation: the caller's schema, the bindings, the values the document itself held."""

    schema: GraphQLSchema
    bindings: Bindings
    literals: Mapping[str, object]

    def concrete_types(self, name: str) -> list[str]:
        kind = self.schema.type_map[name]
        if is_abstract_type(kind):
            return [possible.name for possible in self.schema.get_possible_types(kind)]
        return [name]

    def filtered(self, coordinate: str, argument: Argument) -> Iterator[str]:
        """The items that an argument filters, sorts or groups by.

        A client's variable may bring any field of its input object, so it needs the rights to all of them: the
        decision is made once for the operation, whatever values come.
        """
        place = f"{coordinate}({argument.name}:)"
        yield from self.bindings.filters.get(place, ())
        inner = self.bindings.inner_filters.get(place)
        if inner:
            names = self._names_in(argument.value)
            for name, items in inner.items():
                if names is None or name in names:
                    yield from items

    def _names_in(self, value: ValueNode) -> frozenset[str] | None:
        """Names and words inside an argument's value; None when a client's variable could bring any."""
        if isinstance(value, VariableNode):
            name = value.name.value
            return frozenset(_words(self.literals[name])) if name in self.literals else None
        if isinstance(value, EnumValueNode | StringValueNode):
            return frozenset({value.value})
        parts: list[frozenset[str] | None] = []
        if isinstance(value, ListValueNode):
            parts = [self._names_in(part) for part in value.values]
        elif isinstance(value, ObjectValueNode):
            parts = [frozenset({field.name.value}) for field in value.fields]
            parts += [self._names_in(field.value) for field in value.fields]
        known = [part for part in parts if part is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _words(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _words(part)


def _uses(selections: Iterable[Selection], path: tuple[str, ...], reading: _Reading) -> Iterator[_Use]:
    for selection in selections:
        if isinstance(selection, FragmentSelection):
            yield from _uses(selection.selections, path, reading)
            continue
        here = (*path, selection.response_key)
        needs: set[Need] = set()
        for concrete in reading.concrete_types(selection.parent_type):
            coordinate = f"{concrete}.{selection.name}"
            needs.update((item, Act.READ) for item in reading.bindings.reads.get(coordinate, ()))
            for argument in selection.arguments:
                needs.update((item, Act.FILTER) for item in reading.filtered(coordinate, argument))
        yield _Use(selection, here, frozenset(needs))
        yield from _uses(selection.selections, here, reading)


def _with_outcomes(selections: tuple[Selection, ...], outcomes: dict[int, Refused]) -> Iterator[Selection]:
    for selection in selections:
        outcome = outcomes.get(id(selection))
        if outcome is not None and isinstance(selection, FieldSelection):
            yield replace(selection, selections=(), outcome=outcome)
        else:
            yield replace(selection, selections=tuple(_with_outcomes(selection.selections, outcomes)))

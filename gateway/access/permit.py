"""Operation -> Operation with outcomes: the one place where policy enters, before anything is planned.

What is not covered refuses the operation, or, if the caller prefers a part, only the fields concerned. Invariant: a
field whose outcome is Read is covered by the grounds of its resources.
"""

from collections.abc import Iterator
from dataclasses import replace

from gateway.access.caller_view import CallerView, Permitted
from gateway.access.judging import Judgement, judge
from gateway.access.refusals import refusal_reports
from gateway.errors import RequestError
from gateway.planning.normalize import digest_of
from gateway.planning.operation import FieldSelection, Operation, OperationKind, Refused, Selection


def permit(operation: Operation, view: CallerView, *, partial: bool) -> Permitted:
    """Decides an operation for one class of callers.

    Raises RequestError (403) with one report per resource when something is refused and the caller did not ask for
    the permitted rest; a mutation is always refused whole.
    """
    rights = view.rights
    if rights is None:
        return Permitted(operation)
    judgement = judge(operation, view.schema, rights)
    if not judgement.refusals:
        return _permitted(operation, judgement, refused=False)
    if not partial or operation.kind is not OperationKind.QUERY:
        raise RequestError(refusal_reports(judgement.refusals.values(), rights.texts), 403)
    outcomes = {identity: rights.texts.outcome(refusal) for identity, refusal in judgement.refusals.items()}
    selections = tuple(_with_outcomes(operation.selections, outcomes))
    digest = digest_of(operation.kind, operation.variables, selections)
    rest = replace(operation, selections=selections, digest=digest)
    return _permitted(rest, judgement, refused=True)


def _permitted(operation: Operation, judgement: Judgement, *, refused: bool) -> Permitted:
    items, uses = judgement.items()
    return Permitted(operation, judgement.grounds, refused, items, judgement.persons, uses)


def _with_outcomes(selections: tuple[Selection, ...], outcomes: dict[int, Refused]) -> Iterator[Selection]:
    for selection in selections:
        outcome = outcomes.get(id(selection))
        if outcome is not None and isinstance(selection, FieldSelection):
            yield replace(selection, selections=(), outcome=outcome)
        else:
            yield replace(selection, selections=tuple(_with_outcomes(selection.selections, outcomes)))

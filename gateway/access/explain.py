"""Why an operation is answered or refused: a verdict, its rule and the way to apply, for every field."""

from dataclasses import dataclass

from graphql import GraphQLSyntaxError, parse, validate

from catalog_sync.languages import Language
from gateway.access.caller_view import CallerView
from gateway.access.judging import Judgement, Use, judge
from gateway.errors import PARSE_FAILED, VALIDATION_FAILED, CodedError
from gateway.planning.normalize import normalize
from policies.wording import say


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """One selected field.

    ``verdict`` is ``allowed``, ``refused`` or ``structure`` (it discloses nothing of its own). ``rules`` are the ids of
    the policy lines that allow it, ``basis`` their legal grounds; ``reason`` and ``apply`` stand where it is refused.
    """

    path: str
    coordinate: str
    items: tuple[str, ...]
    verdict: str
    rules: tuple[str, ...] = ()
    grant: str | None = None
    basis: tuple[str, ...] = ()
    masked: str | None = None
    provider: str = ""
    reason: str = ""
    apply: str = ""


def explain(text: str, view: CallerView, language: Language = Language.ENGLISH) -> tuple[FieldVerdict, ...]:
    """Judges the operation in ``text`` for a class of callers; plans and executes nothing. Reasons are in ``language``.

    Raises CodedError where the text does not parse, or does not fit the schema that these callers see: what they may
    not know of is explained to nobody in their name.
    """
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        raise CodedError(PARSE_FAILED, str(error)) from None
    if problems := validate(view.schema, document):
        raise CodedError(VALIDATION_FAILED, " ".join(problem.message for problem in problems))
    operation = normalize(view.schema, document, None, {})
    if view.rights is None:
        return ()
    judgement = judge(operation, view.schema, view.rights)
    return tuple(_verdict(use, judgement, view, language) for use in judgement.uses)


def _verdict(use: Use, judgement: Judgement, view: CallerView, language: Language) -> FieldVerdict:
    assert view.rights is not None
    items = tuple(sorted({item for item, _ in use.needs}))
    path, coordinate = ".".join(use.path), use.selection.coordinate
    refusal = judgement.refusals.get(id(use.selection))
    if refusal is not None:
        details = view.rights.texts.details(refusal.resource, refusal.items, refusal.missing)
        return FieldVerdict(
            path, coordinate, items, "refused",
            provider=str(details["provider"]), apply=str(details["apply"]),
            reason=f"{refusal.missing.reason}: {refusal.missing.said.within(language)}",
        )  # fmt: skip
    if not items:
        return FieldVerdict(path, coordinate, items, "structure")
    grounds = [
        judgement.grounds[code]
        for code in sorted({item.rpartition(".")[0] for item in items} & judgement.grounds.keys())
    ]
    if not grounds:
        return FieldVerdict(path, coordinate, items, "refused", reason=say("refused above").within(language))
    return FieldVerdict(
        path, coordinate, items, "allowed",
        rules=tuple(rule for ground in grounds for rule in ground.rule_ids),
        grant=next((ground.grant for ground in grounds if ground.grant), None),
        basis=tuple(basis for ground in grounds for basis in ground.basis),
        masked=next((ground.masks[item] for ground in grounds for item in items if item in ground.masks), None),
    )  # fmt: skip

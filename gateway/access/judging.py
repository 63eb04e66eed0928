"""What an operation needs of each resource, and whether one entitlement covers it.

Every selected field and every argument is turned into the items it discloses or filters by, an abstract type into the
concrete ones it can be. Per resource *one* entitlement must cover all that the operation asks of it, since the columns
of one grant joined with the rows of another would show what neither allows. Over all resources, of items that are kept
apart no more are used than their line allows: what is one too many is refused, the last first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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

from gateway.access.bindings import PLACING_ARGUMENTS, Bindings
from gateway.access.caller_view import Rights
from gateway.access.refusals import Refusal
from gateway.planning.operation import Argument, FieldSelection, FragmentSelection, Operation, Selection
from policies.ledger import ItemUse, uses_of
from policies.views import Act, Entitlement, Missing, Need


@dataclass(frozen=True, slots=True)
class Use:
    """A selected field: what it needs, and where it stands in the answer.

    ``persons`` are the variables (canonical names) by which it looks a person up. ``told`` says for the ledger what is
    done with each item, in more words than a decision needs.
    """

    selection: FieldSelection
    path: tuple[str, ...]
    needs: frozenset[Need]
    persons: tuple[str, ...] = ()
    told: frozenset[tuple[str, ItemUse]] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """``grounds``: the one entitlement used per resource; ``refusals`` by the identity of the refused selection."""

    uses: tuple[Use, ...]
    grounds: Mapping[str, Entitlement]
    refusals: Mapping[int, Refusal]

    def items(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every item that is disclosed or filtered by, and what is done with each, as the ledger has it.

        What is refused, and what stands below it, is not asked for.
        """
        verified = frozenset[str]().union(*(ground.verify_only for ground in self.grounds.values()))
        told = {
            (item, ItemUse.VERIFY if use is ItemUse.READ and item in verified else use)
            for field in self.uses
            if not _is_refused(field, self.refusals)
            for item, use in field.told
        }
        return uses_of(told)

    @property
    def persons(self) -> tuple[str, ...]:
        """The variables by which persons are looked up."""
        return tuple(dict.fromkeys(name for use in self.uses for name in use.persons))


def judge(operation: Operation, schema: GraphQLSchema, rights: Rights) -> Judgement:
    """Judges an operation that fits ``schema``, the caller's. Invariant: what is not refused is covered by grounds."""
    literals = {variable.name: variable.literal for variable in operation.variables if variable.source is None}
    uses = tuple(_uses(operation.selections, (), _Reading(schema, rights.bindings, literals)))
    grounds, refusals = _decide(uses, rights, {})
    if too_many := _too_many_together(uses, rights, refusals):
        # With less to be read another right may do, of fewer masks; all that stands is covered still.
        grounds, refusals = _decide(uses, rights, {**refusals, **too_many})
    return Judgement(uses, grounds, refusals)


def _too_many_together(uses: tuple[Use, ...], rights: Rights, refusals: Mapping[int, Refusal]) -> dict[int, Refusal]:
    """The fields that would use one too many of a combination of items: the last to come, so the fewest items go."""
    if not rights.view.combinations:
        return {}
    standing = [use for use in uses if not _is_refused(use, refusals)]
    asked = {item for use in standing for item, _ in use.needs}
    found: dict[int, Refusal] = {}
    kept: set[str] = set()
    for use in standing:
        items = {item for item, _ in use.needs}
        if _is_refused(use, found):
            continue
        combination = rights.view.too_many(kept | items)
        if combination is None:
            kept |= items
            continue
        beyond = (combination.items & items) - kept
        resource = min(item.rpartition(".")[0] for item in beyond)
        left_out = frozenset(item for item in beyond if item.rpartition(".")[0] == resource)
        missing = Missing.not_together(resource, left_out, combination, tuple(sorted(combination.items & asked)))
        told = frozenset(pair for pair in use.told if pair[0] in left_out)
        found[id(use.selection)] = Refusal(use.selection, use.path, resource, left_out, missing, told)
    return found


def _decide(
    uses: tuple[Use, ...], rights: Rights, before: Mapping[int, Refusal]
) -> tuple[dict[str, Entitlement], dict[int, Refusal]]:
    """One entitlement per resource, and the refused fields by the identity of their selection, those of ``before`` too.

    Refusing a field takes its needs away from every resource, which may let another entitlement cover the rest; each
    round refuses at least one field, so the rounds end.
    """
    refusals = dict(before)
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
        # What stands below a refused field is named too: whoever applies, applies for all of it at once.
        standing = [use for use in uses if not _is_refused(use, refusals)]
        found = [refusal for use in standing if (refusal := _refusal(use, missing, rights))]
        # Where every field alone is covered, and only all of them together are not, those concerned go.
        for refusal in found or [together for use in standing if (together := _refusal(use, missing, None))]:
            refusals[id(refusal.selection)] = refusal


def _refusal(use: Use, missing: Mapping[str, Missing], rights: Rights | None) -> Refusal | None:
    """The refusal of a field that needs something missing; with ``rights``, only of one that they do not cover alone.

    An item may be read masked and not followed: then the field that follows it goes, and the one that reads it stays.
    """
    for resource, answer in missing.items():
        items = answer.items & {item for item, _ in use.needs}
        own = frozenset(need for need in use.needs if need[0].rpartition(".")[0] == resource)
        if items and (rights is None or isinstance(rights.view.entitle(resource, own), Missing)):
            told = frozenset(pair for pair in use.told if pair[0] in items)
            return Refusal(use.selection, use.path, resource, items, answer, told)
    return None


def _is_refused(use: Use, refusals: Mapping[int, Refusal]) -> bool:
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

    def use_of(self, parent_type: str, argument: Argument) -> ItemUse:
        """What an argument does with the items it names."""
        mutation = self.schema.mutation_type
        if mutation is not None and parent_type == mutation.name:
            return ItemUse.WRITE
        placing = PLACING_ARGUMENTS.match(argument.name)
        if placing is None:
            return ItemUse.FILTER
        return ItemUse.GROUP if placing[1].lower() == "group" else ItemUse.SORT

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


def _uses(selections: Iterable[Selection], path: tuple[str, ...], reading: _Reading) -> Iterator[Use]:
    for selection in selections:
        if isinstance(selection, FragmentSelection):
            yield from _uses(selection.selections, path, reading)
            continue
        here = (*path, selection.response_key)
        needs: set[Need] = set()
        persons: dict[str, None] = {}
        told: set[tuple[str, ItemUse]] = set()
        for concrete in reading.concrete_types(selection.parent_type):
            coordinate = f"{concrete}.{selection.name}"
            read = reading.bindings.reads.get(coordinate, ())
            followed = reading.bindings.follows.get(coordinate, frozenset())
            for item in read:
                needs.add((item, Act.FOLLOW if item in followed else Act.READ))
                told.add((item, ItemUse.FOLLOW if item in followed else ItemUse.READ))
            for argument in selection.arguments:
                filtered = set(reading.filtered(coordinate, argument))
                needs.update((item, Act.FILTER) for item in filtered)
                told.update((item, reading.use_of(selection.parent_type, argument)) for item in filtered)
                if filtered & reading.bindings.persons and isinstance(argument.value, VariableNode):
                    persons[argument.value.name.value] = None
        yield Use(selection, here, frozenset(needs), tuple(persons), frozenset(told))
        yield from _uses(selection.selections, here, reading)

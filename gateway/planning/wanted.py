"""What is wanted of an object: client selections and field sets in one form, shared wherever they are equal.

Equal sets are one and the same value, so the search can remember a plan by the identity of a set. What is never fetched
is gone: refused fields, introspection, constants; and so are the aliases of leaves. An object under two response keys
is fetched twice, since an error that takes the one away may leave the other; so is each call of a mutation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphql import ValueNode, VariableNode, Visitor, print_ast, visit

from gateway.planning.operation import FieldSelection, FragmentSelection, Read, Selection
from gateway.supergraph.field_set import FieldSet, FieldSetField

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True, eq=False)
class WantedField:
    """A field with the text of its arguments, ``(a: $v0)`` or empty; ``below`` is None for a leaf."""

    name: str
    alias: str
    arguments: str
    variables: tuple[str, ...]
    below: "WantedSet | None"
    leaves: int


@dataclass(frozen=True, slots=True, eq=False)
class WantedOn:
    """What is wanted of objects of ``condition`` alone."""

    condition: str
    below: "WantedSet"
    leaves: int


Wanted = WantedField | WantedOn


@dataclass(frozen=True, slots=True, eq=False)
class WantedSet:
    """Everything wanted of one object; ``leaves`` counts the fields without selections below."""

    items: tuple[Wanted, ...]
    leaves: int


@dataclass(frozen=True, slots=True)
class WantedSets:
    """Makes wanted sets, and gives the same one for equal contents."""

    _items: dict[tuple[str, str, WantedSet | None], Wanted] = field(default_factory=dict)
    _sets: dict[tuple[Wanted, ...], WantedSet] = field(default_factory=dict)
    _field_sets: dict[FieldSet, WantedSet] = field(default_factory=dict)

    def of(self, items: Iterable[Wanted]) -> WantedSet:
        """The set of these items."""
        key = tuple(items)
        known = self._sets.get(key)
        if known is None:
            known = self._sets[key] = WantedSet(key, sum(item.leaves for item in key))
        return known

    def field(
        self, name: str, alias: str, arguments: str, variables: tuple[str, ...], below: WantedSet | None
    ) -> WantedField:
        """A wanted field."""
        key = (f"{alias}: {name}", arguments, below)
        known = self._items.get(key)
        if known is None:
            leaves = max(1, below.leaves) if below else 1
            known = self._items[key] = WantedField(name, alias, arguments, variables, below, leaves)
        assert isinstance(known, WantedField)
        return known

    def on(self, condition: str, below: WantedSet) -> WantedOn:
        """What is wanted on one type alone."""
        key = (condition, "...", below)
        known = self._items.get(key)
        if known is None:
            known = self._items[key] = WantedOn(condition, below, below.leaves)
        assert isinstance(known, WantedOn)
        return known

    def of_selections(self, selections: tuple[Selection, ...], calls: bool = False) -> WantedSet:
        """What an operation's selections want fetched; those of a mutation's root are ``calls``."""
        return self.of(self._of_selections(selections, calls))

    def _of_selections(self, selections: tuple[Selection, ...], calls: bool) -> Iterable[Wanted]:
        for selection in selections:
            if isinstance(selection, FragmentSelection):
                yield self.on(selection.type_condition, self.of_selections(selection.selections))
            elif isinstance(selection.outcome, Read):
                yield self._of_field(selection, own_alias(selection, calls))

    def _of_field(self, selection: FieldSelection, alias: str) -> WantedField:
        variables = tuple(sorted({name for a in selection.arguments for name in variables_in(a.value)}))
        below = self.of_selections(selection.selections) if selection.selections else None
        return self.field(selection.name, alias, given_arguments(selection), variables, below)

    def of_field_set(self, fields: FieldSet) -> WantedSet:
        """What a @key, @requires or context selection wants fetched."""
        known = self._field_sets.get(fields)
        if known is None:
            known = self._field_sets[fields] = self.of(self._of_field_set(fields))
        return known

    def _of_field_set(self, fields: FieldSet) -> Iterable[Wanted]:
        for selection in fields:
            below = self.of_field_set(selection.selections) if selection.selections else None
            if isinstance(selection, FieldSetField):
                yield self.field(selection.name, "", arguments_text(selection), (), below)
            elif below is not None:
                yield self.on(selection.type_condition, below)


def own_alias(selection: FieldSelection, call: bool) -> str:
    """The response key of a field that has a slot of its own: see above."""
    own = call or (selection.selections and selection.response_key != selection.name)
    return selection.response_key if own else ""


def arguments_text(selection: FieldSetField) -> str:
    """The arguments of a field set's field as they are sent: ``(limit: 3)``, or nothing."""
    text = ", ".join(f"{name}: {value}" for name, value in selection.arguments)
    return f"({text})" if text else ""


def given_arguments(selection: FieldSelection) -> str:
    """As ``arguments_text``, of a field that the client selected."""
    text = ", ".join(f"{argument.name}: {print_value(argument.value)}" for argument in selection.arguments)
    return f"({text})" if text else ""


def print_value(value: ValueNode) -> str:
    """A value as GraphQL text; the usual case, a variable, without a visitor."""
    return f"${value.name.value}" if isinstance(value, VariableNode) else print_ast(value)


def variables_in(value: ValueNode) -> set[str]:
    """The names of all variables inside a value."""
    if isinstance(value, VariableNode):
        return {value.name.value}
    found: set[str] = set()

    class Names(Visitor):
        def enter_variable(self, node: VariableNode, *_: object) -> None:
            found.add(node.name.value)

    visit(value, Names())
    return found

"""What a stored document uses of a schema, and whether a change of the schema hits it."""

from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    get_named_type,
    parse,
    type_from_ast,
    validate,
    visit,
)

from catalog_sync.schema_comparison import SchemaChange


def documents_hit(
    documents: Mapping[str, str], old: GraphQLSchema, new: GraphQLSchema, changes: Iterable[SchemaChange]
) -> Iterator[tuple[str, tuple[SchemaChange, ...]]]:
    """The ids of documents, valid under ``old``, that a change hits, each with the changes.

    A document that is not valid under ``new`` is hit even by changes of what it does not name, as by an argument that
    became required.
    """
    breaking = tuple(changes)
    for identity, text in sorted(documents.items()):
        try:
            document = parse(text, no_location=True)
        except GraphQLError:
            continue
        if validate(old, document):
            continue
        used = _coordinates(document, old)
        hits = tuple(change for change in breaking if change.coordinate in used)
        if not hits and validate(new, document):
            hits = tuple(change for change in breaking if change.coordinate.partition("(")[0] in used) or breaking
        if hits:
            yield identity, hits


def _coordinates(document: DocumentNode, schema: GraphQLSchema) -> frozenset[str]:
    collected = _Collected(schema)
    visit(document, TypeInfoVisitor(collected.types, collected))
    return frozenset(collected.used)


class _Collected(Visitor):
    """The schema coordinates that a document names, and the types it passes through."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._schema = schema
        self.types = TypeInfo(schema)
        self.used: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """A field, and the type that it leads to."""
        parent, definition = self.types.get_parent_type(), self.types.get_field_def()
        if parent is not None and definition is not None:
            self.used |= {parent.name, f"{parent.name}.{node.name.value}", get_named_type(definition.type).name}

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        """An argument of a field; those of directives belong to no type."""
        parent, definition = self.types.get_parent_type(), self.types.get_field_def()
        if self.types.get_directive() is None and isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            field = next((name for name, known in parent.fields.items() if known is definition), None)
            self.used.add(f"{parent.name}.{field}({node.name.value}:)")

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        """Which fields of an input object a variable brings is known only when it comes: any of them may."""
        type_ = type_from_ast(self._schema, node.type)
        if type_ is not None:
            self.used |= _inputs_of(get_named_type(type_))

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        """A field of an input object written out."""
        parent = self.types.get_parent_input_type()
        if parent is not None:
            self.used.add(f"{get_named_type(parent).name}.{node.name.value}")

    def enter_enum_value(self, node: EnumValueNode, *_: object) -> None:
        """A value of an enum written out."""
        named = get_named_type(self.types.get_input_type())
        if named is not None:
            self.used |= {named.name, f"{named.name}.{node.value}"}

    def enter_named_type(self, node: NamedTypeNode, *_: object) -> None:
        """A type that a variable or a fragment names."""
        self.used.add(node.name.value)

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: object) -> None:
        """A fragment without a type names the one it stands in."""
        if node.type_condition is None and (parent := self.types.get_parent_type()) is not None:
            self.used.add(parent.name)


def _inputs_of(type_: GraphQLNamedType) -> frozenset[str]:
    """What a variable of a type may bring: the coordinates of its fields and values, and of theirs."""
    found: set[str] = set()
    waiting = [type_]
    while waiting:
        current = waiting.pop()
        if current.name in found:
            continue
        found.add(current.name)
        if isinstance(current, GraphQLInputObjectType):
            found |= {f"{current.name}.{name}" for name in current.fields}
            waiting += [get_named_type(field.type) for field in current.fields.values()]
        elif isinstance(current, GraphQLEnumType):
            found |= {f"{current.name}.{value}" for value in current.values}
    return frozenset(found)

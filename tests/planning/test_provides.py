"""@provides: an external field is there on this path, and on no other."""

from tests.planning.plans import assert_plan, plan, supergraph

LIBRARY = supergraph(
    "a b",
    """
    type Query @type(A) @type(B) {
      loan: Loan @in(A)
      shelf: [Item] @in(A, provides: "... on Book { title author { name } }")
      newest: Medium @in(A, provides: "title")
    }
    type Loan @type(A) { book: Book @in(A, provides: "title author { name }") other: Book @in(A) }
    union Item @type(A) @type(B) @member(A, member: "Book") @member(A, member: "Map") @member(B, member: "Book")
      = Book | Map
    interface Medium @type(A) @type(B) { id: ID! title: String }
    type Book implements Medium @implements(A, interface: "Medium") @implements(B, interface: "Medium")
      @type(A, key: "id") @type(B, key: "id") {
      id: ID!
      title: String @in(A, external: true) @in(B)
      pages: Int @in(B)
      author: Author @in(A, external: true) @in(B)
    }
    type Author @type(A) @type(B) { name: String @in(A, external: true) @in(B) born: Int @in(B) }
    type Map @type(A, key: "id") { id: ID! scale: Int }
    """,
)


def test_provided_fields_are_taken_on_the_path_and_fetched_off_it() -> None:
    assert_plan(
        plan(LIBRARY, "{ loan { book { title } other { title } } }"),
        """
        0 a: { loan { book { title } other { id } } }
        1 b after 0: loan.other Book { __typename id } => { ... on Book { title } }
        """,
    )


def test_what_is_provided_in_part_is_completed_by_another_request() -> None:
    assert_plan(
        plan(LIBRARY, "{ loan { book { title pages author { name born } } } }"),
        """
        0 a: { loan { book { title id } } }
        1 b after 0: loan.book Book { __typename id } => { ... on Book { pages author { name born } } }
        """,
    )


def test_provided_fields_of_a_union_member_are_taken_behind_its_fragment() -> None:
    assert_plan(
        plan(LIBRARY, "{ shelf { ... on Book { title author { name } } ... on Map { scale } } }"),
        """
        0 a: { shelf { __typename ... on Book { title author { name } } ... on Map { scale } } }
        """,
    )


def test_a_field_provided_on_an_interface_holds_for_every_type() -> None:
    assert_plan(
        plan(LIBRARY, "{ newest { title ... on Book { pages } } }"),
        """
        0 a: { newest { __typename title ... on Book { id } } }
        1 b after 0: newest Book { __typename id } => { ... on Book { pages } }
        """,
    )


def test_an_interface_that_returns_itself_is_not_expanded_without_end() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { product: Product @in(A, provides: "similar { id similar { id } }") }
        interface Product @type(A) @type(B) { id: ID! similar: Product price: Int @in(B) }
        type Lamp implements Product @implements(A, interface: "Product") @implements(B, interface: "Product")
          @type(A, key: "id") @type(B, key: "id") {
          id: ID! similar: Product @in(A, external: true) @in(B) price: Int @in(B)
        }
        """,
    )
    assert_plan(
        plan(model, "{ product { similar { similar { id price } } } }"),
        """
        0 a: { product { __typename similar { __typename similar { __typename id } } } }
        1 b after 0: product.similar.similar Lamp { __typename id } => { ... on Lamp { price } }
        """,
    )

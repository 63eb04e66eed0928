from gateway.composition.contract_tags import hidden_by_tags
from gateway.supergraph.api_schema import contract_schema
from gateway.supergraph.join_sdl import read_supergraph
from tests.composition.subgraphs import federation_2, supergraph

SDL = supergraph(
    *federation_2(
        a='type Query { open: Open @tag(name: "public") secret: Secret @tag(name: "internal") both: Int '
        '@tag(name: "public") @tag(name: "internal") } type Open { id: ID @tag(name: "public") note: String '
        'kind: Kind @tag(name: "public") } enum Kind { X Y @tag(name: "internal") } '
        'type Secret @tag(name: "internal") { id: ID }'
    )
)


def fields(include: set[str], exclude: set[str]) -> dict[str, list[str]]:
    hidden = hidden_by_tags(SDL, frozenset(include), frozenset(exclude))
    schema = contract_schema(read_supergraph(SDL), hidden)
    return {
        name: sorted(getattr(type_, "fields", None) or getattr(type_, "values", {}))
        for name, type_ in schema.type_map.items()
        if name in ("Query", "Open", "Secret", "Kind")
    }


def test_an_excluded_tag_hides_its_element_and_what_only_it_led_to() -> None:
    assert fields(set(), {"internal"}) == {"Query": ["open"], "Open": ["id", "kind", "note"], "Kind": ["X"]}


def test_an_included_tag_hides_every_field_without_it() -> None:
    assert fields({"public"}, set()) == {"Query": ["both", "open"], "Open": ["id", "kind"], "Kind": ["X", "Y"]}


def test_exclusion_wins_over_inclusion() -> None:
    assert fields({"public"}, {"internal"}) == {"Query": ["open"], "Open": ["id", "kind"], "Kind": ["X"]}


def test_nothing_is_hidden_without_tags() -> None:
    assert hidden_by_tags(SDL) == frozenset()

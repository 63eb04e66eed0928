"""Of an entity that an answer names again and again, one object is kept, if nobody can tell."""

from typing import Any

import msgspec
import pytest
from graphql import build_schema

from gateway.execution.compilation.form import CompiledSteps
from tests.execution.plans import EntityFetch, Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, by_key, told, warm_plan

SCHEMA = build_schema("""
    type Query { reviews: [Review] version: Int }
    type Review { id: ID! author: User product: Product }
    type User { id: ID! name: String score: Float reviews: [Review] }
    type Product { upc: ID! name: String price: Int }
""")
NAMES = entities("users", "User", "reviews.author", "id", "{ name }", after=(0,))
LATER = entities("late", "User", "reviews.author", "id", "{ score }", after=(0, 2))
IVY: dict[str, Any] = {"id": "1", "score": 1}


@pytest.mark.parametrize(
    ("known", "second", "fetches", "are_one"),
    [
        ("id", IVY, (NAMES,), True),
        ("id", {"id": "2"}, (NAMES,), False),
        ("id reviews { product { upc } }", {"id": "1", "reviews": [{"product": {"upc": "7"}}]}, (NAMES,), True),
        ("id reviews { product { upc } }", {"id": "1", "reviews": [{"product": {"upc": "8"}}]}, (NAMES,), False),
        ("id reviews { id }", {"id": "1", "reviews": None}, (NAMES,), False),
        # JSON writes 1 and 1.0 differently, though Python takes them for equal.
        ("id score", IVY, (NAMES,), False),
        # Where another fetch to the same objects may begin before this one or after it, it could hold what is given up.
        ("id", IVY, (NAMES, Root("other", "{ version }"), LATER), False),
        # One that begins after this one's answer finds one object.
        ("id", IVY, (NAMES, entities("late", "User", "reviews.author", "id", "{ score }", after=(1,))), True),
    ],
)  # fmt: skip
def test_equal_objects_are_one_from_when_they_are_first_asked_about(
    known: str, second: dict[str, Any], fetches: tuple[Root | EntityFetch, ...], are_one: bool
) -> None:
    reviews = f"{{ reviews {{ author {{ {known} }} product {{ upc }} }} }}"
    query = f"{reviews[:-1]} version }}"
    compiled = warm_plan(plan(SCHEMA, query, Root("reviews", reviews), *fetches), SCHEMA)
    first = {"id": "1", "score": 1, "reviews": [{"id": "9", "product": {"upc": "7"}}]}
    form = compiled.form()
    assert form is not None

    steps = CompiledSteps(form, compiled.templates, {})
    rows = [{"author": author, "product": {"upc": "7"}} for author in (first, second)]
    steps.place(0, [msgspec.json.encode({"data": {"reviews": rows}})])
    steps.requests(1)

    authors = [review.s_author for review in steps._state.root.s_reviews]
    assert (authors[0] is authors[1]) == are_one


@pytest.mark.parametrize("selected", ["name", "id name", "reviews { product { price } } name"])
async def test_what_becomes_one_is_answered_wherever_it_stood(selected: str) -> None:
    """Keys that were not selected are put out of sight only when all objects have been compared."""
    query = f"{{ reviews {{ author {{ {selected} }} }} }}"
    made = plan(
        SCHEMA,
        query,
        Root("reviews", "{ reviews { author { id reviews { product { upc } } } } }"),
        NAMES,
        entities("products", "Product", "reviews.author.reviews.product", "upc", "{ price }", after=(0,)),
    )
    author, other = ({"id": "1", "reviews": [{"product": {"upc": upc}}]} for upc in ("7", "8"))
    subgraphs = ScriptedSubgraphs(
        {
            "reviews": [{"data": {"reviews": [{"author": each} for each in (author, other, author)]}}],
            "users": [by_key("id", {"1": {"name": "Ivy"}})],
            "products": [by_key("upc", {"7": {"price": 70}, "8": {"price": 80}})],
        }
    )

    data, errors = told(await answer(made, SCHEMA, subgraphs))

    assert errors == []
    prices = [[{"product": {"price": price}}] for price in (70, 80, 70)]
    everything = [{"id": "1", "name": "Ivy", "reviews": each} for each in prices]
    shown = [{"author": {key: each[key] for key in each if key in selected.split()}} for each in everything]
    assert data == {"reviews": shown}

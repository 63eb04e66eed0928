"""Aggregates: nothing of small groups, nothing that lets one be computed, no question that shrinks one."""

from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st

from policies.context import RequestContext, ResourceScope
from policies.row_filters import Equals
from subgraphs.kit.aggregates import withhold_together
from subgraphs.kit.binding import aggregate
from subgraphs.kit.errors import CodedError
from subgraphs.kit.execution import Executor
from subgraphs.kit.request import Request
from subgraphs.kit.schema import build_schema

FIGURES = "30700513/9"
SIZES = {"north": 25, "south": 9, "east": 10, "west": 31}


@aggregate(FIGURES, by=("district",), size="readers")
class ReaderFigures:
    district: str | None
    readers: int | None
    mean_age: int | None

    @strawberry.field
    def sentence(self) -> str | None:
        """A value computed from what is withheld."""
        return f"{self.readers} readers of {self.mean_age}"


@strawberry.type
class Query:
    @strawberry.field
    async def figures(self, district: str | None = strawberry.UNSET) -> list[ReaderFigures | None] | None:
        """Figures by district."""
        return [
            ReaderFigures(district=name, readers=size, mean_age=40)
            for name, size in SIZES.items()
            if not district or name == district
        ]


async def ask(query: str, **scope: Any) -> dict[str, Any]:
    context = RequestContext(
        audience="library", subject="app:test", zone="intranet", policy_version="1",
        resources=(ResourceScope(resource=FIGURES, **scope),),
    )  # fmt: skip
    return await Executor(build_schema(Query)).answer({"query": query}, Request(None, context))


async def test_of_a_group_that_is_too_small_nothing_is_told_but_what_it_is_formed_by() -> None:
    answer = await ask("{ figures { district readers meanAge } }")
    assert answer["data"]["figures"] == [
        {"district": "north", "readers": 25, "meanAge": 40},
        {"district": "south", "readers": None, "meanAge": None},
        {"district": "east", "readers": 10, "meanAge": 40},
        {"district": "west", "readers": 31, "meanAge": 40},
    ]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GROUP_TOO_SMALL"}
    assert {error["extensions"]["smallest"] for error in answer["errors"]} == {10}
    assert "9" not in str([error["message"] for error in answer["errors"]])


async def test_the_size_is_looked_at_even_where_nobody_asks_for_it_and_under_any_alias() -> None:
    answer = await ask('{ figures(district: "south") { a: meanAge } }')
    assert answer["data"]["figures"] == [{"a": None}]


async def test_a_value_computed_from_what_is_withheld_is_withheld_with_it() -> None:
    answer = await ask('{ figures(district: "south") { sentence } }')
    assert "9" not in str(answer["data"])
    assert "40" not in str(answer)


async def test_a_row_condition_chooses_among_groups_and_does_not_form_new_ones() -> None:
    scope = {"rows": "rows:south", "row_filter": Equals("district", "south")}
    assert (await ask("{ figures { district readers } }", **scope))["data"]["figures"] == [
        {"district": "south", "readers": None}
    ]


def test_a_filter_that_would_shrink_groups_is_refused_when_the_schema_is_built() -> None:
    @strawberry.type(name="Query")
    class Narrowing:
        @strawberry.field
        def figures(self, name: str) -> list[ReaderFigures | None] | None:
            """Of readers of a name."""
            return []

    with pytest.raises(CodedError) as refused:
        build_schema(Narrowing)
    assert refused.value.code.name == "SCHEMA_INVALID"
    assert "takes name: only what its groups are formed by (district)" in refused.value.message


def test_a_filter_around_a_page_of_aggregates_is_refused_too() -> None:
    @strawberry.type
    class FiguresPage:
        nodes: list[ReaderFigures | None] | None

    @strawberry.type(name="Query")
    class Paging:
        @strawberry.field
        def page(self, name: str) -> FiguresPage | None:
            """Of readers of a name."""
            return None

    with pytest.raises(CodedError, match="page leads to the aggregate ReaderFigures and takes name"):
        build_schema(Paging)


def test_a_size_that_no_field_tells_is_refused_when_the_schema_is_built() -> None:
    @aggregate(FIGURES, by=("district",), size="people")
    class Sizeless:
        district: str | None

    @strawberry.type(name="Query")
    class Asking:
        @strawberry.field
        def figures(self) -> list[Sizeless | None] | None:
            """Figures."""
            return []

    with pytest.raises(CodedError, match="has no field people"):
        build_schema(Asking)


def shown(sizes: list[int], smallest: int = 10) -> list[int]:
    """The sizes of the groups that are told of."""
    groups = [ReaderFigures(district=str(n), readers=size, mean_age=1) for n, size in enumerate(sizes)]
    told = withhold_together(groups, sizes, smallest)
    return [group.readers or 0 for group in told if not hasattr(group, "_withheld_with_others")]


def test_a_total_less_the_groups_told_of_does_not_give_a_small_group() -> None:
    assert shown([40, 3, 19, 25]) == [40, 25], "3 alone would be the total less the rest; 19 is withheld with it"
    assert shown([40, 6, 7, 25]) == [40, 25], "two that hide one another need no third"
    assert shown([40, 1, 2, 25]) == [40], "three persons in all are too few still"
    assert shown([40, 25]) == [40, 25]
    assert shown([3]) == []


@given(st.lists(st.integers(min_value=1, max_value=60), max_size=12), st.integers(min_value=2, max_value=20))
def test_what_is_withheld_is_nothing_everything_or_several_groups_that_are_together_large(
    sizes: list[int], smallest: int
) -> None:
    told = shown(sizes, smallest)
    assert all(size >= smallest for size in told)
    withheld = len(sizes) - len(told)
    assert not told or not withheld or (withheld > 1 and sum(sizes) - sum(told) >= smallest)

"""The shorter way through graphql-core gives graphql-core's answers, errors included."""

from dataclasses import replace
from typing import Any

import pytest

from subgraphs.kit.execution import Executor
from subgraphs.kit.request import Request
from tests.subgraphs.library import Shelves, department

ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Library { %s } ... on Book { isbn title library { displayName } } } }"  # noqa: E501
SELECTIONS = (
    "libraryNo displayName openedOn",
    "no: libraryNo again: libraryNo",
    "books(first: 2) { title boughtOn library { __typename divisionCode } }",
    "displayName alarmCode(equals: \"1234\") books { isbn }",
    "books(first: 1) { library { books(first: 1) { isbn library { alarmCode(equals: \"0\") } } } }",
)  # fmt: skip
NUMBERS = ("1", "2", "none", "fire", "burnt", "nameless", "undated")


@pytest.fixture(scope="module")
def both() -> tuple[Executor, Executor]:
    schema = department.schema()
    return Executor(schema), Executor(replace(schema, readers={}))


@pytest.mark.parametrize("selection", SELECTIONS)
async def test_both_ways_answer_alike_whatever_the_records_hold(
    both: tuple[Executor, Executor], selection: str
) -> None:
    representations = [{"__typename": "Library", "libraryNo": number} for number in NUMBERS]
    representations += [{"__typename": "Book", "isbn": "9"}, {"__typename": "Nobody"}]
    payload = {"query": ENTITIES % selection, "variables": {"r": representations}}
    answers: list[dict[str, Any]] = [await executor.answer(payload, Request(Shelves(), None)) for executor in both]
    assert answers[0] == answers[1]
    assert list(answers[0]["data"]["_entities"][0]) == list(answers[1]["data"]["_entities"][0])
    assert len(answers[0]["errors"]) >= 2

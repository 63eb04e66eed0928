"""What is remembered of introspection: little, however many operations ask."""

from graphql import build_schema, parse

from gateway.execution import introspection
from gateway.execution.introspection import Introspection

SCHEMA = build_schema("type Query { office: Int }")


async def test_answers_are_bounded_in_all_plans_together_and_stay_each_plans_own() -> None:
    asked = {f"name{number}": Introspection(parse(f"{{ __schema {{ name{number}: queryType {{ name }} }} }}"), SCHEMA)
             for number in range(40)}  # fmt: skip

    for name, one in asked.items():
        answers = [await one.answer({}), await one.answer({})]

        assert answers == [({"__schema": {name: {"name": "Query"}}}, ())] * 2
        assert answers[0] is answers[1], "the second time, nothing is executed"
    assert len(introspection._answers) <= 16

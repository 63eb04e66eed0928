"""Whatever the supergraph, the data and the operation: planned and executed equals executed in one piece."""

import pytest

from tests.properties.differential import Tally, check_world


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_planning_and_executing_answers_as_one_monolithic_service_would(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + 10):
        check_world(seed, 8, tally)
    assert tally.compared > 40
    assert tally.fetches > tally.compared

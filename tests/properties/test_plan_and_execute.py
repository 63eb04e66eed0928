"""Whatever the supergraph, the data and the operation: planned and executed equals executed in one piece."""

import pytest

from tests.properties.differential import Tally, check_world


@pytest.mark.parametrize("first", range(0, 48, 4))
def test_planning_and_executing_answers_as_one_monolithic_service_would(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + 4):
        check_world(seed, 8, tally)
    assert tally.compared > 16
    assert tally.fetches > tally.compared

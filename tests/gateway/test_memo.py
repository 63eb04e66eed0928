"""What is remembered between requests stays bounded."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.memo import Memo


def test_a_value_asked_for_again_and_again_survives_any_number_of_others() -> None:
    memo: Memo[str, int] = Memo(10)
    memo.put("hot", 1)
    for number in range(1000):
        memo.put(str(number), number)
        assert memo.get("hot") == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=300), st.integers(2, 10))
def test_never_more_than_the_bound_is_kept_and_never_a_wrong_value(steps: list[tuple[bool, int]], bound: int) -> None:
    memo: Memo[int, str] = Memo(bound)
    for write, key in steps:
        if write:
            memo.put(key, str(key))
        else:
            assert memo.get(key) in (None, str(key))
        assert len(memo) <= bound

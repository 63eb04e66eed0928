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


@given(st.lists(st.integers(0, 20), max_size=100), st.integers(10, 40))
def test_large_values_count_as_several(sizes: list[int], bound: int) -> None:
    memo: Memo[int, int] = Memo(bound, lambda size: size)
    for key, size in enumerate(sizes):
        memo.put(key, size)
        kept = [1 + size for _, size in memo.items()]
        assert sum(kept) <= max(bound, 2 * max(kept))


def test_what_a_value_gained_counts_too() -> None:
    memo: Memo[int, int] = Memo(10)
    memo.put(1, 1)
    memo.put(2, 2)
    memo.grew(4)

    memo.put(3, 3)
    memo.put(4, 4)

    assert memo.young == {3: 3, 4: 4}

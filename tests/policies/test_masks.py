"""A mask hides what it should of any value whatever, and never fails."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import CodedError
from policies.masks import MASKS, mask_named, pseudonym

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("keep_3_4", "110105194912310021", "110***********0021"),
        ("keep_3_4", "1234567", "*******"),
        ("keep_6_4", "500103199003070017", "500103********0017"),
        ("last_4", "02363851234", "*******1234"),
        ("surname", "张三丰", "张**"),
        ("surname", "欧阳修", "欧阳*"),
        ("surname", "欧阳", "欧*"),
        ("surname", "John Smith", "** Smith"),
        ("surname", "张", "**"),
        ("year", "1990-03-07", "1990"),
        ("year", "19900307", "1990"),
        ("year", "1990-03-07T10:00:00+08:00", "1990"),
        ("year", "seventh of March 1990", "****"),
        ("district", "重庆市渝中区人民路232号3单元", "重庆市渝中区***"),
        ("district", "四川省广安市广安区城南街道", "四川省广安市***"),
        ("district", "no district here", "***"),
        ("grid_100m", 106.57716, 106.577),
        ("grid_100m", -0.0001, -0.001),
        ("grid_100m", 500.0, None),
        ("grid_100m", "106.57716", None),
        ("decade", 47, 40),
        ("redact", "anything", "***"),
    ],
)
def test_a_mask_leaves_what_it_names(name: str, value: object, masked: object) -> None:
    assert mask_named(name)(value) == masked


@pytest.mark.parametrize("name", sorted(MASKS))
@settings(deadline=None)
@given(ANYTHING)
def test_every_mask_takes_every_value_and_keeps_a_missing_one_missing(name: str, value: object) -> None:
    masked = MASKS[name](value)
    assert masked is None or isinstance(masked, str | int | float)
    assert MASKS[name](None) is None


@settings(deadline=None)
@given(st.text(min_size=8))
def test_the_hidden_part_of_a_number_is_gone(value: str) -> None:
    masked = MASKS["keep_3_4"](value)
    assert isinstance(masked, str)
    assert len(masked) == len(value)
    assert masked[3:-4] == "*" * (len(value) - 7)


@settings(deadline=None)
@given(ANYTHING, st.sampled_from(["redact", "keep_3_4", "surname", "last_4", "year", "district"]))
def test_what_a_mask_was_not_made_for_is_blacked_out_whole(value: object, name: str) -> None:
    if not isinstance(value, str | None):
        assert MASKS[name](value) == "***"


def test_pseudonyms_are_equal_for_equal_values_under_one_key_alone() -> None:
    mask = pseudonym(b"provider")
    assert mask("500103199003070017") == mask("500103199003070017")
    assert mask("500103199003070017") != mask("500103199003070018")
    assert mask("500103199003070017") != pseudonym(b"other")("500103199003070017")
    assert mask("1") != mask(1)


def test_an_unknown_mask_and_a_pseudonym_without_key_are_refused() -> None:
    for arguments in (("rot13",), ("pseudonym",)):
        with pytest.raises(CodedError) as caught:
            mask_named(*arguments)
        assert caught.value.code.name == "MASK_UNKNOWN"

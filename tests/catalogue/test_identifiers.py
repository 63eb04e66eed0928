import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_sync.check_digits import CREDIT_ALPHABET
from catalog_sync.errors import CodedError
from catalog_sync.identifiers import (
    ClassKind,
    Coordinate,
    CreditCode,
    DivisionCode,
    ResidentNumber,
    ResourceCode,
    credit_code_check,
    organisation_check,
    resident_check,
)

GOOD_CREDIT_CODES = [
    "91110000600037341L", "11500000XXXX00019X", "11500103XXXX00107W", "91500103MA5XXXX14N",
    "11500000XXXX00027Q", "11500000XXXX00035K", "11500000XXXX00043E", "11500000XXXX000519",
    "11500000XXXX0006X1", "11500000XXXX000781", "11500000XXXX00086U",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD_CREDIT_CODES)
def test_the_standards_and_the_examples_credit_codes_are_read(text: str) -> None:
    assert str(CreditCode.parse(text)) == text


@pytest.mark.parametrize("text", GOOD_CREDIT_CODES[:4])
def test_any_single_changed_character_makes_a_credit_code_bad(text: str) -> None:
    for place in range(18):
        for character in CREDIT_ALPHABET:
            if character != text[place]:
                with pytest.raises(CodedError, match="GB 32100"):
                    CreditCode.parse(text[:place] + character + text[place + 1 :])


def test_a_right_outer_digit_does_not_excuse_a_wrong_organisation_code() -> None:
    text = "11500000XXXX00015H"
    assert credit_code_check(text[:17]) == text[17]
    with pytest.raises(CodedError, match="GB 11714"):
        CreditCode.parse(text)


@pytest.mark.parametrize(
    "text", ["", "11500000XXXX00019x", "11500000XXXX00019X\n", "1150000OXXXX00019X", "１1500000XXXX00019X"]
)
def test_what_only_looks_like_a_credit_code_is_refused(text: str) -> None:
    with pytest.raises(CodedError, match="eighteen characters"):
        CreditCode.parse(text)


def test_a_credit_code_tells_who_registered_whom_where() -> None:
    code = CreditCode.parse("11500103XXXX00107W")
    assert (code.authority, code.division, code.organisation) == ("1", DivisionCode("500103"), "XXXX00107")


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8), st.integers(100000, 999999))
def test_computed_check_digits_make_codes_that_parse(first8: str, division: int) -> None:
    first17 = f"91{division}{first8}{organisation_check(first8)}"
    assert CreditCode.parse(first17 + credit_code_check(first17)).organisation.startswith(first8)


@pytest.mark.parametrize("text", ["11010519491231002X", "500103199003070017"])
def test_a_resident_number_with_the_right_digit_is_read_wherever_it_was_issued(text: str) -> None:
    assert ResidentNumber.parse(text).text == text
    assert resident_check(text[:17]) == text[17]


@pytest.mark.parametrize(
    "text", ["110105194912310021", "11010519491231002x", "1101051949123100", "11010519491231002X\n"]
)
def test_a_bad_resident_number_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(CodedError) as refused:
        ResidentNumber.parse(text)
    assert text.strip() not in refused.value.message


def test_a_resident_number_does_not_print_itself() -> None:
    assert "19491231" not in repr(ResidentNumber.parse("11010519491231002X"))


@pytest.mark.parametrize(
    ("text", "normal", "kind"),
    [
        ("30700503/1", "30700503/1", ClassKind.DEPARTMENT),
        ("30700503/0012", "30700503/12", ClassKind.DEPARTMENT),
        ("101/1", "101/1", ClassKind.BASE),
        ("211006/7", "211006/7", ClassKind.THEME),
    ],
)
def test_resource_codes_are_read_and_normalised(text: str, normal: str, kind: ClassKind) -> None:
    code = ResourceCode.parse(text)
    assert (str(code), code.kind) == (normal, kind)


@pytest.mark.parametrize(
    "text", ["", "30700503", "30700503/0", "40700503/1", "3070/1", "30700503/1\n", "30700503/１", "307001:12"]
)
def test_what_is_no_resource_code_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(CodedError, match="as in 30700503/1"):
        ResourceCode.parse(text)


def test_a_district_lies_in_its_municipality_and_not_the_other_way_round() -> None:
    city, district = DivisionCode.parse("500000"), DivisionCode.parse("500103")
    assert district.within(city)
    assert not city.within(district)
    assert district.parent == city
    assert city.parent is None
    assert DivisionCode.parse("510104").parent == DivisionCode.parse("510100")


@pytest.mark.parametrize("text", ["ResidentBasic", "ResidentBasic.photo", "ResidentBasic.photo(matches:)"])
def test_coordinates_print_as_they_were_read(text: str) -> None:
    assert str(Coordinate.parse(text)) == text


@pytest.mark.parametrize("text", ["", "A.", "A.b(c)", "1A", "A.b.c"])
def test_what_is_no_coordinate_is_refused(text: str) -> None:
    with pytest.raises(CodedError, match="schema coordinate"):
        Coordinate.parse(text)

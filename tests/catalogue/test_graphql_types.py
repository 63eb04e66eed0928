import pytest

from catalog_sync.closed_lists import DataType, Sharing
from catalog_sync.entries import InformationItem
from catalog_sync.graphql_types import accepted_types, type_problem


def item(type_: DataType = DataType.STRING, **rest: object) -> InformationItem:
    return InformationItem("名称", "name", type_, **{"sharing": Sharing.UNCONDITIONAL, **rest})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "scalars"),
    [
        (DataType.STRING, {"String", "ID"}), (DataType.NUMERIC, {"Decimal"}), (DataType.MONEY, {"Decimal"}),
        (DataType.DATE, {"Date"}), (DataType.DATE_TIME, {"DateTime"}), (DataType.LOGICAL, {"Boolean"}),
        (DataType.MEMO, {"String"}), (DataType.TEXT, {"String"}), (DataType.GENERAL, {"Base64", "String"}),
        (DataType.BLOB, {"Base64", "String"}), (DataType.DOUBLE, {"Float"}), (DataType.FLOAT, {"Float"}),
        (DataType.INTEGER, {"Int", "BigInt"}),
    ],
)  # fmt: skip
def test_every_data_type_has_its_scalars(type_: DataType, scalars: set[str]) -> None:
    assert accepted_types(item(type_)) == scalars


def test_an_integer_too_long_for_int_needs_bigint() -> None:
    assert accepted_types(item(DataType.INTEGER, length=10)) == {"BigInt"}


def test_a_verify_only_item_answers_yes_or_no_whatever_its_type() -> None:
    assert accepted_types(item(DataType.BLOB, verify_only=True)) == {"Boolean"}


def test_a_field_of_another_type_is_told_both() -> None:
    assert type_problem(item(DataType.MONEY), "Float!") == "名称 has the type Y, served as Decimal, not Float"


def test_an_enum_serves_an_item_on_a_code_list_only() -> None:
    assert type_problem(item(codelist="GB/T 2261.1"), "Sex", is_enum=True) is None
    assert type_problem(item(), "Sex", is_enum=True) is not None


@pytest.mark.parametrize("written", ["String!", "[String!]", "[String]!"])
def test_what_may_be_withheld_must_be_nullable(written: str) -> None:
    assert "must be nullable" in str(type_problem(item(sharing=Sharing.CONDITIONAL), written))
    assert type_problem(item(), written) is None

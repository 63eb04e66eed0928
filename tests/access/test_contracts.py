"""Which schema each caller sees."""

import pytest
from graphql import parse, print_schema, validate

from tests.access.city import ARCHIVE, GRANTED, NOW, PUBLIC, govern


@pytest.fixture(scope="module")
def governance():
    return govern()


def fields_of(view, name):
    kind = view.schema.type_map.get(name)
    return set(kind.fields) if kind else None


def test_the_public_sees_open_items_alone_and_no_trace_of_the_rest(governance):
    view = governance.view_for(PUBLIC, NOW)
    assert fields_of(view, "EnterpriseRegistration") == {"creditCode", "name", "address"}
    assert fields_of(view, "ResidentBasic") is None
    assert fields_of(view, "Query") == {"enterprise", "named"}
    text = print_schema(view.schema)
    for word in ("Resident", "RealEstate", "phone", "registeredAddress"):
        assert word not in text


def test_a_department_sees_what_it_can_apply_for_as_well(governance):
    view = governance.view_for(ARCHIVE, NOW)
    assert fields_of(view, "ResidentBasic") == {
        "residentId", "name", "sex", "registeredAddress", "realEstate", "holdings",
    }  # fmt: skip
    assert "phone" in fields_of(view, "EnterpriseRegistration")


def test_a_field_that_no_entry_covers_is_in_nobodys_schema_and_reported(governance):
    reported = {unbound.coordinate: unbound for unbound in governance.unbound}
    assert set(reported) == {
        "ResidentBasic.remarks",
        "ResidentBasic.district",
        "ResidentBasic.neighbour",
        "Query.residentsCounted",
    }
    assert reported["ResidentBasic.remarks"].subgraphs == ("police",)
    assert "remarks" in reported["ResidentBasic.remarks"].reason
    for caller in (PUBLIC, ARCHIVE, GRANTED):
        assert "remarks" not in print_schema(governance.view_for(caller, NOW).schema)


def test_what_is_not_listed_answers_exactly_as_what_does_not_exist(governance):
    view = governance.view_for(PUBLIC, NOW)

    def complaint(field):
        return [p.message for p in validate(view.schema, parse(f'{{ enterprise(creditCode: "1") {{ {field} }} }}'))]

    assert complaint("phone") == [m.replace("fonds", "phone") for m in complaint("fonds")]


def test_callers_with_equal_rights_share_one_view(governance):
    assert governance.view_for(ARCHIVE, NOW) is governance.view_for(ARCHIVE, NOW)
    assert governance.view_for(ARCHIVE, NOW).contract == governance.view_for(GRANTED, NOW).contract
    assert governance.view_for(ARCHIVE, NOW).digest != governance.view_for(GRANTED, NOW).digest

"""What may be asked: judged before anything is planned."""

from dataclasses import replace

import pytest

from gateway.errors import RequestError
from gateway.planning.operation import FieldSelection, Refused
from tests.access.city import (
    ARCHIVE,
    ENTERPRISE,
    ESTATE,
    GRANTED,
    NOW,
    POLICY,
    PUBLIC,
    RESIDENT,
    SUPERGRAPH,
    ask,
    govern,
)


@pytest.fixture(scope="module")
def governance():
    return govern()


@pytest.fixture
def archive(governance):
    return governance.view_for(ARCHIVE, NOW)


@pytest.fixture
def granted(governance):
    return governance.view_for(GRANTED, NOW)


def refused(view, text, **more):
    with pytest.raises(RequestError) as caught:
        ask(view, text, **more)
    assert caught.value.status == 403
    return {report.extensions["resource"]: report for report in caught.value.errors}


def test_unconditional_items_need_no_grant(archive):
    permitted = ask(archive, '{ resident(residentId: "1") { name sex } }')
    assert permitted.grounds[RESIDENT].grant is None
    assert permitted.grounds[RESIDENT].rule_ids == ("T-gov",)


def test_a_refusal_names_items_resource_provider_paths_and_where_to_apply(archive):
    report = refused(archive, '{ resident(residentId: "1") { name home: registeredAddress } }')[RESIDENT]
    assert report.code == "FORBIDDEN"
    assert report.extensions["items"] == ["registeredAddress"]
    assert report.extensions["provider"] == "重庆市公安局"
    assert report.extensions["paths"] == [["resident", "home"]]
    assert report.extensions["apply"] == "https://apply.example/30700503/1"
    assert "registeredAddress (户籍地址)" in report.message


def test_a_stop_is_told_with_its_line_its_basis_and_its_end_instead_of_an_address_to_apply_at():
    stop = f"p, D-stop-7.1, dept:archives, z:any, *, {RESIDENT}/*, *, *, 0000, 2026-12-01T08:00:00Z, incident:7, deny\n"
    stopped = govern(POLICY + stop).view_for(ARCHIVE, NOW)
    reports = refused(stopped, '{ resident(residentId: "1") { name realEstate { location } } }')
    told = reports[RESIDENT].extensions
    assert (told["reason"], told["apply"]) == ("FROZEN", "")
    assert (told["rule"], told["basis"], told["until"]) == ("D-stop-7.1", "incident:7", "2026-12-01T08:00:00Z")
    assert "stopped by D-stop-7.1 (incident:7) until 2026-12-01T08:00:00Z" in reports[RESIDENT].message
    assert reports[ESTATE].extensions["apply"] == f"https://apply.example/{ESTATE}", "that could be had by applying"


def test_all_refused_resources_are_named_at_once(archive):
    text = '{ resident(residentId: "1") { registeredAddress realEstate { location } } }'
    assert set(refused(archive, text)) == {RESIDENT, ESTATE}


def test_a_grant_opens_its_items_for_its_purpose(granted):
    text = '{ resident(residentId: "1") { name registeredAddress realEstate { location floorArea } } }'
    grounds = ask(granted, text).grounds
    assert grounds[RESIDENT].grant == "Q-1"
    assert grounds[ESTATE].grant == "Q-2"


def test_a_relation_tells_whose_record_it_is_so_it_needs_the_referencing_item(archive):
    report = refused(archive, '{ resident(residentId: "1") { realEstate { __typename } } }')[ESTATE]
    assert report.extensions["items"] == ["holderId"]


def test_a_relation_bound_to_the_other_resource_tells_no_less(archive):
    report = refused(archive, '{ resident(residentId: "1") { holdings { __typename } } }')[ESTATE]
    assert report.extensions["items"] == ["holderId"]


def test_the_permitted_rest_is_given_on_request_and_nothing_below_a_refused_field_remains(archive):
    text = '{ resident(residentId: "1") { name realEstate { location } registeredAddress } }'
    permitted = ask(archive, text, partial=True)
    assert permitted.refused
    resident = permitted.operation.selections[0]
    assert isinstance(resident, FieldSelection)
    outcomes = {field.response_key: (type(field.outcome), field.selections) for field in resident.selections}
    assert outcomes["realEstate"] == (Refused, ())
    assert outcomes["registeredAddress"] == (Refused, ())
    assert outcomes["name"][0] is not Refused
    assert permitted.operation.digest != ask(archive, '{ resident(residentId: "1") { name } }').operation.digest


def test_a_mutation_is_refused_whole_even_if_a_part_would_do(archive):
    text = 'mutation { confirmAddress(creditCode: "1") { name phone } }'
    assert set(refused(archive, text, partial=True)) == {ENTERPRISE}


@pytest.mark.parametrize(
    "argument", ['where: {registeredAddress: "x"}', "orderBy: REGISTERED_ADDRESS"], ids=["filter", "order"]
)
def test_filtering_and_sorting_by_an_item_need_the_right_to_it(archive, granted, argument):
    text = f"{{ residents({argument}) {{ nodes {{ name }} }} }}"
    assert refused(archive, text)[RESIDENT].extensions["items"] == ["registeredAddress"]
    assert ask(granted, text).grounds[RESIDENT].grant == "Q-1"


def test_filtering_by_what_one_may_read_is_free(archive):
    text = '{ residents(where: {sex: "1"}, orderBy: NAME_ASC, first: 3) { nodes { name } total } }'
    assert ask(archive, text).grounds[RESIDENT].grant is None


def test_a_variable_could_bring_any_filter_so_it_needs_the_rights_to_all(archive):
    text = "query($w: ResidentWhere) { residents(where: $w) { nodes { name } } }"
    assert RESIDENT in refused(archive, text, variables={"w": {"sex": "1"}})


def test_a_field_of_an_interface_needs_the_rights_to_it_on_every_type_it_can_be(governance):
    text = '{ named(name: "1") { name } }'
    assert set(ask(governance.view_for(ARCHIVE, NOW), text).grounds) == {ENTERPRISE, RESIDENT}
    assert set(ask(governance.view_for(PUBLIC, NOW), text).grounds) == {ENTERPRISE}


def test_the_purpose_decides_whether_a_grant_holds(governance):
    import dataclasses

    other = governance.view_for(dataclasses.replace(GRANTED, purpose="curiosity"), NOW)
    report = refused(other, '{ resident(residentId: "1") { registeredAddress } }')[RESIDENT]
    assert report.extensions["reason"] == "PURPOSE_REQUIRED"


def uses(view, text, **more):
    permitted = ask(view, text, **more)
    told = permitted.uses or ("read",) * len(permitted.items)
    return {item.rpartition(".")[2]: use for item, use in zip(permitted.items, told, strict=True)}


def test_the_ledger_is_told_what_is_done_with_each_item(granted):
    text = '{ residents(where: {sex: "1"}, orderBy: REGISTERED_ADDRESS) { nodes { name sex } } }'
    assert uses(granted, text) == {"name": "read", "sex": "filter+read", "registeredAddress": "sort"}
    assert uses(granted, '{ resident(residentId: "1") { name } }') == {"name": "read", "residentId": "filter"}


def test_operations_that_only_read_leave_no_uses(granted):
    assert ask(granted, "{ residents { nodes { name } } }").uses == ()


def test_a_mutation_s_arguments_are_writes(granted):
    text = 'mutation { confirmAddress(creditCode: "1") { name } }'
    assert uses(granted, text) == {"name": "read", "creditCode": "write"}


def test_a_refusal_says_what_would_have_been_done(archive):
    report = refused(archive, "{ residents(orderBy: REGISTERED_ADDRESS) { nodes { name } } }")[RESIDENT]
    assert report.extensions["items"] == ["registeredAddress"]
    assert report.extensions["uses"] == ["sort"]


def test_what_stands_below_a_refused_field_is_not_in_the_ledger_as_read(archive):
    text = '{ resident(residentId: "1") { name realEstate { holder: holderId } } }'
    assert ask(archive, text, partial=True).items == (f"{RESIDENT}.name", f"{RESIDENT}.residentId")


def with_holder(act):
    """A grant of real estate's location, and of its holder's number in the form of ``act``."""
    period = "2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z, request:2026-3, allow\n"
    lines = "".join(
        f"p, Q-3.{place}, dept:archives, z:gov, *, 30700504/1.{item}, {how}, *, {period}"
        for place, (item, how) in enumerate([("location", "read"), ("holderId", act)])
    ).replace(", *, 30700504", ", survey, 30700504")
    return govern(POLICY + lines).view_for(replace(ARCHIVE, purpose="survey"), NOW)


HOLDINGS = '{ resident(residentId: "1") { name realEstate { location } } }'


def test_a_relation_needs_the_plain_value_since_the_record_it_leads_to_says_whose_it_is():
    for act in ("masked:keep_3_4", "masked:pseudonym", "verify", "filter", "aggregate"):
        report = refused(with_holder(act), HOLDINGS)[ESTATE]
        assert report.extensions["items"] == ["holderId"]
        assert report.extensions["reason"] == "ACT_NOT_GRANTED"
        assert report.extensions["uses"] == ["follow"]
    assert ask(with_holder("read"), HOLDINGS).grounds[ESTATE].grant == "Q-3"


def test_the_right_to_follow_can_be_given_without_the_value():
    view = with_holder("follow")
    assert uses(view, HOLDINGS) == {"name": "read", "residentId": "filter", "location": "read", "holderId": "follow"}
    text = '{ resident(residentId: "1") { realEstate { holderId } } }'
    report = refused(view, text)[ESTATE]
    assert (report.extensions["items"], report.path) == (["holderId"], ("resident", "realEstate", "holderId"))


NAME, SEX = (f"  {field}: String @join__field(graph: POLICE)\n" for field in ("name", "sex"))
FROM_SEX = '  name: String @join__field(graph: LAND, requires: "sex")\n'
FROM_ADDRESS = '  sex: String @join__field(graph: POLICE, requires: "registeredAddress")\n'
ADDRESS = (
    "registeredAddress: String @join__field(graph: POLICE) @join__field(graph: LAND, external: true)",
    "registeredAddress: String @join__field(graph: LAND) @join__field(graph: POLICE, external: true)",
)


def with_computed_fields(first, second, act):
    """The archive's view where the name is computed from the sex and that from the address, on which it has one act."""
    sdl = SUPERGRAPH.replace(*ADDRESS).replace(NAME + SEX, first + second)
    assert first + second in sdl
    line = (
        f"p, Q-9.a, dept:archives, z:gov, survey, 30700503/1.registeredAddress, {act}, *, "
        "2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z, request:2026-9, allow\n"
    )
    return govern(POLICY + (line if act else ""), sdl).view_for(replace(ARCHIVE, purpose="survey"), NOW)


@pytest.mark.parametrize("declared", [(FROM_SEX, FROM_ADDRESS), (FROM_ADDRESS, FROM_SEX)], ids=["before", "after"])
@pytest.mark.parametrize("field", ["name", "sex"])
@pytest.mark.parametrize("act", ["", "masked:keep_3_4", "verify"])
def test_what_is_computed_needs_the_plain_inputs_and_theirs_wherever_declared(declared, field, act):
    view = with_computed_fields(*declared, act)
    report = refused(view, f'{{ resident(residentId: "1") {{ {field} }} }}')[RESIDENT]
    assert report.extensions["items"] == ["registeredAddress"]


@pytest.mark.parametrize("declared", [(FROM_SEX, FROM_ADDRESS), (FROM_ADDRESS, FROM_SEX)], ids=["before", "after"])
def test_what_is_computed_from_plain_inputs_is_granted_with_them(declared):
    permitted = ask(with_computed_fields(*declared, "read"), '{ resident(residentId: "1") { name } }')
    assert permitted.grounds[RESIDENT].grant == "Q-9"

"""Items that together say of whom a record is are not read together: judged before anything is planned."""

from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.explain import explain
from gateway.errors import RequestError
from gateway.planning.operation import FieldSelection, Refused
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.tables import compile_lines
from tests.access.city import ARCHIVE, ENTERPRISE, GRANTED, NOW, POLICY, PUBLIC, RESIDENT, SUPERGRAPH, ask, govern

KEPT_APART = """
g2, 30700503/1.name, set:who
g2, 30700503/1.sex, set:who
g2, 30700502/1.address, set:who
apart, X-1, dept:archives, set:who, 2, risk:R-21
g2, 30700502/1.name, set:firm
g2, 30700502/1.address, set:firm
apart, X-2, public, set:firm, 1, risk:R-22
"""
ALL_THREE = '{ resident(residentId: "1") { name sex } enterprise(creditCode: "9") { address } }'
FIRM = '{ enterprise(creditCode: "9") { name address } }'


@pytest.fixture(scope="module")
def governance():
    return govern(POLICY + KEPT_APART)


@pytest.fixture
def archive(governance):
    return governance.view_for(ARCHIVE, NOW)


def refused(view, text, **more):
    with pytest.raises(RequestError) as caught:
        ask(view, text, **more)
    (report,) = caught.value.errors
    return report


def left_of(permitted):
    """The leaves that are read, by path, and those that are left out."""
    read, left_out = [], []

    def walk(selections, path):
        for field in selections:
            here = f"{path}.{field.response_key}" if path else field.response_key
            assert isinstance(field, FieldSelection)
            if isinstance(field.outcome, Refused):
                left_out.append(here)
            elif field.selections:
                walk(field.selections, here)
            else:
                read.append(here)

    walk(permitted.operation.selections, "")
    return read, left_out


def test_any_two_of_three_may_be_read_together(archive):
    for text in (
        '{ resident(residentId: "1") { name sex } }',
        '{ resident(residentId: "1") { sex } enterprise(creditCode: "9") { address } }',
        '{ resident(residentId: "1") { name } again: resident(id: "2") { name sex } }',
    ):
        assert not ask(archive, text).refused


def test_all_three_are_refused_and_the_rule_and_what_to_leave_out_are_named(archive):
    report = refused(archive, ALL_THREE)
    assert report.code == "FORBIDDEN"
    assert report.extensions["rule"] == "X-1"
    assert report.extensions["reason"] == "NOT_TOGETHER"
    assert report.extensions["together"] == [f"{ENTERPRISE}.address", f"{RESIDENT}.name", f"{RESIDENT}.sex"]
    assert report.extensions["items"] == ["address"]
    assert report.extensions["paths"] == [["enterprise", "address"]]
    assert report.extensions["apply"] == "", "no application would help"
    assert "by X-1 (risk:R-21) at most 2 of" in report.message
    assert "leave out 1 of them, such as 30700502/1.address" in report.message


@pytest.mark.parametrize(
    ("text", "read", "left_out"),
    [
        (ALL_THREE, ["resident.name", "resident.sex"], ["enterprise.address"]),
        (
            '{ enterprise(creditCode: "9") { address } resident(residentId: "1") { a: sex name b: sex } }',
            ["enterprise.address", "resident.a", "resident.b"],
            ["resident.name"],
        ),
        (
            '{ residents(where: {sex: "1"}) { nodes { name } } enterprise(creditCode: "9") { address } }',
            ["residents.nodes.name"],
            ["enterprise.address"],
        ),
        (
            '{ enterprise(creditCode: "9") { address } resident(residentId: "1") { name } residents(orderBy: NAME_ASC) '
            '{ total } women: residents(where: {sex: "2"}) { nodes { residentId } } }',
            ["enterprise.address", "resident.name", "residents.total"],
            ["women"],
        ),
    ],
    ids=[
        "the last goes",
        "aliases of one item count once",
        "filtering counts like reading",
        "a filter goes as a whole",
    ],
)
def test_of_a_partial_answer_the_fewest_and_the_last_are_left_out(archive, text, read, left_out):
    permitted = ask(archive, text, partial=True)
    assert permitted.refused
    assert left_of(permitted) == (read, left_out)


def test_an_abstract_type_counts_as_each_type_it_can_be(archive):
    assert refused(archive, '{ named(name: "1") { name } resident(id: "1") { sex } enterprise(creditCode: "9") '
                            "{ address } }").extensions["rule"] == "X-1"  # fmt: skip


def test_a_client_s_variable_could_bring_any_filter_so_all_of_them_count(governance):
    text = (
        'query ($w: ResidentWhere) { residents(where: $w) { nodes { name } } enterprise(creditCode: "9") { address } }'
    )
    granted = govern(POLICY + KEPT_APART.replace("dept:archives", "dept:welfare")).view_for(GRANTED, NOW)
    assert refused(granted, text, variables={"w": {"registeredAddress": "x"}}).extensions["rule"] == "X-1"


def test_a_computed_field_counts_as_the_items_it_is_computed_from():
    kept = "g2, 30700503/1.registeredAddress, set:w\ng2, 30700503/1.name, set:w\napart, X-3, gov, set:w, 1, risk:r\n"
    view = govern(POLICY + kept, SUPERGRAPH.replace("district:", "longitude:")).view_for(GRANTED, NOW)
    report = refused(view, '{ resident(residentId: "1") { name longitude } }')
    assert (report.extensions["rule"], report.extensions["paths"]) == ("X-3", [["resident", "longitude"]])


def test_what_is_kept_from_the_public_binds_no_department(governance, archive):
    assert refused(governance.view_for(PUBLIC, NOW), FIRM).extensions["rule"] == "X-2"
    assert not ask(archive, FIRM).refused


def test_an_explanation_names_the_rule_of_what_is_left_out(archive):
    verdicts = {verdict.path: verdict for verdict in explain(ALL_THREE, archive)}
    assert verdicts["resident.sex"].verdict == "allowed"
    assert verdicts["enterprise.address"].verdict == "refused"
    assert verdicts["enterprise.address"].reason.startswith("NOT_TOGETHER: ")


FIELDS = {
    "name": f"{RESIDENT}.name", "sex": f"{RESIDENT}.sex", "firm": f"{ENTERPRISE}.name",
    "address": f"{ENTERPRISE}.address", "code": f"{ENTERPRISE}.creditCode",
}  # fmt: skip
SELECTED = {
    "name": '{place}: resident(id: "1") {{ name }}', "sex": '{place}: resident(id: "1") {{ sex }}',
    "firm": '{place}: enterprise(creditCode: "9") {{ name }}',
    "address": '{place}: enterprise(creditCode: "9") {{ address }}',
    "code": '{place}: enterprise(creditCode: "9") {{ creditCode }}',
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_asked_no_more_is_used_together_than_allowed_and_nothing_is_left_out_needlessly(data):
    """Against an oracle that only reads the lines: what is used, and whether each left out would be too many."""
    rules = data.draw(
        st.lists(st.tuples(st.sets(st.sampled_from(sorted(FIELDS)), min_size=1), st.integers(1, 3)), max_size=3)
    )
    asked = data.draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=7))
    lines = "".join(
        "".join(f"g2, {FIELDS[name]}, set:n{number}\n" for name in sorted(names))
        + f"apart, X-{number}, gov, set:n{number}, {most}, risk:r\n"
        for number, (names, most) in enumerate(rules)
    )
    plain = plain_city()
    tables = compile_lines("n", parse_policy(POLICY + lines), items_of_catalogue(plain.catalogue.entries, NOW.date()))
    view = plain.with_tables(tables).view_for(ARCHIVE, NOW)
    text = "{ " + " ".join(SELECTED[name].format(place=f"f{place}") for place, name in enumerate(asked)) + " }"
    read, left_out = left_of(ask(view, text, partial=True))
    assert len(read) + len(left_out) == len(asked)
    standing = {path.partition(".")[0] for path in read} | {path.partition(".")[0] for path in left_out if "." in path}
    used = {asked[int(path[1:].partition(".")[0])] for path in read}
    # Whoever looks an enterprise up by its code uses the code, whatever else is left of the question.
    used |= {"code" for root in standing if asked[int(root[1:])] in ("firm", "address", "code")}
    assert all(len(used & names) <= most for names, most in rules)
    for path in left_out:
        name = asked[int(path[1:].partition(".")[0])]
        wanted = {"code"} if "." not in path and name in ("firm", "address") else {name}
        assert any(len((used | wanted) & names) > most for names, most in rules), (text, path)


@lru_cache(maxsize=1)
def plain_city():
    """The city without such lines."""
    return govern()

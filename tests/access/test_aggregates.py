"""What the gateway sees of aggregates: groups too small are left out, fields that narrow groups are in no schema."""

import pytest
from graphql import GraphQLInt, GraphQLList, GraphQLObjectType

from gateway.access.row_checks import GroupCheck, check_rows, row_checks
from gateway.planning.plan import FieldProjection
from tests.access.city import ARCHIVE, ENTERPRISE, NOW, PUBLIC, SUPERGRAPH, ask, govern

DIRECTIVE = "directive @aggregate(by: [String!]!, size: String!, smallest: Int!) on OBJECT"
NARROWING = "enterprisesOf(name: String): [EnterpriseRegistration] @join__field(graph: MARKET)"
SDL = (
    SUPERGRAPH.replace('["@resource"]', '["@resource", "@aggregate"]')
    .replace("enum link__Purpose", f"{DIRECTIVE}\nenum link__Purpose", 1)
    .replace("  residentsCounted:", f"  {NARROWING}\n  residentsCounted:")
    .replace(
        '@resource(code: "30700502/1") {',
        '@resource(code: "30700502/1") @aggregate(by: ["creditCode"], size: "phone", smallest: 10) {',
    )
)
FIGURES = GraphQLObjectType("EnterpriseRegistration", {})
NUMBER = FieldProjection("n", "n", GraphQLInt, "EnterpriseRegistration", "phone")
OTHER = FieldProjection("address", "address", GraphQLInt, "EnterpriseRegistration", "address")


@pytest.fixture(scope="module")
def governance():
    return govern(sdl=SDL)


def test_the_declaration_of_an_aggregate_is_read_from_the_supergraph(governance):
    assert dict(governance.groups) == {"EnterpriseRegistration": GroupCheck(ENTERPRISE, "phone", 10)}
    assert dict(govern().groups) == {}


def test_a_field_that_narrows_groups_is_withheld_from_everybody_and_reported(governance):
    (withheld,) = [unbound for unbound in governance.unbound if unbound.coordinate == "Query.enterprisesOf"]
    assert withheld.reason == "it leads to an aggregate and takes name, which would shrink its groups"
    for caller in (ARCHIVE, PUBLIC):
        assert "enterprisesOf" not in governance.view_for(caller, NOW).schema.query_type.fields


def test_a_field_that_narrows_through_an_interface_is_withheld_too(governance):
    withheld = {unbound.coordinate for unbound in governance.unbound}
    assert "Query.named" in withheld
    assert "Query.named" not in {unbound.coordinate for unbound in govern().unbound}


def checked(governance, records, *fields):
    grounds = ask(governance.view_for(ARCHIVE, NOW), '{ enterprise(creditCode: "1") { name } }').grounds
    checks = row_checks(grounds, governance.types_by_resource(), ARCHIVE, governance.groups)
    projection = (FieldProjection("figures", "figures", GraphQLList(FIGURES), "Query", "figures", fields=fields),)
    return check_rows({"figures": records}, projection, "Query", checks)


def test_a_group_that_says_itself_that_it_is_too_small_is_left_out_and_reported(governance):
    kept, reports = checked(governance, [{"n": 10, "address": 1}, {"n": 9, "address": 2}], NUMBER, OTHER)
    assert kept == {"figures": [{"n": 10, "address": 1}]}
    assert [(report.code, report.path) for report in reports] == [("GROUP_NOT_WITHHELD", ("figures", 1))]
    assert "9" not in reports[0].message


def test_a_group_that_the_subgraph_withheld_stays_as_it_is(governance):
    assert checked(governance, [{"n": None, "address": None}], NUMBER, OTHER) == (
        {"figures": [{"n": None, "address": None}]}, (),
    )  # fmt: skip

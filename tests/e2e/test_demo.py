"""The demo as a newcomer meets it: six departments, callers and their answers; and one department gone."""

import dataclasses
import json
import re
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog_sync.lifecycle import Side
from catalog_sync.platform import open_platform
from catalog_sync.registry import Actor
from gateway.commands.demo import DemoCaller, started

# The whole city takes about fifteen seconds to come up on a small machine.
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with started(tmp_path_factory.mktemp("demo")) as running:
        yield running


def asked(demo, query, caller, **changes):
    callers = {known.name: known for known in demo.callers}
    queries = {known.name: known for known in demo.queries}
    return demo.ask(dataclasses.replace(queries[query], **changes), callers[caller])


def test_everything_that_the_grant_covers_is_answered(demo):
    answer = asked(demo, "benefits-eligibility", "benefits-eligibility")
    assert "errors" not in answer
    resident = answer["data"]["resident"]
    assert resident["household"]["memberCount"] == len(resident["household"]["members"])
    assert resident["socialInsurance"][0]["employer"]["name"]
    assert resident["realEstate"][0]["floorArea"]
    assert resident["marriage"]["maritalStatus"] is True


def test_a_department_without_a_grant_is_told_items_resource_provider_and_where_to_apply(demo):
    answer = asked(demo, "benefits-eligibility", "subdistrict-office")
    assert "data" not in answer
    refused = {error["extensions"]["resource"]: error["extensions"] for error in answer["errors"]}
    assert set(refused) == {"30700503/3", "30700504/1", "30700507/1", "30700507/3", "30700511/1"}
    estate = refused["30700504/1"]
    assert estate["code"] == "FORBIDDEN"
    assert estate["items"] == ["floorArea", "holderId", "location", "sealed"]
    assert estate["provider"] == "重庆市规划和自然资源局"
    with urllib.request.urlopen(estate["apply"], timeout=10) as page:
        assert page.status == 200


def test_the_permitted_rest_comes_on_request_with_an_error_for_every_gap(demo):
    callers = {known.name: known for known in demo.callers}
    office = callers["subdistrict-office"]
    partial = DemoCaller(office.name, office.subject, "", {**office.headers, "Prefer": "partial-data"})
    answer = demo.ask(demo.queries[0], partial)
    assert answer["data"]["resident"]["name"]
    assert answer["data"]["resident"]["realEstate"] is None
    assert {tuple(error["path"]) for error in answer["errors"]} >= {
        ("resident", "realEstate"),
        ("resident", "household"),
    }


def test_a_masked_grant_gives_one_district_s_rows_with_pseudonyms_and_shortened_values(demo):
    answer = asked(demo, "district-survey", "district-survey")
    enterprises = answer["data"]["enterprises"]
    assert all("渝中区" in enterprise["name"] for enterprise in enterprises)
    assert all(re.fullmatch("[0-9A-Z]{26}", enterprise["legalRepresentativeId"]) for enterprise in enterprises)
    assert all(re.fullmatch(r"\*{7}\d{4}", enterprise["phone"]) for enterprise in enterprises)
    assert {resident["registeredAddress"] for resident in answer["data"]["residents"]} == {"重庆市渝中区***"}
    elsewhere = asked(
        demo, "district-survey", "district-survey", variables={"division": "500105", "insuranceType": "310"}
    )
    assert elsewhere["data"]["enterprises"] == []


def test_what_is_a_pseudonym_is_not_learned_by_following_where_it_leads(demo):
    text = '{ enterprises(divisionCode: "500103", first: 1) { name representative { residentId } } }'
    answer = asked(demo, "district-survey", "district-survey", text=text, variables={})
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"]["items"] == ["legalRepresentativeId"]
    assert error["extensions"]["uses"] == ["follow"]
    survey = {known.name: known for known in demo.callers}["district-survey"]
    partial = DemoCaller(survey.name, survey.subject, "", {**survey.headers, "Prefer": "partial-data"})
    both = text.replace("representative {", "legalRepresentativeId representative {")
    answer = demo.ask(dataclasses.replace(demo.queries[0], text=both, variables={}), partial)
    (enterprise,) = answer["data"]["enterprises"]
    assert re.fullmatch("[0-9A-Z]{26}", enterprise["legalRepresentativeId"]), "reading it masked is granted"
    assert enterprise["representative"] is None


def test_figures_of_a_small_group_and_of_the_one_that_would_show_it_are_withheld(demo):
    answer = asked(demo, "district-survey", "district-survey")
    withheld = [group for group in answer["data"]["insuranceStatistics"] if group["enrolledCount"] is None]
    assert withheld == [{"paidYears": years, "enrolledCount": None, "averagePaidMonths": None} for years in (39, 40)]
    assert len(answer["data"]["insuranceStatistics"]) == 41


def test_for_the_public_these_fields_do_not_exist(demo):
    answer = asked(demo, "benefits-eligibility", "public")
    assert [error["message"] for error in answer["errors"]] == ["Cannot query field 'resident' on type 'Query'."]
    schema = asked(demo, "open-data", "public", text="{ __schema { types { name } } }", variables={})
    names = {kind["name"] for kind in schema["data"]["__schema"]["types"]}
    assert "EnterpriseRegistration" in names
    assert not {"ResidentBasic", "Household", "RealEstateRegistration", "SocialInsuranceEnrolment"} & names


def test_the_public_reads_what_is_open(demo):
    answer = asked(demo, "open-data", "public")
    assert "errors" not in answer
    assert len(answer["data"]["enterprises"]) == 5
    assert answer["data"]["busArrivals"]


def test_the_readme_s_first_query_gets_the_three_answers_it_promises(demo):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    query = {"text": re.search(r"```graphql\n(.*?)```", readme, re.DOTALL)[1], "variables": {}}
    granted = asked(demo, "benefits-eligibility", "benefits-eligibility", **query)
    assert "errors" not in granted
    assert granted["data"]["resident"]["livingAllowance"]
    refused = asked(demo, "benefits-eligibility", "subdistrict-office", **query)
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"FORBIDDEN"}
    public = asked(demo, "benefits-eligibility", "public", **query)
    assert public["errors"][0]["message"].startswith("Cannot query field 'resident'")
    assert "Cannot query field 'resident'" in readme


def fetched(demo, path, caller, body=None):
    callers = {known.name: known for known in demo.callers}
    request = urllib.request.Request(f"{demo.address}{path}", body, dict(callers[caller].headers))
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


def test_each_caller_can_download_its_own_schema(demo):
    assert "type ResidentBasic" in fetched(demo, "/schema.graphql", "subdistrict-office")
    public = fetched(demo, "/schema.graphql", "public")
    assert "type EnterpriseRegistration" in public
    assert "Resident" not in public


def test_a_caller_can_ask_why_before_it_asks_for_data(demo):
    body = json.dumps({"query": '{ resident(residentId: "50") { name realEstate { location } } }'}).encode()
    fields = {f["path"]: f for f in json.loads(fetched(demo, "/explain", "subdistrict-office", body))["fields"]}
    assert fields["resident.name"]["verdict"] == "allowed"
    assert fields["resident.name"]["rules"] == ["T-1"]
    assert fields["resident.realEstate.location"]["verdict"] == "refused"
    assert "GRANT_REQUIRED" in fields["resident.realEstate.location"]["reason"]
    assert fields["resident.realEstate.location"]["provider"] == "重庆市规划和自然资源局"


def test_personal_items_are_given_for_a_stated_case_only(demo):
    callers = {known.name: known for known in demo.callers}
    granted = callers["benefits-eligibility"]
    silent = {name: value for name, value in granted.headers.items() if name != "X-Case-Number"}
    answer = demo.ask(demo.queries[0], DemoCaller(granted.name, granted.subject, "", silent))
    assert answer["errors"][0]["extensions"]["code"] == "STATEMENT_REQUIRED"


def test_a_wrong_key_is_refused_and_learns_nothing(demo):
    answer = demo.ask(demo.queries[0], DemoCaller("thief", "app:thief", "", {"X-API-Key": "wsk_guessed"}))
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer


def test_a_department_answers_nobody_but_the_gateway(demo):
    health = demo.departments["public_security"].health
    request = urllib.request.Request(
        health.replace("/healthz", "/graphql"), b'{"query":"{__typename}"}', {"content-type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value:
        assert refused.value.code == 401


def test_the_benefits_query_costs_one_request_per_level_and_subgraph(demo, capsys, monkeypatch, tmp_path):
    from gateway.cli import main

    data = demo.departments["transport"].log.parent.parent
    (tmp_path / "query.graphql").write_text(demo.queries[0].text)
    for command in (
        ["compose", str(data / "schemas"), "-o", str(tmp_path / "supergraph.graphql")],
        ["plan", "--supergraph", str(tmp_path / "supergraph.graphql"), str(tmp_path / "query.graphql")],
    ):
        monkeypatch.setattr("sys.argv", ["watersmeet", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    fetches = re.findall(r'Fetch\(service: "(\w+)"', capsys.readouterr().out)
    # Level 1 finds the resident; level 2 asks each other department once; level 3 the employers.
    assert sorted(fetches) == [
        "civil_affairs",
        "human_resources",
        "market_regulation",
        "natural_resources",
        "public_security",
    ]


@pytest.fixture
def watersmeet(demo, monkeypatch, capsys):
    """Runs a command on the demo's settings: stdout. Fails unless it exits with 0."""
    from gateway.cli import main

    config = demo.departments["transport"].log.parent.parent / "gateway.toml"

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["watersmeet", *arguments, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return run


def test_every_judged_operation_is_in_the_ledger_without_a_personal_value(demo, watersmeet):
    asked(demo, "benefits-eligibility", "benefits-eligibility")
    number = demo.queries[0].variables["residentId"]
    reads = watersmeet("ledger", "search", "--subject", number)
    latest = json.loads(reads.splitlines()[-1])
    assert latest["caller"] == "app:benefits-eligibility"
    assert latest["grants"] == ["Q-2026-0042"]
    assert latest["case_number"] == "CASE-2026-0815"
    assert "30700504/1.location" in latest["items"]
    assert number not in reads
    assert "intact" in watersmeet("ledger", "verify")


def test_a_person_of_the_administration_is_known_and_an_application_is_not_let_in(demo):
    keys = json.loads(Path(demo.credentials).read_text())

    def me(subject):
        headers = {"content-type": "application/json", "X-API-Key": keys[subject]}
        body = json.dumps({"query": "{ me { subject department } }"}).encode()
        request = urllib.request.Request(f"{demo.address}/admin/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)

    assert me("user:liu")["data"]["me"] == {"subject": "user:liu", "department": "natural-resources"}
    assert me("app:benefits-eligibility")["errors"][0]["extensions"]["code"] == "PEOPLE_ONLY"


def administer(demo, subject, document, **variables):
    keys = json.loads(Path(demo.credentials).read_text())
    headers = {"content-type": "application/json", "X-API-Key": keys[subject]}
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = urllib.request.Request(f"{demo.address}/admin/graphql", body, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def test_what_was_refused_is_applied_for_granted_by_the_provider_and_answered(demo, watersmeet):
    items = [f"30700504/1.{alias}" for alias in ("holderId", "location", "floorArea")]
    today = datetime.now(UTC).date()
    application = administer(
        demo,
        "user:wu",
        "mutation ($input: ApplicationInput!) { apply(input: $input) { id revision state clock { due } } }",
        input={
            "function": "temporary relief",
            "legalBasis": "Interim Measures for Social Assistance, article 47",
            "scenario": "check of a claim",
            "purpose": "data-verification",
            "items": items,
            "begins": str(today),
            "ends": str(today + timedelta(days=90)),
            "callsPerDay": 200,
            "impactAssessment": "PIA-2026-9",
        },
    )["apply"]
    assert application["state"] == "APPLIED"
    administer(
        demo,
        "user:liu",
        "mutation ($id: ID!, $revision: Int!, $answers: [ItemAnswerInput!]!) "
        "{ decide(application: $id, revision: $revision, answers: $answers) { state } }",
        id=application["id"],
        revision=application["revision"],
        answers=[{"item": item, "verdict": "PLAIN"} for item in items],
    )
    office = {known.name: known for known in demo.callers}["subdistrict-office"]
    relief = DemoCaller(office.name, office.subject, "", {**office.headers, "X-Purpose": "data-verification"})
    query = dataclasses.replace(
        demo.queries[0],
        text="query ($residentId: String!) { resident(residentId: $residentId) { realEstate { location floorArea } } }",
    )
    for _ in range(200):
        answer = demo.ask(query, relief)
        if "data" in answer:
            break
    assert answer["data"]["resident"]["realEstate"][0]["location"]
    terms = {told["resource"]: told for told in answer["extensions"]["grants"]}["30700504/1"]
    assert (terms["grant"], terms["purpose"]) == (f"Q-{application['id']}", "data-verification")
    used = administer(demo, "user:wu", "{ grants { nodes { callsPerDay callsToday } } }")["grants"]["nodes"]
    assert {"callsPerDay": 200, "callsToday": 1} in used
    assert f"Q-{application['id']}" in watersmeet("ledger", "search", "--caller", "app:subdistrict-office")


def test_a_department_that_is_gone_leaves_a_gap_with_its_name_and_no_address(demo):
    """The department stays away from here on."""
    gone = demo.departments["natural_resources"]
    gone.process.kill()
    gone.process.wait()
    answer = asked(demo, "benefits-eligibility", "benefits-eligibility")
    resident = answer["data"]["resident"]
    assert resident["realEstate"] is None
    assert resident["household"]["address"]
    assert resident["socialInsurance"][0]["employer"]["name"]
    (error,) = answer["errors"]
    assert error["path"] == ["resident", "realEstate"]
    assert error["extensions"]["code"] == "SUBGRAPH_UNREACHABLE"
    assert "natural_resources" in json.dumps(error)
    assert "127.0.0.1" not in json.dumps(error)
    assert "http" not in json.dumps(error)


def test_a_stop_reaches_the_running_gateway_and_says_so_to_those_cut_off(demo, watersmeet):
    person = ("--as", "user:chen@development-and-reform", "--note", "incident:2026-11-23", "--hours", "1")
    watersmeet("policy", "freeze", "caller", "app:benefits-eligibility", *person)
    for _ in range(200):
        answer = asked(demo, "benefits-eligibility", "benefits-eligibility")
        if "data" not in answer:
            break
    assert {error["extensions"].get("reason") for error in answer["errors"]} == {"FROZEN"}
    assert all(error["extensions"]["rule"].startswith("D-stop-") for error in answer["errors"])
    assert all(error["extensions"]["until"] and not error["extensions"]["apply"] for error in answer["errors"])
    assert "D-stop-" in watersmeet("policy", "show")


def test_a_release_goes_live_in_the_running_demo_and_is_rolled_back(demo):
    data = demo.departments["transport"].log.parent.parent
    with open_platform(str(data / "registry.sqlite")) as platform:
        (live,) = (release for release in platform.releases.live() if release.subgraph == "transport")
        author = Actor("user:author", live.provider, Side.PROVIDER)
        reviewer = Actor("user:reviewer", live.provider, Side.COMPETENT)
        sdl = re.sub(r"( *\"[^\n]*\"\n)? *stopName: .*\n", "", live.sdl)
        now = datetime.now(UTC)
        proposed = platform.releases.propose("transport", live.provider, sdl, live.address, author, now)
        platform.releases.move("transport", proposed.number, "approve", reviewer, now)
        platform.releases.move("transport", proposed.number, "go live", Actor("", live.provider, Side.PLATFORM), now)
        query = {"text": "{ busArrivals(first: 1) { stopName } }", "variables": {}}
        ends = time.monotonic() + 60
        while "errors" not in (answer := asked(demo, "open-data", "public", **query)):
            assert answer["data"]["busArrivals"][0]["stopName"]
            assert time.monotonic() < ends
        assert "stopName" in answer["errors"][0]["message"]
        platform.releases.roll_back("transport", live.digest, reviewer, datetime.now(UTC))
        while "errors" in asked(demo, "open-data", "public", **query):
            assert time.monotonic() < ends

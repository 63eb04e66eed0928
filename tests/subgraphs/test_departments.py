"""The six departments over their own stores: what they hold fits together, and every read is one query."""

import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

import subgraphs
from policies.context import ResourceScope
from policies.row_filters import Equals
from subgraphs.civil_affairs.app import department as civil_affairs
from subgraphs.human_resources.app import department as human_resources
from subgraphs.kit.loopback import serving
from subgraphs.market_regulation.app import department as market_regulation
from subgraphs.natural_resources import register_service
from subgraphs.natural_resources.app import department as natural_resources
from subgraphs.public_security.app import department as public_security
from subgraphs.seed.numbers import photograph
from subgraphs.transport.app import department as transport
from tests.subgraphs.conftest import served

# The head of the family, and the enterprise, that every scale of the data begins with: the ready queries ask for them.
RESIDENT, ENTERPRISE = "509903198806230026", "91509903XX0000019G"


@pytest.fixture(scope="module")
def surrogate(data: Path) -> str:
    """The key by which departments know the shown resident."""
    connection = sqlite3.connect(data / "public_security" / "population.sqlite")
    try:
        (found,) = connection.execute("SELECT id FROM resident WHERE resident_id = ?", (RESIDENT,)).fetchone()
    finally:
        connection.close()
    return str(found)


def of_resident(fields: str) -> str:
    return f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on ResidentBasic {{ {fields} }} }} }}"


async def ask_about(department: Any, data: Path, surrogate: str, fields: str) -> Any:
    async with served(department, data) as client:
        answer = await client.ask(of_resident(fields), r=[{"__typename": "ResidentBasic", "id": surrogate}])
    assert "errors" not in answer, answer
    return answer["data"]["_entities"][0]


async def test_public_security_knows_a_resident_by_number_with_household_and_family(data: Path) -> None:
    query = """query($n: String!) { resident(residentId: $n) {
        residentId sex divisionCode
        household { memberCount head { residentId } members { name } standardAddress { addressCode } }
    } }"""
    async with served(public_security, data) as client:
        resident = (await client.ask(query, n=RESIDENT))["data"]["resident"]
    household = resident.pop("household")
    assert resident == {"residentId": RESIDENT, "sex": "2", "divisionCode": "500103"}
    assert household["head"] == {"residentId": RESIDENT}
    assert household["memberCount"] == len(household["members"]) == 3
    assert household["standardAddress"]["addressCode"].startswith("500103")


def test_the_ready_queries_ask_for_what_the_data_holds() -> None:
    facts = yaml.load(
        (Path(subgraphs.__file__).parent / "demo" / "demo.yaml").read_text("utf-8"), Loader=yaml.BaseLoader
    )
    variables = {name: value for query in facts["queries"] for name, value in query["variables"].items()}
    assert variables == {
        "residentId": RESIDENT, "creditCode": ENTERPRISE, "division": "500103", "insuranceType": "310",
    }  # fmt: skip


async def test_a_photograph_is_compared_and_never_given(data: Path) -> None:
    import base64

    query = "query($n: String!, $p: Base64!) { resident(residentId: $n) { photo(matches: $p) } }"
    right = base64.b64encode(photograph(RESIDENT)).decode()
    async with served(public_security, data) as client:
        yes = await client.ask(query, n=RESIDENT, p=right)
        no = await client.ask(query, n=RESIDENT, p=base64.b64encode(b"someone else").decode())
    assert (yes["data"]["resident"]["photo"], no["data"]["resident"]["photo"]) == (True, False)


async def test_market_regulation_finds_enterprises_and_joins_licences_both_ways(data: Path) -> None:
    query = (
        '{ enterprises(status: "01", first: 3) { creditCode status licence { creditCode enterprise { creditCode } } } }'
    )
    async with served(market_regulation, data) as client:
        found = (await client.ask(query))["data"]["enterprises"]
    assert len(found) == 3
    for enterprise in found:
        code = enterprise["creditCode"]
        assert enterprise["licence"] == {"creditCode": code, "enterprise": {"creditCode": code}}
    assert [one["creditCode"] for one in found] == sorted(one["creditCode"] for one in found)


async def test_human_resources_joins_a_resident_to_the_employer(data: Path, surrogate: str) -> None:
    fields = (
        'socialInsurance(insuranceType: "110") { insuranceType paidMonths status(equals: "1") employer { creditCode } }'
    )
    (enrolment,) = (await ask_about(human_resources, data, surrogate, fields))["socialInsurance"]
    employer = enrolment.pop("employer")["creditCode"]
    assert employer == ENTERPRISE
    assert enrolment == {"insuranceType": "110", "paidMonths": 186, "status": True}
    query = "query($c: String!) { enterprise(creditCode: $c) { status } }"
    async with served(market_regulation, data) as client:
        assert (await client.ask(query, c=employer))["data"] == {"enterprise": {"status": "01"}}
    query = "query($c: String!) { enrolments(credit_code: $c) { resident { id } } }".replace(
        "credit_code", "creditCode"
    )
    async with served(human_resources, data) as client:
        insured = (await client.ask(query, c=employer))["data"]["enrolments"]
    assert {"resident": {"id": surrogate}} in insured


async def test_natural_resources_tells_in_its_own_words_what_the_old_register_holds(data: Path, surrogate: str) -> None:
    fields = "realEstate { holderId location floorArea yes: sealed(equals: true) no: sealed(equals: false) standardAddress { fullAddress divisionCode longitude } }"  # noqa: E501
    (parcel,) = (await ask_about(natural_resources, data, surrogate, fields))["realEstate"]
    address = parcel.pop("standardAddress")
    assert parcel.pop("location") == address["fullAddress"]
    assert float(parcel.pop("floorArea")) > 30
    assert parcel == {"holderId": RESIDENT, "yes": False, "no": True}
    assert (address["divisionCode"], 105 < address["longitude"] < 111) == ("500103", True)


async def test_civil_affairs_reads_marriage_and_allowance_from_its_documents(data: Path, surrogate: str) -> None:
    fields = 'marriage { married: maritalStatus(equals: "20") divorced: maritalStatus(equals: "40") } livingAllowance { residentId memberCount }'  # noqa: E501
    held = await ask_about(civil_affairs, data, surrogate, fields)
    assert held["marriage"] == {"married": True, "divorced": False}
    assert held["livingAllowance"] == {"residentId": RESIDENT, "memberCount": 3}


async def test_transport_gives_a_future_arrival_for_a_route_and_stop(data: Path) -> None:
    from datetime import UTC, datetime

    async with served(transport, data) as client:
        (arrival,) = (await client.ask("{ busArrivals(first: 1) { routeNo stopNo expectedAt } }"))["data"][
            "busArrivals"
        ]
        query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on BusArrival { stopName } } }"
        key = {"__typename": "BusArrival", "routeNo": arrival["routeNo"], "stopNo": arrival["stopNo"]}
        entities = (await client.ask(query, r=[key, {**key, "stopNo": "nowhere"}]))["data"]["_entities"]
    assert datetime.fromisoformat(arrival["expectedAt"]) > datetime.now(UTC)
    assert entities[0]["stopName"].endswith("站")
    assert entities[1] is None


@pytest.mark.parametrize(
    ("department", "query", "code", "item"),
    [
        (public_security, "{ residents(first: 500) { divisionCode } }", "30700503/1", "divisionCode"),
        (market_regulation, "{ enterprises(first: 500) { divisionCode } }", "30700502/1", "divisionCode"),
        (civil_affairs, "{ socialOrganisations(first: 500) { divisionCode } }", "30700507/2", "divisionCode"),
    ],
)  # fmt: skip
async def test_a_row_condition_holds_in_every_kind_of_store(
    data: Path, department: Any, query: str, code: str, item: str
) -> None:
    scope = ResourceScope(resource=code, rows="rows:district", row_filter=Equals(item, "500112"))
    async with served(department, data, signed=True) as client:
        (found,) = (await client.ask(query, scope))["data"].values()
    assert {row["divisionCode"] for row in found} == {"500112"}


async def test_a_row_condition_holds_in_parquet(data: Path, surrogate: str) -> None:
    scope = ResourceScope(resource="30700511/1", rows="rows:pension", row_filter=Equals("insuranceType", "110"))
    async with served(human_resources, data, signed=True) as client:
        answer = await client.ask(
            of_resident("socialInsurance { insuranceType }"),
            scope,
            r=[{"__typename": "ResidentBasic", "id": surrogate}],
        )
    assert answer["data"]["_entities"] == [{"socialInsurance": [{"insuranceType": "110"}]}]


async def test_a_page_has_bounds(data: Path) -> None:
    async with served(civil_affairs, data) as client:
        answer = await client.ask("{ socialOrganisations(first: 501) { name } }")
    assert answer["data"] == {"socialOrganisations": None}
    assert answer["errors"][0]["message"] == "`first` is between 1 and 500."


async def test_more_codes_than_the_old_service_takes_are_asked_in_batches(data: Path) -> None:
    connection = sqlite3.connect(data / "public_security" / "population.sqlite")
    keys = [key for (key,) in connection.execute("SELECT id FROM resident ORDER BY id")]
    (owned,) = (
        sqlite3.connect(data / "natural_resources" / register_service.FILE)
        .execute("SELECT count(*) FROM BDC")
        .fetchone()
    )
    connection.close()
    assert len(keys) > 2 * register_service.MAX_CODES
    async with served(natural_resources, data) as client:
        answer = await client.ask(
            of_resident("realEstate { unitNo }"), r=[{"__typename": "ResidentBasic", "id": key} for key in keys]
        )
    units = [parcel["unitNo"] for resident in answer["data"]["_entities"] for parcel in resident["realEstate"]]
    assert len(units) == len(set(units)) == owned


async def test_the_old_service_answers_errors_in_its_own_manner(data: Path) -> None:
    app = register_service.make_register_service(data / "natural_resources")
    async with serving(app) as base, aiohttp.ClientSession() as session:
        for form, code in (({"method": "fly"}, "E001"), ({"method": "queryByUnit"}, "E002"), ({"method": "queryByUnit", "codes": "1", "pageNo": "x"}, "E003")):  # fmt: skip  # noqa: E501
            async with session.post(base + register_service.PATH, data=form) as response:
                assert response.charset == "gb18030"
                assert (response.status, (await response.json())["head"]["retcode"]) == (200, code)


async def test_the_old_service_may_run_elsewhere(data: Path, surrogate: str) -> None:
    app = register_service.make_register_service(data / "natural_resources")
    async with serving(app) as base, served(natural_resources, data, address=base + register_service.PATH) as client:
        answer = await client.ask(
            of_resident("realEstate { unitNo }"), r=[{"__typename": "ResidentBasic", "id": surrogate}]
        )
    assert len(answer["data"]["_entities"][0]["realEstate"]) == 1

"""The gateway under policy: what it fetches, signs, records, and when it stops."""

import dataclasses
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import time_machine

from gateway.access.contexts import seal_for
from gateway.building import Build
from gateway.errors import CodedError, RequestError
from gateway.gateway import GovernedGateway
from gateway.recording import OperationLedger
from gateway.server.answering import ANONYMOUS, GraphQLRequest
from gateway.snapshot import Snapshot
from policies.context import ContextVerifier, HmacKey
from policies.ledger import Outcome, person_hash
from tests.access.city import ARCHIVE, ESTATE, GRANTED, POLICY, PUBLIC, RESIDENT, SUPERGRAPH, govern

KEY = HmacKey("police-1", b"s" * 32)
STATED = dataclasses.replace(GRANTED, case_number="CASE-1", officer="officer-1")


class Subgraphs:
    """A transport that answers from a script and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = [msgspec.json.encode({"data": answer}) for answer in answers]
        self.asked = []

    async def send(self, subgraph, body, headers, timeout):  # noqa: ASYNC109 - the port's signature
        self.asked.append((subgraph, body, dict(headers)))
        return self.answers.pop(0)

    async def subscribe(self, subgraph, body, headers):
        for answer in self.answers:
            yield answer

    async def close(self):
        pass


class Recorded:
    """A store that keeps records of operations, or fails."""

    def __init__(self, failure=None):
        self.reads = []
        self.failure = failure

    async def record_reads(self, reads, at):
        if self.failure is not None:
            raise self.failure
        self.reads.extend(reads)


class Known:
    """An authenticator that knows one caller."""

    def __init__(self, caller):
        self.caller = caller

    async def authenticate(self, credentials):
        return self.caller


def gateway(caller, subgraphs, policy=POLICY):
    from gateway.supergraph.join_sdl import read_supergraph

    governance = govern(policy)
    seals = {"police": seal_for("police", "http://127.0.0.1:1/graphql", KEY, governance.resources_of("police"))}
    build = Build(Snapshot(read_supergraph(SUPERGRAPH), "graph-1", governance), {}, seals)
    made = GovernedGateway(build, Known(caller), timeout=5.0)
    made.transport = subgraphs
    return made


def request(document, **more):
    return GraphQLRequest(document=document, request_id="r-1", **more)


NAME = '{ resident(residentId: "50") { name } }'


async def test_a_subgraph_is_told_for_whom_and_on_which_ground_and_can_believe_it():
    police = Subgraphs({"resident": {"name": "Wang"}})
    await gateway(STATED, police).answer(request(NAME), ANONYMOUS)
    subgraph, body, headers = police.asked[0]
    context = ContextVerifier("police", [KEY]).verify("POST", "/graphql", headers, body, datetime.now(UTC).timestamp())
    assert (subgraph, context.subject, context.department) == ("police", "app:benefits", "welfare")
    assert (context.purpose, context.case_number, context.officer) == ("eligibility-check", "CASE-1", "officer-1")
    assert [scope.resource for scope in context.resources] == [RESIDENT]
    assert context.scope(RESIDENT).rules == ("T-gov",)


async def test_nothing_is_fetched_for_a_refused_operation():
    police = Subgraphs()
    with pytest.raises(RequestError):
        await gateway(ARCHIVE, police).answer(
            request('{ resident(residentId: "50") { registeredAddress } }'), ANONYMOUS
        )
    assert police.asked == []


async def test_nothing_of_a_refused_field_is_asked_for_in_a_partial_answer():
    police = Subgraphs({"resident": {"name": "Wang"}})
    archive = dataclasses.replace(ARCHIVE, purpose="archive", case_number="C", officer="o")
    document = '{ resident(residentId: "50") { name registeredAddress } }'
    answer = await gateway(archive, police).answer(request(document, prefer_partial=True), ANONYMOUS)
    assert b"registeredAddress" not in police.asked[0][1]
    assert answer.partial
    decoded = msgspec.json.decode(answer.result.encode())
    assert decoded["data"] == {"resident": {"name": "Wang", "registeredAddress": None}}
    assert [error["path"] for error in decoded["errors"]] == [["resident", "registeredAddress"]]


async def test_personal_items_need_purpose_case_and_officer():
    police = Subgraphs()
    with pytest.raises(CodedError) as refused:
        await gateway(GRANTED, police).answer(request(NAME), ANONYMOUS)
    assert refused.value.code.name == "STATEMENT_REQUIRED"
    assert police.asked == []


async def test_an_answer_about_a_person_is_recorded_before_it_is_given():
    police = Subgraphs({"resident": {"name": "Wang"}})
    made, store = gateway(STATED, police), Recorded()
    made.ledger = OperationLedger(store, b"k" * 32)
    await made.answer(request(NAME), ANONYMOUS)
    (read,) = store.reads
    assert (read.caller, read.outcome, read.rules) == ("app:benefits", Outcome.GRANTED, ("T-gov",))
    assert read.persons == (person_hash(b"k" * 32, "50"),)
    assert read.items == (f"{RESIDENT}.name", f"{RESIDENT}.residentId")
    await made.ledger.close()


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ('query Q($id: String! = "50") { resident(residentId: $id) { name } }', {}),
        ("query Q($id: String!) { resident(residentId: $id) { name } }", {"id": "50"}),
    ],
    ids=["by default", "by variable"],
)
async def test_the_person_in_the_record_is_the_one_that_was_asked_for(document, variables):
    police = Subgraphs({"resident": {"name": "Wang"}})
    made, store = gateway(STATED, police), Recorded()
    made.ledger = OperationLedger(store, b"k" * 32)
    await made.answer(request(document, variables=variables), ANONYMOUS)
    (read,) = store.reads
    assert b'"50"' in police.asked[0][1]
    assert read.persons == (person_hash(b"k" * 32, "50"),)
    await made.ledger.close()


@pytest.mark.parametrize("failure", [OSError("disk full"), RuntimeError("a driver's own")], ids=repr)
async def test_no_record_no_personal_data_and_what_is_asked_next_is_refused_as_well(failure):
    resident = {"resident": {"name": "Wang"}}
    made = gateway(STATED, Subgraphs(resident, resident))
    made.ledger = OperationLedger(Recorded(failure), b"k" * 32)
    for _ in range(2):
        with pytest.raises(CodedError) as refused:
            await made.answer(request(NAME), ANONYMOUS)
        assert (refused.value.code.name, refused.value.code.status) == ("LEDGER_UNAVAILABLE", 503)
    await made.ledger.close()


async def test_open_data_is_answered_even_while_the_ledger_is_away():
    market = Subgraphs({"enterprise": {"name": "Tea"}})
    made = gateway(PUBLIC, market)
    made.ledger = OperationLedger(Recorded(OSError("disk full")), b"k" * 32)
    answer = await made.answer(request('{ enterprise(creditCode: "9") { name } }'), ANONYMOUS)
    assert answer.result.encode() == b'{"data":{"enterprise":{"name":"Tea"}}}'
    await made.ledger.close()


async def test_a_refusal_is_recorded_too():
    made, store = gateway(ARCHIVE, Subgraphs()), Recorded()
    made.ledger = OperationLedger(store, b"k" * 32)
    with pytest.raises(RequestError):
        await made.answer(request('{ resident(residentId: "50") { realEstate { location } } }'), ANONYMOUS)
    await made.ledger.close()
    (read,) = store.reads
    assert read.outcome is Outcome.REFUSED
    assert set(read.items) == {f"{ESTATE}.holderId", f"{ESTATE}.location"}


async def test_a_subscription_ends_when_the_right_to_its_events_ends():
    moves = [{"moved": {"registeredAddress": f"street {number}"}} for number in (1, 2, 3)]
    made = gateway(STATED, Subgraphs(*moves))
    events = made.subscribe(request('subscription { moved(residentId: "50") { registeredAddress } }'), ANONYMOUS)
    assert b"street 1" in (await anext(events)).encode()
    ended = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    revoked = POLICY.replace("2027-07-01T00:00:00Z, request:2026-1,", f"{ended}, request:2026-1,")
    made.build = made.build.under(govern(revoked).tables)
    with pytest.raises(RequestError) as over:
        await anext(events)
    assert over.value.errors[0].extensions["reason"] == "GRANT_EXPIRED"


async def test_another_policy_keeps_the_plans():
    made = gateway(STATED, Subgraphs({"resident": {"name": "Wang"}}, {"resident": {"name": "Wang"}}))
    await made.answer(request(NAME), ANONYMOUS)
    before = made.build.snapshot
    made.build = made.build.under(govern().tables)
    assert made.build.snapshot is not before
    await made.answer(request(NAME), ANONYMOUS)
    assert made.build.snapshot._plans is before._plans
    assert len(before._plans) == 1


OWN_ESTATES = POLICY.replace("30700504/1/*, read, *,", "30700504/1/*, read, rows:yuzhong,") + (
    'rows, rows:yuzhong, 30700504/1, {"op": "starts_with", "item": "location", "value": "渝中"}\n'
)
ESTATES = """{ resident(residentId: "50") { realEstate { place: location floorArea } } }"""


def estates(*places):
    return {
        "resident": {
            "__typename": "ResidentBasic",
            "residentId": "50",
            "realEstate": [{"location": place, "floorArea": 80.0} for place in places],
        }
    }


async def test_the_row_condition_travels_to_the_subgraph_that_serves_the_rows():
    land = Subgraphs(estates(), {"_entities": [{"realEstate": []}]})
    made = gateway(STATED, land, OWN_ESTATES)
    land_seal = seal_for("land", "http://127.0.0.1:2/graphql", KEY, made.build.governance().resources_of("land"))
    made.build = dataclasses.replace(made.build, seals={**made.build.seals, "land": land_seal})
    await made.answer(request(ESTATES), ANONYMOUS)
    (headers,) = [headers for subgraph, _, headers in land.asked if subgraph == "land"]
    body = next(body for subgraph, body, _ in land.asked if subgraph == "land")
    now = datetime.now(UTC).timestamp()
    scope = ContextVerifier("land", [KEY]).verify("POST", "/graphql", headers, body, now).scope(ESTATE)
    assert (scope.rows, scope.row_filter.value) == ("rows:yuzhong", "渝中")


async def test_rows_that_a_subgraph_should_not_have_returned_are_left_out_and_reported():
    rows = [{"location": place, "floorArea": 80.0} for place in ("渝中区", "江北区", "渝中区二路")]
    land = Subgraphs(estates(), {"_entities": [{"realEstate": rows}]})
    made = gateway(STATED, land, OWN_ESTATES)
    answer = msgspec.json.decode((await made.answer(request(ESTATES), ANONYMOUS)).result.encode())
    assert [row["place"] for row in answer["data"]["resident"]["realEstate"]] == ["渝中区", "渝中区二路"]
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "ROWS_NOT_FILTERED", "resource": ESTATE}
    assert error["path"] == ["resident", "realEstate", 1]
    assert "江北" not in str(answer)


async def test_a_clock_set_back_does_not_reopen_a_grant_that_has_ended():
    # The grant ends on 1 July 2027; the machine's clock is set back from then to the day before.
    with time_machine.travel(datetime(2027, 7, 1, 0, 0, 1, tzinfo=UTC), tick=False) as clock:
        made = gateway(STATED, Subgraphs({"resident": {"registeredAddress": "street"}}))
        clock.move_to(datetime(2027, 6, 30, tzinfo=UTC))
        with pytest.raises(RequestError) as refused:
            await made.answer(request('{ resident(residentId: "50") { registeredAddress } }'), ANONYMOUS)
    assert refused.value.errors[0].extensions["reason"] == "GRANT_EXPIRED"


KEPT_APART = (
    "g2, 30700503/1.name, set:who\ng2, 30700503/1.sex, set:who\napart, X-1, dept:archives, set:who, 1, risk:R-21\n"
)


async def test_of_items_kept_apart_the_last_is_never_asked_for_and_the_ledger_knows():
    police, store = Subgraphs({"resident": {"name": "Wang"}}), Recorded()
    archive = dataclasses.replace(ARCHIVE, purpose="archive", case_number="C", officer="o")
    made = gateway(archive, police, POLICY + KEPT_APART)
    both = '{ resident(residentId: "50") { name sex } }'
    with pytest.raises(RequestError) as refused:
        await made.answer(request(both), ANONYMOUS)
    assert (refused.value.status, police.asked) == (403, [])
    assert refused.value.errors[0].extensions["rule"] == "X-1"
    made.ledger = OperationLedger(store, b"k" * 32)
    answer = await made.answer(request(both, prefer_partial=True), ANONYMOUS)
    await made.ledger.close()
    assert b"sex" not in police.asked[0][1]
    decoded = msgspec.json.decode(answer.result.encode())
    assert decoded["data"] == {"resident": {"name": "Wang", "sex": None}}
    assert [error["extensions"]["reason"] for error in decoded["errors"]] == ["NOT_TOGETHER"]
    assert {item for read in store.reads if read.outcome is Outcome.GRANTED for item in read.items} == {
        f"{RESIDENT}.name", f"{RESIDENT}.residentId",
    }  # fmt: skip

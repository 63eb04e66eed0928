import json
from dataclasses import replace
from datetime import UTC, date, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from catalog_sync.errors import CodedError
from catalog_sync.harvest import drift_of, harvest
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import ReleaseState, Side
from catalog_sync.loading import load_catalogue
from catalog_sync.registry import Actor
from catalog_sync.release_store import ReleaseStore
from catalog_sync.releases import (
    SubgraphRelease,
    check_release,
    notice_of,
    schema_changes,
    sdl_digest,
)
from catalog_sync.rule_profiles import ORDER_320, profile_in_force
from catalog_sync.schema_comparison import ChangeEffect
from catalog_sync.store import SqlCatalogueStore, verify_ledger
from catalog_sync.working_days import WorkingCalendar
from tests.catalogue.databases import DATABASES
from tests.catalogue.entry_text import EXAMPLES, TODAY

CATALOGUE = load_catalogue(EXAMPLES, today=TODAY)
CIVIL = CreditCode.parse("11500000XXXX000519")

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@external"])
directive @resource(code: String!) on OBJECT | FIELD_DEFINITION
scalar Date
type Query { marriages(residentId: String!): [MarriageRegistration!]! }
type MarriageRegistration @key(fields: "id") @resource(code: "30700507/1") {
  id: ID!
  residentId: String
  maritalStatus(equals: String!): Boolean
  registeredOn: Date
  organisation: SocialOrganisation
}
type SocialOrganisation @resource(code: "30700507/2") { creditCode: String! name: String annualReview: String }
"""
on_both_engines = pytest.mark.usefixtures("engine")


def release(sdl: str = SDL, subgraph: str = "civil", provider: CreditCode = CIVIL) -> SubgraphRelease:
    return SubgraphRelease(subgraph, provider, 1, sdl, "http://civil.example/graphql")


def problems(old: str, new: str) -> list[str]:
    assert old in SDL
    return [str(problem) for problem in check_release(release(SDL.replace(old, new, 1)), CATALOGUE)]


def test_a_release_whose_fields_are_items_of_their_type_has_no_problem() -> None:
    assert check_release(release(), CATALOGUE) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("registeredOn: Date", "registeredOn: String", "登记日期 has the type D, served as Date, not String"),
        ("residentId: String\n", "residentId: String!\n", "so its field must be nullable"),
        ("registeredOn: Date", "marriedOn: Date", "has no item 'marriedOn'"),
        ('"30700507/1"', '"30700507/9"', "No released entry of the catalogue has the code 30700507/9"),
        ("maritalStatus(equals: String!): Boolean", "maritalStatus: Boolean", "may only be verified"),
        ("maritalStatus(equals: String!): Boolean", "maritalStatus: String", "served as Boolean, not String"),
        ('"30700507/2"', '"30700506/1"', "has no item 'creditCode'"),
    ],
)
def test_each_departure_from_the_catalogue_is_told_with_its_field(old: str, new: str, said: str) -> None:
    assert any(said in problem for problem in problems(old, new))


def test_an_item_of_another_provider_is_served_by_that_provider_alone() -> None:
    foreign = release(provider=CreditCode.parse("11500000XXXX0006X1"))
    assert any("重庆市民政局 answers for 30700507/2" in str(problem) for problem in check_release(foreign, CATALOGUE))


def test_two_subgraphs_with_one_item_are_named_both() -> None:
    second = release('type Organisation @resource(code: "30700507/2") { name: String }', "organisations")
    told = [str(problem) for problem in check_release(second, CATALOGUE, [release()])]
    assert told == [
        "Organisation.name: The item name of 30700507/2 is served by civil as SocialOrganisation.name "
        "(11500000XXXX000519) and here by organisations (11500000XXXX000519). "
        "An item has one authoritative provider: in the other, leave @resource off a type whose home is another "
        "subgraph, mark a field that it only needs @external, or drop the field."
    ]


def test_a_field_may_lead_to_records_that_another_subgraph_binds() -> None:
    here, there = SDL.split("type SocialOrganisation", 1)
    stub = 'type SocialOrganisation @key(fields: "creditCode", resolvable: false) { creditCode: String! }'
    organisations = release(f"type SocialOrganisation{there}", "organisations")
    assert check_release(release(here + stub), CATALOGUE, [organisations]) == ()
    [alone] = check_release(release(here + stub), CATALOGUE)
    assert "has no item 'organisation'" in str(alone)


def test_an_external_field_is_no_second_owner() -> None:
    second = release('type Organisation @resource(code: "30700507/2") { name: String @external }', "organisations")
    assert check_release(second, CATALOGUE, [release()]) == ()


def test_a_schema_that_cannot_be_read_is_told() -> None:
    with pytest.raises(CodedError) as refused:
        check_release(release("type {"), CATALOGUE)
    assert refused.value.code.name == "SDL_UNREADABLE"


def test_a_removed_field_breaks_and_an_added_enum_value_is_risky() -> None:
    old = "type Query { a: E b: Int } enum E { X }"
    [broken] = schema_changes(old, "type Query { a: E } enum E { X }")
    [risky] = schema_changes(old, "type Query { a: E b: Int } enum E { X Y }")
    assert (broken.effect, risky.effect) == (ChangeEffect.BREAKING, ChangeEffect.RISKY)


def test_an_extension_of_a_type_defined_elsewhere_is_compared_too() -> None:
    assert [
        change.effect
        for change in schema_changes("extend type Thing { a: Int b: Int }", "extend type Thing { a: Int }")
    ] == [ChangeEffect.BREAKING]


def test_layout_and_order_do_not_change_a_digest() -> None:
    assert sdl_digest("type A{a:Int} type B{b:Int}") == sdl_digest("type B { b: Int }\n\ntype A {\n  a: Int\n}")
    assert sdl_digest("type A{a:Int}") != sdl_digest("type A{a:Int!}")


def test_a_release_goes_live_only_after_approval() -> None:
    live = release().after("approve", Side.COMPETENT).after("go live", Side.PLATFORM)
    assert live.state is ReleaseState.LIVE
    with pytest.raises(
        CodedError, match="Possible now: refuse by the competent department, approve by the competent department"
    ):
        release().after("go live", Side.PLATFORM)


def test_a_change_that_breaks_somebody_waits_for_its_notice() -> None:
    profile, calendar = profile_in_force(ORDER_320, date(2026, 9, 18)), WorkingCalendar.default()
    changes = schema_changes("type Query { a: Int b: Int }", "type Query { a: Int }")
    notice = notice_of(changes, ["重庆市民政局"], date(2026, 9, 18), profile, calendar)
    assert notice is not None
    assert (notice.served(date(2026, 10, 9)), notice.served(date(2026, 10, 10))) == (False, True)
    assert notice_of(changes, [], date(2026, 9, 18), profile, calendar) is None
    assert notice_of([], ["重庆市民政局"], date(2026, 9, 18), profile, calendar) is None


OFFICER = Actor("officer", CIVIL, Side.PROVIDER)
REVIEWER = Actor("reviewer", CreditCode.parse("11500000XXXX00019X"), Side.COMPETENT)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def gone_live(releases: ReleaseStore, sdl: str) -> SubgraphRelease:
    proposed = releases.propose("civil", CIVIL, sdl, "http://civil.example/graphql", OFFICER, NOW)
    releases.move("civil", proposed.number, "approve", REVIEWER, NOW)
    return releases.move("civil", proposed.number, "go live", replace(REVIEWER, side=Side.PLATFORM), NOW)


@on_both_engines
def test_one_release_of_a_subgraph_is_live_and_the_one_before_retires() -> None:
    releases = ReleaseStore(DATABASES.open())
    first, second = gone_live(releases, SDL), gone_live(releases, SDL + "type Extra { a: Int }")
    assert [(each.number, each.state) for each in releases.history("civil")] == [(1, "retired"), (2, "live")]
    assert releases.live() == (second,)
    assert first.number == 1


@on_both_engines
def test_a_release_is_rolled_back_by_its_digest() -> None:
    releases = ReleaseStore(DATABASES.open())
    first = gone_live(releases, SDL)
    gone_live(releases, SDL + "type Extra { a: Int }")
    releases.roll_back("civil", first.digest, REVIEWER, NOW)
    assert [each.number for each in releases.live()] == [1]
    assert verify_ledger(SqlCatalogueStore(releases.database).ledger()) == 7
    with pytest.raises(CodedError, match="no release of the digest"):
        releases.roll_back("civil", "0" * 64, REVIEWER, NOW)


@on_both_engines
def test_only_the_provider_proposes_releases_of_its_subgraph() -> None:
    releases = ReleaseStore(DATABASES.open())
    gone_live(releases, SDL)
    stranger = Actor("x", CreditCode.parse("11500000XXXX0006X1"), Side.PROVIDER)
    with pytest.raises(CodedError) as refused:
        releases.propose("civil", stranger.department, SDL, "http://other.example", stranger, NOW)
    assert refused.value.code.name == "NOT_YOURS"


async def answering(sdl: object, status: int = 200) -> TestServer:
    async def answer(request: web.Request) -> web.Response:
        assert "_service" in (await request.json())["query"]
        return web.Response(text=json.dumps({"data": {"_service": {"sdl": sdl}}}), status=status)

    app = web.Application()
    app.router.add_post("/graphql", answer)
    server = TestServer(app)
    await server.start_server()
    return server


async def test_a_running_subgraph_is_held_against_its_release() -> None:
    server = await answering(SDL.replace("  registeredOn: Date\n", ""))
    async with aiohttp.ClientSession() as session:
        running = await harvest(session, str(server.make_url("/graphql")))
    await server.close()
    drift = drift_of(release(), running)
    assert drift.drifted
    assert [change.message for change in drift.changes] == ["the field was removed."]
    assert not drift_of(release(), SDL).drifted


async def test_a_subgraph_that_is_away_or_answers_no_schema_is_told() -> None:
    server = await answering(None)
    async with aiohttp.ClientSession() as session:
        for address in (str(server.make_url("/graphql")), "http://127.0.0.1:1/graphql"):
            with pytest.raises(CodedError) as refused:
                await harvest(session, address)
            assert refused.value.code.name == "HARVEST_FAILED"
            assert "127.0.0.1" not in refused.value.message
    await server.close()

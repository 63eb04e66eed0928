from datetime import timedelta
from pathlib import Path

import pytest

from catalog_sync.comparison import LiveGrant
from catalog_sync.errors import CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side
from catalog_sync.registry import Actor
from gateway.releasing.report import as_github, as_text
from gateway.releasing.users import Reader, Users
from tests.catalogue.offices import NOW, REVIEWER
from tests.releasing.registry import ADDRESS, AUTHOR, CIVIL, DOCUMENTS, LINKS, WITHOUT_DATE, go_live, release_office

USERS = Users(
    (
        LiveGrant("Q-1", "welfare", "30700507/1", frozenset({"residentId", "registeredOn"})),
        LiveGrant("Q-2", "housing", "30700507/1", frozenset({"registeredOn"})),
        LiveGrant("Q-3", "tax", "30700507/1", frozenset({"residentId"})),
    ),
    DOCUMENTS,
    (Reader("app:benefits", "welfare", {"30700507/1.registeredOn": 12, "30700507/1.residentId": 40}, "2026-11-20"),),
)


def code_of(refused: pytest.ExceptionInfo[CodedError]) -> str:
    return refused.value.code.name


def test_a_release_in_order_is_proposed_approved_and_live(tmp_path: Path) -> None:
    with release_office(tmp_path) as office:
        release, report = office.publish("civil", CIVIL, ADDRESS, "first", AUTHOR)
        assert (release.state, report.in_order) == ("proposed", True)
        live = office.approve("civil", None, "checked", REVIEWER)
        assert (live.release.state, live.note, live.reason) == ("live", "first", "checked")
        assert live.proposed_by == "user:author (11500000XXXX000519)"


def test_a_check_tells_unbound_fields_changes_and_everybody_hit_by_name(tmp_path: Path) -> None:
    with release_office(tmp_path, USERS) as office:
        go_live(office)
        sdl = WITHOUT_DATE.replace("name: String }", "name: String nickname: String }")
        report = office.check(office.candidate("civil", sdl))
        assert as_text(report).splitlines()[:-1] == [
            "error SocialOrganisation.nickname: The entry 30700507/2 has no item 'nickname', so nobody will see the "
            "field. Use one of its aliases: creditCode, name, annualReview.",
            "breaking MarriageRegistration.registeredOn: the field was removed.",
            "safe SocialOrganisation.nickname: the field was added.",
            "hits grant Q-1 of welfare (names 30700507/1.registeredOn): MarriageRegistration.registeredOn",
            "hits grant Q-2 of housing (names 30700507/1.registeredOn): MarriageRegistration.registeredOn",
            "hits stored document wedding-days (selects what changes): MarriageRegistration.registeredOn",
            "hits recorded operations app:benefits of welfare (12 reads, last on 2026-11-20): "
            "MarriageRegistration.registeredOn",
        ]
        assert "::error title=breaking change in use,file=civil.graphql::grant Q-1" in as_github(
            report, "civil.graphql"
        )


def test_a_change_that_hits_somebody_waits_for_the_notice_or_for_their_word(tmp_path: Path) -> None:
    with release_office(tmp_path, USERS) as office:
        go_live(office)
        office.publish("civil", WITHOUT_DATE, "", "dates go", AUTHOR)
        waiting = office.approve("civil", None, "agreed", REVIEWER, ["Q-1"])
        assert waiting.release.state == "approved"
        assert waiting.notice is not None
        assert str(waiting.notice.due) == "2026-12-07"
        assert waiting.unacknowledged == ("Q-2", "wedding-days", "app:benefits")
        with pytest.raises(CodedError, match="after 2026-12-07, or when acknowledged by Q-2, wedding-days") as refused:
            office.go_live("civil", None, REVIEWER)
        assert code_of(refused) == "NOTICE_RUNNING"
        office.acknowledge("civil", None, ["Q-2", "wedding-days", "app:benefits"], REVIEWER)
        assert office.go_live("civil", None, REVIEWER).release.state == "live"


def test_after_the_last_day_of_the_notice_the_release_may_go_live(tmp_path: Path) -> None:
    with release_office(tmp_path, USERS) as office:
        go_live(office)
        office.publish("civil", WITHOUT_DATE, "", "dates go", AUTHOR)
        office.approve("civil", None, "agreed", REVIEWER)
    with release_office(tmp_path, USERS, NOW + timedelta(days=14)) as office, pytest.raises(CodedError):
        office.go_live("civil", None, REVIEWER)
    with release_office(tmp_path, USERS, NOW + timedelta(days=15)) as office:
        assert office.go_live("civil", None, REVIEWER).release.state == "live"


def test_only_those_who_are_hit_can_acknowledge(tmp_path: Path) -> None:
    with release_office(tmp_path, USERS) as office:
        go_live(office)
        office.publish("civil", WITHOUT_DATE, "", "dates go", AUTHOR)
        office.approve("civil", None, "agreed", REVIEWER)
        with pytest.raises(CodedError, match="Q-3 is not hit by this release"):
            office.acknowledge("civil", None, ["Q-3"], REVIEWER)


def test_what_is_not_in_order_is_not_proposed(tmp_path: Path) -> None:
    with release_office(tmp_path) as office:
        with pytest.raises(CodedError, match="No released entry of the catalogue has the code") as refused:
            office.publish("civil", CIVIL.replace("30700507/2", "30700507/9"), ADDRESS, "", AUTHOR)
        assert code_of(refused) == "RELEASE_NOT_IN_ORDER"
        assert office.subgraphs() == ()


def test_two_providers_of_one_item_are_named_with_both_sides(tmp_path: Path) -> None:
    rival = LINKS + 'type Query { bodies: [Body] } type Body @resource(code: "30700507/2") { name: String }'
    market = Actor("user:rival", CreditCode.parse("11500000XXXX00027Q"), Side.PROVIDER)
    with release_office(tmp_path) as office:
        go_live(office)
        with pytest.raises(CodedError) as refused:
            office.publish("bodies", rival, "http://market.example/graphql", "", market)
        assert (
            "Body.name: The item name of 30700507/2 is served by civil as SocialOrganisation.name "
            "(11500000XXXX000519) and here by bodies (11500000XXXX00027Q)."
        ) in refused.value.message
        assert "重庆市民政局 answers for 30700507/2" in refused.value.message


def test_a_release_that_does_not_compose_with_what_went_live_meanwhile_stays_out(tmp_path: Path) -> None:
    other = LINKS + "type Query { organisations(name: Int): [Int] }"
    with release_office(tmp_path) as office:
        office.publish("civil", CIVIL, ADDRESS, "", AUTHOR)
        with pytest.raises(CodedError) as unbound:
            office.publish("other", other, "http://other.example", "", AUTHOR)
        assert "Query.organisations" in unbound.value.message
        conflicting = LINKS + (
            "type Query { all: [SocialOrganisation] }"
            'type SocialOrganisation @resource(code: "30700507/2") { annualReview: String creditCode: String! }'
        )
        go_live(office, conflicting, "reviews")
        with pytest.raises(CodedError) as refused:
            office.approve("civil", None, "checked", REVIEWER)
        assert code_of(refused) == "RELEASE_NOT_IN_ORDER"
        assert "INVALID_FIELD_SHARING" in refused.value.message
        assert office.standing("civil").release.state == "proposed"


def test_nobody_approves_what_they_proposed_and_every_decision_has_a_reason(tmp_path: Path) -> None:
    with release_office(tmp_path) as office:
        office.publish("civil", CIVIL, ADDRESS, "", AUTHOR)
        with pytest.raises(CodedError, match="another person must decide"):
            office.approve("civil", None, "fine", Actor("user:author", REVIEWER.department, Side.COMPETENT))
        for step in (office.approve, office.refuse):
            with pytest.raises(CodedError) as refused:
                step("civil", None, " ", REVIEWER)
            assert code_of(refused) == "REASON_NEEDED"
        assert office.refuse("civil", None, "the address is wrong", REVIEWER).reason == "the address is wrong"


def test_a_retired_release_comes_back_by_its_digest(tmp_path: Path) -> None:
    with release_office(tmp_path) as office:
        go_live(office)
        first = office.standing("civil").release
        go_live(office, WITHOUT_DATE)
        back, _ = office.roll_back("civil", first.digest[:8], "dates are needed", REVIEWER)
        assert (back.release.number, back.release.state, back.reason) == (1, "live", "dates are needed")


def test_a_subgraph_in_use_is_not_retired_without_their_word(tmp_path: Path) -> None:
    with release_office(tmp_path, USERS) as office:
        go_live(office)
        with pytest.raises(CodedError, match="grant Q-1 of welfare"):
            office.retire("civil", "moves to another department", AUTHOR)
        names = ["Q-1", "Q-2", "Q-3", "wedding-days", "names", "app:benefits"]
        retired, _ = office.retire("civil", "moves to another department", AUTHOR, names)
        assert retired.state == "retired"


def test_documents_are_hit_through_arguments_variables_and_types(tmp_path: Path) -> None:
    documents = {
        "argument": 'query { organisations(name: "a") { name } }',
        "without": "query { organisations { name } }",
        "type": "query { marriages { ... on MarriageRegistration { residentId } } }",
    }
    with release_office(tmp_path, Users(documents=documents)) as office:
        go_live(office)
        for sdl, hit in (
            (CIVIL.replace("(name: String)", ""), ["argument"]),
            (CIVIL.replace("(name: String)", "(name: String!)"), ["argument", "without"]),
            (CIVIL.replace("marriages: [MarriageRegistration]", "marriages: Int"), ["type"]),
        ):
            report = office.check(office.candidate("civil", sdl))
            assert [each.name for each in report.affected] == hit

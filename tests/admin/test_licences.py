"""A developer of the public accepts the licence of a resource and reads it; the provider records, looks and ends."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog_sync.loading import Catalogue
from gateway.access.refusals import ACCEPTING
from gateway.errors import RequestError
from policies.callers import Caller, CallerKind, anonymous
from tests.access.city import ask
from tests.admin import office
from tests.admin.office import City, city, key_of

ENTERPRISE, TERMS = "30700502/1", "open-government-registered:2018-05-05"
OWN = {"resource": ENTERPRISE, "licence": TERMS}
NAME = '{ enterprise(creditCode: "1") { name } }'
PLANNER = Caller(CallerKind.PUBLIC, "app:planner", zone="internet")
RECORD = """mutation ($subject: String!, $licence: String!, $paper: String!) {
  recordLicenceAcceptance(subject: $subject, resource: "30700502/1", licence: $licence, document: $paper) {
    id revision subject licence takenInBy } }"""
END = """mutation ($id: ID!, $revision: Int!) {
  endLicenceAcceptance(id: $id, revision: $revision, reason: "sold as own data") { ended } }"""
LOOK = '{ licenceAcceptances(resource: "30700502/1") { subject licence takenInBy document ended } }'


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    """The city, in which enterprises are open under a licence to accept and the land office answers for them."""
    catalogue, supergraph = office.examples()
    named = [
        replace(entry, licence="open-government-registered") if str(entry.code) == ENTERPRISE else entry
        for entry in catalogue.entries
    ]
    monkeypatch.setattr(office, "examples", lambda: (Catalogue(tuple(named)), supergraph))
    appointed = "p2, C-12, dept:land, decide, 30700502/1/*, allow\n"
    monkeypatch.setattr(office, "POLICY", office.POLICY + appointed)
    async with city(tmp_path) as made:
        yield made


async def accepts(here: City, who: str, sent: object, **headers: str) -> tuple[int, Any]:
    given = {"X-API-Key": key_of(who)} if who else {}
    async with here.session.post(here.address + ACCEPTING, json=sent, headers={**given, **headers}) as response:
        return response.status, await response.json()


async def refusal(here: City, caller: Caller) -> dict[str, Any] | None:
    """The extensions of the refusal that a caller gets for an enterprise's name; None where it may read it."""
    await here.app_view()
    try:
        ask(here.governance.view_for(caller, here.now), NAME)
    except RequestError as refused:
        (report,) = refused.errors
        return {**report.extensions, "said": report.within}
    return None


async def test_a_caller_is_told_how_to_accept_does_so_once_and_reads_from_then_on(here: City) -> None:
    told = await refusal(here, PLANNER)
    assert told is not None
    assert (told["reason"], told["apply"], told["accept"]) == ("LICENCE_REQUIRED", "", ACCEPTING)
    assert told["licence"] == {
        "code": "open-government-registered", "version": TERMS,
        "link": "https://watersmeet.dev/licences/open-government-registered",
    }  # fmt: skip
    status, made = await accepts(here, "planner", OWN)
    assert (status, made["subject"], made["licence"]) == (200, "app:planner", TERMS)
    assert await refusal(here, PLANNER) is None
    assert await refusal(here, anonymous("internet")) is not None, "the acceptance is one identity's"
    head = await here.store.head()
    assert await accepts(here, "planner", OWN) == (200, made)
    assert await here.store.head() == head, "what was accepted already makes no further version"
    act = (await here.store.records())[-1].facts()
    assert (act["person"], act["about"]) == ("app:planner", f"policy {head}")
    assert f"licence accepted ({ENTERPRISE}: {TERMS})" in act["reason"]


@pytest.mark.parametrize(
    ("who", "sent", "status", "code"),
    [
        ("", OWN, 400, "MATTER_INCOMPLETE"),
        ("li", OWN, 400, "MATTER_INCOMPLETE"),
        ("planner", {**OWN, "licence": "open-government:2018-05-05"}, 400, "MATTER_INCOMPLETE"),
        ("planner", {**OWN, "resource": "30700503/1"}, 400, "MATTER_INCOMPLETE"),
        ("planner", {**OWN, "subject": "app:other"}, 400, "BAD_REQUEST"),
        ("planner", [], 400, "BAD_REQUEST"),
        ("stranger", OWN, 401, "UNAUTHENTICATED"),
    ],
)
async def test_what_is_no_acceptance_is_refused_and_changes_nothing(
    here: City, who: str, sent: object, status: int, code: str
) -> None:
    found, answer = await accepts(here, who, sent)
    assert (found, answer["errors"][0]["extensions"]["code"]) == (status, code)
    assert await here.store.head() == 1


async def test_the_provider_records_an_acceptance_on_paper_sees_all_and_ends_one_for_misuse(here: City) -> None:
    wanted = {"subject": "app:planner", "licence": TERMS}
    assert (await here.refused("li", RECORD, **wanted, paper="letter 7"))[0] == "ACT_FORBIDDEN"
    assert (await here.refused("sun", RECORD, **wanted, paper=" "))[0] == "MATTER_INCOMPLETE"
    made = await here.ask("sun", RECORD, **wanted, paper="letter 7")
    assert (made["subject"], made["takenInBy"]) == ("app:planner", "user:sun")
    assert await refusal(here, PLANNER) is None
    for who in ("sun", "qian"):
        (seen,) = await here.ask(who, LOOK)
        assert seen == {**wanted, "takenInBy": "user:sun", "document": "letter 7", "ended": None}
    assert (await here.refused("li", LOOK))[0] == "ACT_FORBIDDEN"

    here.move_to(here.now + timedelta(hours=1))
    assert (await here.refused("li", END, id=made["id"], revision=1))[0] == "ACT_FORBIDDEN"
    assert (await here.refused("sun", END, id=made["id"], revision=2))[0] == "DRAFT_STALE"
    assert await here.ask("sun", END, id=made["id"], revision=1) == {"ended": "sold as own data"}
    told = await refusal(here, PLANNER)
    assert told is not None
    assert told["reason"] == "LICENCE_REQUIRED"
    status, answer = await accepts(here, "planner", OWN)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (409, "MATTER_REFUSED")
    assert "sold as own data" in answer["errors"][0]["message"]


async def test_who_is_to_accept_is_told_in_both_languages(here: City) -> None:
    told = await refusal(here, PLANNER)
    assert told is not None
    from catalog_sync.languages import Language

    english, chinese = (told["said"](language).message for language in Language)
    assert "Open government data licence for registered users (https://watersmeet.dev/licences/" in english
    assert f'{{"resource": "{ENTERPRISE}", "licence": "{TERMS}"}}' in english
    assert "须先接受其许可《政务数据开放许可（实名接受）》" in chinese
    assert f'{{"resource": "{ENTERPRISE}", "licence": "{TERMS}"}}' in chinese

"""Journeys 6 and 9 through the administration, as pages would take them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from catalog_sync.interchange import export_catalogue, import_catalogue
from tests.catalogue.entry_text import GOOD
from tests.registry.administered import Bureau, as_file, bureau
from tests.releasing.registry import ADDRESS, CIVIL, WITHOUT_DATE
from tests.support.command_line import Run, expect_done, run

__all__ = ["run"]

BUS = "cq-tr-bus-arrival"
FILE = "{ entry { id state version } revision versions { number state reasons content } changes { path before after } }"
ENTRY = f"query($id: ID!) {{ entry(id: $id) {FILE} }}"
DRAFT = """mutation($file: EntriesFile!) { draftEntries(file: $file, trigger: {kind: LAW_AMENDED, day: "2026-11-20",
  document: "渝府令〔2026〕7号"}) { drafted FILE unchanged } }""".replace("FILE", FILE)
SUBMIT = f"mutation($seen: [EntrySeen!]!) {{ submitEntries(entries: $seen) {FILE} }}"
RETURN = f"mutation($seen: EntrySeen!, $why: [String!]!) {{ returnEntry(entry: $seen, reasons: $why) {FILE} }}"
ACCEPT = f"mutation($seen: EntrySeen!) {{ acceptEntry(entry: $seen) {FILE} }}"
RELEASE = f"mutation($seen: [EntrySeen!]!) {{ releaseEntries(entries: $seen) {FILE} }}"


async def downloaded(here: Bureau, folder: Path) -> Path:
    """The department's entry as the workbook that its officer works on."""
    shown = await here.ask("li", ENTRY, id=BUS)
    (folder / "own.yaml").write_text(shown["versions"][-1]["content"], encoding="utf-8")
    export_catalogue(import_catalogue(folder / "own.yaml").entries, folder / "own.xlsx")
    return folder / "own.xlsx"


def with_cells(book: Path, **of_the_resource: str) -> dict[str, str]:
    """The workbook with values of the resource changed, as the API takes it."""
    opened = openpyxl.load_workbook(book)
    sheet = opened.active
    for column in sheet.iter_cols():
        for cell in column[1:] if column[0].value in of_the_resource else ():
            cell.value = of_the_resource[str(column[0].value)]
    opened.save(book)
    return as_file(book.name, book.read_bytes())


def seen(found: dict[str, object]) -> dict[str, object]:
    entry = found["entry"]
    assert isinstance(entry, dict)
    return {"id": entry["id"], "revision": found["revision"]}


async def test_an_officers_update_goes_through_review_into_force(tmp_path: Path) -> None:
    async with bureau(tmp_path) as here:
        book = await downloaded(here, tmp_path)
        wrong = await here.refused("li", DRAFT, file=with_cells(book, 更新周期="经常", 所在网络="外部", 版本="四"))
        assert wrong["code"] == "CATALOGUE_INVALID"
        assert [(each["line"], each["column"], bool(each["remedy"])) for each in wrong["problems"]] == [
            (2, "更新周期", True), (2, "所在网络", True), (2, "版本", True),
        ]  # fmt: skip

        good = with_cells(book, 更新周期="每日", 所在网络="extranet", 版本="1")
        foreign = await here.refused("author", DRAFT, file=good)
        assert foreign["code"] == "NOT_YOURS"
        [drafted] = (await here.ask("li", DRAFT, file=good))["drafted"]
        assert (drafted["entry"]["state"], drafted["entry"]["version"]) == ("DRAFT", 2)
        assert {"path": "cycle", "before": "实时", "after": "每日"} in drafted["changes"]
        stranger = await here.ask("hu", ENTRY, id=BUS)
        assert [each["number"] for each in stranger["versions"]] == [1], "what is under way is the department's own"
        [owed] = await here.ask("li", "{ catalogueDue { clock { name due } overdue entry { id } } }")
        assert owed == {"clock": {"name": "C1", "due": "2026-12-11"}, "overdue": False, "entry": {"id": BUS}}

        [submitted] = await here.ask("li", SUBMIT, seen=[seen(drafted)])
        assert (await here.refused("li", ACCEPT, seen=seen(submitted)))["code"] == "ROLE_NEEDED"
        assert (await here.refused("wu", RETURN, seen=seen(submitted), why=[]))["code"] == "REASON_NEEDED"
        returned = await here.ask("wu", RETURN, seen=seen(submitted), why=["更新周期应为每月"])
        assert returned["versions"][-1]["reasons"] == ["更新周期应为每月"]
        [mended] = (await here.ask("li", DRAFT, file=with_cells(book, 更新周期="每月")))["drafted"]
        [again] = await here.ask("li", SUBMIT, seen=[seen(mended)])
        assert (await here.refused("wu", ACCEPT, seen=seen(submitted)))["code"] == "DRAFT_STALE"
        accepted = await here.ask("wu", ACCEPT, seen=seen(again))
        [released] = await here.ask("wu", RELEASE, seen=[seen(accepted)])
        assert [(each["number"], each["state"]) for each in released["versions"]] == [(1, "WITHDRAWN"), (2, "RELEASED")]
        assert {"path": "cycle", "before": "实时", "after": "每月"} in released["changes"]

        history = "query($id: ID!) { entryHistory(id: $id) { actor action } }"
        acts = await here.ask("qian", history, id=BUS)
        assert [each["action"] for each in acts[6:]] == [
            "draft", "submit", "return", "revise", "draft", "submit", "accept", "release",
        ]  # fmt: skip
        assert acts[-1]["actor"] == "user:wu (11500000XXXX00019X)"
        assert (await here.refused("hu", history, id=BUS))["code"] == "MATTER_UNKNOWN"


CHECK = """query($sdl: String!) { checkSchema(subgraph: "civil", sdl: $sdl) { inOrder problems { coordinate }
  changes { effect coordinate } affected { kind name department } } }"""
PUBLISH = """mutation($sdl: String!) { publishRelease(subgraph: "civil", sdl: $sdl, note: "n", address: "ADDRESS") {
  number state } }""".replace("ADDRESS", ADDRESS)
APPROVE = """mutation($n: Int!) { approveRelease(subgraph: "civil", number: $n, reason: "checked") {
  state reason notice { affected due } } }"""
ACKNOWLEDGE = """mutation($names: [String!]!) { acknowledgeRelease(subgraph: "civil", number: 2, names: $names) {
  notice { acknowledged } } }"""
GO_LIVE = 'mutation { goLive(subgraph: "civil", number: 2) { state } }'


REVIEW = f"""mutation($seen: [EntrySeen!]!, $kind: OpeningReviewKind!) {{ reviewEntries(entries: $seen, review: {{
  kind: $kind, result: FIT, day: "2026-11-21", basis: "保守国家秘密法", document: "渝交审〔2026〕3号"}}) {FILE} }}"""
REVIEWS = "query($id: ID!) { openingReviews(id: $id) { kind result reviewer day basis document version items } }"


async def test_an_item_opens_once_two_reviewers_of_its_department_found_it_fit(tmp_path: Path) -> None:
    async with bureau(tmp_path) as here:
        [drafted] = (await here.ask("li", DRAFT, file=as_file("own.yaml", GOOD.encode())))["drafted"]
        [submitted] = await here.ask("li", SUBMIT, seen=[seen(drafted)])
        accepted = await here.ask("wu", ACCEPT, seen=seen(submitted))
        refused = await here.refused("wu", RELEASE, seen=[seen(accepted)])
        assert (refused["code"], {each["rule"] for each in refused["problems"]}) == ("CATALOGUE_INVALID", {"V16"})
        assert (await here.refused("li", REVIEW, seen=[seen(accepted)], kind="SECRECY"))["code"] == "ROLE_NEEDED"
        [once] = await here.ask("mei", REVIEW, seen=[seen(accepted)], kind="SECRECY")
        again = await here.refused("mei", REVIEW, seen=[seen(once)], kind="DEIDENTIFICATION")
        assert again["code"] == "NOT_YOURS"
        [twice] = await here.ask("tao", REVIEW, seen=[seen(once)], kind="DEIDENTIFICATION")
        [released] = await here.ask("wu", RELEASE, seen=[seen(twice)])
        assert released["entry"]["state"] == "RELEASED"
        first, _ = await here.ask("qian", REVIEWS, id=released["entry"]["id"])
        assert first == {
            "kind": "SECRECY", "result": "FIT", "reviewer": "user:mei", "day": "2026-11-21", "basis": "保守国家秘密法",
            "document": "渝交审〔2026〕3号", "version": 1, "items": ["name", "stopNo"],
        }  # fmt: skip
        assert (await here.refused("hu", REVIEWS, id=released["entry"]["id"]))["code"] == "MATTER_UNKNOWN"


async def test_a_subgraph_is_checked_published_approved_and_waits_for_those_it_hits(tmp_path: Path) -> None:
    async with bureau(tmp_path) as here:
        assert await here.ask("author", PUBLISH, sdl=CIVIL) == {"number": 1, "state": "PROPOSED"}
        assert (await here.refused("author", APPROVE, n=1))["code"] == "ROLE_NEEDED"
        assert (await here.ask("wu", APPROVE, n=1))["state"] == "LIVE"

        unbound = WITHOUT_DATE.replace("name: String }", "name: String nickname: String }")
        report = await here.ask("author", CHECK, sdl=unbound)
        assert (report["inOrder"], report["problems"]) == (False, [{"coordinate": "SocialOrganisation.nickname"}])
        assert report["affected"] == [
            {"kind": "GRANT", "name": "Q-1", "department": "welfare"},
            {"kind": "DOCUMENT", "name": "wedding-days", "department": None},
        ]
        refused = await here.refused("author", PUBLISH, sdl=unbound)
        assert (refused["code"], "SocialOrganisation.nickname" in refused["problems"][0]) == (
            "RELEASE_NOT_IN_ORDER", True,
        )  # fmt: skip

        await here.ask("author", PUBLISH, sdl=WITHOUT_DATE)
        waiting = await here.ask("wu", APPROVE, n=2)
        assert (waiting["state"], waiting["notice"]["affected"]) == ("APPROVED", ["Q-1", "wedding-days"])
        assert (await here.refused("wu", GO_LIVE))["code"] == "NOTICE_RUNNING"
        assert (await here.refused("author", ACKNOWLEDGE, names=["Q-1"]))["code"] == "ROLE_NEEDED"
        await here.ask("hu", ACKNOWLEDGE, names=["Q-1"])
        both = await here.ask("wu", ACKNOWLEDGE, names=["wedding-days"])
        assert both["notice"]["acknowledged"] == ["Q-1", "wedding-days"]
        assert await here.ask("wu", GO_LIVE) == {"state": "LIVE"}
        releases = await here.ask("qian", '{ subgraphReleases(subgraph: "civil") { number state proposedBy } }')
        assert [(each["number"], each["state"]) for each in releases] == [(1, "RETIRED"), (2, "LIVE")]
        assert releases[0]["proposedBy"] == "user:author (11500000XXXX000519)"


async def test_everybody_finds_what_exists_and_each_department_sees_its_own_figures(tmp_path: Path) -> None:
    async with bureau(tmp_path) as here:
        [found, *_] = await here.ask("hu", '{ searchEntries(words: "婚姻") { entry { code } items { alias } } }')
        assert found["entry"] == {"code": "30700507/1"}
        had = await here.ask(
            "hu",
            '{ obtainable(items: ["注册资本", "血型"]) { sharing sources { entry { provider } item { alias } } } }',
        )
        assert [(each["sharing"], len(each["sources"])) for each in had] == [("UNCONDITIONAL", 1), ("NOT_SHARED", 0)]
        year = """{ assessments(first: "2026-01-01", last: "2026-12-31") { creditCode figures { name value outOf
          subjects events { subject inTime } } } }"""
        [own] = await here.ask("author", year)
        assert own["creditCode"] == "11500000XXXX000519"
        figures = {each["name"]: each for each in own["figures"]}
        assert figures["resources catalogued"]["subjects"] == ["30700507/1", "30700507/2"]
        assert [each["subject"] for each in figures["catalogue submissions in time"]["events"]] == [
            "cq-ca-marriage version 1", "cq-ca-social-organisation version 1",
        ]  # fmt: skip
        assert len(await here.ask("qian", year)) == 8
        assert await here.ask("qian", year) == await here.ask("qian", year)


async def test_an_author_has_a_schema_checked_by_the_gateway_from_the_command_line(tmp_path: Path, run: Run) -> None:
    (tmp_path / "civil.graphql").write_text(CIVIL)
    (tmp_path / "who").write_text("X-API-Key: wsk_author\n")
    (tmp_path / "nobody").write_text("X-API-Key: wsk_nobody\n")
    asked = ("subgraph", "check", "civil", "--schema", tmp_path / "civil.graphql", "--url", ADDRESS, "--gateway")
    async with bureau(tmp_path) as here:

        def check(*more: object, address: str = here.address) -> Any:
            return asyncio.to_thread(run, *asked, address, *more)

        who = ("--credential", tmp_path / "who")
        green = expect_done(await check(*who))
        assert green.out.endswith("0 errors, 0 breaking changes, 0 users hit.\n")
        (tmp_path / "civil.graphql").write_text(CIVIL.replace("name: String }", "name: String nickname: String }"))
        red = await check(*who, "--format", "json")
        assert red.code == 1
        assert [each["coordinate"] for each in json.loads(red.out)["problems"]] == ["SocialOrganisation.nickname"]
        assert (await check(*who, "--format", "github")).out.startswith("::error title=RELEASE_NOT_IN_ORDER,file=")
        for refused in (
            await check("--credential", tmp_path / "nobody"),
            await check(*who, address="http://gateway.example"),
            await check(*who, address="http://127.0.0.1:1"),
            await check("--credential", tmp_path / "civil.graphql"),
        ):
            assert (refused.code, refused.err.partition(":")[0]) == (1, "ADMINISTRATION_UNANSWERED")


async def test_a_caller_learns_what_it_has_and_what_it_can_apply_for_from_gateway_and_registry_alike(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # which is not to see a credential sent to this machine
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("hu", "mei"):
        (tmp_path / name).write_text(f"X-API-Key: wsk_{name}\n")
    asked = ("catalogue", "obtainable", "registeredOn", "血型", "--purpose", "joint-work", "--for")
    async with bureau(tmp_path) as here:

        def ask(caller: str, who: str) -> Any:
            return asyncio.to_thread(run, *asked, caller, "--gateway", here.address, "--credential", tmp_path / who)

        had, applied, public = await ask("user:hu", "hu"), await ask("user:li", "mei"), await ask("anon", "hu")
        stranger = await ask("user:li", "hu")
    assert had.out.splitlines()[:3] == [
        "registeredOn: conditional",
        "    登记日期 (30700507/1.registeredOn) of 重庆市民政局: conditional, 仅核验，须当事人在办事项",
        "        user:hu has it: 30700507/1: plain by Q-1",
    ]
    assert applied.out.splitlines()[2].startswith("        user:li can apply for it: ")
    assert public.out.splitlines()[2].startswith("        anon cannot have it: ")
    assert (stranger.code, "MATTER_UNKNOWN" in stranger.err) == (1, True)
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[registry]\nstore = "registry.db"\n'
        '[access]\nstore = "policy.db"\nstore_key = "key"\ncallers = "callers.toml"\nzone = "extranet"\n'
    )
    for caller, told in (("user:hu", had), ("user:li", applied), ("anon", public)):
        here_told = await asyncio.to_thread(run, *asked, caller, "--config", settings)
        assert (here_told.code, here_told.out) == (told.code, told.out)
    unknown = await asyncio.to_thread(run, *asked, "app:nobody", "--config", settings)
    assert (unknown.code, "--for app:nobody: access.callers names user:li" in unknown.err) == (1, True)

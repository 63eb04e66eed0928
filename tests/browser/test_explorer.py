"""The explorer in a real browser, asking a small stub of the data endpoint."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.browser.stub_gateway import WITH_GRANT, StubGateway
from tests.browser.visits import visiting
from tests.support.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def stub() -> AsyncIterator[tuple[StubGateway, str]]:
    gateway = StubGateway()
    async with serving(gateway.application) as base:
        yield gateway, base


async def test_the_first_ready_made_query_stands_in_the_editor_and_runs_as_the_public(
    browser: Browser, stub: tuple[StubGateway, str]
) -> None:
    gateway, base = stub
    async with visiting(browser, base) as visit:
        assert await visit.run() == "Answered"
        await expect(visit.page.locator(".result-window")).to_contain_text("渝江机械有限公司")
    assert all("x-api-key" not in headers for headers in gateway.seen)
    assert gateway.seen[-1]["accept"].startswith("application/graphql-response+json")


async def test_each_caller_sees_its_own_schema(browser: Browser, stub: tuple[StubGateway, str]) -> None:
    async with visiting(browser, stub[1]) as visit:
        public = await visit.schema()
        await visit.choose("Welfare app, no grant")
        assert "5 fields" in public
        assert "14 fields · 9 fields more than before" in await visit.schema()
        await visit.choose("The public")
        assert "5 fields · 9 fields fewer than before" in await visit.schema()


async def test_three_callers_get_three_answers(browser: Browser, stub: tuple[StubGateway, str]) -> None:
    async with visiting(browser, stub[1]) as visit:
        page = visit.page
        await visit.load("Benefits eligibility")
        assert await visit.run() == "Not answered"
        await expect(page.locator(".card.fault")).to_contain_text("Cannot query field 'person'")

        await visit.choose("Welfare app, no grant")
        assert await visit.run() == "Refused"
        card = page.locator(".card.refusal")
        for told in ("FORBIDDEN", "307020301/000012", "incomeBand", "市税务局", "10 working days"):
            await expect(card).to_contain_text(told)
        apply = card.get_by_role("link", name="Apply for these items")
        async with page.expect_popup() as opening:
            await apply.click()
        applying = await opening.value
        await expect(applying.get_by_text("307020301/000012")).to_be_visible()
        assert (await Axe().run(applying)).response["violations"] == []
        await applying.close()

        await visit.choose("Welfare app, grant G-2026-0042")
        assert await visit.run() == "Answered"
        await expect(page.locator(".result-window")).to_contain_text('"incomeBand": "B2"')


async def test_the_permitted_rest_comes_with_the_refusal_once_partial_data_is_asked_for(
    browser: Browser, stub: tuple[StubGateway, str]
) -> None:
    async with visiting(browser, stub[1]) as visit:
        await visit.load("Benefits eligibility")
        await visit.choose("Welfare app, no grant")
        await visit.page.get_by_role("switch", name="Partial data").check()
        assert await visit.run() == "Answered in part"
        await expect(visit.page.locator(".result-window")).to_contain_text('"incomeBand": null')


async def test_a_subscription_shows_event_after_event(browser: Browser, stub: tuple[StubGateway, str]) -> None:
    async with visiting(browser, stub[1]) as visit:
        await visit.choose("Welfare app, no grant")
        await visit.load("Arrivals")
        assert await visit.run() == "Answered"
        await expect(visit.page.locator(".result-window")).to_contain_text('"arrivals": 2')
        await expect(visit.page.get_by_role("button", name="Execute query")).to_be_visible()


async def test_what_a_caller_types_travels_in_headers_and_nowhere_else(
    browser: Browser, stub: tuple[StubGateway, str]
) -> None:
    gateway, base = stub
    async with visiting(browser, base) as visit:
        page = visit.page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await visit.choose("Own key")
        await page.get_by_label("API key").fill(WITH_GRANT)
        await page.get_by_label("Purpose").fill("福利资格核验")
        await page.get_by_label("Officer").fill("Li")
        await page.get_by_label("Officer").press("Enter")
        await expect(page.locator(".schema-note")).to_contain_text("14 fields")
        await visit.run()
        kept = await page.evaluate("[JSON.stringify(localStorage), document.cookie, location.href]")
        here = await page.evaluate("JSON.stringify(sessionStorage)")
    sent = gateway.seen[-1]
    assert (sent["x-api-key"], sent["x-officer"]) == (WITH_GRANT, "Li")
    assert sent["x-purpose"].encode("latin-1").decode() == "福利资格核验"
    assert WITH_GRANT in here
    assert not any(WITH_GRANT in place for place in (*kept, *asked))


async def test_an_unknown_key_is_told_beside_the_caller(browser: Browser, stub: tuple[StubGateway, str]) -> None:
    async with visiting(browser, stub[1]) as visit:
        page = visit.page
        await visit.choose("Own key")
        await page.get_by_label("API key").fill("wrong")
        await page.get_by_label("API key").press("Enter")
        await expect(page.locator(".schema-note")).to_contain_text("could not be read. The API key is unknown.")


async def test_a_query_copied_as_python_runs_with_the_key_from_the_environment(
    browser: Browser, stub: tuple[StubGateway, str]
) -> None:
    async with visiting(browser, stub[1]) as visit:
        await visit.load("Benefits eligibility")
        await visit.choose("Welfare app, grant G-2026-0042")
        await visit.page.get_by_role("button", name="Python").click()
        await expect(visit.page.get_by_text("Copied as Python")).to_be_attached()
        program = await visit.page.evaluate("navigator.clipboard.readText()")
    assert WITH_GRANT not in program
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-", env={"WATERSMEET_KEY": WITH_GRANT, "PYTHONUTF8": "1"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await running.communicate(program.encode())
    assert json.loads(printed)["data"]["person"]["incomeBand"] == "B2"


async def test_a_query_is_copied_where_the_browser_offers_no_clipboard_too(
    browser: Browser, stub: tuple[StubGateway, str]
) -> None:
    async with visiting(browser, stub[1]) as visit:
        page = visit.page
        await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        await page.get_by_role("button", name="curl").click()
        await page.get_by_label("Officer").press("Control+V")
        pasted = await page.get_by_label("Officer").input_value()
    assert pasted.startswith("curl -sS 'http://127.0.0.1:")
    assert "enterprise(creditCode:" in pasted


async def test_an_answer_becomes_a_table_that_sorts_and_is_saved_as_csv(
    browser: Browser, stub: tuple[StubGateway, str]
) -> None:
    async with visiting(browser, stub[1]) as visit:
        page = visit.page
        await visit.load("All enterprises")
        await visit.run()
        await page.get_by_role("button", name="Table").click()
        names = page.locator(".rows tbody tr td:first-child")
        await expect(names).to_have_text(["渝江机械有限公司", '=HYPERLINK("x"), 有限公司'])
        await page.get_by_role("button", name="founded").click()
        await page.get_by_role("button", name="name").click()
        await expect(page.get_by_role("columnheader", name="name")).to_have_attribute("aria-sort", "ascending")
        await expect(names.first).to_contain_text("=HYPERLINK")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Save as CSV").click()
        download = await downloading.value
        saved = (await download.path()).read_bytes().decode("utf-8-sig")
    assert download.suggested_filename == "enterprises.csv"
    assert saved == 'name,founded\r\n"\'=HYPERLINK(""x""), 有限公司",\r\n渝江机械有限公司,2011-04-02\r\n'


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(1440, "light", "zh"), (1440, "dark", "en"), (360, "light", "en"), (360, "dark", "zh")],
)
async def test_the_page_is_accessible_quiet_and_local(
    browser: Browser, stub: tuple[StubGateway, str], width: int, scheme: str, language: str
) -> None:
    async with visiting(browser, stub[1], width=width, scheme=scheme, language=language) as visit:
        page = visit.page
        await page.locator("label.choice").nth(1).click()
        await page.locator(".examples button").nth(1).click()
        await page.locator(".graphiql-execute-button").click()
        await expect(page.locator(".card.refusal")).to_be_visible()
        found = (await Axe().run(page)).response["violations"]
        overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert [(one["id"], one["nodes"][0]["target"]) for one in found if one["impact"] in ("serious", "critical")] == []
    assert overflow <= 0
    assert visit.complaints == []
    assert visit.outside == []


async def test_without_scripts_a_form_asks_as_the_public(browser: Browser, stub: tuple[StubGateway, str]) -> None:
    context = await browser.new_context(java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(f"{stub[1]}/explorer?lang=en")
        await page.get_by_role("button", name="Run").click()
        await expect(page.locator("body")).to_contain_text("渝江机械有限公司")
    finally:
        await context.close()

"""A newcomer's first query, over the real demonstration: one query, three callers, three schemas, three answers."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.commands.demo import RunningDemo, started
from tests.browser.visits import Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PUBLIC, WITHOUT_GRANT, WITH_GRANT = "public", "subdistrict-office", "benefits-eligibility"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDemo]:
    """Data, six department processes and the gateway; asks for the browser first, so that a skip costs nothing."""
    starting = started(tmp_path_factory.mktemp("demo"))
    running = await asyncio.to_thread(starting.__enter__)
    yield running
    await asyncio.to_thread(starting.__exit__, None, None, None)


async def documented(visit: Visit, type_name: str) -> bool:
    """Whether the caller's documentation finds a type of this name."""
    page = visit.page
    show = page.get_by_role("button", name="Show Documentation Explorer")
    if await show.count():
        await show.click()
    await expect(page.locator(".graphiql-doc-explorer-content")).to_contain_text("All Schema Types")
    listed = page.locator(".graphiql-doc-explorer-content").get_by_role("link", name=type_name, exact=True)
    return await listed.count() == 1


async def test_three_callers_see_three_schemas(browser: Browser, demo: RunningDemo) -> None:
    sizes = {}
    async with visiting(browser, demo.address) as visit:
        for caller in (PUBLIC, WITHOUT_GRANT, WITH_GRANT):
            await visit.choose(caller)
            found = re.search(r"(\d+) types, (\d+) fields", await visit.schema())
            assert found is not None
            sizes[caller] = int(found[2])
            assert await documented(visit, "RealEstateRegistration") == (caller != PUBLIC)
            assert await documented(visit, "EnterpriseRegistration")
    assert sizes[PUBLIC] < sizes[WITHOUT_GRANT]
    assert sizes[PUBLIC] < sizes[WITH_GRANT]


async def test_for_the_public_the_benefits_query_asks_for_what_does_not_exist(
    browser: Browser, demo: RunningDemo
) -> None:
    async with visiting(browser, demo.address) as visit:
        assert await visit.run() == "Not answered"
        faults = visit.page.locator(".card")
        await expect(faults.first).to_contain_text("Cannot query field 'resident' on type 'Query'.")
        await expect(visit.page.locator(".card.refusal")).to_have_count(0)


async def test_a_department_without_a_grant_is_told_what_it_lacks_and_where_to_apply(
    browser: Browser, demo: RunningDemo
) -> None:
    async with visiting(browser, demo.address, width=1340, height=780) as visit:
        await visit.choose(WITHOUT_GRANT)
        assert await visit.run() == "Refused"
        property_ = visit.page.locator(".card.refusal").filter(has_text="不动产登记信息")
        for told in ("FORBIDDEN", "30700504/1", "floorArea", "重庆市规划和自然资源局", "resident.realEstate"):
            await expect(property_).to_contain_text(told)
        if folder := os.environ.get("WATERSMEET_SCREENSHOTS"):
            await visit.page.screenshot(path=Path(folder) / "explorer.png")
        async with visit.page.expect_popup() as opening:
            await property_.get_by_role("link", name="Apply for these items").click()
        await expect((await opening.value).get_by_text("30700504/1")).to_be_visible()


async def test_a_department_with_a_grant_gets_the_answer_and_takes_it_along(
    browser: Browser, demo: RunningDemo
) -> None:
    async with visiting(browser, demo.address) as visit:
        page = visit.page
        await visit.choose(WITH_GRANT)
        assert await visit.run() == "Answered"
        for part in ("household", "livingAllowance"):
            await expect(page.locator(".result-window")).to_contain_text(f'"{part}"')
        await page.get_by_role("button", name="Table").click()
        await expect(page.locator(".rows tbody tr").first).to_be_visible()


async def test_what_is_open_needs_no_key(browser: Browser, demo: RunningDemo) -> None:
    async with visiting(browser, demo.address, language="zh") as visit:
        page = visit.page
        await visit.load("open-data")
        assert await visit.run() == "已答复"
        await page.get_by_role("button", name="表格").click()
        await expect(page.locator(".rows tbody tr")).to_have_count(5)
        assert visit.complaints == []
        assert visit.outside == []

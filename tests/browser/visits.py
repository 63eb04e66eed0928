"""Visits to the explorer, and what a browser noticed during them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, ConsoleMessage, Page, expect


@dataclass(frozen=True, slots=True)
class Visit:
    """An open explorer page. ``complaints`` are console errors; ``outside`` are requests to other origins."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    async def choose(self, caller: str) -> None:
        """Switches the caller by its label, and waits for the schema of the new one."""
        await self.page.get_by_role("radio", name=caller, exact=True).check(force=True)
        await expect(self.page.locator(".schema-note")).to_have_attribute("data-state", "read")

    async def load(self, example: str) -> None:
        """Loads a ready-made query by its label."""
        await self.page.locator(".examples").get_by_role("button", name=example, exact=True).click()

    async def run(self) -> str:
        """Executes what stands in the editor, once per caller, whose change clears the last answer.

        Gives the badge: Answered, Answered in part, Refused, Not answered.
        """
        badge = self.page.locator(".answer .badge")
        await expect(badge).to_have_count(0)
        await self.page.get_by_role("button", name="Execute query").click()
        return await badge.inner_text()

    async def schema(self) -> str:
        """What the page says about the caller's schema."""
        return await self.page.locator(".schema-note").inner_text()


@asynccontextmanager
async def visiting(
    browser: Browser, base: str, *, width: int = 1440, height: int = 900, scheme: str = "light", language: str = "en"
) -> AsyncIterator[Visit]:
    """Opens the explorer at ``base`` in a fresh profile and waits until editor and schema are there."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    visit = Visit(await context.new_page())

    def heard(message: ConsoleMessage) -> None:
        # Chromium notes every answer of 400 and above as an error; a refusal is such an answer by design.
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            visit.complaints.append(message.text)

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on(
        "request",
        lambda request: None if request.url.startswith((base, "data:")) else visit.outside.append(request.url),
    )
    try:
        await visit.page.goto(f"{base}/explorer?lang={language}")
        await expect(visit.page.locator(".graphiql-query-editor .view-line").first).to_be_visible(timeout=30_000)
        await expect(visit.page.locator(".schema-note")).to_have_attribute("data-state", "read")
        yield visit
    finally:
        await context.close()

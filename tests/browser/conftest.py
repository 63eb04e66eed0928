"""A real Chromium for the session; the tests are skipped, with the reason, where the machine has none."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser named by WATERSMEET_TEST_CHROMIUM, else the first that the search path holds."""
    executable = os.environ.get("WATERSMEET_TEST_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.skip(f"no Chromium found (looked for {', '.join(_NAMES)}; WATERSMEET_TEST_CHROMIUM names another)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield launched
        await launched.close()

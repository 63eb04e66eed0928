"""A department says, to whoever asks for its schema, when the data of its resources last really changed."""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from catalog_sync.harvest import SERVICE_QUERY, read_harvest
from subgraphs.civil_affairs.app import department as civil_affairs
from subgraphs.kit.department import StoreLocation, newest_file
from subgraphs.kit.loopback import serving
from subgraphs.kit.server import PATH, make_app
from subgraphs.transport.app import department as transport


async def answered(data: Path, query: str) -> bytes:
    location = StoreLocation(data / civil_affairs.name)
    async with civil_affairs.open_store(location) as store:
        times = partial(civil_affairs.data_times, location)
        app = make_app(civil_affairs.schema(), store, "", None, data_times=times)
        async with (
            serving(app) as base,
            aiohttp.ClientSession() as session,
            session.post(base + PATH, json={"query": query}) as response,
        ):
            return await response.read()


async def test_the_newest_file_of_the_store_is_the_time_of_all_its_resources(data: Path) -> None:
    harvest = read_harvest(await answered(data, SERVICE_QUERY))
    newest = newest_file(StoreLocation(data / civil_affairs.name))
    assert harvest.data_times == dict.fromkeys(("30700507/1", "30700507/2", "30700507/3"), newest)
    assert harvest.sdl == civil_affairs.schema().sdl


async def test_ordinary_answers_carry_no_times(data: Path) -> None:
    assert b"extensions" not in await answered(data, "{ __typename }")


def test_a_file_that_changes_makes_the_data_younger(tmp_path: Path) -> None:
    for name, day in (("old.xml", 1), ("new.xml", 20)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (moment := datetime(2026, 11, day, tzinfo=UTC).timestamp(), moment))
    assert newest_file(StoreLocation(tmp_path)) == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("address", [None, "postgresql://127.0.0.1/register"])
def test_of_an_empty_store_and_of_one_that_is_elsewhere_nothing_is_said(tmp_path: Path, address: str | None) -> None:
    assert civil_affairs.data_times(StoreLocation(tmp_path, address)) == {}


def test_arrivals_are_as_old_as_the_question(tmp_path: Path) -> None:
    (at,) = transport.data_times(StoreLocation(tmp_path)).values()
    assert datetime.now(UTC) - at < timedelta(minutes=1)

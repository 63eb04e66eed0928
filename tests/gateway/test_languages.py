"""A caller who is refused is told why, and where to apply, in the language of its ``Accept-Language``; codes stay."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.access.city import ARCHIVE, GRANTED, NOW, POLICY, RESIDENT
from tests.gateway.test_governed import Subgraphs, gateway
from tests.http.gateway_on_loopback import on_loopback

ADDRESS = '{ resident(residentId: "50") { registeredAddress } }'
BOTH = '{ resident(residentId: "50") { name registeredAddress } }'
ENGLISH = (
    "Not permitted: registeredAddress (户籍地址) of 户籍人口基本信息 (30700503/1), provided by 重庆市公安局. "
    "It needs a grant of the provider."
)
CHINESE = (
    "未获准：《户籍人口基本信息》（30700503/1，由重庆市公安局提供）的 registeredAddress（户籍地址）。"
    "须取得提供部门的授权。"
)
ARCHIVIST = dataclasses.replace(ARCHIVE, purpose="archive", case_number="C", officer="o")


async def asked(port: int, document: object, language: str | None = None, **headers: str) -> dict:
    sent = {**headers, **({"Accept-Language": language} if language else {})}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        body = document if isinstance(document, list) else {"query": document}
        async with session.post("/graphql", json=body, headers=sent) as response:
            return json.loads(await response.read())


@pytest.mark.parametrize(
    ("language", "message"),
    [(None, ENGLISH), ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE), ("fr", ENGLISH), ("en-GB, zh;q=0.1", ENGLISH)],
)
async def test_a_refusal_is_told_in_the_callers_language_and_its_codes_are_the_same_in_all(
    language: str | None, message: str
) -> None:
    async with on_loopback(gateway(ARCHIVE, Subgraphs())) as port:
        (error,) = (await asked(port, ADDRESS, language))["errors"]
    assert error["message"] == message
    told = error["extensions"]
    assert (told["code"], told["reason"], told["resource"]) == ("FORBIDDEN", "GRANT_REQUIRED", RESIDENT)
    assert told["apply"] == f"https://apply.example/{RESIDENT}"


async def test_what_is_left_out_of_a_partial_answer_is_told_in_the_language_of_each_request() -> None:
    police = Subgraphs(*[{"resident": {"name": "Wang"}}] * 3)
    told = []
    async with on_loopback(gateway(ARCHIVIST, police)) as port:
        for language in ("zh", None, "zh"):
            answer = await asked(port, BOTH, language, Prefer="partial-data")
            assert answer["data"]["resident"] == {"name": "Wang", "registeredAddress": None}
            told += [error["message"] for error in answer["errors"]]
    assert told == [CHINESE, ENGLISH, CHINESE]


async def test_a_stop_names_itself_and_its_end_in_chinese() -> None:
    until = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stop = f"p, D-stop-7.1, dept:archives, z:any, *, {RESIDENT}/*, *, *, 0000, {until}, incident:7, deny\n"
    async with on_loopback(gateway(ARCHIVE, Subgraphs(), POLICY + stop)) as port:
        (error,) = (await asked(port, ADDRESS, "zh"))["errors"]
    assert f"停止依据为 D-stop-7.1（incident:7），至 {until} 止。" in error["message"]
    assert (error["extensions"]["reason"], error["extensions"]["apply"]) == ("FROZEN", "")


async def test_what_a_caller_has_to_state_is_told_in_chinese() -> None:
    async with on_loopback(gateway(GRANTED, Subgraphs())) as port:
        (error,) = (await asked(port, ADDRESS, "zh"))["errors"]
    assert error["extensions"]["code"] == "STATEMENT_REQUIRED"
    assert error["message"].endswith("请发送 X-Purpose、X-Case-Number 和 X-Officer。")


async def test_a_batch_and_a_stream_are_told_alike() -> None:
    from gateway.server.graphql_http import HttpSettings

    async with on_loopback(gateway(ARCHIVE, Subgraphs()), http=HttpSettings(batch=2)) as port:
        (single,) = await asked(port, [{"query": ADDRESS}], "zh")  # type: ignore[misc]
        streamed = await asked(port, ADDRESS, "zh", Accept="text/event-stream")
    assert single["errors"][0]["message"] == streamed["errors"][0]["message"] == CHINESE


async def test_a_websocket_is_told_in_the_language_it_was_opened_with() -> None:
    async with on_loopback(gateway(ARCHIVE, Subgraphs())) as port, aiohttp.ClientSession() as session:
        address = f"ws://127.0.0.1:{port}/graphql"
        speaking = {"Accept-Language": "zh"}
        async with session.ws_connect(address, protocols=("graphql-transport-ws",), headers=speaking) as socket:
            await socket.send_json({"type": "connection_init"})
            assert (await socket.receive_json())["type"] == "connection_ack"
            await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": ADDRESS}})
            told = await socket.receive_json()
    assert (told["type"], told["payload"][0]["message"]) == ("error", CHINESE)


async def test_a_preference_in_no_known_form_or_sent_twice_refuses_nothing() -> None:
    police = Subgraphs(*[{"resident": {"name": "Wang"}}] * 2)
    async with on_loopback(gateway(ARCHIVIST, police)) as port:
        name = '{ resident(residentId: "50") { name } }'
        assert "errors" not in await asked(port, name, ";;q=,é")
        async with aiohttp.ClientSession() as session:
            twice = [("Accept-Language", "fr"), ("Accept-Language", "zh")]
            address = f"http://127.0.0.1:{port}/graphql"
            async with session.post(address, json={"query": ADDRESS}, headers=twice) as response:
                assert (await response.json())["errors"][0]["message"] == CHINESE


def test_what_is_explained_to_a_class_of_callers_is_in_the_language_asked_for() -> None:
    from catalog_sync.languages import Language
    from gateway.access.explain import explain
    from tests.access.city import govern

    verdict = explain(ADDRESS, govern().view_for(ARCHIVE, NOW), Language.CHINESE)[-1]
    assert (verdict.verdict, verdict.reason) == ("refused", "GRANT_REQUIRED: 须取得提供部门的授权。")

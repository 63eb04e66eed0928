"""GraphQL over HTTP: media types, status codes, headers, and what is refused before GraphQL begins."""

import asyncio
import json
from collections.abc import MutableMapping
from urllib.parse import quote

import pytest

from gateway.errors import PARSE_FAILED, VALIDATION_FAILED, CodedError, ErrorCode, ErrorReport, Family, RequestError
from gateway.server.admission import Admission
from gateway.server.answering import ANONYMOUS, Answer, Credentials
from gateway.server.application import Application, build_application
from gateway.server.graphql_http import HttpSettings
from gateway.server.health import Readiness
from tests.http.gateway_on_loopback import JSON, Response, Scripted, call, post, result
from tests.http.test_admission import limits_of

GRAPHQL = "application/graphql-response+json"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUERY = {"query": "{ a }"}
FORBIDDEN = ErrorCode("FORBIDDEN", Family.ACCESS, "Not allowed.", "Apply.", 403)
UNKNOWN = ErrorCode("UNAUTHENTICATED", Family.ACCESS, "Unknown caller.", "Send a key.", 401)


def application(answering: Scripted | None = None, **options: object) -> Application:
    return build_application(answering or Scripted(), Readiness(), **options)  # type: ignore[arg-type]


async def test_a_query_is_answered_in_one_piece_with_constant_headers() -> None:
    response = await post(application(), QUERY, x_request_id="req-1")
    assert response.body == b'{"data":{"a":1}}'
    assert (response.status, response.headers) == (
        200,
        {
            "content-type": "application/json; charset=utf-8",
            "x-content-type-options": "nosniff",
            "x-request-id": "req-1",
            "cache-control": "no-store",
            "content-length": "16",
        },
    )


async def test_the_pipeline_is_given_all_that_a_request_says() -> None:
    answering = Scripted()
    await post(
        application(answering),
        {"query": "query A { a }", "operationName": "A", "variables": {"x": [1, None]}, "extensions": {"y": 2}, "z": 3},
        authorization="Bearer t", x_api_key="k", x_purpose="福利核查", x_case_number="c", x_officer="o",
        prefer="respond-async, partial-data", x_request_id="r", traceparent=TRACE, accept_language="zh-CN",
    )  # fmt: skip
    (request, credentials) = answering.asked[0]
    assert credentials == Credentials(
        authorization="Bearer t", api_key="k", purpose="福利核查", case_number="c", officer="o"
    )
    assert (request.document, request.operation_name, request.variables) == ("query A { a }", "A", {"x": [1, None]})
    assert (request.extensions, request.prefer_partial, request.request_id) == ({"y": 2}, True, "r")
    assert (request.traceparent, request.language, request.queries_only) == (TRACE, "zh-CN", False)


async def test_a_query_by_get_has_its_parameters_in_the_address_and_may_only_query() -> None:
    answering = Scripted()
    variables = quote(json.dumps({"x": "ü"}))
    response = await call(application(answering), "GET", f"/graphql?query={quote('{ a }')}&variables={variables}&x=1")
    assert (response.status, response.json) == (200, {"data": {"a": 1}})
    request, credentials = answering.asked[0]
    assert (request.document, request.variables, request.queries_only) == ("{ a }", {"x": "ü"}, True)
    assert credentials is ANONYMOUS


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json; charset=UTF-8", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, application/json;q=0.9", GRAPHQL),
        (f"application/json, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json;q=0.9", "application/json"),
        (f"multipart/mixed, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0, */*", "application/json"),
        ("application/json;q=0, */*", None),
        ("text/html", None),
        ("application/json;q=x", None),
        ("application/json;charset=latin-1", None),
        ("application/json;q=0", None),
    ],
)
async def test_the_media_type_follows_accept(accept: str | None, expected: str | None) -> None:
    headers = {} if accept is None else {"accept": accept}
    response = await post(application(), QUERY, **headers)
    if expected is None:
        assert (response.status, response.code) == (406, "NOT_ACCEPTABLE")
    else:
        assert response.status == 200
        assert response.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize(
    ("refusal", "under_graphql", "under_json"),
    [
        (CodedError(PARSE_FAILED, "no"), 400, 200),
        (RequestError([ErrorReport("no", VALIDATION_FAILED.name)]), 400, 200),
        (CodedError(FORBIDDEN, "no"), 403, 200),
        (CodedError(UNKNOWN, "no"), 401, 401),
        (ValueError("a secret"), 500, 500),
    ],
    ids=["parse", "validation", "forbidden", "unauthenticated", "fault"],
)
async def test_the_status_of_a_refusal_depends_on_the_media_type(
    refusal: Exception, under_graphql: int, under_json: int, caplog: pytest.LogCaptureFixture
) -> None:
    answering = Scripted(reply=lambda request: refusal)
    graphql = await post(application(answering), QUERY, accept=GRAPHQL, x_request_id="r-1")
    plain = await post(application(answering), QUERY, x_request_id="r-1")
    assert (graphql.status, plain.status) == (under_graphql, under_json)
    assert graphql.json == plain.json
    assert "data" not in graphql.json
    assert graphql.json["errors"][0]["extensions"]["requestId"] == "r-1"
    assert b"secret" not in graphql.body
    assert ("r-1" in caplog.text) == isinstance(refusal, ValueError)
    assert ("www-authenticate" in graphql.headers) == (under_graphql == 401)


@pytest.mark.parametrize(
    ("method", "headers", "body", "status", "code"),
    [
        ("POST", JSON, b"", 400, "BAD_REQUEST"),
        ("POST", JSON, b"{", 400, "BAD_REQUEST"),
        ("POST", JSON, b"null", 400, "BAD_REQUEST"),
        ("POST", JSON, b'"{a}"', 400, "BAD_REQUEST"),
        ("POST", JSON, b"{}", 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":1}', 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":""}', 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":"{a}","variables":[]}', 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":"{a}","operationName":1}', 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":"{a}","extensions":"x"}', 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":"\xff"}', 400, "BAD_REQUEST"),
        ("POST", JSON, b'{"query":"{a}","variables":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, 400, "BAD_REQUEST"),
        ("POST", JSON, b'[{"query":"{a}"}]', 400, "BAD_REQUEST"),
        ("POST", {}, b'{"query":"{a}"}', 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", {"content-type": "application/x-www-form-urlencoded"}, b"query={a}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", {"content-type": "text/plain"}, b'{"query":"{a}"}', 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", {"content-type": "multipart/form-data;boundary=x"}, b"", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", {"content-type": "application/json;charset=utf-16"}, b"", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", JSON | {"content-encoding": "gzip"}, b"", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", JSON | {"content-length": "1001"}, b"", 413, "BODY_TOO_LARGE"),
        ("POST", JSON, b" " * 1_001, 413, "BODY_TOO_LARGE"),
        ("POST", JSON, [b" " * 600, b" " * 600], 413, "BODY_TOO_LARGE"),
        ("PUT", JSON, b'{"query":"{a}"}', 405, "METHOD_NOT_ALLOWED"),
        ("HEAD", JSON, b"", 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", JSON, b"", 405, "METHOD_NOT_ALLOWED"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_what_is_no_graphql_request_is_refused_alike_under_every_media_type(
    accept: str, method: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answering = Scripted()
    limit = 1_000 if len(body) < 10_000 else 1_000_000
    endpoint = application(answering, http=HttpSettings(body=limit))
    response = await call(endpoint, method, "/graphql", headers | {"accept": accept}, body)
    assert (response.status, response.code) == (status, code)
    assert response.headers.get("allow") == ("GET, POST" if status == 405 else None)
    assert not answering.asked


NOTHING_ASKED = [
    "", "?query=", "?query={a}&query={b}", "?query=%ff", "?query={a}&variables=[]", "?query={a}&variables={",
    "?query={a}&extensions=1", "?" + "a=1&" * 40,
]  # fmt: skip


@pytest.mark.parametrize("query", NOTHING_ASKED)
async def test_an_address_that_holds_no_request_is_refused(query: str) -> None:
    response = await call(application(), "GET", f"/graphql{query}")
    assert (response.status, response.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "content-type", "x-officer"])
async def test_a_header_that_may_stand_once_is_refused_twice(name: str) -> None:
    headers = [("content-type", "application/json"), (name, "application/json"), (name, "application/json")]
    response = await call(application(), "POST", "/graphql", headers, b'{"query":"{a}"}')
    assert (response.status, response.code) == (400, "BAD_REQUEST")


async def test_a_body_in_parts_is_put_together_and_must_come_in_time() -> None:
    endpoint = application(http=HttpSettings(body_patience=0.01))
    whole = await call(endpoint, "POST", "/graphql", JSON, [b'{"query":', b'"{', b'a}"}'])
    assert whole.status == 200

    coming: list[dict[str, object]] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, object]:
        if not coming:
            await asyncio.get_running_loop().create_future()
        return coming.pop()

    answers: list[MutableMapping[str, object]] = []

    async def send(message: MutableMapping[str, object]) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [(b"content-type", b"application/json")]}
    await endpoint(scope, receive, send)
    assert answers[0]["status"] == 408


async def test_a_client_that_leaves_early_is_answered_nothing() -> None:
    answering, sent = Scripted(), []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [(b"content-type", b"application/json")]}
    await application(answering)(scope, receive, send)
    assert (sent, answering.asked) == ([], [])


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\u00e9", "<script>"])
async def test_a_request_id_that_is_not_plain_is_replaced(given: str) -> None:
    first = await post(application(), QUERY, x_request_id=given)
    second = await post(application(), QUERY)
    made = {first.headers["x-request-id"], second.headers["x-request-id"]}
    assert len(made) == 2
    assert given not in made


@pytest.mark.parametrize("given", ["", "00-1", f"{TRACE}\u00e9", f"{TRACE} x", TRACE.upper(), TRACE + "-" + "x" * 300])
async def test_a_trace_that_has_not_the_standard_form_is_ignored(given: str) -> None:
    answering = Scripted()
    await post(application(answering), QUERY, traceparent=given)
    assert answering.asked[0][0].traceparent is None


async def test_a_batch_is_answered_in_order_where_it_is_enabled() -> None:
    answering = Scripted(
        reply=lambda request: (
            CodedError(PARSE_FAILED, "no") if request.document == "{" else Answer(result=result(request.document))
        )
    )
    endpoint = application(answering, http=HttpSettings(batch=3))
    response = await post(endpoint, [{"query": "{a}"}, {"query": "{"}, {"query": "{b}"}])
    assert response.status == 200
    first, second, third = response.json
    assert (first, third) == ({"data": "{a}"}, {"data": "{b}"})
    assert second["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSING_FAILED"
    assert (await post(endpoint, [QUERY] * 4)).code == "BAD_REQUEST"
    assert (await post(endpoint, [])).code == "BAD_REQUEST"


async def test_only_open_results_by_get_may_be_kept_and_are_checked_by_their_tag() -> None:
    endpoint = application(Scripted(reply=lambda request: Answer(result=result(1), max_age=60)))

    async def get(headers: dict[str, str]) -> Response:
        return await call(endpoint, "GET", "/graphql?query={a}", headers)

    first = await get({})
    assert first.headers["cache-control"] == "public, max-age=60"
    assert first.headers["vary"] == "Accept, Authorization, X-API-Key, Prefer"
    tag = first.headers["etag"]
    assert tag.startswith('"')
    again = await get({"if-none-match": f'"other", W/{tag}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert (await get({"if-none-match": '"other"'})).status == 200
    named = await get({"authorization": "Bearer t"})
    assert (named.headers["cache-control"], "etag" in named.headers) == ("no-store", False)
    assert (await post(endpoint, QUERY)).headers["cache-control"] == "no-store"


async def test_a_partial_answer_says_that_the_preference_was_applied() -> None:
    endpoint = application(Scripted(reply=lambda request: Answer(result=result(1), partial=True)))
    response = await post(endpoint, QUERY, prefer="partial-data")
    assert response.headers["preference-applied"] == "partial-data"


async def test_more_requests_at_once_than_allowed_are_sent_away() -> None:
    release = asyncio.Event()
    endpoint = application(Scripted(wait=release.wait), admission=Admission(at_once=1))
    first = asyncio.ensure_future(post(endpoint, QUERY))
    await asyncio.sleep(0)
    second = await post(endpoint, QUERY)
    assert (second.status, second.code, second.headers["retry-after"]) == (503, "OVERLOADED", "1")
    release.set()
    assert (await first).status == 200
    assert (await post(endpoint, QUERY)).status == 200


async def test_open_streams_are_bounded_on_their_own() -> None:
    release = asyncio.Event()
    limits = {"admission": Admission(at_once=1), "http": HttpSettings(streams=1)}
    endpoint = application(Scripted(wait=release.wait), **limits)
    stream = asyncio.ensure_future(post(endpoint, QUERY, accept="text/event-stream"))
    await asyncio.sleep(0)
    assert (await post(endpoint, QUERY, accept="text/event-stream")).code == "OVERLOADED"
    request = asyncio.ensure_future(post(endpoint, QUERY))
    await asyncio.sleep(0)
    assert (await post(endpoint, QUERY)).code == "OVERLOADED"
    release.set()
    assert ((await stream).status, (await request).status) == (200, 200)


async def test_a_caller_that_is_too_fast_is_told_when_to_come_back() -> None:
    endpoint = application(admission=Admission(rates=limits_of(rate=0.5, burst=2)))
    answers = [await post(endpoint, QUERY, x_api_key="k") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit"] for answer in answers] == [
        '"caller";r=1;t=2', '"caller";r=0;t=4', '"caller";r=0;t=2'
    ]  # fmt: skip
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"caller";q=2;w=4'}
    assert answers[2].headers["retry-after"] == "2"
    assert (await post(endpoint, QUERY, x_api_key="other")).status == 200


async def test_the_public_is_counted_by_address_and_so_is_who_guesses_keys() -> None:
    def guessed(credentials: Credentials) -> Exception | None:
        return CodedError(UNKNOWN, "no") if credentials.api_key == "guess" else None

    rates = limits_of(rate=100, burst=100, anonymous_rate=1, anonymous_burst=2)
    endpoint = application(Scripted(admitted=guessed), admission=Admission(rates=rates))
    assert [(await post(endpoint, QUERY, x_api_key="guess")).status for _ in range(3)] == [401, 401, 429]
    assert (await post(endpoint, QUERY)).headers["ratelimit-policy"] == '"address";q=2;w=2'
    assert (await post(endpoint, QUERY, x_api_key="k")).headers["ratelimit"] == '"caller";r=99;t=1'


async def test_every_request_of_a_batch_counts() -> None:
    endpoint = application(admission=Admission(rates=limits_of(rate=1, burst=4)), http=HttpSettings(batch=10))
    assert (await post(endpoint, [QUERY] * 3)).status == 200
    assert (await post(endpoint, [QUERY] * 3)).code == "RATE_LIMITED"


async def test_without_a_rate_nothing_is_said_of_one() -> None:
    assert "ratelimit" not in (await post(application(), QUERY)).headers


async def test_pages_of_other_origins_may_read_only_where_they_are_named() -> None:
    assert "access-control-allow-origin" not in (await post(application(), QUERY, origin="https://a")).headers
    endpoint = application(origins=("https://a",))
    assert (await post(endpoint, QUERY, origin="https://a")).headers["access-control-allow-origin"] == "https://a"
    assert "access-control-allow-origin" not in (await post(endpoint, QUERY, origin="https://b")).headers
    asked = {"origin": "https://a", "access-control-request-method": "POST"}
    assert (await call(endpoint, "OPTIONS", "/graphql", asked)).headers["access-control-allow-methods"] == "GET, POST"


async def test_only_the_names_in_the_settings_are_answered_so_that_no_page_can_pass_for_ours() -> None:
    endpoint = application(hosts=("api.example",))
    assert (await post(endpoint, QUERY, host="api.example:4000")).status == 200
    assert (await post(endpoint, QUERY, host="evil.example")).status == 400
    assert (await post(application(), QUERY, host="evil.example")).status == 200


async def test_an_unknown_address_answers_as_every_error_does() -> None:
    response = await call(application(), "GET", "/nothing")
    assert (response.status, response.code) == (404, "NOT_FOUND")
    assert "content-security-policy" in response.headers


async def test_health_names_each_part_and_draining_fails_readiness_alone() -> None:
    state: dict[str, bool | str] = {"snapshot": True, "store": True}
    readiness = Readiness({"snapshot": lambda: state["snapshot"], "store": lambda: state["store"]})
    endpoint = build_application(Scripted(), readiness)

    async def ready() -> tuple[int, object]:
        response = await call(endpoint, "GET", "/readyz")
        return response.status, response.json["parts"]

    assert await ready() == (200, {"snapshot": "ok", "store": "ok"})
    state["store"] = "no connection"
    assert await ready() == (503, {"snapshot": "ok", "store": "no connection"})
    state["store"] = True
    readiness.drain()
    assert await ready() == (503, {"snapshot": "ok", "store": "ok", "process": "draining"})
    assert (await call(endpoint, "GET", "/healthz")).json == {"status": "ok"}

"""The administration over HTTP: POST of JSON at ``/admin/graphql``, for people of departments."""

import logging
import re
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from catalog_sync.languages import language_of
from gateway.admin.desk import Desk, Visit
from gateway.admin.schema import execute, reports_of
from gateway.errors import BAD_REQUEST, CodedError, ErrorReport
from gateway.server.admission import Admission
from gateway.server.authentication import Authenticator
from gateway.server.error_bodies import INTERNAL_REPORT, encode_errors, entries_of, report_of
from gateway.server.errors import NOT_ACCEPTABLE, UNSUPPORTED_MEDIA_TYPE
from gateway.server.headers import credentials_of, pick_headers, request_id_of
from gateway.server.negotiation import MediaType, is_json_body, negotiate
from gateway.server.request_body import ClientGoneError, parameters_of_body, read_body

PATH = "/admin/graphql"
BODY = 8_000_000
PATIENCE = 15.0

_KEY = re.compile(r"[A-Za-z0-9_.:+/=-]{1,200}")
_log = logging.getLogger("watersmeet.admin")


def routes(
    desk: Callable[[], Desk], authenticator: Authenticator, body: int = BODY, admission: Admission | None = None
) -> list[BaseRoute]:
    """The administration's address. ``desk`` is asked at each request, ``body`` is the largest request in bytes.

    Requests count against the rate that ``admission`` has for their caller, guessed credentials against the address.
    """
    rates = admission or Admission()

    async def endpoint(request: Request) -> Response:
        request_id, media_type, wait = "", MediaType.JSON, None
        language = language_of(request.headers.get("accept-language"))
        try:
            picked = pick_headers(request.scope["headers"])
            request_id = request_id_of(picked)
            chosen = negotiate(picked.get(b"accept", b""))
            if chosen is None or chosen is MediaType.EVENT_STREAM:
                raise CodedError(NOT_ACCEPTABLE, "The administration answers in JSON.")
            media_type = chosen
            # Who it is comes before what is sent: a stranger learns nothing of the schema, and costs no reading.
            client = request.scope.get("client")
            try:
                caller = await authenticator.authenticate(credentials_of(picked, request.scope))
            except CodedError:
                rates.count(None, client)
                raise
            rates.count(caller.subject, client)
            visit = Visit.of(desk(), caller, request_id, _idempotency_key(request), language)
            if not is_json_body(picked.get(b"content-type", b"")) or b"content-encoding" in picked:
                raise CodedError(UNSUPPORTED_MEDIA_TYPE, "Send plain JSON as `Content-Type: application/json`.")
            raw = await read_body(request.receive, picked.get(b"content-length"), body, PATIENCE)
            status, answer = await _answer(visit, raw, media_type)
        except ClientGoneError:
            return Response(status_code=400)
        except CodedError as error:
            status = error.code.status if error.code.status != 200 else 400
            wait = error.details.get("retryAfter")
            answer = encode_errors((report_of(error),), request_id, language)
        except Exception:  # noqa: BLE001 - the last boundary: a mistake of ours is logged whole under the request's
            # number, which is all that who asked is told. Being cancelled is no Exception and passes.
            _log.exception("request %s failed", request_id)
            status, answer = 500, encode_errors((INTERNAL_REPORT,), request_id)
        return _response(status, answer, media_type, request_id, wait)

    return [Route(PATH, endpoint, methods=["POST"])]


async def _answer(visit: Visit, raw: bytes, media_type: MediaType) -> tuple[int, bytes]:
    parameters = parameters_of_body(raw)
    if parameters.query is None:
        raise CodedError(BAD_REQUEST, "The body has no `query`.")
    result = await execute(visit, parameters.query, parameters.variables, parameters.operation_name)
    reports = reports_of(result.errors, visit.request_id)
    # Without any path nothing was executed: the request itself was wrong.
    refused = result.data is None and all(report.path is None for report in reports)
    status = 400 if refused and media_type is MediaType.GRAPHQL else 200
    return status, _encode(result.data, reports, visit, refused=refused)


def _encode(data: object, reports: tuple[ErrorReport, ...], visit: Visit, *, refused: bool) -> bytes:
    if refused:
        return encode_errors(reports, visit.request_id, visit.language)
    body: dict[str, object] = {"data": data}
    if reports:
        body["errors"] = entries_of(reports, visit.request_id, visit.language)
    return msgspec.json.encode(body)


def _response(status: int, body: bytes, media_type: MediaType, request_id: str, wait: object) -> Response:
    headers = {"Cache-Control": "no-store", "X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"}
    if wait is not None:
        headers["Retry-After"] = str(wait)
    return Response(body, status, headers, media_type=media_type.value)


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise CodedError(BAD_REQUEST, "`Idempotency-Key` stands once, with 1 to 200 letters, digits and _ . : + / = -.")
    return keys[0]

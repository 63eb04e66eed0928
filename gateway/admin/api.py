"""The administration over HTTP: POST of JSON at ``/admin/graphql``, for people of departments."""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from catalog_sync.languages import Language, language_of
from gateway.access.refusals import ACCEPTING
from gateway.admin.desk import Desk, Visit
from gateway.admin.licences import accept_own
from gateway.admin.schema import execute, reports_of
from gateway.errors import BAD_REQUEST, CodedError, ErrorReport
from gateway.server.admission import Admission
from gateway.server.authentication import Authenticator
from gateway.server.error_bodies import INTERNAL_REPORT, encode_errors, entries_of, report_of
from gateway.server.errors import NOT_ACCEPTABLE, UNSUPPORTED_MEDIA_TYPE
from gateway.server.headers import credentials_of, pick_headers, request_id_of
from gateway.server.negotiation import MediaType, is_json_body, negotiate
from gateway.server.request_body import ClientGoneError, parameters_of_body, read_body
from policies.callers import Caller

PATH = "/admin/graphql"
BODY = 8_000_000
PATIENCE = 15.0

_KEY = re.compile(r"[A-Za-z0-9_.:+/=-]{1,200}")
_log = logging.getLogger("watersmeet.admin")


def routes(
    desk: Callable[[], Desk], authenticator: Authenticator, body: int = BODY, admission: Admission | None = None
) -> list[BaseRoute]:
    """The administration's address, and where callers accept licences for themselves.

    ``desk`` is asked at each request, ``body`` is the largest request in bytes.

    Requests count against the rate that ``admission`` has for their caller, guessed credentials against the address.
    """
    rates = admission or Admission()

    async def answered(request: Request, work: Callable[[_Asked], Awaitable[tuple[int, bytes]]]) -> Response:
        asked, wait = _Asked(request, language_of(request.headers.get("accept-language"))), None
        try:
            asked.picked = pick_headers(request.scope["headers"])
            asked.request_id = request_id_of(asked.picked)
            chosen = negotiate(asked.picked.get(b"accept", b""))
            if chosen is None or chosen is MediaType.EVENT_STREAM:
                raise CodedError(NOT_ACCEPTABLE, "The administration answers in JSON.")
            asked.media_type = chosen
            # Who it is comes before what is sent: a stranger learns nothing of the schema, and costs no reading.
            client = request.scope.get("client")
            try:
                asked.caller = await authenticator.authenticate(credentials_of(asked.picked, request.scope))
            except CodedError:
                rates.count(None, client)
                raise
            rates.count(asked.caller.subject, client)
            status, answer = await work(asked)
        except ClientGoneError:
            return Response(status_code=400)
        except CodedError as error:
            status = error.code.status if error.code.status != 200 else 400
            wait = error.details.get("retryAfter")
            answer = encode_errors((report_of(error),), asked.request_id, asked.language)
        except Exception:  # noqa: BLE001 - the last boundary: a mistake of ours is logged whole under the request's
            # number, which is all that who asked is told. Being cancelled is no Exception and passes.
            _log.exception("request %s failed", asked.request_id)
            status, answer = 500, encode_errors((INTERNAL_REPORT,), asked.request_id)
        return _response(status, answer, asked.media_type, asked.request_id, wait)

    async def administer(asked: _Asked) -> tuple[int, bytes]:
        assert asked.caller is not None
        key = _idempotency_key(asked.request)
        visit = Visit.of(desk(), asked.caller, asked.request_id, key, asked.language)
        asked.demand_json()
        raw = await read_body(asked.request.receive, asked.picked.get(b"content-length"), body, PATIENCE)
        return await _answer(visit, raw, asked.media_type)

    async def accept(asked: _Asked) -> tuple[int, bytes]:
        assert asked.caller is not None
        asked.demand_json()
        made = (await accept_own(desk(), asked.caller, asked.request, asked.request_id)).value
        told = {
            "id": made.id,
            "subject": made.subject,
            "resource": made.resource,
            "licence": made.licence,
            "at": made.at,
        }
        return 200, msgspec.json.encode(told)

    async def administration(request: Request) -> Response:
        return await answered(request, administer)

    async def accepting(request: Request) -> Response:
        return await answered(request, accept)

    return [Route(PATH, administration, methods=["POST"]), Route(ACCEPTING, accepting, methods=["POST"])]


@dataclass(slots=True)
class _Asked:
    """A request as far as it is read: what is known of it decides in which form it is answered."""

    request: Request
    language: Language
    request_id: str = ""
    media_type: MediaType = MediaType.JSON
    picked: dict[bytes, bytes] = field(default_factory=dict)
    caller: Caller | None = None

    def demand_json(self) -> None:
        """Raises CodedError UNSUPPORTED_MEDIA_TYPE where the body is not declared as plain JSON."""
        if not is_json_body(self.picked.get(b"content-type", b"")) or b"content-encoding" in self.picked:
            raise CodedError(UNSUPPORTED_MEDIA_TYPE, "Send plain JSON as `Content-Type: application/json`.")


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

"""The receiving end of an exchange over HTTP.

    GET   /exchange/{sender}/bundles/{number}?digest=D   where an upload stands: {"received": bytes, "applied": number}
    PATCH /exchange/{sender}/bundles/{number}            a part of a bundle; the last part is answered with the receipt
    GET   /exchange/{receiver}/outbox                    numbers of the bundles that wait for a level
    GET   /exchange/{receiver}/outbox/{number}           one of them
    POST  /exchange/{receiver}/receipts                  a receipt for one of them

Levels below call; a level above answers and is polled for what goes down. Every request is signed with the caller's key
over method, path, query, position, digest and time, so that nobody unknown can store a byte. The bytes of a part are
kept as they come in: a line that breaks in the middle of a part costs nothing of what arrived.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from catalog_sync import errors
from catalog_sync.bundles import HIGHEST_NUMBER, LARGEST_BUNDLE
from catalog_sync.errors import (
    BUNDLE_MALFORMED,
    EXCHANGE_UNREACHABLE,
    REQUEST_STALE,
    SIGNER_UNKNOWN,
    UNKNOWN_RESOURCE,
    UPLOAD_REFUSED,
    CodedError,
    ErrorCode,
)
from catalog_sync.exchange import Exchange
from catalog_sync.signing import SigningKey
from catalog_sync.uploads import Uploads

SIGNATURE = "Exchange-Signature"
OFFSET = "Upload-Offset"
LENGTH = "Upload-Length"
DIGEST = "Bundle-Digest"
TIME = "Exchange-Time"
CLOCKS_MAY_DIFFER = timedelta(minutes=5)
KEPT_AT_ONCE = 256 * 1024
RECEIPT_LIMIT = 4_000_000

Handler = Callable[[Request], Awaitable[Response]]


def signed_headers(
    key: SigningKey, method: str, target: str, headers: Mapping[str, str], at: datetime
) -> dict[str, str]:
    """The headers of a request with its time and signature among them; ``target`` is path and query."""
    timed = {**headers, TIME: at.isoformat()}
    signature = key.sign(_signed_text(method, target, timed)).hex()
    return {**timed, SIGNATURE: f"{key.id} {signature}"}


def _signed_text(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    told = [method, target, *(headers.get(name, "") for name in (OFFSET, LENGTH, DIGEST, TIME))]
    return "\n".join(told).encode()


def exchange_routes(exchange: Exchange, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[Route]:
    """The routes of one level's exchange, to be mounted into its application."""
    endpoint = _Endpoint(exchange, now)
    return [
        Route("/exchange/{peer}/bundles/{number:int}", _refusing(endpoint.position), methods=["GET"]),
        Route("/exchange/{peer}/bundles/{number:int}", _refusing(endpoint.take_part), methods=["PATCH"]),
        Route("/exchange/{peer}/outbox", _refusing(endpoint.outbox), methods=["GET"]),
        Route("/exchange/{peer}/outbox/{number:int}", _refusing(endpoint.bundle), methods=["GET"]),
        Route("/exchange/{peer}/receipts", _refusing(endpoint.take_receipt), methods=["POST"]),
    ]


def _refusing(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except CodedError as error:
            body = {"code": error.code.name, "message": error.message, **error.details}
            return JSONResponse(body, status_code=error.code.status)

    return handle


class _Endpoint:
    def __init__(self, exchange: Exchange, now: Callable[[], datetime]) -> None:
        self._exchange = exchange
        self._uploads = Uploads(exchange.database)
        self._now = now

    async def position(self, request: Request) -> Response:
        peer, number = self._caller(request), _bundle_number(request)
        received = self._uploads.received(peer, number, request.query_params.get("digest", ""))
        return JSONResponse({"received": received, "applied": self._exchange.applied_through(peer)})

    async def take_part(self, request: Request) -> Response:
        peer, number = self._caller(request), _bundle_number(request)
        digest, length = request.headers.get(DIGEST, ""), _number(request, LENGTH)
        have = await self._keep(request, peer, number, digest, _number(request, OFFSET), length)
        if have < length:
            return JSONResponse({"received": have}, status_code=202)
        content = self._uploads.whole(peer, number, digest)
        try:
            receipt = await run_in_threadpool(self._exchange.receive, content, self._now())
        finally:
            self._uploads.forget(peer, number)
        return Response(receipt, media_type="application/octet-stream")

    async def _keep(self, request: Request, peer: str, number: int, digest: str, start: int, length: int) -> int:
        """Keeps the body as it comes in; what arrived before the line broke stays."""
        if not 0 < length <= LARGEST_BUNDLE:
            raise CodedError(UPLOAD_REFUSED, f"A bundle has 1 to {LARGEST_BUNDLE} bytes.", {"received": 0})
        have, pending = start, bytearray()
        try:
            async for chunk in request.stream():
                pending += chunk
                if start + len(pending) > length:
                    raise CodedError(UPLOAD_REFUSED, f"More than the {length} bytes announced were sent.")
                if len(pending) >= KEPT_AT_ONCE:
                    have = self._uploads.keep(peer, number, digest, start, bytes(pending))
                    start, pending = start + len(pending), bytearray()
        except ClientDisconnect:
            self._uploads.keep(peer, number, digest, start, bytes(pending))
            raise CodedError(UPLOAD_REFUSED, "The line broke; what arrived is kept.") from None
        return max(have, self._uploads.keep(peer, number, digest, start, bytes(pending)))

    async def outbox(self, request: Request) -> Response:
        peer = self._caller(request)
        await run_in_threadpool(self._exchange.seal, peer, self._now())
        return JSONResponse({"numbers": list(self._exchange.outstanding(peer))})

    async def bundle(self, request: Request) -> Response:
        content = self._exchange.bundle(self._caller(request), _bundle_number(request))
        if content is None:
            raise CodedError(UNKNOWN_RESOURCE, "No bundle of that number was sealed for this level.")
        return Response(content, media_type="application/octet-stream")

    async def take_receipt(self, request: Request) -> Response:
        self._caller(request)
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > RECEIPT_LIMIT:
                raise CodedError(BUNDLE_MALFORMED, f"A receipt has {RECEIPT_LIMIT} bytes at most.")
        receipt = await run_in_threadpool(self._exchange.acknowledge, bytes(content), self._now())
        return JSONResponse({"number": receipt.number, "status": receipt.status})

    def _caller(self, request: Request) -> str:
        """The level that calls, by the signature of its request."""
        name = str(request.path_params["peer"])
        peer = self._exchange.peers.get(name)
        key_id, _, signature = request.headers.get(SIGNATURE, "").partition(" ")
        if peer is None or len(signature) != 128:
            raise CodedError(SIGNER_UNKNOWN, "The request is not signed by a level on file here.")
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        try:
            raw = bytes.fromhex(signature)
        except ValueError:
            raise CodedError(SIGNER_UNKNOWN, "The request's signature is not hexadecimal.") from None
        peer.verify(key_id, _signed_text(request.method, target, request.headers), raw)
        self._recent(request.headers.get(TIME, ""))
        return name

    def _recent(self, written: str) -> None:
        """CodedError REQUEST_STALE for a request of another time: an old one that somebody repeats is no request."""
        try:
            differs = abs(self._now() - datetime.fromisoformat(written))
        except (ValueError, TypeError):
            raise CodedError(REQUEST_STALE, f"The header {TIME} must hold a time with its zone.") from None
        if differs > CLOCKS_MAY_DIFFER:
            raise CodedError(REQUEST_STALE, f"The request was signed {differs} away from now.")


def _bundle_number(request: Request) -> int:
    number = int(request.path_params["number"])
    if not 0 < number <= HIGHEST_NUMBER:
        raise CodedError(UPLOAD_REFUSED, "Bundles count from 1.", {"received": 0})
    return number


def _number(request: Request, header: str) -> int:
    value = request.headers.get(header, "")
    if not value.isdecimal() or len(value) > 12:
        raise CodedError(UPLOAD_REFUSED, f"The header {header} must hold a number.")
    return int(value)


_CODES = {code.name: code for code in vars(errors).values() if isinstance(code, ErrorCode)}


def refusal_of(peer: str, body: bytes) -> CodedError:
    """A refusal as the other end's endpoint wrote it, by its own code."""
    try:
        told = json.loads(body)
        code, message = _CODES[told["code"]], str(told["message"])
    except (ValueError, KeyError, TypeError):
        return CodedError(EXCHANGE_UNREACHABLE, f"{peer} refused, and its answer was not understood.")
    return CodedError(code, f"{peer} refused: {message}")

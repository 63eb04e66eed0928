"""The open part of the catalogue for everybody, without a key: what there is, under which licence (R53).

It is what ``watersmeet catalogue dcat`` writes, of the entries in force at the moment, under the gateway's own address.
"""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.languages import language_of
from gateway.errors import CodedError
from gateway.memo import Memo
from gateway.server.admission import Admission
from gateway.server.error_bodies import encode_errors, report_of
from gateway.server.headers import new_request_id

if TYPE_CHECKING:
    from catalog_sync.loading import Catalogue

PATH = "/catalogue.jsonld"
MAX_AGE = 300
"""Seconds for which a cache may keep it."""


def open_catalogue_routes(catalogue: "Callable[[], Catalogue]", admission: Admission) -> list[BaseRoute]:
    """``GET /catalogue.jsonld``, DCAT-AP 3; it counts as a request of the address that it comes from."""
    texts: Memo[tuple[int, date, str], tuple[Catalogue, bytes]] = Memo(4)

    async def answer(request: Request) -> Response:
        try:
            admission.count(None, request.scope.get("client"))
        except CodedError as error:
            language, request_id = language_of(request.headers.get("accept-language")), new_request_id()
            headers = {"Retry-After": str(error.details.get("retryAfter", 1)), "Cache-Control": "no-store"}
            body = encode_errors((report_of(error),), request_id, language)
            return Response(body, error.code.status, headers, media_type="application/json")
        shown, today, base = catalogue(), date_in_chongqing(), str(request.base_url).rstrip("/")
        # With the text the catalogue is kept that it is of, so that its identity is not another's meanwhile.
        known = texts.get((id(shown), today, base))
        if known is None:
            made = await asyncio.to_thread(_text, shown, base, today)
            known = texts.put((id(shown), today, base), (shown, made))
        headers = {"Cache-Control": f"public, max-age={MAX_AGE}", "X-Content-Type-Options": "nosniff"}
        return Response(known[1], media_type="application/ld+json", headers=headers)

    return [Route(PATH, answer, methods=["GET"])]


def _text(catalogue: "Catalogue", base: str, on: date) -> bytes:
    from catalog_sync.dcat import dcat_text  # slow to import

    shown = [entry for entry in catalogue.entries if entry.in_force(on)]
    return dcat_text(shown, base, catalogue.classes, on).encode()

"""The page that a refusal points to: what an application for items says, who decides it, and by when.

It repeats the resource code from its address and tells nothing else about the resource: whoever opens it need not be
the caller that was refused, and may not know what that caller knows.
"""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog_sync.closed_lists import PURPOSES
from gateway.portal.pages import language_of, page, templates

_RESOURCE = re.compile(r"[0-9A-Za-z/_.\-]{1,64}").fullmatch
_WORKING_DAYS = 10  # Provisional Measures on sharing government information resources (Guofa [2016] 51), article 12.


def apply_route(styles: tuple[str, ...]) -> Route:
    """The address ``/apply?resource=CODE``; ``styles`` are addresses of style sheets."""

    async def answer(request: Request) -> Response:
        resource = request.query_params.get("resource", "")
        shown = resource if _RESOURCE(resource) else ""
        template = templates().get_template("apply.html")
        html = template.render(
            language=language_of(request), styles=styles, resource=shown, purposes=PURPOSES, days=_WORKING_DAYS
        )
        return page(html)

    return Route("/apply", answer)

"""What the portal's pages share: templates, languages, and headers that harden a browser's use of them."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from catalog_sync import languages

if TYPE_CHECKING:
    from jinja2 import Environment

_STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "style-src": "'self'",
    "font-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_HARDENED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@cache
def templates() -> "Environment":
    """The portal's templates: everything put into them is escaped, and a name that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # for pages, which few ask for, not for a start

    return Environment(
        loader=PackageLoader("gateway.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def page(html: str, loosened: Mapping[str, str] | None = None) -> Response:
    """An HTML page under the strict content security policy, in which ``loosened`` replaces directives."""
    policy = "; ".join(f"{name} {sources}" for name, sources in {**_STRICT, **(loosened or {})}.items())
    headers = {
        **_HARDENED,
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Language",
    }
    return Response(html, headers=headers, media_type="text/html; charset=utf-8")


def language_of(request: Request) -> str:
    """The page's language: ``?lang=``, else the one of ours that the browser prefers, else English."""
    asked = request.query_params.get("lang")
    return languages.language_of(asked if asked else request.headers.get("accept-language")).value

"""The page to query from: GraphiQL with a caller switch, at ``/explorer``.

Everything it loads comes from this listener. The page holds no credential of its own: the browser sends what its user
typed, as headers, to the data endpoint of the same origin, so the explorer can do nothing that a program could not.
"""

from pathlib import Path

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.portal.explorer_config import ExplorerConfig, ReadyQuery, read_explorer_config
from gateway.portal.static_files import StaticFiles
from gateway.settings import Settings

BUILD = Path(__file__).parent / "static" / "explorer"

# The editor writes style attributes, hence 'unsafe-inline' for styles; scripts and workers are files of ours alone.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HARDENED = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_SAMPLE = ReadyQuery(label="", query="{ __schema { queryType { fields { name description } } } }")
_TEXTS = {
    "en": {
        "title": "Explorer",
        "region": "Query explorer",
        "languages": "Language",
        "plain": "This browser runs no scripts, so the query is sent as a form and answered as JSON, "
        "as the public sees it: a credential would need a header, and never belongs in an address.",
        "query": "Query",
        "variables": "Variables (JSON)",
        "run": "Run",
    },
    "zh": {
        "title": "查询",
        "region": "查询页面",
        "languages": "语言",
        "plain": "浏览器未启用脚本，查询将以表单方式提交并以 JSON 答复，身份为社会公众："
        "凭证须通过请求头传送，不得写入地址。",
        "query": "查询语句",
        "variables": "变量（JSON）",
        "run": "执行",
    },
}


def routes(settings: Settings) -> list[BaseRoute]:
    """The explorer's addresses; none where the settings turn it off.

    Raises CodedError SETTINGS_INVALID where ``server.explorer_config`` cannot be read.
    """
    if not settings.server.explorer:
        return []
    return explorer_routes(read_explorer_config(settings.server.explorer_config))


def explorer_routes(config: ExplorerConfig, graphql: str = "/graphql") -> list[BaseRoute]:
    """The explorer's addresses with ready-made callers and queries, asking the data endpoint at ``graphql``."""
    files = StaticFiles(BUILD)
    environment = Environment(
        loader=PackageLoader("gateway.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("explorer.html")
    sample = config.queries[0] if config.queries else _SAMPLE
    pages = {
        language: template.render(
            language=language,
            texts=texts,
            manifest=files.manifest,
            graphql=graphql,
            sample=sample.query,
            variables=msgspec.json.encode(sample.variables).decode(),
        ).encode()
        for language, texts in _TEXTS.items()
    }
    ready_made = msgspec.json.encode(config)

    async def page(request: Request) -> Response:
        headers = {**_HARDENED, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
        return Response(pages[_language(request)], headers=headers, media_type="text/html; charset=utf-8")

    async def ready(request: Request) -> Response:
        return Response(ready_made, headers={"Cache-Control": "no-store"}, media_type="application/json")

    return [
        Route("/explorer", page),
        Route("/explorer/config.json", ready),
        Route("/explorer/static/{name}", files.answer),
    ]


def _language(request: Request) -> str:
    """The page's language: ``?lang=``, else the first of the browser's languages that we speak, else English."""
    asked = request.query_params.get("lang", "")
    accepted = request.headers.get("accept-language", "").split(",")
    for tag in (asked, *accepted):
        language = tag.strip()[:2].lower()
        if language in _TEXTS:
            return language
    return "en"

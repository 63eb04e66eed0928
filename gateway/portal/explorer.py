"""The page to query from: GraphiQL with a caller switch, at ``/explorer``.

Everything it loads comes from this listener. The page holds no credential of its own: the browser sends what its user
typed, as headers, to the data endpoint of the same origin, so the explorer can do nothing that a program could not.
"""

from functools import cache
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.portal.applying import apply_route
from gateway.portal.explorer_config import ExplorerConfig, ReadyQuery, read_explorer_config
from gateway.portal.pages import language_of, page, templates
from gateway.portal.static_files import StaticFiles
from gateway.settings import Settings

BUILD = Path(__file__).parent / "static" / "explorer"

# The editor writes style attributes, hence 'unsafe-inline' for styles; scripts and workers are files of ours alone.
_LOOSENED = {"worker-src": "'self'", "style-src": "'self' 'unsafe-inline'"}
_SAMPLE = ReadyQuery(label="", query="{ __schema { queryType { fields { name description } } } }")
_TEXTS = {
    "en": {
        "title": "Explorer",
        "region": "Query explorer",
        "plain": "This browser runs no scripts, so the query is sent as a form and answered as JSON, "
        "as the public sees it: a credential would need a header, and never belongs in an address.",
        "query": "Query",
        "variables": "Variables (JSON)",
        "run": "Run",
    },
    "zh": {
        "title": "查询",
        "region": "查询页面",
        "plain": "浏览器未启用脚本，查询将以表单方式提交并以 JSON 答复，身份为社会公众："
        "凭证须通过请求头传送，不得写入地址。",
        "query": "查询语句",
        "variables": "变量（JSON）",
        "run": "执行",
    },
}


def routes(settings: Settings) -> list[BaseRoute]:
    """The explorer's addresses, ``/`` that leads to it, and ``/apply``; none where the settings turn it off.

    Raises CodedError SETTINGS_INVALID where ``server.explorer_config`` cannot be read.
    """
    if not settings.server.explorer:
        return []
    return explorer_routes(read_explorer_config(settings.server.explorer_config))


def explorer_routes(config: ExplorerConfig, graphql: str = "/graphql") -> list[BaseRoute]:
    """The same with ready-made callers and queries given, asking the data endpoint at ``graphql``."""
    files = StaticFiles(BUILD)
    styles = tuple(f"/explorer/static/{name}" for name in files.manifest.styles)
    sample = config.queries[0] if config.queries else _SAMPLE

    @cache
    def shown(language: str) -> str:
        template = templates().get_template("explorer.html")
        return template.render(
            language=language,
            texts=_TEXTS[language],
            styles=styles,
            script=f"/explorer/static/{files.manifest.entry}",
            graphql=graphql,
            sample=sample.query,
            variables=msgspec.json.encode(sample.variables).decode(),
        )

    ready_made = msgspec.json.encode(config)

    async def explorer(request: Request) -> Response:
        return page(shown(language_of(request)), _LOOSENED)

    async def ready(request: Request) -> Response:
        return Response(ready_made, headers={"Cache-Control": "no-store"}, media_type="application/json")

    return [
        Route("/", lambda _: RedirectResponse("/explorer")),
        Route("/explorer", explorer),
        Route("/explorer/config.json", ready),
        Route("/explorer/static/{name}", files.answer),
        apply_route(styles),
    ]

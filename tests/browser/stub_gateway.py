"""A data endpoint with three callers, small enough to read at a glance: what the explorer is tested against.

The public does not know of ``incomeBand``; a department knows of it and is refused; with a grant it reads it.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from graphql import build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.portal.explorer import explorer_routes
from gateway.portal.explorer_config import ExplorerConfig, ReadyCaller, ReadyQuery

OPEN = build_schema(
    """
    type Query { enterprise(creditCode: ID!): Enterprise  enterprises: [Enterprise!]! }
    type Enterprise { creditCode: ID!  name: String!  founded: String }
    """
)
DEPARTMENT = build_schema(
    """
    type Query { enterprise(creditCode: ID!): Enterprise  enterprises: [Enterprise!]!  person(idNumber: ID!): Person }
    type Subscription { arrivals: Int! }
    type Enterprise { creditCode: ID!  name: String!  founded: String  employees: Int }
    type Person { idNumber: ID!  name: String!  incomeBand: String  household: Household }
    type Household { size: Int!  members: [Person!]! }
    """
)
ENTERPRISE = {"creditCode": "91500000XX", "name": "渝江机械有限公司", "founded": "2011-04-02", "employees": 85}
PERSON = {"idNumber": "5001", "name": "陈一诺", "incomeBand": "B2", "household": {"size": 3, "members": []}}
NEIGHBOUR = {"creditCode": "91500001XX", "name": '=HYPERLINK("x"), 有限公司', "founded": None, "employees": 7}
ROOT = {
    "enterprises": [ENTERPRISE, NEIGHBOUR],
    "enterprise": lambda *_, **__: ENTERPRISE,
    "person": lambda *_, **__: PERSON,
}

WITHOUT_GRANT = "key-without-grant"
WITH_GRANT = "key-with-grant"
ENTERPRISE_QUERY = 'query Enterprise {\n  enterprise(creditCode: "91500000XX") {\n    name\n    founded\n  }\n}\n'
BENEFITS_QUERY = """query Benefits($id: ID!) {
  person(idNumber: $id) {
    name
    household { size }
    incomeBand
  }
}
"""
CONFIG = ExplorerConfig(
    callers=(
        ReadyCaller(
            label="Welfare app, no grant",
            label_zh="民政应用（未授权）",
            description="An application of the welfare department that has not applied yet.",
            description_zh="民政部门的应用，尚未提出共享申请。",
            headers={"X-API-Key": WITHOUT_GRANT, "X-Purpose": "eligibility check", "X-Case-Number": "2026-17"},
        ),
        ReadyCaller(
            label="Welfare app, grant G-2026-0042",
            label_zh="民政应用（授权 G-2026-0042）",
            description="The same application with a grant for the income band.",
            headers={"X-API-Key": WITH_GRANT, "X-Purpose": "福利资格核验", "X-Case-Number": "2026-17"},
        ),
    ),
    queries=(
        ReadyQuery(label="Enterprise", label_zh="企业登记", query=ENTERPRISE_QUERY),
        ReadyQuery(
            label="Benefits eligibility", label_zh="福利资格核验", query=BENEFITS_QUERY, variables={"id": "5001"}
        ),
        ReadyQuery(label="Arrivals", query="subscription Arrivals { arrivals }"),
        ReadyQuery(label="All enterprises", label_zh="全部企业", query="{ enterprises { name founded } }"),
    ),
)
REFUSAL: dict[str, Any] = {
    "message": "Not permitted: incomeBand (收入区间) of 居民收入信息 (307020301/000012), provided by 市税务局.",
    "path": ["person", "incomeBand"],
    "extensions": {
        "code": "FORBIDDEN",
        "resource": "307020301/000012",
        "title": "居民收入信息",
        "items": ["incomeBand"],
        "provider": "市税务局",
        "reason": "grant_required",
        "apply": "/apply?resource=307020301/000012",
        "paths": [["person", "incomeBand"]],
        "dueDays": 10,
        "requestId": "t-1",
    },
}


class StubGateway:
    """The endpoint, remembering the headers of every request it saw."""

    def __init__(self, config: ExplorerConfig = CONFIG) -> None:
        self.seen: list[Mapping[str, str]] = []
        self.application = Starlette(
            routes=[*explorer_routes(config), Route("/graphql", self._graphql, methods=["GET", "POST"])]
        )

    async def _graphql(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        key = request.headers.get("x-api-key")
        if key not in (None, WITHOUT_GRANT, WITH_GRANT):
            error = {"message": "The API key is unknown.", "extensions": {"code": "UNAUTHENTICATED"}}
            return _json({"errors": [error]}, 401)
        asked = await request.json() if request.method == "POST" else _from_address(request.query_params)
        if request.headers.get("accept") == "text/event-stream":
            return StreamingResponse(_arrivals(), media_type="text/event-stream")
        partial = request.headers.get("prefer") == "partial-data"
        refused = "incomeBand" in asked["query"] and key == WITHOUT_GRANT
        if refused and not partial:
            return _json({"errors": [REFUSAL]}, 403)
        result = graphql_sync(
            DEPARTMENT if key else OPEN,
            asked["query"],
            ROOT,
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        ).formatted
        if result.get("data") is None:
            return _json({"errors": [dict(error) for error in result["errors"]]}, 400)
        if refused:
            result["data"]["person"]["incomeBand"] = None
            return _json({"data": result["data"], "errors": [REFUSAL]}, 200)
        return _json(dict(result), 200)


async def _arrivals() -> AsyncIterator[bytes]:
    """Two results in pieces that do not end where the events do."""
    stream = b':\n\nevent: next\ndata: {"data":{"arrivals":1}}\n\nevent: next\ndata: {"data":{"arrivals":2}}\n\n'
    for piece in (stream[:40], stream[40:75], stream[75:], b"event: complete\ndata:\n\n"):
        yield piece


def _from_address(parameters: Mapping[str, str]) -> dict[str, Any]:
    return {"query": parameters["query"], "variables": json.loads(parameters.get("variables") or "{}")}


def _json(body: dict[str, Any], status: int) -> Response:
    return JSONResponse(body, status, media_type="application/graphql-response+json")

"""The older service behind planning and natural resources: the real estate register of 2009, as it was left.

It answers ``POST /bdc/service.do`` with a form: ``method`` names what is wanted, codes come joined by commas, at most
200 of them, and results in pages of at most 200 rows. It answers in GB18030, every value is text, ``SFCF`` is ``1`` or
``0``, and whatever goes wrong is HTTP 200 with a ``retcode``. It knows nothing of GraphQL, surrogates or callers.

It is a stand-in for a system that a department cannot change, and nothing of it is used but by HTTP.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subgraphs.kit.sqlite import open_sqlite

FILE = "bdc.sqlite"
PATH = "/bdc/service.do"
MAX_CODES = 200
MAX_ROWS = 200

SCRIPT = """
CREATE TABLE BDC (BDCDYH TEXT PRIMARY KEY, ZL TEXT, QLRZJH TEXT, JZMJ TEXT, SFCF TEXT, DZBM TEXT);
CREATE TABLE DZ (DZBM TEXT PRIMARY KEY, DZQC TEXT, XZQH TEXT, JD TEXT, WD TEXT);
-- indexes
CREATE INDEX BDC_QLR ON BDC (QLRZJH);
CREATE INDEX BDC_DZ ON BDC (DZBM);
CREATE INDEX DZ_XZQH ON DZ (XZQH, DZBM);
"""

# method -> table and column that the codes are looked up in
_METHODS: Mapping[str, tuple[str, str]] = {
    "queryByUnit": ("BDC", "BDCDYH"),
    "queryByHolder": ("BDC", "QLRZJH"),
    "queryByAddress": ("BDC", "DZBM"),
    "queryAddress": ("DZ", "DZBM"),
    "queryDivision": ("DZ", "XZQH"),
}


def make_register_service(folder: Path) -> Starlette:
    """The service over its own database in ``folder``. Raises CodedError STORE_UNREADABLE."""
    connection = open_sqlite(folder / FILE)

    async def service(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("ascii", "replace")))
        return _answer(form, lambda statement, values: connection.execute(statement, values))

    return Starlette(routes=[Route(PATH, service, methods=["POST"])])


def _answer(form: Mapping[str, str], execute: Callable[[str, Sequence[object]], sqlite3.Cursor]) -> Response:
    table, column = _METHODS.get(form.get("method", ""), ("", ""))
    if not table:
        return _reply("E001", "无此方法")
    codes = form.get("codes", "").split(",")
    if not codes[0] or len(codes) > MAX_CODES:
        return _reply("E002", "代码个数应为1至200")
    try:
        page, size = int(form.get("pageNo", "1")), int(form.get("pageSize", "50"))
    except ValueError:
        return _reply("E003", "页码有误")
    if page < 1 or not 1 <= size <= MAX_ROWS:
        return _reply("E003", "页码有误")
    places = ",".join("?" * len(codes))
    found = execute(f"SELECT * FROM {table} WHERE {column} IN ({places}) ORDER BY 1", codes)
    names = [name for name, *_ in found.description]
    rows = found.fetchall()
    body = [dict(zip(names, row, strict=True)) for row in rows[(page - 1) * size : page * size]]
    return _reply("0000", "成功", str(len(rows)), body)


def _reply(code: str, message: str, total: str = "0", body: Sequence[Mapping[str, str]] = ()) -> Response:
    head = {"retcode": code, "retmsg": message, "total": total}
    text = json.dumps({"head": head, "body": list(body)}, ensure_ascii=False)
    return Response(text.encode("gb18030"), headers={"content-type": "application/json; charset=gb18030"})

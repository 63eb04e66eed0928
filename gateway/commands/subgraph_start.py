"""A department to begin with: its service in thirty lines, a test of it, and the catalogue entry it serves."""

import re
from collections.abc import Iterator
from pathlib import Path

from catalog_sync.identifiers import ResourceCode
from gateway.errors import CodedError, ErrorCode, Family

START_REFUSED = ErrorCode(
    "START_REFUSED", Family.SUBGRAPH,
    "A new department cannot be written: its name is none, or the folder holds it already.",
    "Choose a name of small letters, digits and _ that begins with a letter, and a folder without such a file.", 400,
)  # fmt: skip

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

SERVICE = '''\
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import strawberry

from subgraphs.kit.binding import entity
from subgraphs.kit.command import run
from subgraphs.kit.department import Department, StoreLocation
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request


class Records(dict[str, str]):
    def describe(self) -> str:
        return f"memory, {{len(self)}} records"


@entity("recordNo", code="{code}")
class {type}:
    record_no: strawberry.ID
    name: str | None

    @classmethod
    async def resolve_references(
        cls, references: Sequence[Reference], request: Request[Records]
    ) -> list["{type} | None"]:
        known = [(one["record_no"], request.store.get(one["record_no"])) for one in references]
        return [cls(record_no=number, name=name) if name else None for number, name in known]


@strawberry.type
class Query:
    @strawberry.field
    async def {field}(self, info: strawberry.Info[Request[Records], None]) -> list[{type} | None] | None:
        """Every record."""
        held = info.context.store.items()
        return [{type}(record_no=strawberry.ID(number), name=name) for number, name in held]


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[Records]:
    yield Records({{"1": "first", "2": "second"}})


department = Department("{name}", "{name}", Query, open_store, types=({type},))
if __name__ == "__main__":
    raise SystemExit(run(department))
'''
TEST = """\
from {name} import department


def test_the_schema_says_which_resource_it_serves() -> None:
    sdl = department.schema().sdl
    assert '@resource(code: "{code}")' in sdl
    assert '@key(fields: "recordNo")' in sdl
"""
ENTRY = """\
# The catalogue entry that the service binds to. Complete it, then: watersmeet catalogue draft {name}.yaml
- id: {identity}
  title: {name}
  alias: {type}
  codes: ["{code}"]
  provider: {{name: 提供方名称, uscc: 提供方的统一社会信用代码}}
  abstract: 摘要
  format: {{class: 数据库, type: 其他, note: 说明}}
  share: {{type: unconditional, condition: 无条件, category: 共享平台方式, mode: 接口}}
  open: {{value: false}}
  cycle: 每日
  issued: {today}
  items:
    - {{n: 编号, en: recordNo, t: C, len: 32, share: unconditional, key: true}}
    - {{n: 名称, en: name, t: C, len: 100, share: unconditional}}
"""


def write_start(name: str, code: str, directory: Path) -> Iterator[Path]:
    """Writes the files and says which. Raises CodedError START_REFUSED, MALFORMED_CODE; nothing is written over."""
    from catalog_sync.chongqing_days import date_in_chongqing

    if not _NAME.fullmatch(name):
        raise CodedError(START_REFUSED, f"{name!r} is no name for a subgraph.")
    told = {
        "name": name,
        "identity": name.replace("_", "-"),
        "code": str(ResourceCode.parse(code)),
        "type": "".join(part.capitalize() for part in name.split("_")) + "Record",
        "field": f"{name}_records",
        "today": str(date_in_chongqing()),
    }
    texts = {f"{name}.py": SERVICE, f"test_{name}.py": TEST, f"{name}.yaml": ENTRY}
    if found := next((directory / file for file in texts if (directory / file).exists()), None):
        raise CodedError(START_REFUSED, f"{found} is there already.")
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (directory / file).write_text(text.format(**told), encoding="utf-8")
        yield directory / file

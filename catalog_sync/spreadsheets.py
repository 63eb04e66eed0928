"""The guideline's spreadsheet: one row an item, the resource's columns repeated, as xlsx or csv.

``COLUMNS`` is the one table from which rows are written and read back. Cells become the same tree of text that YAML
becomes, each cell with its row and heading, so every check is the same and every problem names its cell. A text that
a spreadsheet program would take for a formula is written as text: in csv behind an apostrophe, which reading removes.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl
from openpyxl.styles import Alignment, Font
from openpyxl.utils.exceptions import InvalidFileException

from catalog_sync.closed_lists import DataType, Opening, Sharing, written
from catalog_sync.documents import DocumentError, ListNode, MapNode, Node, TextNode
from catalog_sync.entries import CatalogueEntry
from catalog_sync.problems import CatalogueProblem, Place
from catalog_sync.table_reports import harmless, text_cell
from catalog_sync.writing import Document, entry_document

SHEET = "政务信息资源目录"
LARGEST_XLSX = 400_000_000
"""Bytes an xlsx file may unpack to; 71 departments' catalogue unpacks to about a tenth of it."""

_ITEM = "item."
_SEPARATOR = ";"
_LISTS = frozenset({"codes", "related"})
_GUESSED_STARTS = ("=", "#")

COLUMNS: tuple[tuple[str, str], ...] = (
    ("资源标识", "id"),
    ("信息资源名称", "title"),
    ("英文名", "alias"),
    ("信息资源代码", "codes"),
    ("信息资源提供方", "provider.name"),
    ("提供方内部部门", "provider.unit"),
    ("资源提供方代码", "provider.uscc"),
    ("信息资源摘要", "abstract"),
    ("信息资源格式分类", "format.class"),
    ("信息资源格式类型", "format.type"),
    ("格式说明", "format.note"),
    ("资源共享类型", "share.type"),
    ("资源共享条件", "share.condition"),
    ("共享方式分类", "share.category"),
    ("共享方式类型", "share.mode"),
    ("非接口方式理由", "share.mode_reason"),
    ("资源不予共享依据文件", "share.basis.document"),
    ("资源依据文号", "share.basis.number"),
    ("资源依据条款", "share.basis.article"),
    ("资源依据原文", "share.basis.quote"),
    ("资源依据除外情形", "share.basis.exception"),
    ("资源依据复核日期", "share.basis.review"),
    ("是否向社会开放", "open.value"),
    ("资源开放条件", "open.condition"),
    ("开放许可", "open.licence"),
    ("更新周期", "cycle"),
    ("更新周期说明", "cycle_note"),
    ("发布日期", "issued"),
    ("关联资源代码", "related"),
    ("所在网络", "network"),
    ("所属行政区划", "level"),
    ("流程状态", "state"),
    ("版本", "version"),
    ("有效期起", "valid.from"),
    ("有效期止", "valid.until"),
    ("子图", "subgraph"),
    ("存储总量GB", "census.stored_volume"),
    ("结构化记录总数", "census.stored_records"),
    ("已共享数据存储量GB", "census.shared_volume"),
    ("已共享结构化记录数", "census.shared_records"),
    ("已开放数据存储量GB", "census.opened_volume"),
    ("已开放结构化记录数", "census.opened_records"),
    ("信息项名称", "item.n"),
    ("信息项英文名", "item.en"),
    ("数据类型", "item.t"),
    ("数据长度", "item.len"),
    ("共享类型", "item.share"),
    ("共享条件", "item.condition"),
    ("不予共享依据文件", "item.basis.document"),
    ("依据文号", "item.basis.number"),
    ("依据条款", "item.basis.article"),
    ("依据原文", "item.basis.quote"),
    ("依据除外情形", "item.basis.exception"),
    ("依据复核日期", "item.basis.review"),
    ("开放类型", "item.open"),
    ("开放条件", "item.open_condition"),
    ("是否主键", "item.key"),
    ("是否基础信息项", "item.base"),
    ("例外批准文件", "item.exemption.document"),
    ("例外批准日期", "item.exemption.decided"),
    ("例外理由", "item.exemption.reason"),
    ("敏感标识", "item.flag"),
    ("脱敏规则", "item.mask"),
    ("是否去标识化", "item.anonymised"),
    ("是否仅供核验", "item.verify_only"),
    ("代码集", "item.codelist"),
    ("计量单位", "item.unit"),
    ("引用资源代码", "item.references"),
    ("信息项更新周期", "item.cycle"),
    ("停用说明", "item.deprecated"),
)
"""Heading and path of every column; a path that begins with ``item.`` belongs to the row's item."""

_PATHS = dict(COLUMNS)

_SHEET_WORDS: Mapping[str, Mapping[str, str]] = {
    "share": {
        written(Sharing.UNCONDITIONAL): "无条件共享",
        written(Sharing.CONDITIONAL): "有条件共享",
        written(Sharing.NOT_SHARED): "不予共享",
    },
    "open": {written(Opening.OPEN): "普遍开放", written(Opening.ON_APPLICATION): "依申请开放"},
    "type": {
        written(member): word
        for member, word in zip(
            DataType,
            ("字符串型C", "数值型N", "货币型Y", "日期型D", "日期时间型T", "逻辑型L", "备注型M", "通用型G", "双精度型B",
             "整型I", "浮点型F", "二进制blob", "长文本text"),
            strict=True,
        )
    },
}  # fmt: skip
_WORDS_OF_PATH = {"share.type": "share", "share": "share", "open": "open", "t": "type"}


def rows_of(entries: Iterable[CatalogueEntry]) -> Iterator[list[str]]:
    """The rows below the headings: one an item, or one for an entry without items."""
    for entry in entries:
        document = entry_document(entry)
        listed = document.pop("items", None)
        resource = [_cell(document, path) for _, path in COLUMNS if not path.startswith(_ITEM)]
        for item in listed if isinstance(listed, list) else [{}]:
            yield resource + [_cell(item, path.removeprefix(_ITEM)) for _, path in COLUMNS if path.startswith(_ITEM)]


def write_csv(entries: Iterable[CatalogueEntry], path: Path) -> None:
    """Writes the table as csv in UTF-8 with the mark by which spreadsheet programs know it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heading for heading, _ in COLUMNS)
        for row in rows_of(entries):
            writer.writerow(map(harmless, row))


def write_xlsx(entries: Iterable[CatalogueEntry], path: Path) -> None:
    """Writes the table as one sheet of an xlsx workbook, every cell as text."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.freeze_panes = "C2"
    headings = []
    for heading, _ in COLUMNS:
        cell = openpyxl.cell.WriteOnlyCell(sheet, heading)
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True)
        headings.append(cell)
    sheet.append(headings)
    for row in rows_of(entries):
        sheet.append([text_cell(sheet, text) if text.startswith(_GUESSED_STARTS) else text or None for text in row])
    book.save(path)


def read_csv(text: str, name: str) -> list[Node]:
    """The entries of a csv table as trees; DocumentError if it is no such table."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise _refuse(Place(name), f"This is no csv table: {error}.", "Save the sheet as csv in UTF-8.") from error
    plain = [[cell[1:] if cell.startswith("'") else cell for cell in row] for row in rows]
    return _entries(plain, name)


def read_xlsx(path: Path, name: str) -> list[Node]:
    """The entries of a workbook's sheet 政务信息资源目录, or else its first, as trees."""
    place = Place(name)
    remedy = "Save it with a spreadsheet program as .xlsx."
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > LARGEST_XLSX:
                raise _refuse(place, "The workbook is too large.", "Split it by department.")
        book = openpyxl.load_workbook(path, read_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise _refuse(place, "This is no xlsx workbook.", remedy) from error
    try:
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        rows = []
        for number, row in enumerate(sheet.iter_rows(), start=1):
            rows.append([_text_of(cell.value, cell.data_type, Place(name, number)) for cell in row])
    finally:
        book.close()
    return _entries(rows, name)


def _text_of(value: object, kind: str, place: Place) -> str:
    if kind == "f":
        raise _refuse(place, f"The cell holds a formula: {value}.", "Paste the value instead of the formula.")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _cell(document: Document, path: str) -> str:
    value: object = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return _SEPARATOR.join(map(str, value))
    words = _SHEET_WORDS.get(_WORDS_OF_PATH.get(path, ""), {})
    return words.get(str(value), str(value))


def _entries(rows: Sequence[Sequence[str]], name: str) -> list[Node]:
    if not rows:
        raise _refuse(Place(name), "The table is empty.", f"The first row holds the headings: {COLUMNS[0][0]}, ...")
    headings = [heading.strip() for heading in rows[0]]
    unknown = [heading for heading in headings if heading and heading not in _PATHS]
    missing = [heading for heading in ("资源标识", "信息资源名称") if heading not in headings]
    if unknown or missing or len({h for h in headings if h}) < sum(map(bool, headings)):
        wrong = f"unknown: {', '.join(unknown) or 'none'}; missing: {', '.join(missing) or 'none'}"
        remedy = "Take the headings of a file written by `watersmeet catalogue export`, each once."
        raise _refuse(Place(name, 1), f"The headings are not the catalogue's ({wrong}).", remedy)
    found: dict[str, _RowGroup] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = {
            _PATHS[heading]: TextNode(text.strip(), Place(name, number, heading))
            for heading, text in zip(headings, row, strict=False)
            if heading and text.strip()
        }
        if cells:
            identity = cells["id"].value if "id" in cells else ""
            found.setdefault(identity, _RowGroup(Place(name, number))).add(cells)
    return [group.tree() for group in found.values()]


class _RowGroup:
    """The rows of one entry, on their way to its tree."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._fields: dict[str, TextNode] = {}
        self._items: list[Node] = []

    def add(self, cells: Mapping[str, TextNode]) -> None:
        """Takes a row in: the resource's cells must repeat what the rows before say, or be empty."""
        item: dict[str, Node] = {}
        place = self._place
        for path, cell in cells.items():
            if path.startswith(_ITEM):
                _put(item, path.removeprefix(_ITEM), cell)
                place = Place(cell.place.file, cell.place.line)
                continue
            first = self._fields.setdefault(path, cell)
            if first.value != cell.value:
                message = f"{cell.value!r} contradicts {first.value!r} in row {first.place.line} of the same resource."
                raise _refuse(cell.place, message, "Write the same in every row of a resource.", "DUPLICATE")
        if item:
            self._items.append(MapNode(item, place))

    def tree(self) -> MapNode:
        """The entry as the tree that YAML would give."""
        fields: dict[str, Node] = {}
        for path, cell in self._fields.items():
            _put(fields, path, _split(cell) if path in _LISTS else cell)
        if self._items:
            fields["items"] = ListNode(tuple(self._items), self._place)
        return MapNode(fields, self._place)


def _split(cell: TextNode) -> ListNode:
    parts = cell.value.replace("；", _SEPARATOR).split(_SEPARATOR)
    return ListNode(tuple(TextNode(part.strip(), cell.place) for part in parts if part.strip()), cell.place)


def _put(fields: dict[str, Node], path: str, node: Node) -> None:
    *groups, last = path.split(".")
    for group in groups:
        inner = fields.setdefault(group, MapNode({}, node.place))
        assert isinstance(inner, MapNode)
        fields = inner.fields
    fields[last] = node


def _refuse(place: Place, message: str, remedy: str, rule: str = "FORM") -> DocumentError:
    return DocumentError(CatalogueProblem(rule, message, remedy, place))

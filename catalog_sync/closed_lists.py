"""The guideline's closed lists: each member's value is the word the catalogue is written with.

Source: Catalogue Compilation Guideline (trial), 发改高技术〔2017〕1272号, and the national spreadsheet template.
Words that other systems use for the same thing (the stored numbers 0, 1, 2; the full Chinese terms) are accepted on
input and written back in one form.
"""

from collections.abc import Mapping
from enum import StrEnum


class Sharing(StrEnum):
    """共享类型: what other departments may have of an item or a resource."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NOT_SHARED = "not_shared"


class Opening(StrEnum):
    """开放属性: what the public may have of an item or a resource."""

    OPEN = "open"
    ON_APPLICATION = "on_application"
    NOT_OPEN = "not_open"


class Sensitivity(StrEnum):
    """What law protects an item's values, apart from its tiers (Order 320, article 7)."""

    NONE = "none"
    PERSONAL = "personal"
    SENSITIVE_PERSONAL = "sensitive_personal"
    TRADE_SECRET = "trade_secret"
    WORK_SECRET = "work_secret"
    STATE_SECRET = "state_secret"

    @property
    def personal(self) -> bool:
        """Whether the values are about a person."""
        return self in (Sensitivity.PERSONAL, Sensitivity.SENSITIVE_PERSONAL)


class Network(StrEnum):
    """The two platforms of article 14: one deployment serves one of them."""

    EXTRANET = "extranet"
    INTRANET = "intranet"


class EntryState(StrEnum):
    """流程状态: where an entry stands on its way to release."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class DataType(StrEnum):
    """数据类型 of an information item."""

    STRING = "C"
    NUMERIC = "N"
    MONEY = "Y"
    DATE = "D"
    DATE_TIME = "T"
    LOGICAL = "L"
    MEMO = "M"
    GENERAL = "G"
    DOUBLE = "B"
    INTEGER = "I"
    FLOAT = "F"
    BLOB = "blob"
    TEXT = "text"


class Cycle(StrEnum):
    """更新周期: how often a resource is brought up to date."""

    REAL_TIME = "实时"
    DAILY = "每日"
    WEEKLY = "每周"
    MONTHLY = "每月"
    QUARTERLY = "每季度"
    HALF_YEARLY = "每半年"
    YEARLY = "每年"
    OTHER = "其他"


class SharingCategory(StrEnum):
    """共享方式分类."""

    PLATFORM = "共享平台方式"
    MAIL_OR_MEDIUM = "邮件或介质"


class SharingMode(StrEnum):
    """共享方式类型. An interface on the platform is the rule; every other mode needs a reason."""

    INTERFACE = "接口"
    DATABASE = "数据库"
    FILE = "文件"
    MAIL = "邮件"
    DISK = "拷盘"
    MEDIUM = "介质交换"


MODES_OF_CATEGORY: Mapping[SharingCategory, tuple[SharingMode, ...]] = {
    SharingCategory.PLATFORM: (SharingMode.INTERFACE, SharingMode.DATABASE, SharingMode.FILE),
    SharingCategory.MAIL_OR_MEDIUM: (SharingMode.MAIL, SharingMode.DISK, SharingMode.MEDIUM),
}

OTHER = "其他"

FORMATS: Mapping[str, tuple[str, ...]] = {
    "电子文件": ("doc", "docx", "html", "OFD", "pdf", "ppt", "txt", "wps", "xml", OTHER),
    "电子表格": ("et", "xls", "xlsx", OTHER),
    "数据库": (
        "access", "db2", "dbase", "dbf", "Dm", "KingbaseES", "oracle", "sqlServer", "sysbase", "mysql", OTHER,
    ),
    "图形图像": ("bmp", "gif", "jpg", OTHER),
    "流媒体": ("mpg", "rm", "swf", OTHER),
    "自描述格式": ("表格驱动码", OTHER),
}  # fmt: skip
"""信息资源格式: class -> types. ``sysbase`` is the national template's own spelling."""

STRUCTURED_FORMATS = frozenset({"电子表格", "数据库", "自描述格式"})
"""Classes of format whose entries must list their items."""

WRITTEN: Mapping[StrEnum, str] = {
    **{member: member.value for member in (*Sharing, *Opening)},
    Sharing.NOT_SHARED: "none",
    Opening.OPEN: "all",
    Opening.ON_APPLICATION: "application",
    Opening.NOT_OPEN: "none",
    DataType.BLOB: "二进制blob",
    DataType.TEXT: "长文本text",
}
"""Members that the catalogue writes in a word other than their value."""

SYNONYMS: Mapping[type[StrEnum], Mapping[str, StrEnum]] = {
    Sharing: {
        "none": Sharing.NOT_SHARED,
        "0": Sharing.UNCONDITIONAL, "无条件共享": Sharing.UNCONDITIONAL,
        "1": Sharing.CONDITIONAL, "有条件共享": Sharing.CONDITIONAL,
        "2": Sharing.NOT_SHARED, "不予共享": Sharing.NOT_SHARED,
    },
    Opening: {
        "all": Opening.OPEN, "普遍开放": Opening.OPEN, "无条件开放": Opening.OPEN,
        "application": Opening.ON_APPLICATION, "依申请开放": Opening.ON_APPLICATION,
        "有条件开放": Opening.ON_APPLICATION,
        "none": Opening.NOT_OPEN, "不开放": Opening.NOT_OPEN,
    },
    DataType: {
        "字符串型C": DataType.STRING, "字符串型": DataType.STRING,
        "数值型N": DataType.NUMERIC, "数值型": DataType.NUMERIC,
        "货币型Y": DataType.MONEY, "货币型": DataType.MONEY,
        "日期型D": DataType.DATE, "日期型": DataType.DATE,
        "日期时间型T": DataType.DATE_TIME, "日期时间型": DataType.DATE_TIME,
        "逻辑型L": DataType.LOGICAL, "逻辑型": DataType.LOGICAL,
        "备注型M": DataType.MEMO, "备注型": DataType.MEMO,
        "通用型G": DataType.GENERAL, "通用型": DataType.GENERAL,
        "双精度型B": DataType.DOUBLE, "双精度型": DataType.DOUBLE,
        "整型I": DataType.INTEGER, "整型": DataType.INTEGER,
        "浮点型F": DataType.FLOAT, "浮点型": DataType.FLOAT,
        "二进制blob": DataType.BLOB, "二进制": DataType.BLOB,
        "长文本text": DataType.TEXT, "长文本": DataType.TEXT,
    },
}  # fmt: skip
"""Words accepted on input beside the members' own."""

CYCLES_KEPT_AS_NOTE = ("小时", "每小时", "旬", "每旬", "不定期")
"""Cycles that systems in use know and the guideline does not: read as 其他, with the word kept as its note."""

PURPOSES = ("行政依据", "工作参考", "数据校核", "业务协同")
"""What a grant may be for: administrative basis, work reference, data verification, joint work."""


def written(member: StrEnum) -> str:
    """The word by which the catalogue's files write a member of a closed list."""
    return WRITTEN.get(member, member.value)

"""The catalogue at the scale of a city: 71 departments, 3,614 resources, 49,500 items (Chongqing in 2018).

    .venv/bin/python -m benchmarks.catalogue            reading, checking, searching, formats
    .venv/bin/python -m benchmarks.catalogue --kills 200   kill -9 three levels at random bytes of a synchronisation

Every entry is generated and keeps all rules. Times are wall clock, the best of ``--runs``; memory is the resident set
of this process before and after. Nothing is compared with a threshold here: the figures are for docs/catalogue.md.
"""

import argparse
import asyncio
import contextlib
import gc
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import psutil

from catalog_sync.closed_lists import Cycle, DataType, Opening, Sensitivity, Sharing, SharingCategory, SharingMode
from catalog_sync.entries import (
    CatalogueEntry,
    Format,
    InformationItem,
    Provider,
    derived_opening,
    derived_sharing,
)
from catalog_sync.identifiers import CreditCode, ResourceCode, credit_code_check, organisation_check
from catalog_sync.interchange import export_catalogue, import_catalogue, yaml_text
from catalog_sync.lifecycle import Side
from catalog_sync.loading import load_catalogue, national_classes, surroundings
from catalog_sync.platform import CataloguePlatform, open_platform
from catalog_sync.registry import Actor, EntryRecord, EntryVersion, Trigger, TriggerKind
from catalog_sync.rules import findings
from catalog_sync.search import CatalogueSearch, PlatformSearch, Search
from catalog_sync.store import verify_ledger

DEPARTMENTS, RESOURCES, ITEMS = 71, 3614, 49_500
TODAY = date(2026, 11, 23)
WORDS = (
    "人口", "户籍", "企业", "登记", "许可", "证照", "不动产", "社会保险", "婚姻", "教育", "医疗", "交通",
    "公交", "车辆", "环境", "排污", "监测", "统计", "财政", "税务", "住房", "公积金", "土地", "规划",
    "农业", "林业", "水利", "气象", "应急", "消防", "信用", "处罚", "检查", "投诉", "救助", "养老",
    "残疾", "就业", "培训", "职称", "专利", "商标", "食品", "药品", "计量",
)  # fmt: skip
ENDINGS = (
    "信息", "名称", "编号", "日期", "状态", "类别", "数量", "金额", "地址", "机关", "备注", "等级",
    "期限", "结果",
)  # fmt: skip
TYPES = tuple(DataType)
QUERIES = (
    "户籍", "不动产登记", "企业 许可", "社会保险 状态", "信用", "公交车辆",
    "item12", "Resource100", "30700533/7", "养老救助金额", "证", "环境监测结果",
    "没有这个词",
)  # fmt: skip

Result = TypeVar("Result")


def provider(number: int) -> Provider:
    """A made-up department with a credit code whose check digits are right."""
    first8 = f"BM{number:06d}"
    first17 = f"11500000{first8}{organisation_check(first8)}"
    return Provider(f"重庆市第{number}局", CreditCode.parse(first17 + credit_code_check(first17)), f"{number}处")


def generated() -> list[CatalogueEntry]:
    """The city's catalogue, the same every time."""
    chance = random.Random(2018)
    entries = []
    for number in range(RESOURCES):
        department = number % DEPARTMENTS + 1
        count = ITEMS // RESOURCES + (number < ITEMS % RESOURCES)
        items = tuple(item(chance, place) for place in range(count))
        words = chance.sample(WORDS, 2)
        code = ResourceCode(f"307005{department:02d}", number // DEPARTMENTS + 1)
        sharing, opening = derived_sharing(items), derived_opening(items)
        assert sharing is not None
        assert opening is not None
        entries.append(
            CatalogueEntry(
                f"cq-{number}", f"{words[0]}{words[1]}信息{number}", f"Resource{number}", (code,), provider(department),
                f"{words[0]}与{words[1]}的编号、名称、状态与日期，由第{department}局在履行职责中采集。",
                Format("数据库", "mysql"), sharing, opening,
                chance.choice([Cycle.DAILY, Cycle.MONTHLY, Cycle.REAL_TIME]), date(2026, 1, 15),
                items=items, condition="限政务服务事项办理，须附办件编号" if sharing is Sharing.CONDITIONAL else None,
                category=SharingCategory.PLATFORM, mode=SharingMode.INTERFACE,
                open_condition="依申请；用途说明" if opening is Opening.ON_APPLICATION else None,
            )
        )  # fmt: skip
    return entries


def item(chance: random.Random, place: int) -> InformationItem:
    """An item whose tiers keep the rules; the first is the key."""
    name = f"{chance.choice(WORDS)}{chance.choice(ENDINGS)}{place}"
    made = InformationItem(
        name, f"item{place}", chance.choice(TYPES), Sharing.UNCONDITIONAL, length=chance.randrange(1, 200)
    )
    if place == 0:
        return replace(made, key=True)
    if chance.random() < 0.4:
        return replace(made, sharing=Sharing.CONDITIONAL, sensitivity=Sensitivity.PERSONAL, mask="keep_3_4")
    return replace(made, opening=chance.choice([Opening.NOT_OPEN, Opening.NOT_OPEN, Opening.OPEN]))


def resident() -> float:
    """Megabytes of memory of this process."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def timed(name: str, runs: int, work: Callable[[], Result]) -> Result:
    """Prints the best time of several runs."""
    times = []
    for _ in range(runs):
        begun, worked = time.perf_counter(), time.process_time()
        result = work()
        times.append((time.perf_counter() - begun, time.process_time() - worked))
    wall, processor = min(times)
    print(f"{name:<44} {wall:8.2f} s (of the processor {processor:.2f} s)")
    return result


def measure(runs: int) -> None:
    """Prints every figure."""
    entries = generated()
    print(f"{DEPARTMENTS} departments, {len(entries)} resources, {sum(len(entry.items) for entry in entries)} items")
    classes = {**national_classes(), **{f"307005{n:02d}": f"第{n}局" for n in range(1, DEPARTMENTS + 1)}}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "catalogue"
        directory.mkdir()
        listed = "".join(f'"{code}": {name}\n' for code, name in classes.items()).replace("\n", "\n  ").rstrip()
        (directory / "classes.yaml").write_text(f"classes:\n  {listed}\n", encoding="utf-8")
        for department in range(1, DEPARTMENTS + 1):
            own = [entry for entry in entries if entry.provider == provider(department)]
            (directory / f"department-{department:02d}.yaml").write_text(yaml_text(own), encoding="utf-8")
        before = resident()
        catalogue = timed("read and check 71 YAML files", runs, lambda: load_catalogue(directory, today=TODAY))
        assert sorted(entry.id for entry in catalogue.entries) == sorted(entry.id for entry in entries)
        del entries
        print(f"{'memory for the catalogue, after reading':<44} {resident() - before:8.0f} MB")
        around = surroundings(catalogue.entries, classes, None, TODAY)
        timed(
            "all rules over all entries",
            runs,
            lambda: [finding for entry in catalogue.entries for finding in findings(entry, around)],
        )
        before = resident()
        search = timed("build the search index", 1, lambda: CatalogueSearch(catalogue.entries))
        print(f"{'memory for the search index':<44} {resident() - before:8.0f} MB")
        measure_search(search)
        measure_stores(catalogue.entries, Path(folder))
        for ending in (".json", ".xlsx", ".csv"):
            path = Path(folder) / f"all{ending}"
            timed(f"export {ending}", 1, lambda path=path: export_catalogue(catalogue.entries, path))  # type: ignore[misc]
            print(f"{f'size of {ending}':<44} {path.stat().st_size / 1e6:8.1f} MB")
        with_classes = [entry for entry in catalogue.entries if entry.code.class_code in national_classes()]
        export_catalogue(with_classes, Path(folder) / "some.json")
        timed(
            f"import {len(with_classes)} entries from .json", runs, lambda: import_catalogue(Path(folder) / "some.json")
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{'peak memory of the process':<44} {peak:8.0f} MB")


def measure_stores(entries: Sequence[CatalogueEntry], folder: Path) -> None:
    """Prints how long a city's catalogue takes to be stored, indexed and searched on each engine."""
    from tests.storage.databases import postgresql_server

    with contextlib.closing(postgresql_server()) as servers:
        for name, address in (("SQLite", str(folder / "city.db")), ("PostgreSQL", next(servers))):
            print(name)
            with open_platform(address) as platform:
                timed("store 3,614 entries with their ledger", 1, lambda: keep(platform, entries))
                search = PlatformSearch(platform)
                timed("index all of it", 1, lambda: search.find("户籍"))  # noqa: B023
                measure_search(search)
                timed("verify the ledger", 1, lambda: verify_ledger(platform.entries.ledger()))
                changed = replace(entries[0], title="改名之后", version=2)
                keep(platform, [changed], revision=2)
                timed("search after one entry changed", 1, lambda: search.find("改名之后"))  # noqa: B023


def keep(platform: CataloguePlatform, entries: Iterable[CatalogueEntry], revision: int = 1) -> None:
    """Stores entries as they are, one step each, in one transaction."""
    at, trigger = datetime(2026, 11, 23, tzinfo=UTC), Trigger(TriggerKind.CREATED, TODAY, "一号文")
    with platform.database.transaction():
        for entry in entries:
            actor = Actor("officer", entry.provider.credit_code, Side.PROVIDER)
            record = EntryRecord(entry.id, (EntryVersion(entry, trigger),), revision)
            platform.entries.save(record, "release", actor, at)


def measure_search(search: Search) -> None:
    """Prints how long a query takes."""
    times = []
    for _ in range(40):
        for query in QUERIES:
            begun = time.perf_counter()
            search.find(query)
            times.append(1000 * (time.perf_counter() - begun))
    found = {query: len(search.find(query)) for query in QUERIES}
    print(f"{'search, median of ' + str(len(times)):<44} {statistics.median(times):8.2f} ms")
    print(f"{'search, 95th of a hundred':<44} {statistics.quantiles(times, n=20)[-1]:8.2f} ms")
    print(f"{'search, slowest':<44} {max(times):8.2f} ms")
    print(f"hits: {found}")
    begun = time.perf_counter()
    search.obtainable(["户籍地址1", "信用等级", "婚姻状态"])
    print(f"{'three items: obtainable from whom':<44} {1000 * (time.perf_counter() - begun):8.2f} ms")


def main() -> None:
    """Reads the arguments and runs."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3, help="how often each measurement is repeated (default 3)")
    arguments.add_argument("--kills", type=int, default=0, help="kill the processes of three levels so many times")
    arguments.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own, not on SQLite")
    arguments.add_argument("--seed", type=int, default=7, help="of what happens at random (default 7)")
    chosen = arguments.parse_args()
    if chosen.kills:
        kill(chosen.kills, chosen.seed, on_postgresql=chosen.postgres)
    else:
        measure(chosen.runs)


def kill(kills: int, seed: int, *, on_postgresql: bool) -> None:
    """Kills processes of three levels while they synchronise, and prints what they hold afterwards."""
    from tests.catalogue.databases import DATABASES
    from tests.catalogue.exchange_process import Level
    from tests.catalogue.killing import kill_at_random
    from tests.storage.databases import postgresql_server

    with tempfile.TemporaryDirectory() as folder, contextlib.closing(postgresql_server()) as servers:
        DATABASES.server = next(servers) if on_postgresql else None
        begun = time.perf_counter()
        addresses = {level: str(DATABASES.address(Path(folder) / f"{level}.db")) for level in Level}
        report = asyncio.run(
            kill_at_random(addresses, kills, seed=seed, progress=lambda n: print(f"\r{n} killed", end="", flush=True))
        )
        times = ", ".join(f"the {level} {report.kills[level]} times" for level in Level)
        print(f"\nkilled: {times}; {report.cuts} lines cut beside, {report.undisturbed} runs undisturbed")
        print(
            f"{report.entries} entries, {report.decisions} decisions, {report.views} stricter views, {report.acts} acts"
        )
        print(f"ledger rows verified: {report.ledger_rows}; took {time.perf_counter() - begun:.0f} s")
        print("\n".join(report.differences) or "nothing lost or doubled: every level holds what it must")


if __name__ == "__main__":
    main()

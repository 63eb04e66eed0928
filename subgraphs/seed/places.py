"""Places: the districts and counties of Chongqing (GB/T 2260), streets, and standard addresses made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple


class Division(NamedTuple):
    """A district or county: its code, its name, its share of residents (per thousand or so), and where its seat is."""

    code: str
    name: str
    weight: int
    longitude: float
    latitude: float


DIVISIONS = tuple(
    Division(*row)
    for row in (
        ("500101", "万州区", 49, 108.41, 30.81), ("500102", "涪陵区", 35, 107.39, 29.70),
        ("500103", "渝中区", 18, 106.57, 29.55), ("500104", "大渡口区", 13, 106.48, 29.48),
        ("500105", "江北区", 29, 106.57, 29.61), ("500106", "沙坪坝区", 46, 106.46, 29.54),
        ("500107", "九龙坡区", 48, 106.51, 29.50), ("500108", "南岸区", 37, 106.56, 29.52),
        ("500109", "北碚区", 26, 106.40, 29.81), ("500110", "綦江区", 32, 106.65, 29.03),
        ("500111", "大足区", 26, 105.72, 29.71), ("500112", "渝北区", 68, 106.63, 29.72),
        ("500113", "巴南区", 37, 106.54, 29.40), ("500114", "黔江区", 15, 108.77, 29.53),
        ("500115", "长寿区", 22, 107.08, 29.86), ("500116", "江津区", 43, 106.26, 29.29),
        ("500117", "合川区", 39, 106.28, 29.97), ("500118", "永川区", 36, 105.93, 29.36),
        ("500119", "南川区", 18, 107.10, 29.16), ("500120", "璧山区", 24, 106.23, 29.59),
        ("500151", "铜梁区", 22, 106.06, 29.84), ("500152", "潼南区", 21, 105.84, 30.19),
        ("500153", "荣昌区", 21, 105.59, 29.40), ("500154", "开州区", 38, 108.39, 31.16),
        ("500155", "梁平区", 20, 107.80, 30.67), ("500156", "武隆区", 11, 107.76, 29.33),
        ("500229", "城口县", 6, 108.66, 31.95), ("500230", "丰都县", 17, 107.73, 29.86),
        ("500231", "垫江县", 20, 107.35, 30.33), ("500233", "忠县", 22, 108.04, 30.30),
        ("500235", "云阳县", 29, 108.70, 30.93), ("500236", "奉节县", 23, 109.46, 31.02),
        ("500237", "巫山县", 14, 109.88, 31.07), ("500238", "巫溪县", 12, 109.57, 31.40),
        ("500240", "石柱土家族自治县", 12, 108.11, 30.00), ("500241", "秀山土家族苗族自治县", 15, 109.00, 28.45),
        ("500242", "酉阳土家族苗族自治县", 19, 108.77, 28.84), ("500243", "彭水苗族土家族自治县", 16, 108.17, 29.29),
    )
)  # fmt: skip

DIVISION_WEIGHTS = tuple(accumulate(division.weight for division in DIVISIONS))

_STREETS = "嘉陵 长江 滨江 龙湖 金山 北城 南坪 学田 石桥 新牌坊 歇台 黄桷 桂花 民权 五一 青年"
STREETS = tuple(f"{name}{kind}" for name in _STREETS.split() for kind in ("路", "一路", "二路", "大道", "巷", "支路"))


@dataclass(frozen=True, slots=True)
class Address:
    """A standard address. ``code`` has 24 digits: division, street, house, floor and door."""

    code: str
    text: str
    division: Division
    longitude: str
    latitude: str


def draw_division(random: Random) -> Division:
    """A division, by its share of residents."""
    return random.choices(DIVISIONS, cum_weights=DIVISION_WEIGHTS)[0]


def addresses(random: Random) -> Iterator[Address]:
    """Addresses without end, no two with the same code."""
    taken: set[str] = set()
    while True:
        division = draw_division(random)
        street = random.randrange(len(STREETS))
        house, floor, door = random.randint(1, 400), random.randint(1, 33), random.randint(1, 8)
        code = f"{division.code}{street + 1:06d}{house:05d}{floor:04d}{door:03d}"
        if code in taken:
            continue
        taken.add(code)
        yield Address(
            code,
            f"重庆市{division.name}{STREETS[street]}{house}号{floor}-{door}",
            division,
            f"{division.longitude + random.uniform(-0.09, 0.09):.6f}",
            f"{division.latitude + random.uniform(-0.07, 0.07):.6f}",
        )

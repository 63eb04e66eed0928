"""``docs/performance.md`` and its picture, made from ``docs/measurements.json``: what was measured, nothing else."""

import json
import math
from pathlib import Path
from typing import Any

MEASUREMENTS = Path(__file__).parent / "measurements.json"

NAMES = {
    "ours": "Watersmeet",
    "hive-rust": "Hive Gateway with its Rust planner (Node 24)",
    "hive": "Hive Gateway (Node 24)",
    "apollo": "Apollo Gateway (Node 24)",
    "floor:asgi/mini/msgspec/gc": "the floor: the query written by hand in Python",
}


def performance_page() -> str:
    """The tables with their ratios, and what was measured apart from them."""
    measured = json.loads(MEASUREMENTS.read_text(encoding="utf-8"))
    lines = [
        "# Performance",
        "",
        f"Measured {measured['date']} on {measured['machine']}.",
        "Absolute times mean little on a shared machine; ratios of one run do. `make bench` repeats what needs nothing",
        "but this repository. This page is made from",
        "`docs/measurements.json` by `make docs`.",
        "",
        "![CPU time per request of several gateways, logarithmic](pictures/performance.svg)",
        "",
        "## Beside other gateways",
        "",
        measured["method"],
    ]
    for run in measured["runs"]:
        lines += [
            "",
            f"### {run['title']}",
            "",
            "| gateway | CPU ms/req | ratio | req/s | p50 ms | peak MB | subgraph calls |",
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        ours = run["gateways"]["ours"]["cpu_ms"]
        for name, found in sorted(run["gateways"].items(), key=lambda pair: pair[1]["cpu_ms"]):
            lines.append(
                f"| {NAMES[name]} | {found['cpu_ms']:.3f} | {found['cpu_ms'] / ours:.2f} | {found['rps']:,.0f} | "
                f"{found['p50_ms']:.1f} | {found['rss_mb']:.0f} | {found['calls']:.1f} |"
            )
    for section in measured["more"]:
        lines += ["", f"## {section['title']}", "", *section["lines"]]
    return "\n".join(lines) + "\n"


def performance_picture() -> str:
    """CPU time per request of the first run as bars on a logarithmic scale."""
    run: dict[str, Any] = json.loads(MEASUREMENTS.read_text(encoding="utf-8"))["runs"][0]
    rows = sorted(run["gateways"].items(), key=lambda pair: float(pair[1]["cpu_ms"]))
    least = min(float(found["cpu_ms"]) for _, found in rows)
    height = 30 + 34 * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" role="img" aria-labelledby="t" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="t">CPU milliseconds per request, {run["title"]}; shorter is better</title>',
        "<style>text { fill: #57606a } .ours { fill: #1f6feb } .other { fill: #afb8c1 }</style>",
    ]
    for number, (name, found) in enumerate(rows):
        top, cost = 14 + 34 * number, float(found["cpu_ms"])
        width = 60 + 300 * math.log10(cost / least)
        kind = "ours" if name == "ours" else "other"
        parts.append(f'<text x="330" y="{top + 15}" text-anchor="end">{NAMES[name]}</text>')
        parts.append(f'<rect class="{kind}" x="342" y="{top}" width="{width:.0f}" height="22" rx="3"/>')
        parts.append(f'<text x="{350 + width:.0f}" y="{top + 15}">{cost:.2f} ms</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"

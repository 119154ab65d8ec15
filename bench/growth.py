"""The plot of growth: time and memory by number of people, from what ``make bench`` left behind for several sizes."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

from bench.table import NAMES

mpl.use("svg")
from matplotlib import pyplot as plt

RESULTS = Path(__file__).with_name("results")
COLOURS = {"sqlite": "#1f6f8b", "postgresql": "#d9733a"}
CASES = ("import", "reformatted", "day2", "again")

Points = dict[tuple[str, str, str], dict[int, tuple[float, float]]]
"""By case, database and contestant: seconds and MiB by number of people."""


def points(results: Path = RESULTS) -> Points:
    """Read the newest figures of every size."""
    found: Points = defaultdict(dict)
    for path in sorted(results.glob("bench-*.json"), key=lambda one: one.stat().st_mtime):
        for one in json.loads(path.read_text(encoding="utf-8"))["measured"]:
            runs: list[dict[str, Any]] = one["runs"]
            figures = median(run["seconds"] for run in runs), max(run["peak_mib"] for run in runs)
            found[one["case"], one["database"], one["contestant"]][one["rows"]] = figures
    return found


def draw(found: Points, path: Path) -> None:
    """Draw time, and memory, each case with Matchpoint and the limit, on both databases."""
    figure, (times, memory) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    styles = dict(zip(CASES, ("-", "-.", "--", ":"), strict=True))
    for (case, database, contestant), by_rows in sorted(found.items()):
        if case not in styles or contestant not in {"matchpoint", "limit"}:
            continue
        rows = sorted(by_rows)
        is_ours = contestant == "matchpoint"
        how = {"linestyle": styles[case], "color": COLOURS[database], "alpha": 1.0 if is_ours else 0.35}
        label = f"{NAMES[case]}, {database}" if is_ours else None
        times.plot(rows, [by_rows[one][0] for one in rows], marker="o", markersize=3, label=label, **how)
        if is_ours:
            memory.plot(rows, [by_rows[one][1] for one in rows], marker="o", markersize=3, **how)
    times.set(xscale="log", yscale="log", xlabel="people", ylabel="seconds (pale: the bare limit)")
    times.legend(fontsize=7, handlelength=4)
    memory.set(xscale="log", xlabel="people", ylabel="peak memory, MiB")
    memory.set_ylim(bottom=0)
    memory.axhline(500, color="#9aa5b1", linewidth=0.8)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    draw(points(), Path(sys.argv[1]))

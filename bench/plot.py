"""The plot: how many times csv.reader each contestant takes, case by case."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from bench.measuring import YARDSTICK, Measured
from bench.table import NAMES, grouped

mpl.use("svg")
from matplotlib import pyplot as plt

COLOURS = {"limit": "#9aa5b1", "matchpoint": "#1f6f8b"}


def draw(measured: list[Measured], path: Path) -> None:
    """Draw bars on a logarithmic scale, a group to a case, database and size."""
    groups = grouped(measured)
    figure, axes = plt.subplots(figsize=(11, 0.9 * len(groups) + 1.5), layout="constrained")
    place, ticks = 0.0, []
    for (rows, case, database), by in groups.items():
        begin = place
        for contestant, one in by.items():
            if contestant != YARDSTICK:
                times = one.seconds / by[YARDSTICK].seconds
                axes.barh(place, times, height=0.8, color=COLOURS.get(contestant, "#d9a05b"))
                axes.text(times, place, f" {contestant} {times:.1f}x, {one.seconds:.1f} s", va="center", fontsize=7)
                place += 1
        ticks.append(((begin + place - 1) / 2, f"{NAMES[case]}\n{rows:,}, {database}"))
        place += 0.8
    axes.set_yticks([at for at, _ in ticks], [label for _, label in ticks], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.25)
    axes.set_xlabel("time, as a multiple of reading the same file with csv.reader")
    figure.savefig(path)
    plt.close(figure)

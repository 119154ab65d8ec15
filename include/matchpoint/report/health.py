"""What a report shows of the health of a feed: the verdicts in words, and the last feeds as small charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from matchpoint.amounts import number
from matchpoint.health.words import ACTIONS, TITLES, TO_DO, percent

WIDTH, HEIGHT, EDGE = 120, 24, 3
"""Of a chart, in the units of its drawing."""
_COLOURS = {"stop": "failed", "hold": "rejected", "warn": "skipped"}


@dataclass(frozen=True)
class VerdictLine:
    """One verdict: ``action`` in words, ``colour`` the class of its mark, ``do`` what to do about it."""

    action: str
    colour: str
    title: str
    file: str
    column: str
    found: str
    expected: str
    do: str


@dataclass(frozen=True)
class Spark:
    """One chart: ``line`` are the points of its drawing, ``x`` and ``y`` where this feed stands.

    ``usual`` is the median of the feeds before, ``now`` this feed, ``all_values`` every value with its day, as texts.
    The drawing begins at zero, so that half as high is half as much.
    """

    file: str
    of: str
    line: str
    x: float
    y: float
    usual: str
    now: str
    all_values: list[str]


@dataclass(frozen=True)
class HealthView:
    """What the section shows. ``sentence`` says it in short."""

    sentence: str
    lines: list[VerdictLine]
    sparks: list[Spark]


def view_health(health: Mapping[str, Any] | None) -> HealthView | None:
    """Give what a report shows of ``Receipt.health``; None when the run has checked nothing."""
    if health is None:
        return None
    lines = [_line(one) for one in health["verdicts"]]
    sparks = [_spark(one) for one in health["charts"]]
    return HealthView(_sentence(lines, sparks), lines, sparks)


def _sentence(lines: Sequence[VerdictLine], sparks: Sequence[Spark]) -> str:
    if len(lines) == 1:
        return "One thing is not as it should be."
    if lines:
        return f"{number(len(lines))} things are not as they should be."
    if sparks:
        return "The feed is as the last ones were."
    return "Nothing is wrong with the feed by itself; there is no earlier one to compare it with."


def _line(verdict: Mapping[str, str]) -> VerdictLine:
    action, code = verdict["action"], verdict["code"]
    return VerdictLine(
        action=ACTIONS[action],
        colour=_COLOURS[action],
        title=TITLES[code],
        file=verdict["subject"],
        column=verdict["column"],
        found=verdict["found"],
        expected=verdict["expected"],
        do=TO_DO[code],
    )


def _spark(chart: Mapping[str, Any]) -> Spark:
    values = [value for _, value in chart["points"]]
    tell = percent if chart["column"] else _whole
    top = max(values) or 1
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    places = [
        (round(EDGE + place * step, 1), round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value / top, 1))
        for place, value in enumerate(values)
    ]
    return Spark(
        file=chart["file"],
        of=f"{chart['column']}, empty" if chart["column"] else "rows",
        line=" ".join(f"{x:g},{y:g}" for x, y in places),
        x=places[-1][0],
        y=places[-1][1],
        usual=tell(median(values[:-1])),
        now=tell(values[-1]),
        all_values=[f"{at[:10]}: {tell(value)}" for at, value in chart["points"]],
    )


def _whole(value: float) -> str:
    return number(round(value))

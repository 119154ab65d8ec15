"""The bar of outcomes: which slice is how wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from matchpoint.outcomes import Outcome
from matchpoint.report.text import share

VISIBLE = 1.0
"""The least width, in percent of the bar, at which a slice can still be seen."""


@dataclass(frozen=True)
class Slice:
    """One outcome in the bar.

    ``share`` is the outcome's true part of the rows as text; ``x`` and ``width`` say, in percent of the bar,
    where its slice starts and how wide it is drawn.
    """

    outcome: Outcome
    rows: int
    share: str
    x: float
    width: float


def cut_slices(counts: Mapping[str, int]) -> list[Slice]:
    """Give a slice for each outcome that has rows, in the order of :class:`Outcome`; widths add up to 100.

    ``counts`` are those of :func:`matchpoint.outcomes.count_outcomes`. When a slice would be too thin to be
    seen, every slice gets :data:`VISIBLE` and only the rest of the bar is shared out by rows.
    """
    present = [outcome for outcome in Outcome if counts[outcome]]
    whole = sum(counts[outcome] for outcome in present)
    edges = _edges([100 * counts[outcome] / whole for outcome in present])
    return [
        Slice(outcome, counts[outcome], share(counts[outcome], whole), start, round(end - start, 3))
        for outcome, (start, end) in zip(present, pairwise(edges), strict=True)
    ]


def has_thin_slice(slices: list[Slice]) -> bool:
    """Say whether some outcome has so few rows that the bar was drawn with :data:`VISIBLE` for each."""
    whole = sum(one.rows for one in slices)
    return any(100 * one.rows / whole < VISIBLE for one in slices)


def _edges(percents: list[float]) -> list[float]:
    """Give where slices start and end: 0, then the end of each, rounded so that no gap opens."""
    least = VISIBLE if any(percent < VISIBLE for percent in percents) else 0.0
    scale = 1 - least * len(percents) / 100
    edges = [0.0]
    for percent in percents:
        edges.append(edges[-1] + least + percent * scale)
    return [round(edge, 3) for edge in edges]

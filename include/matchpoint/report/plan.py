"""The page of a plan, and the question that is asked about one. They name nobody: numbers, groups, fields, rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchpoint.guard.verdict import Judgement
from matchpoint.report.render import MARKDOWN, PAGES
from matchpoint.report.text import share

_WORDS = {
    "create": ("created", "Would be created"),
    "update": ("updated", "Would be changed"),
    "leave": ("failed", "Would be removed"),
    "reject": ("rejected", "Not accepted"),
}


@dataclass(frozen=True)
class CategoryLine:
    """A category: the outcome whose colour it has, its words, its people with their share, whether it waits.

    ``groups`` are user group, people of it, and of how many they are, where that is known.
    """

    colour: str
    words: str
    people: int
    share: str
    waits: bool
    groups: list[tuple[str, int, int]]
    examples: list[str]


@dataclass(frozen=True)
class PlanView:
    """All that the page of a plan shows."""

    title: str
    summary: Mapping[str, Any]
    judged: Judgement
    lines: list[CategoryLine]
    inputs: list[tuple[str, str]]


def render_plan(summary: Mapping[str, Any], judged: Judgement, name: str) -> str:
    """Give a plan (``plan.json``) with its judgement as one HTML page; ``name`` is that of the profile."""
    return PAGES.get_template("plan.html.j2").render(view=_view(summary, judged, name))


def render_question(summary: Mapping[str, Any], judged: Judgement, name: str) -> tuple[str, str]:
    """Give the headline and, as Markdown, the body of the question whether what waits may be applied."""
    people = sum(sum(judged.people.get(category, {}).values()) for category in judged.parked)
    view = _view(summary, judged, name)
    headline = f"{view.title}, as of {summary['as_of']}: {people:,} people wait for your answer"
    return headline, MARKDOWN.get_template("question.md.j2").render(view=view)


def _view(summary: Mapping[str, Any], judged: Judgement, name: str) -> PlanView:
    return PlanView(
        title=f"{name}: {summary['mode']}",
        summary=summary,
        judged=judged,
        lines=[_line(category, judged) for category in _WORDS if sum(judged.people.get(category, {}).values())],
        inputs=sorted(summary["inputs"].items()),
    )


def _line(category: str, judged: Judgement) -> CategoryLine:
    groups, (colour, words) = judged.people[category], _WORDS[category]
    people, whole = sum(groups.values()), judged.processed if category == "reject" else judged.of
    named = sorted(groups.items(), key=lambda one: (-one[1], one[0]))
    return CategoryLine(
        colour,
        words,
        people,
        share(people, whole) if whole else "",
        category in judged.parked,
        [(group, number, judged.sizes.get(group, 0)) for group, number in named if group],
        [f"{file}, row {row}" for file, row in judged.examples.get(category, ())],
    )

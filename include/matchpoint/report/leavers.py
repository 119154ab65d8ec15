"""What a report shows of leavers: numbers by user group, and what one should know about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matchpoint.amounts import counted
from matchpoint.leavers.feeds import NOT_FULL
from matchpoint.leavers.words import WORDS

NO_GROUP = "no user group"


@dataclass(frozen=True)
class LeaverView:
    """``words`` are the columns that somebody is in, ``lines`` the user groups with their numbers, then ``total``.

    ``held`` are the people of the clearance list.
    """

    words: list[str]
    lines: list[tuple[str, list[int]]]
    total: list[int]
    remarks: list[str]
    held: int


def view_leavers(leavers: Mapping[str, Any] | None) -> LeaverView | None:
    """Give what a report shows; None where the profile does nothing about leavers."""
    if leavers is None:
        return None
    total = leavers["counts"]
    words = [word for word in WORDS.values() if total.get(word)]
    lines = [
        (group or NO_GROUP, [some.get(word, 0) for word in words]) for group, some in leavers["by_group"].items()
    ]
    return LeaverView(words, lines, [total[word] for word in words], list(_remarks(leavers)), total["held"])


def _remarks(leavers: Mapping[str, Any]) -> Iterator[str]:
    if leavers["not_counted"]:
        yield f"Nobody was counted as absent, since this run is not a full feed: {NOT_FULL[leavers['not_counted']]}."
    if number := leavers["unidentified"]:
        yield f"{counted(number, 'row')} without any identifier: somebody absent may be meant. Mend the file first."
    if number := leavers["counts"]["held"]:
        yield f"{counted(number, 'person')} on the clearance list: clearance.csv in the run folder says why."
    if number := leavers["conflict"]:
        yield f"Changed by somebody else meanwhile, and left for the next run: {number:,}."
    if number := leavers["settled"]:
        yield f"Absent for longer, with nothing due in this run: {number:,}."
    if not any(leavers["counts"].values()) and not leavers["not_counted"]:
        yield "Nobody is newly missing."

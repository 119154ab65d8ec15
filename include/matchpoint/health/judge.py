"""Judging a feed: what was measured of its files, beside the last good feeds. Values in, verdicts out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from matchpoint.health.compared import broken_signs, compared_signs, gone_columns
from matchpoint.health.measured import Measured
from matchpoint.health.signs import own_signs
from matchpoint.health.verdict import Verdict
from matchpoint.profile.health import Health

OFTEN = 3
"""Good feeds that must all have had a file, before it is missed."""


@dataclass(frozen=True)
class Feed:
    """The files of an earlier run that was applied, and when they were noted (ISO 8601)."""

    at: str
    files: list[Measured]

    def like(self, one: Measured) -> list[Measured]:
        """Give the files of the same family."""
        return [other for other in self.files if (other.family, other.join) == (one.family, one.join)]


def earlier(one: Measured, past: Sequence[Feed]) -> list[tuple[str, Measured]]:
    """Give the earlier files, with their times, that a file is to be held against, the newest first.

    They are those of its family; where there never was one, all of its kind: names may have nothing in common.
    """
    family = [(feed.at, other) for feed in past for other in feed.like(one)]
    return family or [(feed.at, other) for feed in past for other in feed.files if other.join == one.join]


def judge(
    files: Sequence[Measured],
    past: Sequence[Feed],
    health: Health,
    *,
    due: float,
    reads: Collection[str],
    is_chosen: bool = False,
) -> list[Verdict]:
    """Judge the files of a run beside the last good feeds, the newest first; what needs none is told anyhow.

    ``due`` is when the run was due, in seconds since 1970, ``reads`` are the columns that the mapping reads, and
    ``is_chosen`` says that a person chose one file, so that none is missed. The stops come first, then what is held.
    """
    verdicts = [verdict for one in files for verdict in _of_file(one, past, health, due, reads)]
    if not is_chosen and not all(one.is_mended for one in files if not one.join):
        verdicts += _missing(files, past, health)
    order = ["stop", "hold", "warn"]
    return sorted((one for one in verdicts if one.action in order), key=lambda one: order.index(one.action))


def _of_file(
    one: Measured, past: Sequence[Feed], health: Health, due: float, reads: Collection[str]
) -> Iterator[Verdict]:
    before = [] if one.is_mended else [other for _, other in earlier(one, past)]
    signs = chain(own_signs(one, health, due), broken_signs(one, before))
    for sign in chain(signs, compared_signs(one, before, health) if before else ()):
        action = getattr(health, sign[0], "stop")  # an empty file has nothing to go on with
        if sign[0] == "columns_changed" and not one.join and gone_columns(one, before).intersection(reads):
            action = "stop"  # nobody could be mapped
        yield Verdict.of(sign, action, one.label)


def _missing(files: Sequence[Measured], past: Sequence[Feed], health: Health) -> Iterator[Verdict]:
    if len(past) < OFTEN:
        return
    always = set.intersection(*({(other.family, other.join) for other in feed.files} for feed in past))
    for family, _ in sorted(always - {(one.family, one.join) for one in files}):
        sign = ("missing_file", "", "no such file", f"one, as in each of the last {len(past)} good feeds")
        yield Verdict.of(sign, health.missing_file, family)

"""Notices: what became of a run, short enough to be read on a telephone, and without a person's data.

A notice is made of what a run left in its folder (receipt, plan, guard, health) and says counts, reasons in fixed
words, and where to look. How it is sent is the shell's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matchpoint.amounts import counted, number
from matchpoint.outcomes import Outcome
from matchpoint.profile import Mode, Profile
from matchpoint.profile.notices import Occasion
from matchpoint.report import words
from matchpoint.report.text import one_line
from matchpoint.run_folder import RunFolder

MOST_REASONS = 10
"""Reasons told in one notice; the report has all."""


@dataclass(frozen=True)
class Notice:
    """One notice.

    ``subject`` is one line, ``sentence`` what happened, ``reasons`` why, each a line, ``counts`` those of the run by
    outcome, ``links`` addresses by the words on them, ``run_id`` the run, "" where there was none.
    """

    occasion: Occasion
    profile: str
    subject: str
    sentence: str
    reasons: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    run_id: str = ""

    @property
    def told(self) -> list[str]:
        """The first reasons, and how many more there are."""
        more = len(self.reasons) - MOST_REASONS
        first = [one_line(reason) for reason in self.reasons[:MOST_REASONS]]
        return [*first, f"and {number(more)} more, see the report"] if more > 0 else first

    @property
    def text(self) -> str:
        """The whole notice as plain text."""
        parts = [one_line(self.sentence)]
        parts += ["\n".join(f"- {reason}" for reason in self.told)] if self.reasons else []
        parts += ["\n".join(f"{name}: {address}" for name, address in self.links.items())] if self.links else []
        return "\n\n".join(parts)

    @property
    def payload(self) -> dict[str, Any]:
        """The notice as plain JSON values; ``text`` is what chat systems show of it."""
        return {
            "occasion": self.occasion,
            "profile": self.profile,
            "run_id": self.run_id,
            "subject": one_line(self.subject),
            "text": f"{one_line(self.subject)}\n\n{self.text}",
            "reasons": self.told,
            "counts": dict(self.counts),
            "links": dict(self.links),
        }


def success_notice(profile: Profile, mode: Mode, folder: RunFolder, links: Mapping[str, str]) -> Notice | None:
    """Give the notice of a run that ended well; None when there was nothing to do, or it was a dry run."""
    receipt = folder.find_json("receipt.json")
    if receipt is None or receipt["dry_run"]:
        return None
    total = receipt["total"]
    to_mend = sum(total[one] for one in (Outcome.REJECTED, Outcome.CONFLICT, Outcome.FAILED))
    rest = f"{number(to_mend)} to mend" if to_mend else "all went through"
    return Notice(
        "success",
        profile.code,
        f"{profile.name}: {mode} done: {counted(total['processed'], 'row')}, {rest}",
        f"{_counts(total)}, as of {receipt['as_of']}.",
        [*_confidential(receipt), *_health(folder), *map(_reason, receipt["reasons"])],
        total,
        links,
        receipt["run_id"],
    )


def hold_notice(profile: Profile, mode: Mode, folder: RunFolder, links: Mapping[str, str]) -> Notice:
    """Give the notice of a run that waits for a person: what it would do, and what made it wait."""
    plan, guard = folder.find_json("plan.json") or {}, folder.find_json("guard.json") or {}
    counts = plan.get("counts", {})
    parked = [f"held back: {_told(one)}" for one in guard.get("parked", [])]
    return Notice(
        "hold",
        profile.code,
        f"{profile.name}: {mode} waits for approval",
        f"Nothing is written until somebody approves. The plan: {_counts(counts)}.",
        [*_health(folder), *map(_told, guard.get("trips", [])), *parked],
        counts,
        links,
        plan.get("run_id", ""),
    )


def failure_notice(
    profile: Profile, mode: Mode, folder: RunFolder, links: Mapping[str, str], run_id: str = ""
) -> Notice:
    """Give the notice of a run that failed: which tasks, and what they said."""
    failures = read_failures(folder)
    where = ", ".join(dict.fromkeys(one["task"] for one in failures))
    return Notice(
        "failure",
        profile.code,
        f"{profile.name}: {mode} failed{f' in {where}' if where else ''}",
        "The run stopped. Mend the cause, then clear the red task: that is always safe.",
        [f"{one['task']}: {one['text']}" for one in failures],
        {},
        links,
        run_id,
    )


def nothing_notice(profile: Profile, day: str, links: Mapping[str, str]) -> Notice:
    """Give the notice that no extract of a profile was taken on ``day`` (an ISO date) when one was expected."""
    by = profile.notices.expected_by if profile.notices else ""
    actions = (profile.action("import"), profile.action("synchronize"))
    places = {one.path: one.pattern for one in actions if one}
    return Notice(
        "nothing_arrived",
        profile.code,
        f"{profile.name}: nothing has arrived by {by}",
        f"On {day} no extract was applied or planned by {by} ({profile.timezone}).",
        [f"looked for {pattern} in {path}, connection {profile.connection}" for path, pattern in places.items()]
        + ["look whether the file is there, still being written, or in a run that failed"],
        {},
        links,
    )


def note_failure(folder: RunFolder, task: str, text: str, map_index: int = -1) -> None:
    """Keep what a failed task said, until the run's notice is sent. The text must hold no person's data."""
    name = task if map_index < 0 else f"{task}.{map_index:03}"
    folder.write_json(f"failures/{name}.json", {"task": task, "text": text})


def read_failures(folder: RunFolder) -> list[dict[str, str]]:
    """Give what the failed tasks of a run said, as ``task`` and ``text``."""
    names = sorted(path.name for path in folder.root.joinpath("failures").glob("*.json"))
    return [folder.read_json(f"failures/{name}") for name in names]


def forget_failures(folder: RunFolder) -> None:
    """Take away what :func:`note_failure` kept: a run that is cleared begins anew."""
    for path in folder.root.joinpath("failures").glob("*.json"):
        path.unlink()


def _confidential(receipt: Mapping[str, Any]) -> list[str]:
    rows = sum(one.get("confidential", 0) for one in receipt["files"])
    return [f"{number(rows)} {words.CONFIDENTIAL}"] if rows else []


def _health(folder: RunFolder) -> list[str]:
    """Give in words what the health gate had to say."""
    verdicts = (folder.find_json("health.json") or {}).get("verdicts", [])
    return [_told(one) for one in verdicts if one.get("action") in ("hold", "warn")]


def _told(one: str | Mapping[str, Any]) -> str:
    """Give the words of a verdict, of a trip of the guard or of what it holds back."""
    if isinstance(one, str):
        return one
    return str(one.get("text") or one.get("code") or "see the report")


def _reason(reason: Mapping[str, Any]) -> str:
    of = f" {reason['field']}:" if reason["field"] else ""
    return f"{number(reason['rows'])} {reason['outcome']}:{of} {reason['text']}"


def _counts(counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{number(counts[one])} {one}" for one in Outcome if counts.get(one))
    return told or "no rows"

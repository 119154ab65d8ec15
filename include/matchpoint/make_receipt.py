"""Making the receipt and the rejections files of a run, from its plan and what applying it changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from matchpoint.confidential import confidential_rows
from matchpoint.findings import TEXTS, Finding
from matchpoint.guard.verdict import Judgement
from matchpoint.health.check import told_health
from matchpoint.leavers.files import counts_of
from matchpoint.outcomes import Outcome, count_outcomes
from matchpoint.plan import PlanRow, count_plan, read_plan, read_summary
from matchpoint.profile import Profile
from matchpoint.receipt import FileReceipt, Reason, Receipt
from matchpoint.rejections import write_rejections
from matchpoint.run_folder import RunFolder
from matchpoint.side_rejects import read_as, side_rejects

_MENDABLE = {Outcome.REJECTED, Outcome.CONFLICT, Outcome.FAILED}
_EXAMPLES = 5


def make_receipt(folder: RunFolder, profile: Profile, *, now: datetime) -> Receipt:
    """Account for every row of a run; writes the rejections files."""
    summary = read_summary(folder)
    ledger = _account(folder, summary)
    ledger.rejects.update(side_rejects(folder, profile, ledger.rejects))
    files = []
    labels = {}
    warnings = _Told()
    leavers = counts_of(folder, summary)
    for extract in folder.extracts:
        rejections = write_rejections(folder, extract, profile, ledger.rejects[extract.number])
        counts = count_outcomes(ledger.outcomes[extract.number].elements())
        labels[extract.number] = extract.label
        for finding in folder.findings(extract.number):
            if finding.severity == "drop":
                warnings.add(("", finding.code, finding.field), extract.number, finding.row)
        receipt = FileReceipt(extract.name, extract.member, extract.sha256, extract.size, counts, rejections)
        if rejections and profile.confidential:
            rows = {reject.row for reject in ledger.rejects[extract.number]}
            receipt = replace(receipt, confidential=len(rows & confidential_rows(folder, extract, profile)))
        files.append(replace(receipt, **read_as(folder, extract)))
    return Receipt(
        run_id=summary["run_id"],
        profile=profile.code,
        profile_name=profile.name,
        mode=summary["mode"],
        dry_run=summary["dry_run"],
        as_of=summary["as_of"],
        started_at=summary["planned_at"],
        finished_at=now.isoformat(),
        files=files,
        reasons=ledger.told.reasons(labels),
        changed_fields=dict(ledger.changed.most_common()),
        plan_sha256=summary["sha256"],
        warnings=warnings.reasons(labels),
        judged=Judgement.read(folder),
        health=told_health(folder),
        leavers=leavers.as_dict() if leavers else None,
    )


def _account(folder: RunFolder, summary: Mapping[str, Any]) -> _Ledger:
    """Count every row, and take the reasons of those that have one to tell."""
    deviations = {position: (outcome, code) for position, outcome, code in folder.read_lines("applied.jsonl")}
    ledger = _Ledger()
    for number, rows in summary["unchanged"].items():
        ledger.outcomes[int(number)][Outcome.UNCHANGED] += rows
    for (number, outcome), rows in count_plan(folder).items():
        ledger.outcomes[number][outcome] += rows
    # A row that is created or unchanged, as planned, has nothing more to tell.
    told = frozenset(Outcome) if deviations else frozenset(Outcome) - {Outcome.CREATED, Outcome.UNCHANGED}
    for row in read_plan(folder, told):
        ledger.add(row, deviations.get(row.position))
    return ledger


class _Ledger:
    """Counts rows as they go by."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Counter[str]] = defaultdict(Counter)
        self.rejects: dict[int, list[Finding]] = defaultdict(list)
        self.changed: Counter[str] = Counter()
        self.told = _Told()

    def add(self, row: PlanRow, deviation: tuple[str, str] | None) -> None:
        """Take the reasons of a row as it came out; the outcomes planned are counted already."""
        if deviation:
            outcome, code = deviation
            self.outcomes[row.extract].update({row.outcome: -1, outcome: 1})
            row = replace(row, outcome=outcome, code=code, field=None, detail=None, changes=None)
        if row.changes:
            self.changed.update(orjson.loads(row.changes).keys())
        if row.code is None:
            return
        self.told.add((row.outcome, row.code, row.field or ""), row.extract, row.row)
        if row.outcome in _MENDABLE:
            self.rejects[row.extract].append(Finding(row.row, row.field or "", row.code, row.detail or ""))


class _Told:
    """Reasons, each with its number and a few examples."""

    def __init__(self) -> None:
        self.times: Counter[tuple[str, str, str]] = Counter()
        self.examples: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)

    def add(self, reason: tuple[str, str, str], extract: int, row: int) -> None:
        self.times[reason] += 1
        if len(self.examples[reason]) < _EXAMPLES:
            self.examples[reason].append((extract, row))

    def reasons(self, labels: dict[int, str]) -> list[Reason]:
        """Give the reasons, the most frequent first, with examples by file name and row number."""
        return [
            Reason(
                *reason[:2],
                field=reason[2],
                text=TEXTS[reason[1]],
                rows=rows,
                examples=[(labels[extract], row) for extract, row in self.examples[reason]],
            )
            for reason, rows in self.times.most_common()
        ]

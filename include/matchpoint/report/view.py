"""What a report shows, in the order it shows it: the receipt, sorted and named for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from matchpoint.amounts import counted, number
from matchpoint.guard.verdict import Judgement
from matchpoint.outcomes import Outcome
from matchpoint.receipt import FileReceipt, Reason, Receipt
from matchpoint.report import words
from matchpoint.report.chart import Slice, cut_slices, has_thin_slice
from matchpoint.report.health import HealthView, view_health
from matchpoint.report.leavers import LeaverView, view_leavers
from matchpoint.report.text import duration, file_size, moment, shorten_hash

INSIDE = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
"""What stands between a zip and its member: an arrow head that no shell or path uses."""


@dataclass(frozen=True)
class FileLine:
    """One extract: ``label`` is its name, or archive, :data:`INSIDE` and member."""

    label: str
    counts: Mapping[str, int]
    rejections: str | None
    confidential: int = 0

    @property
    def link(self) -> str:
        """Where the rejections file is, seen from the report, on disk and on the web alike."""
        return f"rejections/{quote(self.rejections or '', safe='', errors='surrogatepass')}"

    @property
    def to_mend(self) -> int:
        """How many rows stand in the rejections file."""
        return self.counts["rejected"] + self.counts["conflict"] + self.counts["failed"]


@dataclass(frozen=True)
class ReasonLine:
    """One reason: each of ``examples`` reads "students.csv, row 12"."""

    outcome: str
    field: str
    text: str
    rows: int
    examples: list[str]


@dataclass(frozen=True)
class FieldLine:
    """One changed field: ``users`` changed in it; ``width`` is its bar, in percent of the longest one."""

    field: str
    users: int
    width: float


@dataclass(frozen=True)
class Fact:
    """One line of the footer: ``text`` is what one reads, ``exact`` the receipt's own value behind it."""

    name: str
    text: str
    exact: str


@dataclass(frozen=True)
class Digest:
    """What a hash is of, in words, and the hash, whole and short."""

    of: str
    sha256: str
    short: str


@dataclass(frozen=True)
class View:
    """All that the templates print. A section whose list is empty is left out."""

    title: str
    sentence: str
    as_of: str
    dry_run: bool
    balanced: bool
    total: Mapping[str, int]
    slices: list[Slice]
    thin: bool
    files: list[FileLine]
    reasons: list[ReasonLine]
    warnings: list[ReasonLine]
    changed_fields: list[FieldLine]
    mendable: list[FileLine]
    confidential: int
    facts: list[Fact]
    digests: list[Digest]
    judged: Judgement | None
    health: HealthView | None
    leavers: LeaverView | None


def view_receipt(receipt: Receipt) -> View:
    """Give what a report of ``receipt`` shows: reasons by outcome, then, like fields, the most first."""
    slices = cut_slices(receipt.total)
    files = [_file_line(one) for one in receipt.files]
    return View(
        title=words.title(receipt),
        sentence=words.sentence(receipt),
        as_of=receipt.as_of,
        dry_run=receipt.dry_run,
        balanced=all(_is_balanced(one.counts) for one in files),
        total=receipt.total,
        slices=slices,
        thin=has_thin_slice(slices),
        files=files,
        reasons=[_reason_line(one) for one in sorted(receipt.reasons, key=_reason_order)],
        warnings=[_reason_line(one) for one in sorted(receipt.warnings, key=lambda one: -one.rows)],
        changed_fields=_field_lines(receipt.changed_fields),
        mendable=[one for one in files if one.rejections],
        confidential=sum(one.confidential for one in files),
        facts=_facts(receipt),
        digests=_digests(receipt),
        judged=receipt.judged,
        health=view_health(receipt.health),
        leavers=view_leavers(receipt.leavers),
    )


def _is_balanced(counts: Mapping[str, int]) -> bool:
    return counts["processed"] == sum(counts[outcome] for outcome in Outcome)


def _label(one: FileReceipt) -> str:
    return f"{one.name}{INSIDE}{one.member}" if one.member else one.name


def _file_line(one: FileReceipt) -> FileLine:
    read = "" if one.rows_read is None else f", {counted(one.rows_read, 'row')} joined as {one.joined_as}"
    return FileLine(f"{_label(one)}{read}", one.counts, one.rejections, one.confidential)


def _reason_order(reason: Reason) -> tuple[int, int, str, str]:
    return list(Outcome).index(Outcome(reason.outcome)), -reason.rows, reason.field, reason.code


def _reason_line(reason: Reason) -> ReasonLine:
    return ReasonLine(
        outcome=reason.outcome,
        field=reason.field,
        text=reason.text,
        rows=reason.rows,
        examples=[f"{name}, row {number(row)}" for name, row in reason.examples],
    )


def _field_lines(changed: Mapping[str, int]) -> list[FieldLine]:
    present = {field: users for field, users in changed.items() if users}
    most = max(present.values(), default=0)
    lines = [FieldLine(field, users, round(100 * users / most, 3)) for field, users in present.items()]
    return sorted(lines, key=lambda line: (-line.users, line.field))


def _facts(receipt: Receipt) -> list[Fact]:
    took = duration(receipt.started_at, receipt.finished_at)
    return [
        Fact("Run", receipt.run_id, receipt.run_id),
        Fact("Profile", receipt.profile, receipt.profile),
        Fact("As of", receipt.as_of, receipt.as_of),
        Fact("Started", moment(receipt.started_at), receipt.started_at),
        Fact("Finished", f"{moment(receipt.finished_at)}, after {took}", receipt.finished_at),
    ]


def _digests(receipt: Receipt) -> list[Digest]:
    of_files = [(f"{_label(one)}, {file_size(one.size)}", one.sha256) for one in receipt.files]
    hashes = [*of_files, ("the plan", receipt.plan_sha256)]
    return [Digest(of, sha256, shorten_hash(sha256)) for of, sha256 in hashes if sha256]

"""The signs that one file shows by itself: cut off, empty, too old, or not what its trailer says."""

from __future__ import annotations

from decimal import Decimal

from matchpoint.amounts import counted
from matchpoint.health.measured import Measured
from matchpoint.health.trailer import number
from matchpoint.health.verdict import Signs
from matchpoint.profile.health import Health, Trailer


def own_signs(one: Measured, health: Health, due: float) -> Signs:
    """Give the signs that need no earlier feed; ``due`` is when the run was due, in seconds since 1970."""
    if one.cut:
        yield "truncated", "", one.cut, "a whole file"
    if one.rows == 0:
        yield "empty", "", "no rows", "at least one"
    hours = (due - one.modified) / 3_600
    if health.max_age_hours is not None and hours > health.max_age_hours:
        yield "too_old", "", f"a file {hours:,.0f} hours old", f"at most {health.max_age_hours:g} when the run is due"
    if health.trailer and not one.join and not one.is_mended and one.rows is not None:
        yield from _of_trailer(one, health.trailer)


def _of_trailer(one: Measured, trailer: Trailer) -> Signs:
    if one.control is None:
        yield "truncated", "", "no trailer at the end", "a line that health.trailer.line matches"
        return
    if "rows" in one.control:
        claimed = number(one.control["rows"])
        told = "no number of rows in the trailer" if claimed is None else f"a trailer for {claimed:,f} rows"
        rows = (one.rows or 0) + trailer.also_counted
        if claimed != rows:
            beside = f" and {counted(trailer.also_counted, 'other line')}" if trailer.also_counted else ""
            yield "control_count", "", told, f"{counted(one.rows or 0, 'row')}{beside}, as there are"
    if "total" in one.control:
        column = trailer.total_of or ""
        claimed, total = number(one.control["total"]), Decimal(one.total or 0)
        told = "no number as total in the trailer" if claimed is None else f"a total of {claimed:,f} in the trailer"
        if claimed != total or one.strange:
            strange = f", with {counted(one.strange, 'value')} that are no numbers" if one.strange else ""
            yield "control_total", column, told, f"{total:,f}, as the rows add up to{strange}"

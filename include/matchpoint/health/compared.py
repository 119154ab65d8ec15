"""The signs that show when a file is held against the last good ones of its family."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from statistics import median
from typing import Any

from matchpoint.amounts import counted
from matchpoint.health.measured import Measured
from matchpoint.health.verdict import Signs
from matchpoint.health.words import percent, quoted
from matchpoint.profile.health import Health

SMALL = 20
"""With fewer rows than these, shares and counts jump without a reason."""
_ACCENTS = 0.002
"""Share of rows with letters beyond ASCII, from which on it is strange when there are none."""
_BROKEN = 0.001
"""Share of rows with letters that broke, from which on it is told."""


def compared_signs(one: Measured, past: Sequence[Measured], health: Health) -> Signs:
    """Give the signs of a file beside the last good ones, the newest first; there is at least one."""
    as_ever = "as in the last good file" if len(past) == 1 else f"as in the last {len(past)} good files"
    if one.ends_whole is False and not one.cut and all(before.ends_whole for before in past):
        yield "truncated", "", "a last line without its end", f"a line break behind it, {as_ever}"
    if one.sha256 == past[0].sha256 and not one.join:  # a side file may well stay as it is
        yield "same_as_before", "", "the very content of the last good file", "a new extract"
    yield from _encoding(one, past, as_ever)
    yield from _columns(one, past)
    yield from _rows(one, past, health)
    for name, column in one.columns.items():
        before = [other for other in past if name in other.columns and other.sampled >= SMALL]
        if before and one.sampled >= SMALL:
            yield from _empty(name, column, [other.columns[name] for other in before], health)
            yield from _codes(name, column, [other.columns[name] for other in before], health)


def broken_signs(one: Measured, past: Sequence[Measured]) -> Signs:
    """Give the sign of letters that broke on the way; it needs no earlier file, but spares what was ever so."""
    usual = max((before.broken for before in past), default=0.0)
    if one.broken > max(_BROKEN, 5 * usual):
        found = f"letters that broke on the way, such as Ã¼ for ü, in {percent(one.broken)} of rows"
        yield "encoding_changed", "", found, "letters as they were written"


def _encoding(one: Measured, past: Sequence[Measured], as_ever: str) -> Signs:
    usual = {before.encoding for before in past if before.encoding not in {"", "ascii"}}
    if not usual:
        return
    named = " or ".join(sorted(usual))
    if one.encoding not in {"", "ascii", *usual}:
        yield "encoding_changed", "", f"text in {_named(one.encoding)}", f"{named}, {as_ever}"
    share = median(before.accented for before in past)
    if one.encoding == "ascii" and share >= _ACCENTS and share * (one.rows or 0) >= SMALL:
        found = "no letter with an accent at all"
        yield "encoding_changed", "", found, f"some in about {percent(share)} of rows, {as_ever}"


def _named(encoding: str) -> str:
    return "an encoding of one byte a letter" if encoding == "8-bit" else encoding


def _columns(one: Measured, past: Sequence[Measured]) -> Signs:
    usual = next((before.header for before in past if before.header), None)
    if usual is None or one.header is None:
        return
    gone = [name for name in usual if name not in one.header]
    new = [name for name in one.header if name not in usual]
    if gone or new:
        parts = [f"no column {quoted(gone)}"] if gone else []
        parts += [f"the new column {quoted(new)}"] if new else []
        near = {name: get_close_matches(name.casefold(), [other.casefold() for other in new], n=1) for name in gone}
        parts += [f"{name!r} may now be {_written(match[0], new)!r}" for name, match in near.items() if match]
        yield "columns_changed", "", ", ".join(parts), f"the {counted(len(usual), 'column')} of the last good file"
    stayed = [name for name in one.header if name in usual]
    order = [name for name in usual if name in one.header]
    if stayed != order:
        moved = [name for name, before in zip(stayed, order, strict=True) if name != before]
        yield "columns_moved", "", f"{quoted(moved)} in another place", "the order of the last good file"


def _written(folded: str, names: Sequence[str]) -> str:
    return next(name for name in names if name.casefold() == folded)


def gone_columns(one: Measured, past: Sequence[Measured]) -> set[str]:
    """Name the columns that the last good file has and this one has not."""
    usual = next((before.header for before in past if before.header), None)
    return set(usual or ()) - set(one.header or ()) if one.header is not None else set()


def _rows(one: Measured, past: Sequence[Measured], health: Health) -> Signs:
    counts = [before.rows for before in past if before.rows is not None]
    if one.rows is None or not counts:
        return
    usual = median(counts)
    low, high = usual * (1 - health.row_band), usual * (1 + health.row_band)
    if max(one.rows, usual) >= SMALL and not low <= one.rows <= high:
        expected = f"{max(low, 0):,.0f} to {high:,.0f}; {usual:,.0f} are usual"
        yield "row_count", "", counted(one.rows, "row"), expected


def _empty(name: str, column: dict[str, Any], before: list[dict[str, Any]], health: Health) -> Signs:
    usual = median(one["empty"] for one in before)
    if abs(column["empty"] - usual) > health.null_drift:
        low, high = max(usual - health.null_drift, 0), min(usual + health.null_drift, 1)
        found = f"it empty in {percent(column['empty'])} of rows"
        yield "null_rate", name, found, f"{percent(low)} to {percent(high)}; {percent(usual)} are usual"


def _codes(name: str, column: dict[str, Any], before: list[dict[str, Any]], health: Health) -> Signs:
    before = [one for one in before if one["codes"] is not None]
    known = sorted({code for one in before for code in one["codes"]})
    if not any(one["different"] for one in before):
        return
    expected = f"the codes of the last good files: {quoted(known, 12) or 'none that many rows share'}"
    if column["codes"] is None:
        most = max(one["different"] for one in before)
        if column.get("different", 0) > 2 * most:
            yield "codes", name, f"{column['different']} different values", expected
        return
    usual = {code: median(one["codes"].get(code, 0.0) for one in before) for code in known}
    new = {code: share for code, share in column["codes"].items() if code not in known}
    gone = {code: share for code, share in usual.items() if share and code not in column["codes"]}
    others = max(column["others"] - max(one["others"] for one in before), 0.0)
    if max(sum(new.values()) + others, sum(gone.values())) > health.code_drift:
        parts = [f"new codes {_shares(new)}"] if new else []
        parts += [f"values that few rows share in {percent(others)} of rows"] if others else []
        parts += [f"no code {_shares(gone)}"] if gone else []
        yield "codes", name, " and ".join(parts), expected


def _shares(codes: dict[str, float]) -> str:
    first = sorted(codes, key=lambda code: (-codes[code], code))
    told = ", ".join(f"{code!r} ({percent(codes[code])})" for code in first[:5])
    return f"{told} and {len(first) - 5} others" if len(first) > 5 else told

"""The table: what was measured beside what is to be reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.measuring import PEERS, YARDSTICK, Measured

NAMES = {
    "import": "import",
    "day2": "synchronize, day 2",
    "again": "synchronize, same again",
    "reformatted": "synchronize, reformatted",
    "xml": "Alma XML, write and read",
}
RATIO = {"import": 2.0, "day2": 2.0, "again": 2.0, "reformatted": 2.0, "xml": 1.5}
SECONDS = {("day2", 1_000_000): 15.0, ("again", 1_000_000): 5.0}
PEAK_MIB = 500
AHEAD = {"import": 1.0, "day2": 10.0}

Key = tuple[int, str, str]


def verdicts(measured: Iterable[Measured]) -> dict[tuple[Key, str], bool]:
    """Tell which goals are reached: by case, and by ratio, seconds, memory or peer."""
    found = {}
    for key, by in grouped(measured).items():
        if "matchpoint" not in by:
            continue
        rows, case, _ = key
        ours = by["matchpoint"]
        if "limit" in by:
            found[key, "ratio"] = ours.seconds <= RATIO[case] * by["limit"].seconds
        if (case, rows) in SECONDS:
            found[key, "seconds"] = ours.seconds <= SECONDS[case, rows]
        found[key, "memory"] = ours.peak_mib <= PEAK_MIB
        for peer in PEERS:
            if peer in by:
                found[key, peer] = by[peer].seconds >= AHEAD[case] * ours.seconds
    return found


def grouped(measured: Iterable[Measured]) -> dict[Key, dict[str, Measured]]:
    """Give the measured by size, case and database."""
    groups: dict[Key, dict[str, Measured]] = {}
    for one in measured:
        groups.setdefault((one.rows, one.case, one.database), {})[one.contestant] = one
    return groups


def lines(measured: list[Measured]) -> Iterator[str]:
    """Give the table as Markdown."""
    yield "| rows | case | database | who | seconds | x csv.reader | x limit | goal | MiB | users written | verdict |"
    yield "|---:|---|---|---|---:|---:|---:|---|---:|---:|---|"
    told = verdicts(measured)
    for key, by in grouped(measured).items():
        for one in by.values():
            yield _line(key, one, by, told)


def _line(key: Key, one: Measured, by: dict[str, Measured], told: dict[tuple[Key, str], bool]) -> str:
    rows, case, database = key
    reading, limit = by[YARDSTICK], by.get("limit")
    goal, verdict = "", ""
    if one.contestant == "matchpoint":
        goal = f"<= {RATIO[case]:g}x the limit, <= {PEAK_MIB} MiB"
        goal += f", <= {SECONDS[case, rows]:g} s" if (case, rows) in SECONDS else ""
        missed = [what for what in ("ratio", "seconds", "memory") if told.get((key, what)) is False]
        verdict = f"missed: {', '.join(missed)}" if missed else "reached"
    elif one.contestant in PEERS and "matchpoint" in by:
        goal = f"Matchpoint >= {AHEAD[case]:g}x ahead"
        ahead = one.seconds / by["matchpoint"].seconds
        verdict = f"{'reached' if told[key, one.contestant] else 'missed'}: {ahead:.1f}x"
    ratio = f"{one.seconds / limit.seconds:.2f}" if limit and one.contestant != YARDSTICK else ""
    written = "" if one.written is None else f"{one.written:,}"
    return (
        f"| {rows:,} | {NAMES[case]} | {database} | {one.contestant} | {one.seconds:.2f} | "
        f"{one.seconds / reading.seconds:.1f} | {ratio} | {goal} | {one.peak_mib} | {written} | {verdict} |"
    )

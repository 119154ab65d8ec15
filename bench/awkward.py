"""A small extract with everything that a SIS does wrong, for tests that the fast way and the slow way agree."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

from bench.generate import AT, COLUMNS, SEED, Row, next_day, people

ROWS = 5_000
SHARE = 0.3
"""How many of the rows are awkward in some way."""

Change = Callable[[Row, random.Random], list[Row]]


def _setting(column: str, *values: str) -> Change:
    """Make the change that puts one of some values into a column; ``{}`` stands for what was there."""

    def change(row: Row, chance: random.Random) -> list[Row]:
        row[AT[column]] = chance.choice(values).replace("{}", row[AT[column]])
        return [row]

    return change


def _without(*columns: str) -> Change:
    def change(row: Row, _: random.Random) -> list[Row]:
        for column in columns:
            row[AT[column]] = ""
        return [row]

    return change


def _ragged(row: Row, chance: random.Random) -> list[Row]:
    return [chance.choice([row[:-2], [*row, "more"], row[:1], []])]


def _twice(row: Row, chance: random.Random) -> list[Row]:
    again = [*row]
    for column in chance.choice([(), ("FIRST_NAME",), ("CARD_NUMBER", "NET_ID"), ("BANNER_ID",)]):
        again[AT[column]] += "x"
    return [row, again]


def _other_case(row: Row, chance: random.Random) -> list[Row]:
    for column in ("BANNER_ID", "NET_ID", "CARD_NUMBER"):
        row[AT[column]] = chance.choice([str.upper, str.lower, str.swapcase])(row[AT[column]])
    return [row]


def _shares_card(row: Row, chance: random.Random) -> list[Row]:
    row[AT["CARD_NUMBER"]] = f"99999{chance.randrange(50):09}"
    return [row]


CHANGES: tuple[Change, ...] = (
    _ragged,
    _twice,
    _other_case,
    _shares_card,
    _setting("MA_STREET1", "1 Main Street\nRear", "2 Oak\r\nAvenue", '3 "The"', "4 \\ Back, Slash", "{}\t", "'{}"),
    _setting("BIRTH_DATE", "31-FEB-2001", "2001-02-03", "1-Jan-2001", "01-jan-2001", "soon", "0", " {} "),
    _setting("END_DATE", "", "31-FEB-2031", "15-may-2031", "15/05/2031"),
    _setting("LEVEL_CODE", "ZZ", "ug", "", " UG ", "*"),
    _setting("CAMPUS", "MOON", "main", "", " DT"),
    _setting("MA_NATION", "ZZ", "us", ""),
    _setting("BANNER_ID", "", "   ", "\u00a0", "{} ", "a b", "{}\u00df", "{}SS", "\u0130{}"),
    _setting("NET_ID", "", "STRASSE", "stra\u00dfe", "{}\u00e9", "{}e\u0301", "\u202e{}", "{}" * 40),
    _setting("LAST_NAME", "", "Null", "NA", "=1+1", "\U0001f600", "\u05d0", "O\u2019Brien", "{}\x07", "x" * 300),
    _setting("FIRST_NAME", "", "007", "true", "\ufeff{}", "\ufffd", "{}\x00", "\u2028", "{}\x7f"),
    _setting("EMAIL_CAMPUS", "", "no address", "{}\n", "A" * 260),
    _without("EMAIL_CAMPUS", "EMAIL_PERSONAL", "EMAIL_WORK", "PHONE_MOBILE", "PHONE_HOME"),
    _without("MA_STREET1", "MA_STREET2", "MA_CITY", "MA_STATE", "MA_ZIP", "MA_NATION", "PR_STREET1", "PR_CITY"),
    _without("CARD_NUMBER", "NET_ID"),
    _without("PREF_FIRST_NAME", "CAMPUS", "GENDER", "COLLEGE", "MAJOR", "STUDENT_TYPE"),
    _without(*COLUMNS),
)


def _spoilt(rows: list[Row], name: str) -> list[Row]:
    chance = random.Random(f"{SEED} {name}")  # noqa: S311 (no secret)
    found: list[Row] = []
    for row in rows:
        spoil = len(row) == len(COLUMNS) and chance.random() < SHARE
        found += chance.choice(CHANGES)(row, chance) if spoil else [row]
    return found


def write_awkward(folder: Path, rows: int = ROWS) -> dict[str, Path]:
    """Write day 1, day 2 (spoilt in other places: some rows are mended, some turn bad), and day 2 reformatted."""
    day1, day2 = _spoilt(list(people(rows)), "day 1"), _spoilt(list(next_day(rows)), "day 1")
    day2 = _spoilt(day2[: rows // 2], "day 2") + day2[rows // 2 :]
    return {
        "day1": _write(folder / "day1.csv", [COLUMNS, *day1]),
        "day2": _write(folder / "day2.csv", [COLUMNS, *day2]),
        "reformatted": _write(folder / "reformatted.csv", [row[::-1] for row in (COLUMNS, *day2)], csv.QUOTE_ALL),
    }


def _write(path: Path, rows: list[Row], quoting: int = csv.QUOTE_MINIMAL) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting).writerows(rows)  # type: ignore[call-overload]
    return path

"""Extracts of made-up students."""

from __future__ import annotations

import csv
import io
from typing import Any

COLUMNS = [
    "STUDENT_ID", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "PREFERRED_NAME", "SEX", "LEVEL_CODE", "CAMPUS",
    "BIRTH_DATE", "END_DATE", "CARD_NUMBER", "NET_ID", "EMAIL", "EMAIL_PERSONAL", "MOBILE", "TERM_STREET",
    "TERM_CITY", "TERM_STATE", "TERM_ZIP", "HOME_STREET", "HOME_CARE_OF", "HOME_CITY", "HOME_ZIP",
    "HOME_COUNTRY", "PROGRAM",
]  # fmt: skip


def student(number: int, **changes: str) -> dict[str, str]:
    """Make up one row."""
    return {
        **dict.fromkeys(COLUMNS, ""),
        "STUDENT_ID": f"S{number:05}",
        "FIRST_NAME": f"Given{number}",
        "LAST_NAME": f"Family{number}",
        "LEVEL_CODE": "UG",
        "BIRTH_DATE": "2004-02-29",
        "END_DATE": "2027-06-30",
        "CARD_NUMBER": f"C{number:05}",
        "NET_ID": f"net{number}",
        "EMAIL": f"student{number}@example.edu",
        "MOBILE": "212 555 0142",
        "TERM_STREET": f"{number} College Road",
        "TERM_CITY": "Springfield",
        **changes,
    }


def extract(rows: list[dict[str, Any]]) -> str:
    """Write rows as the SIS does."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def day_1() -> str:
    """30 rows: 28 good; row 31 has a bad date, row 12 the card of the row before."""
    rows = [student(number) for number in range(1, 31)]
    rows[10]["CARD_NUMBER"] = rows[9]["CARD_NUMBER"]
    rows[29]["END_DATE"] = "next summer"
    return extract(rows)


def day_2() -> str:
    """31 rows: 3 changed, the 2 bad ones mended, 2 new, 1 unknown level, 23 as they were; student 9 is gone."""
    rows = [student(number) for number in range(1, 33) if number != 9]
    rows[0]["LAST_NAME"] = "Married"
    rows[1]["EMAIL"] = ""
    rows[2]["CARD_NUMBER"] = "NEWCARD"
    rows[6]["LEVEL_CODE"] = "??"
    return extract(rows)

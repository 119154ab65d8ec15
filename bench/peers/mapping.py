"""The mapping that all peers share: a row of the extract as a dict, to a user in Alma's JSON form."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from bench.profiles import bench_profile

BATCH = 5_000
_CROSSWALKS = bench_profile().crosswalks
_OWNER = {"segment_type": "External"}

Row = dict[str, str]
User = dict[str, Any]


def batches(path: Path) -> Iterator[list[User]]:
    """Read an extract and map it, some users at a time."""
    with path.open(encoding="utf-8", newline="") as file:
        users = map(to_user, csv.DictReader(file))
        while batch := list(islice(users, BATCH)):
            yield batch


@cache
def to_date(value: str) -> str:
    """Give a date as Alma writes it."""
    return datetime.strptime(value, "%d-%b-%Y").date().isoformat()  # noqa: DTZ007 (a day has no zone)


def to_user(row: Row) -> User:
    """Map one row."""
    row = {name: value.strip() for name, value in row.items()}
    user: User = {
        "primary_id": row["BANNER_ID"].lower(),
        "first_name": row["FIRST_NAME"],
        "middle_name": row["MIDDLE_NAME"],
        "last_name": row["LAST_NAME"],
        "pref_first_name": row["PREF_FIRST_NAME"],
        "gender": _coded("genders", row["GENDER"]),
        "user_group": _coded("groups", row["LEVEL_CODE"]),
        "campus_code": _coded("campuses", row["CAMPUS"]),
        "birth_date": to_date(row["BIRTH_DATE"]),
        "expiry_date": to_date(row["END_DATE"]),
        "purge_date": to_date(row["PURGE_DATE"]),
        "preferred_language": {"value": "en"},
        "record_type": {"value": "PUBLIC"},
        "account_type": {"value": "EXTERNAL"},
        "external_id": "banner",
        "status": {"value": "ACTIVE"},
        "user_identifier": [
            {"id_type": {"value": "BARCODE"}, "value": row["CARD_NUMBER"], **_OWNER},
            {"id_type": {"value": "INST_ID"}, "value": row["NET_ID"].lower(), **_OWNER},
        ],
        "contact_info": {"address": list(_addresses(row)), "email": list(_emails(row)), "phone": list(_phones(row))},
        "user_statistic": [
            {"statistic_category": {"value": value}, **_OWNER}
            for value in (_CROSSWALKS["colleges"][row["COLLEGE"]], row["MAJOR"].upper(), row["STUDENT_TYPE"].upper())
        ],
    }
    return {name: value for name, value in user.items() if value}


def _coded(crosswalk: str, value: str) -> User:
    return {"value": _CROSSWALKS[crosswalk][value]}


def _addresses(row: Row) -> Iterator[User]:
    school = {
        "preferred": True,
        "address_type": [{"value": "school"}],
        "line1": row["MA_STREET1"],
        "line2": row["MA_STREET2"],
        "city": row["MA_CITY"],
        "state_province": row["MA_STATE"].upper(),
        "postal_code": row["MA_ZIP"],
        "country": _coded("nations", row["MA_NATION"]),
        **_OWNER,
    }
    yield {name: value for name, value in school.items() if value}
    if row["PR_STREET1"]:
        yield {
            "address_type": [{"value": "home"}],
            "line1": row["PR_STREET1"],
            "city": row["PR_CITY"],
            "state_province": row["PR_STATE"].upper(),
            "postal_code": row["PR_ZIP"],
            "country": {"value": "USA"},
            **_OWNER,
        }


def _emails(row: Row) -> Iterator[User]:
    for kind, value in (("school", "EMAIL_CAMPUS"), ("personal", "EMAIL_PERSONAL"), ("work", "EMAIL_WORK")):
        if row[value]:
            preferred = {"preferred": True} if kind == "school" else {}
            yield {"email_type": [{"value": kind}], "email_address": row[value].lower(), **preferred, **_OWNER}


def _phones(row: Row) -> Iterator[User]:
    for kind, value in (("mobile", "PHONE_MOBILE"), ("home", "PHONE_HOME")):
        if row[value]:
            preferred = {"preferred": True, "preferred_sms": True} if kind == "mobile" else {}
            yield {"phone_type": [{"value": kind}], "phone_number": row[value], **preferred, **_OWNER}

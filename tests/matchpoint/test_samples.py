"""The published samples: what comes of them, value by value, and that they are made up.

``tests/golden/<code>.json`` holds the users and rejections that a librarian expects. After a change that is meant,
write them anew and read the difference::

    UPDATE_GOLDEN=1 python -m pytest tests/matchpoint/test_samples.py
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from matchpoint.alma.check import leaves
from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.check_profile import check_profile, find_profile, find_samples, newest_date
from matchpoint.checked import Checked, readable_json
from matchpoint.code_tables import files_of, read_all
from matchpoint.profile import load_profile, load_profiles

REPOSITORY = Path(__file__).resolve().parents[2]
PROFILES = REPOSITORY / "include" / "profiles"
SAMPLES = PROFILES / "samples"
TABLES = CodeTables(read_all(files_of(REPOSITORY / "include" / "code_tables")))
GOLDEN = REPOSITORY / "tests" / "golden"
CODES = ["alma_xml", "staff", "students"]
EXAMPLES = sorted(path.stem for path in (PROFILES / "examples").glob("*.yaml"))
"""Profiles to copy from, of which no DAG is made: one for each kind of extract."""


def check(code: str, day: int = 1) -> Checked:
    samples = find_samples(PROFILES, code) if day == 1 else sorted((SAMPLES / "day2" / code).iterdir())
    return check_profile(load_profile(find_profile(PROFILES, code)), samples, newest_date(samples), TABLES)


def outcome(checked: Checked) -> dict[str, Any]:
    """Give users by file and row, the rejections, and the warnings where there are any."""
    users: dict[str, dict[str, Any]] = {}
    for one in checked.users:
        users.setdefault(one.file, {})[str(one.row)] = one.user
    told = checked.as_dict()
    warnings = {"warnings": told["warnings"]} if told["warnings"] else {}
    return {"users": users, "rejections": told["rejections"], **warnings}


@pytest.mark.parametrize("code", [*CODES, *EXAMPLES])
def test_a_sample_becomes_what_a_librarian_expects(code: str) -> None:
    found = outcome(check(code))
    path = GOLDEN / f"{code}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(readable_json(found) + "\n", encoding="utf-8")
    expected = json.loads(path.read_text(encoding="utf-8"))
    assert found["rejections"] == expected["rejections"]
    assert found["users"] == expected["users"]
    assert found == expected


def test_every_profile_has_samples_of_both_days_and_a_golden_file() -> None:
    codes = [profile.code for profile in load_profiles(PROFILES).good]
    assert codes == CODES
    for code in codes:
        [first], [second] = find_samples(PROFILES, code), list((SAMPLES / "day2" / code).iterdir())
        assert second.name == first.name.replace("2026-08-24", "2026-08-25")
        assert (GOLDEN / f"{code}.json").exists()


@pytest.mark.parametrize(("code", "users", "rejected"), [("alma_xml", 9, 1), ("staff", 13, 1), ("students", 21, 3)])
def test_the_first_day(code: str, users: int, rejected: int) -> None:
    checked = check(code)
    assert (len(checked.users), len(checked.rejections)) == (users, rejected)
    assert len({one.message for one in checked.rejections}) == rejected


@pytest.mark.parametrize(("code", "rejected"), [("alma_xml", 1), ("staff", 1), ("students", 3)])
def test_the_second_day_brings_a_bit_of_everything(code: str, rejected: int) -> None:
    before, after = check(code), check(code, 2)
    old = {one.user["primary_id"]: one.user for one in before.users}
    new = {one.user["primary_id"]: one.user for one in after.users}
    assert len(old.keys() - new.keys()) == 1, "one is gone"
    assert len(new.keys() - old.keys()) == 3, "two are new, and one is mended"
    assert sum(old[one] != new[one] for one in old.keys() & new.keys()) == 3, "three are changed"
    assert len(after.rejections) == rejected, "one bad row is mended, and one is new"
    assert {one.message for one in after.rejections} - {one.message for one in before.rejections}


def test_no_identifier_of_the_samples_belongs_to_two_people() -> None:
    """All profiles of the demo share one user store, over both days."""
    owners: dict[str, set[str]] = {}
    for code in CODES:
        for day in (1, 2):
            for one in check(code, day).users:
                for _, value in identifiers(one.user):
                    owners.setdefault(key(value), set()).add(one.user["primary_id"])
    assert {value: people for value, people in owners.items() if len(people) > 1} == {}


NO_ONES_NUMBERS = re.compile(r"(\+1 202-555-01\d\d|(\+44 ?|0)(1632 960\d{3}|20 7946 0\d{3}|7700 900\d{3}))")
"""The numbers that are kept free for stories, in the United States and the United Kingdom."""


@pytest.mark.parametrize(
    ("code", "day"), [*((code, day) for code in CODES for day in (1, 2)), *((code, 1) for code in EXAMPLES)]
)
def test_nobody_can_be_reached_at_what_the_samples_say(code: str, day: int) -> None:
    for one in check(code, day).users:
        for place, _, value in leaves(one.user):
            if place == "email.email_address":
                assert value.endswith(("@example.edu", "@example.org"))
            if place == "phone.phone_number":
                assert NO_ONES_NUMBERS.fullmatch(value)


def test_the_samples_hold_what_goes_wrong_elsewhere() -> None:
    staff = (SAMPLES / "staff" / "hr_2026-08-24.txt").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        staff.decode("utf-8")
    students = check("students").users
    assert any(one.user["last_name"] == "Null" for one in students)
    assert any("first_name" not in one.user for one in students), "somebody has one name only"
    assert any(one.user["primary_id"].startswith("000") for one in students), "zeros in front stay"
    born = Counter(one.user["birth_date"][:2] for one in check("staff").users)
    assert born == {"19": 12, "20": 1}


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.zip")), ids=lambda path: str(path.relative_to(SAMPLES)))
def test_a_zip_is_the_same_whenever_it_is_made(path: Path) -> None:
    day = tuple(map(int, path.stem.rpartition("_")[2].split("-")))
    with zipfile.ZipFile(path) as archive:
        assert {info.date_time[:3] for info in archive.infolist()} == {day}
        if "alma_xml" in path.parts:
            assert archive.namelist() == ["users_1.xml", "users_2.xml"]
        else:
            assert "manifest.csv" in archive.namelist()

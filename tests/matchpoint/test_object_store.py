"""A run folder in an object store is the same as one on a disk: same receipts, same files, byte by byte."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from airflow.sdk import ObjectStoragePath
from feeds import check_again
from helpers import House, csv_text, essence, make_profile, open_house, person, xml_text, xml_user, zip_of
from queue_and_objects import object_store_connection

from matchpoint.profile import Profile, load_profile

PROFILES = Path(__file__).resolve().parents[2] / "include" / "profiles"
Files = dict[str, str | bytes]
ROWS = [person(1), person(2, BORN="never"), person(3), person(4, CARD="Card3")]


def workbook(rows: list[dict[str, str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in [list(rows[0]), *(list(one.values()) for one in rows)]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def samples(code: str) -> Callable[[], tuple[Profile, Files, Files]]:
    def give() -> tuple[Profile, Files, Files]:
        days = (PROFILES / "samples" / code, PROFILES / "samples" / "day2" / code)
        first, second = ({one.name: one.read_bytes() for one in sorted(day.iterdir())} for day in days)
        return load_profile(PROFILES / f"{code}.yaml"), first, second

    return give


def of(kind: dict[str, Any], name: str, write: Callable[[list[dict[str, str]]], str | bytes]) -> Any:
    def give() -> tuple[Profile, Files, Files]:
        changed = [*ROWS[:2], person(3, LAST="Married"), person(5)]
        return make_profile(format=kind), {name: write(ROWS)}, {name: write(changed)}

    return give


def xml_zip(rows: list[dict[str, str]]) -> bytes:
    users = [xml_user(number, last_name=row["LAST"]) for number, row in enumerate(rows)]
    return zip_of({"users.xml": xml_text(*users, xml_user(0, primary_id=""))})


CASES = {
    "students": samples("students"),
    "staff": samples("staff"),
    "alma_xml": samples("alma_xml"),
    "csv in a zip": of({"type": "csv"}, "a.zip", lambda rows: zip_of({"n.csv": csv_text(rows)})),
    "json": of({"type": "json"}, "a.json", json.dumps),
    "excel": of({"type": "excel"}, "a.xlsx", workbook),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_in_an_object_store_is_the_same_as_on_a_disk(case: str, bucket: str, tmp_path: Path) -> None:
    profile, first, second = CASES[case]()
    roots = {"disk": tmp_path / "disk", "bucket": ObjectStoragePath(bucket)}
    found = {}
    for name, root in roots.items():
        with open_house(f"sqlite:///{tmp_path / name}.db", root, profile) as house:
            receipts = [house.run("1", first, "import"), house.run("2", second)]
            for run_id, mode in (("1", "import"), ("2", "synchronize")):
                check_again(house, run_id, mode=mode)
            found[name] = [essence(one) for one in receipts], house.people(), contents(house)
    assert found["bucket"] == found["disk"]
    assert {"1/health.json", "2/health.json"} <= found["disk"][2].keys()


def contents(house: House) -> dict[str, Any]:
    """Give every file of all run folders by its path; of a zip, which tells when it was made, what is in it."""
    root = house.root / "runs"
    walked = (path for path in root.rglob("*") if path.is_file())
    return {str(path).removeprefix(str(root)).lstrip("/"): unzipped(path.read_bytes()) for path in walked}


def unzipped(content: bytes) -> Any:
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


def test_the_bucket_is_made_once_and_a_wrong_key_is_told(bucket: str, object_store_url: str) -> None:
    assert make_bucket(bucket).returncode == 0
    again = make_bucket(bucket)
    assert again.returncode == 0
    assert f"run folders lie below {bucket}" in again.stdout
    assert list(ObjectStoragePath(bucket).iterdir()) == []
    nowhere = f"{object_store_url.rpartition(':')[0]}:1"
    wrong = object_store_connection(nowhere)
    refused = make_bucket(bucket, AIRFLOW_CONN_OBJECT_STORE=wrong, AWS_MAX_ATTEMPTS="1")
    assert refused.returncode == 1
    assert f"MATCHPOINT_RUNS={bucket}" in refused.stderr
    assert "expected a place that may be written" in refused.stderr


def make_bucket(url: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "matchpoint_airflow.make_bucket"],
        env={**os.environ, "MATCHPOINT_RUNS": url, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_object_store_that_cannot_be_reached_is_worth_another_try(bucket: str, monkeypatch) -> None:
    from matchpoint_airflow.retry import RETRY_CONNECTIONS

    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", object_store_connection("http://127.0.0.1:1"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1") as raised:
        ObjectStoragePath("s3://nowhere@bucket/runs/plan.json").read_bytes()
    [rule] = RETRY_CONNECTIONS["retry_policy"].rules
    assert rule.matches(raised.value)
    with pytest.raises(FileNotFoundError) as raised:
        (ObjectStoragePath(bucket) / "plan.json").read_bytes()
    assert not rule.matches(raised.value)

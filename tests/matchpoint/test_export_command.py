"""``python -m matchpoint_airflow.export``: store, run folders and profiles are where the DAGs have them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from helpers import House, make_profile, open_house, person

PROFILE = Path(__file__).parents[2] / "include" / "profiles" / "students.yaml"


@pytest.fixture
def house(tmp_path: Path) -> Any:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, make_profile(code="students")) as opened:
        opened.run("sis_import__students/run", [person(1), person(2)])
        yield opened


def export(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    (house.root / "profiles").mkdir(exist_ok=True)
    (house.root / "profiles" / "students.yaml").write_text(PROFILE.read_text())
    environment = {
        **os.environ,
        "AIRFLOW_CONN_USER_STORE": json.dumps({"conn_type": "sqlite", "host": str(house.root / "store.sqlite")}),
        "MATCHPOINT_RUNS": (house.root / "runs").as_uri(),
        "MATCHPOINT_PROFILES": str(house.root / "profiles"),
    }
    command = [sys.executable, "-m", "matchpoint_airflow.export", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_one_person_in_a_zip_and_no_file_is_overwritten(house: House) -> None:
    target = house.root / "person.zip"
    done = export(house, "card2", "--to", str(target))
    assert done.returncode == 0, done.stderr[-1500:]
    assert "1 users, 1 runs" in done.stdout
    assert "Lastname2" not in done.stdout + done.stderr
    with zipfile.ZipFile(target) as archive:
        person_file = json.loads(archive.read("person.json"))
    assert person_file["users"][0]["users"][0]["document"]["last_name"] == "Lastname2"
    assert person_file["runs"][0]["extracts"][0]["rows"][0]["values"]["LAST"] == "Lastname2"
    again = export(house, "card2", "--to", str(target))
    assert again.returncode == 1
    assert "found a file; expected none" in again.stderr

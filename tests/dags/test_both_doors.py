"""From the SIS's extract to Alma, whole and in Airflow: by the API, with answers that get lost, and by file."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import extracts
import pytest
from alma_double import Double, alma_double
from alma_ends import differences
from harness import Matchpoint, Result
from sqlalchemy import update

from matchpoint.almaws.jobs import profile_number
from matchpoint.profile import Profile
from matchpoint.store import open_store, writing
from matchpoint.store.tables import users
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.jobs import add_jobs
from matchpoint_airflow.operators import deliver_files

BY_API = "destinations:\n  alma_api: {connection: alma, rate: 25, reserve: 0}\nactions:\n"
BY_FILE = (
    "destinations:\n  alma_sftp: {{connection: sis_sftp, folder: {folder}/in, profile_id: '{number}'}}\nactions:\n"
)
THEIRS = {
    "code": "students",
    "name": "Students",
    "sis_type": "Matchpoint",
    "connection": "none",
    "format": {"type": "alma_xml"},
    "actions": {"synchronize": {"path": "in", "match_points": ["primary_id"]}},
}
"""The integration profile at Alma's side."""
Send = Callable[[str, str], Result]


@pytest.fixture
def send(on_sqlite: Matchpoint, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Take an extract into the store, deliver, and compare both ends."""
    monkeypatch.setattr(deliver_files, "LOOKS_EVERY", 0.1)

    def sent(name: str, text: str) -> Result:
        (on_sqlite.remote / name).write_text(text, encoding="utf-8")
        assert on_sqlite.run("sis_synchronize__students").state == "success"
        return on_sqlite.run("alma_deliver__students")

    return sent


def equal(matchpoint: Matchpoint, alma: Double) -> bool:
    """Tell whether Alma has everybody as the store has."""
    assert differences(open_store(matchpoint.store_url), alma.engine, "students") == []
    return len(alma.users()) > 20


def test_by_the_api_with_lost_answers_and_by_file_both_ends_are_equal(on_sqlite: Matchpoint, send: Send) -> None:
    on_sqlite.use_profile("students", ("actions:\n", BY_API))
    with alma_double(on_sqlite.base, ["students"]) as alma:
        on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_ALMA", alma.connection())
        alma.app.share = 0.05
        first = send("students_1.csv", extracts.day_1())
        assert (first.state, on_sqlite.receipt(first)["created"]) == ("success", len(alma.users()))
        assert equal(on_sqlite, alma)
        assert send("students_2.csv", extracts.day_2()).state == "success"
        assert equal(on_sqlite, alma)
        assert sum(alma.app.done.values()) > 0, "some answers were lost"

    folder = f"alma_{uuid.uuid4().hex[:8]}"
    (on_sqlite.server.root / folder / "in").mkdir(parents=True)
    by_file = BY_FILE.format(folder=folder, number=profile_number("students"))
    on_sqlite.use_profile("students", ("actions:\n", by_file))
    with writing(open_store(on_sqlite.store_url)).begin() as connection:
        connection.execute(update(users).values(delivered_version=0))  # another Alma, which has nobody
    home = on_sqlite.base / "another"
    home.mkdir()
    with alma_double(home, ["students"]) as alma:
        on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_ALMA", alma.connection())
        theirs = Profile.model_validate(THEIRS)
        add_jobs(alma.app.app, JobDesk(alma.engine, [theirs], home / "runs", on_sqlite.server.root / folder))
        third = send("students_3.csv", extracts.day_2().replace("Married", "Again"))
        assert (third.state, third.tasks["take_answers"]) == ("success", "success")
        assert equal(on_sqlite, alma)
        assert on_sqlite.receipt(third)["created"] == len(alma.users())
        assert set(on_sqlite.run("alma_deliver__students").tasks.values()) == {"skipped"}

"""The SFTP door whole: store, zips, a real SFTP server, the double's SIS job over a socket, and its answers."""

from __future__ import annotations

import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import servers
import yaml
from airflow.sdk.exceptions import AirflowFailException
from alma_ends import differences
from helpers import PEOPLE, START, XML_PEOPLE, House, make_profile, open_house, person
from served import serving
from sqlalchemy import select

from matchpoint.almaws import instances
from matchpoint.almaws.jobs import profile_number
from matchpoint.deliver.outbox import count_due, letters_of
from matchpoint.store.delivery_tables import deliveries
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.jobs import add_jobs
from matchpoint_airflow.doors.jobs import ask
from matchpoint_airflow.doors.jobs import run as start
from matchpoint_airflow.operators.deliver_files import (
    AlmaJobSensor,
    AlmaStartJobOperator,
    AlmaTakeAnswersOperator,
    AlmaUploadFilesOperator,
    AlmaWriteFilesOperator,
)
from matchpoint_airflow.run import run_folder

TASKS: dict[str, Any] = {
    "write_files": AlmaWriteFilesOperator,
    "upload_files": AlmaUploadFilesOperator,
    "start_job": AlmaStartJobOperator,
    "await_job": AlmaJobSensor,
    "take_answers": AlmaTakeAnswersOperator,
}
SLEEP = time.sleep
DAG_FILE = """
from airflow.sdk import DAG, chain
import test_file_door
with DAG("deliver_people", schedule=None):
    looks = {"poke_interval": 0.05}
    chain(*(
        of(task_id=name, profile="people", **(looks if "job" in name else {}))
        for name, of in test_file_door.TASKS.items()
    ))
"""


@dataclass
class Door:
    """A sender and an Alma double with one folder between them."""

    ours: House
    alma: House
    desk: JobDesk
    files: Path
    runs: list[str] = field(default_factory=list)

    def task(self, name: str, run: str) -> Any:
        """Run one task of a run, sensors until they are done."""
        dag_run = SimpleNamespace(dag_id="deliver_people", run_id=run, run_after=START)
        context: Any = {"dag_run": dag_run, "params": {}, "ti": SimpleNamespace(task_id=name, map_index=-1)}
        task = TASKS[name](task_id=name, profile="people")
        if not hasattr(task, "poke"):
            return task.execute(context)
        for _ in range(200):
            if task.poke(context):
                return True
            time.sleep(0.02)
        raise AssertionError(f"{name} never ended")

    def deliver(self, run: str, *tasks: str) -> Any:
        """Run tasks of a run in order, all when none is named; give what the last one gave."""
        plan = {"door": "sftp", "people": 100, "most": 100, "requests": 0, "words": ""}
        run_folder("deliver_people", run).write_json("delivery.json", plan)
        return [self.task(name, run) for name in tasks or TASKS][-1]

    def due(self) -> int:
        """Count who is due."""
        with self.ours.engine.connect() as connection:
            return count_due(connection, "people").people

    def letters(self) -> dict[str, tuple[str, str, int]]:
        """Give the dead letters by primary id: code, words, attempts."""
        with self.ours.engine.connect() as connection:
            found = letters_of(connection, "people")
        return {one["primary_id"]: (one["code"], one["message"], one["attempts"]) for one in found}

    def differences(self) -> list[str]:
        """Compare both ends, and give who is not the same."""
        return [one.partition(":")[0] for one in differences(self.ours.engine, self.alma.engine, "people")]

    def names(self) -> list[str]:
        """List the files in the folder between."""
        return sorted(one.name for one in self.files.iterdir())


@pytest.fixture
def door(sftp_server: servers.SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    home = f"alma_{uuid.uuid4().hex[:8]}"
    files = sftp_server.root / home / "in"
    files.mkdir(parents=True)
    to = {"connection": "alma_files", "folder": f"{home}/in", "profile_id": profile_number("people")}
    to |= {"users_per_file": 2, "files_per_zip": 2}
    profile = yaml.safe_load(PEOPLE) | {"destinations": {"alma_sftp": to}}
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "people.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    settings = {
        "MATCHPOINT_PROFILES": str(tmp_path / "profiles"),
        "MATCHPOINT_RUNS": (tmp_path / "runs").as_uri(),
        "AIRFLOW_CONN_ALMA_FILES": sftp_server.connection(),
        "AIRFLOW_CONN_USER_STORE": json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "store.sqlite")}),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    theirs = make_profile(XML_PEOPLE)
    with (
        open_house(store, tmp_path) as ours,
        open_house(f"sqlite:///{tmp_path / 'alma.sqlite'}", tmp_path / "alma", theirs) as alma,
    ):
        desk = JobDesk(alma.engine, [theirs], tmp_path / "alma_runs", sftp_server.root / home)
        with serving(alma.engine, around=lambda app: add_jobs(app, desk)) as served:
            connection = {"conn_type": "alma", "host": served.address, "password": served.key}
            monkeypatch.setenv("AIRFLOW_CONN_ALMA", json.dumps(connection))
            yield Door(ours, alma, desk, files)


def test_what_alma_takes_is_delivered_and_what_not_is_a_dead_letter_in_plain_words(door: Door) -> None:
    people = [person(number) for number in range(9)]
    taken = [person(4) | {"CARD": "Other4", "NET": "elsewhere"}, person(20) | {"CARD": "Other20", "NET": "net7"}]
    door.alma.with_profile(make_profile()).run("sync", taken)
    door.alma.edit("s4", account_type={"value": "INTERNAL"}, external_id=None)
    door.alma.edit("s20", external_id="others")
    door.ours.run("import", people)
    counts = door.deliver("1")
    assert counts == {"created": 7, "updated": 0, "unchanged": 0, "dead": 2}
    letters = door.letters()
    assert {one: code for one, (code, *_) in letters.items()} == {"s4": "internal", "s7": "taken"}
    assert "identifier of type INST_ID" in letters["s7"][1]
    assert not any("7" in words or "net" in words for _, words, _ in letters.values())
    assert door.differences() == ["s4", "s7"]
    assert (door.due(), [one.endswith(".handled") for one in door.names()]) == (0, [True] * 3)
    told = {one["primary_id"]: one for one in run_folder("deliver_people", "1").read_lines("delivery/rejected.jsonl")}
    assert {one: (row["row"], row["run_id"]) for one, row in told.items()} == {
        "s4": (6, "import"),
        "s7": (9, "import"),
    }

    door.ours.run("sync", [person(0, LAST="Newer"), *people[1:]])
    assert door.deliver("2") == {"created": 0, "updated": 1, "unchanged": 0, "dead": 0}
    assert door.differences() == ["s4", "s7"]
    with door.ours.engine.connect() as connection:
        kept = connection.execute(select(deliveries.c.run_id, deliveries.c.counts)).all()
    assert [(one.run_id, one.counts["dead"]) for one in kept] == [("deliver_people/1", 2), ("deliver_people/2", 0)]


@pytest.mark.parametrize("again", ["upload_files", "start_job", "take_answers"])
def test_any_task_that_is_cleared_and_run_again_ends_the_same(door: Door, again: str) -> None:
    door.ours.run("import", [person(number) for number in range(6)])
    names = list(TASKS)
    door.deliver("1", *names[: names.index(again) + 1])  # broken off behind it
    counts = door.deliver("1", *names[names.index(again) :])
    assert counts == {"created": 6, "updated": 0, "unchanged": 0, "dead": 0}
    assert door.deliver("1", "upload_files", "start_job", "await_job", "take_answers") == counts
    assert (door.differences(), door.due(), len(door.names())) == ([], 0, 2)


def test_a_load_that_almas_own_schedule_took_is_found(door: Door) -> None:
    door.ours.run("import", [person(1)])
    door.deliver("1", "write_files", "upload_files")
    job = next(one for one in door.desk.jobs.values() if one.mode == "synchronize")
    door.desk.submit(job)
    assert door.deliver("1", "start_job", "await_job", "take_answers")["created"] == 1
    assert (door.differences(), door.due()) == ([], 0)


def test_a_run_that_alma_refuses_now_is_waited_for(door: Door) -> None:
    door.ours.run("import", [person(1)])
    job = next(one for one in door.desk.jobs.values() if one.mode == "synchronize")
    instances.submit(door.alma.engine, job, by="System", now=START)
    door.deliver("1", "write_files", "upload_files")
    assert ask("alma", lambda alma: start(alma, job.id)) == ""  # 60347
    with pytest.raises(AirflowFailException, match="clear the task start_job"):
        door.task("take_answers", "1")
    instances.break_off(door.alma.engine, START)
    assert door.deliver("1", "start_job", "await_job", "take_answers")["created"] == 1


def test_a_profile_that_alma_has_no_job_for_is_told_before_anything_is_sent(door: Door) -> None:
    door.ours.run("import", [person(1)])
    door.desk.jobs.clear()
    with pytest.raises(AirflowFailException, match="found 0 jobs of profile_id"):
        door.deliver("1")
    assert door.names() == []


def test_a_load_that_alma_has_not_taken_is_withdrawn_by_the_next(door: Door) -> None:
    door.ours.run("import", [person(1), person(2)])
    door.deliver("1", "write_files", "upload_files")
    (door.files / "somebody_elses.zip.part").write_bytes(b"half")
    left = door.names()
    door.ours.run("sync", [person(1, LAST="Newer"), person(2)])
    assert door.deliver("2")["created"] == 2
    assert not set(left[:1]) & set(door.names())
    assert "somebody_elses.zip.part" in door.names()
    assert (door.differences(), door.due()) == ([], 0)
    with pytest.raises(AirflowFailException, match="newer version than this load"):
        door.deliver("1", "upload_files")


def test_a_file_that_alma_cannot_read_fails_the_job_and_all_stay_due(door: Door) -> None:
    door.ours.run("import", [person(1), person(2)])
    with zipfile.ZipFile(door.files / "broken.zip", "w") as archive:
        archive.writestr("a.xml", "<users><user></users>")
    with pytest.raises(AirflowFailException, match=r"COMPLETED_FAILED.*all are due still"):
        door.deliver("1")
    assert (door.due(), door.letters(), door.alma.users()) == (2, {}, {})
    assert door.deliver("2")["created"] == 2
    assert (door.differences(), door.due()) == ([], 0)


def test_an_answer_that_does_not_account_for_all_notes_nobody_as_delivered(door: Door) -> None:
    door.ours.run("import", [person(1), person(2)])
    with zipfile.ZipFile(door.files / "a_strangers.zip", "w") as archive:
        archive.writestr("a.xml", "<users><user><primary_id>x</primary_id><last_name>X</last_name></user></users>")
    with pytest.raises(AirflowFailException, match=r"Alma met 3 users: .* expected 2"):
        door.deliver("1")
    assert door.due() == 2
    assert door.deliver("2") == {"created": 0, "updated": 0, "unchanged": 2, "dead": 0}


def test_the_whole_chain_runs_in_airflow(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    door.ours.run("import", [person(1), person(2)])
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "deliver.py").write_text(DAG_FILE, encoding="utf-8")
    local = {"classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    bundles = [
        {"name": "file_door", "kwargs": {"path": str(tmp_path / "dags")}, **local},
        {"name": "dags-folder", "kwargs": {}, **local},
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))
    dag = DagBag(dag_folder=str(tmp_path / "dags")).dags["deliver_people"]
    plan = {"door": "sftp", "people": 2, "most": 2, "requests": 0, "words": ""}
    run_folder("deliver_people", f"manual__{START.isoformat()}").write_json("delivery.json", plan)
    with patch("time.sleep", lambda seconds: SLEEP(min(seconds, 0.05))):
        run = dag.test(run_after=START, logical_date=START)
    assert str(run.state) == "success"
    assert (door.differences(), door.due()) == ([], 0)

"""The Alma double's Jobs API over a socket, with the client almapy and a real folder of zips."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import niquests
import pytest
from almapy import AlmaClient
from helpers import START, XML_PEOPLE, House, make_profile, open_house, xml_text, xml_user, zip_of
from lxml import etree
from served import Served, serving
from servers import SftpServer
from sqlalchemy import Engine

from matchpoint.alma.xml_files import write_zip
from matchpoint.almaws import instances
from matchpoint.almaws.jobs import jobs_of, profile_number
from matchpoint.errors import AccountError
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.jobs import add_jobs

PROFILE = make_profile(XML_PEOPLE)
NUMBER = profile_number("people")
IMPORT, SYNCHRONIZE = f"S{NUMBER}1", f"S{NUMBER}2"


@dataclass
class Double:
    """A running double: its house, its folder, its address."""

    house: House
    served: Served

    @property
    def files(self) -> Path:
        return self.house.root / "alma" / "in"

    def put(self, name: str, *users: str) -> None:
        (self.files / name).write_bytes(zip_of({"users.xml": xml_text(*users)}))

    def run(self, job_id: str) -> Any:
        """Run a job by almapy to its end, and give the instance."""
        return asyncio.run(_run(self.served, job_id))

    def get(self, path: str, accept: str = "application/json") -> httpx.Response:
        headers = {"Accept": accept, "Authorization": f"apikey {self.served.read_key}"}
        return httpx.get(f"{self.served.root}{path}", headers=headers)

    def events(self, instance: Any, query: str = "") -> Any:
        return self.get(f"/conf/jobs/ALL/instances/{instance['id']}/events{query}").json()


async def _run(served: Served, job_id: str) -> Any:
    session = niquests.AsyncSession(base_url=served.root)
    async with session, AlmaClient(served.key, client=session) as client:
        jobs = client.config.jobs
        answer = plain(await jobs.submit_job(job_id, {}))
        instance = answer["additional_info"]["link"].rpartition("/")[2]
        for _ in range(300):
            found = plain(await jobs.get_job_instance(job_id, instance))
            if found["status"]["value"].startswith("COMPLETED"):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(found)


def plain(answer: Any) -> Any:
    """Give almapy's answer as plain values."""
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    (tmp_path / "alma" / "in").mkdir(parents=True)
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, PROFILE) as house:
        desk = JobDesk(house.engine, [PROFILE], tmp_path / "runs", tmp_path / "alma")
        with serving(house.engine, around=lambda app: add_jobs(app, desk)) as served:
            yield Double(house, served)


def counters(instance: Any) -> dict[str, int]:
    return {one["type"]["value"].rpartition(".")[2]: int(one["value"]) for one in instance["counter"]}


def test_a_job_is_found_by_its_profile_and_runs_the_zips_of_the_folder(double: Double) -> None:
    found = double.get(f"/conf/jobs?type=SCHEDULED&category=USERS&profile_id={NUMBER}").json()
    assert [(one["id"], one["name"]) for one in found["job"]] == [
        (IMPORT, "Users IMPORT using profile People"),
        (SYNCHRONIZE, "Users SYNCHRONIZE using profile People"),
    ]
    assert double.get("/conf/jobs?profile_id=1").json() == {"job": [], "total_record_count": 0}
    assert double.get("/conf/jobs?limit=1&offset=1").json()["job"][0]["id"] == SYNCHRONIZE
    double.put("b.zip", xml_user(2), xml_user(3, card="Card1"))
    double.put("a.zip", xml_user(1))
    instance = double.run(SYNCHRONIZE)
    assert instance["status"]["value"] == "COMPLETED_SUCCESS"
    assert counters(instance) == {"total": 3, "rejected": 1, "updated": 0, "created": 2, "unchanged": 0}
    assert set(double.house.users()) == {"s1", "s2"}
    assert sorted(one.name for one in double.files.iterdir()) == ["a.zip.handled", "b.zip.handled"]
    again = double.run(SYNCHRONIZE)
    assert counters(again)["total"] == 0  # nothing is left to do
    newest = double.get(f"/conf/jobs/{SYNCHRONIZE}/instances").json()
    assert [one["id"] for one in newest["job_instance"]] == [again["id"], instance["id"]]


def test_events_tell_in_almas_words_who_was_rejected_and_where(double: Double) -> None:
    double.put("a.zip", xml_user(1), xml_user(2))
    double.run(SYNCHRONIZE)
    double.house.edit("s2", account_type={"value": "INTERNAL"}, external_id=None)
    double.put("b.zip", xml_user(4), xml_user(4, card="Other"), xml_user(2))
    double.put("c.zip", xml_user(5, more="<contact_info><emails><email/></emails></contact_info>"))
    instance = double.run(SYNCHRONIZE)
    found = double.events(instance)
    assert found["total_record_count"] == counters(instance)["rejected"] == 3
    told = {}
    for event in found["event"]:
        parameters = {one["name"]["value"]: one["value"] for one in event["parameter"]}
        told[parameters["file"], parameters["member"], parameters["row"]] = event["message"], parameters
    feed = "Identifier of type primary_id and value s4 is already taken AcrossInstitution in this feed"
    assert told["b.zip", "users.xml", "2"][0] == feed
    assert (
        told["b.zip", "users.xml", "2"][1] | {"primary_id": "s4", "BARCODE": "Other"}
        == (told["b.zip", "users.xml", "2"][1])
    )
    assert told["b.zip", "users.xml", "3"][0] == "User is not external"
    assert told["c.zip", "users.xml", "1"][0].startswith("Mandatory field is missing: email")
    assert len(double.events(instance, "?limit=2&offset=2")["event"]) == 1


def test_import_creates_and_refuses_what_is_taken(double: Double) -> None:
    with (double.files / "a.zip").open("wb") as file:
        sent = [{"primary_id": "s1", "last_name": "Lastname", "record_type": {"value": "PUBLIC"}}]
        write_zip(file, sent)
    assert counters(double.run(IMPORT))["created"] == 1
    double.put("b.zip", xml_user(1))
    event = double.events(double.run(IMPORT))["event"][0]
    assert event["message"] == "Identifier of type primary_id and value s1 is already taken AcrossInstitution"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("z.zip", zip_of({"a.xml": xml_text(xml_user(2)), "b.xml": "<users><user></users>"})),
        ("plain.xml", xml_text(xml_user(2)).encode()),
    ],
    ids=["broken XML", "XML without zip"],
)
def test_one_bad_file_fails_the_whole_job_and_nothing_is_loaded(double: Double, name: str, content: bytes) -> None:
    double.put("a.zip", xml_user(1))
    (double.files / name).write_bytes(content)
    instance = double.run(SYNCHRONIZE)
    assert instance["status"]["value"] == "COMPLETED_FAILED"
    assert instance["alert"][0]["value"].startswith("Could not parse file: ")
    assert double.house.users() == {}
    assert all(one.name.endswith(".handled") for one in double.files.iterdir())


def test_xml_is_the_default_and_what_is_not_there_has_almas_error(double: Double) -> None:
    instance = double.run(SYNCHRONIZE)
    found = etree.fromstring(double.get(f"/conf/jobs/ALL/instances/{instance['id']}", "*/*").content)
    assert found.tag == "job_instance"
    assert found.findtext("status") == "COMPLETED_SUCCESS"
    assert found.find("counters/counter/type").get("desc") == "Total users processed"  # type: ignore[union-attr]
    assert found.findtext("counters/counter/value") == "0"
    jobs = etree.fromstring(double.get("/conf/jobs", "application/xml").content)
    assert (jobs.tag, jobs.get("total_record_count"), len(jobs.findall("job"))) == ("jobs", "2", 2)
    answer = double.get("/conf/jobs/ALL/instances/999")
    assert answer.status_code == 400
    assert answer.json()["errorList"]["error"][0]["errorCode"] == "60333"
    assert double.get("/conf/jobs/S1").json()["errorsExist"] is True
    odd = (
        "instances?submit_date_to=9999-12-31",
        "instances?offset=1000000000",
        f"instances?status={instances.SUCCESS}",
    )
    assert [double.get(f"/conf/jobs/ALL/{one}").status_code for one in odd] == [200, 200, 200]
    wrong = (
        "instances?status=%00",
        "instances?submit_date_from=x",
        f"instances/{'9' * 30}",
        "instances/1/events?limit=101",
    )
    assert [double.get(f"/conf/jobs/ALL/{one}").status_code for one in wrong] == [400, 400, 400, 400]
    address = f"{double.served.root}/conf/jobs/{SYNCHRONIZE}?op=run"
    assert httpx.post(address, content="<job/>", params={"apikey": double.served.read_key}).status_code == 401
    submitted = httpx.post(f"{address}&apikey={double.served.key}", content="<job/>")
    link = etree.fromstring(submitted.content).find("additional_info").get("link")  # type: ignore[union-attr]
    assert str(link).rpartition("/")[2].isdecimal()


def test_runs_are_limited_as_in_alma(tmp_path: Path) -> None:
    others = [make_profile(XML_PEOPLE, code=code) for code in ("p1", "p2", "p3", "p4")]
    jobs = [job for job in jobs_of(others).values() if job.mode == "synchronize"]
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as house:
        for job in jobs[:3]:
            instances.submit(house.engine, job, by="API", now=START)
        assert _refusal(house.engine, jobs[0], START) == "60347"
        assert _refusal(house.engine, jobs[3], START) == "402222"
        assert len(instances.break_off(house.engine, START)) == 3
        for minute in range(4):
            instances.submit(house.engine, jobs[0], by="API", now=START + timedelta(minutes=minute))
            instances.break_off(house.engine, START)
        assert _refusal(house.engine, jobs[0], START + timedelta(minutes=59)) == "402223"
        instances.submit(house.engine, jobs[0], by="API", now=START + timedelta(minutes=61))
        instances.forget(house.engine, START + timedelta(days=1))
        assert [one["status"] for one in house.rows("job_instances")] == [instances.QUEUED]  # what goes on stays


def _refusal(engine: Engine, job: Any, now: datetime) -> str:
    with pytest.raises(AccountError) as refusal:
        instances.submit(engine, job, by="API", now=now)
    return refusal.value.code


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from sqlalchemy import Engine, event
import yaml
from matchpoint import apply_plan
from matchpoint.almaws.folder import LocalFolder
from matchpoint.almaws.jobs import jobs_of
from matchpoint.almaws.sis_job import run_job
from matchpoint.profile import Profile
from matchpoint.store import open_store

url, root, written, job_id, commits, now = sys.argv[1:]
left = int(commits)

@event.listens_for(Engine, "commit")
def count(_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

apply_plan.BATCH_ROWS = 1
jobs = jobs_of([Profile.model_validate(yaml.safe_load(written))])
folder = LocalFolder(Path(root, "alma", "in"))
run_job(jobs[job_id], open_store(url), folder, Path(root, "runs"), lambda: datetime.fromisoformat(now))
"""
"""Runs a job in a process that is killed before its n-th commit; every user is a transaction."""


@pytest.mark.parametrize(("commits", "written"), [(6, 2), (7, 3)])
def test_a_job_that_was_killed_is_failed_at_the_next_start_and_ends_right(
    tmp_path: Path, commits: int, written: int
) -> None:
    job, home = jobs_of([PROFILE])[IMPORT], tmp_path / "alma" / "in"
    home.mkdir(parents=True)
    (home / "a.zip").write_bytes(zip_of({"users.xml": xml_text(*map(xml_user, range(1, 4)))}))
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    with open_house(url, tmp_path, PROFILE) as house:
        instance = instances.submit(house.engine, job, by="API", now=START)
        given = [url, str(tmp_path), XML_PEOPLE, IMPORT, str(commits), START.isoformat()]
        killed = subprocess.run([sys.executable, "-c", KILLED, *given], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert len(house.users()) == written
        assert (home / "a.zip").exists()
        desk = JobDesk(house.engine, [PROFILE], tmp_path / "runs", tmp_path / "alma", clock=lambda: START)
        broken = instances.find(house.engine, [job.id], instance)
        assert broken is not None
        assert (broken["status"], broken["alerts"]) == (instances.FAILED, [instances.BROKEN_OFF])
        again = instances.submit(house.engine, job, by="API", now=START)
        desk.run(job, again)
        ended = instances.find(house.engine, [job.id], again)
        assert ended is not None
        assert (ended["counters"]["users.created"], ended["counters"]["users.rejected"]) == (3, 0)
        assert set(house.users()) == {"s1", "s2", "s3"}
        assert (home / "a.zip.handled").exists()


def test_a_job_takes_its_zips_from_the_sftp_server_of_the_profile(
    tmp_path: Path, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SIS", sftp_server.connection())
    path = f"jobs_{tmp_path.name}"
    folder = sftp_server.root / path
    folder.mkdir()
    profile = make_profile(XML_PEOPLE, actions={"synchronize": {"path": path, "match_points": ["primary_id"]}})
    (folder / "a.zip").write_bytes(zip_of({"users.xml": xml_text(xml_user(1))}))
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, profile) as house:
        desk = JobDesk(house.engine, [profile], tmp_path / "runs")
        job = desk.jobs[SYNCHRONIZE]
        instance = instances.submit(house.engine, job, by="API", now=START)
        desk.run(job, instance)
        ended = instances.find(house.engine, [job.id], instance)
        assert ended is not None
        assert (ended["status"], ended["counters"]["users.created"]) == (instances.SUCCESS, 1)
        assert [one.name for one in folder.iterdir()] == ["a.zip.handled"]
        monkeypatch.setenv("AIRFLOW_CONN_SIS", sftp_server.connection(host_key=None))
        again = instances.submit(house.engine, job, by="API", now=START)
        desk.run(job, again)
        broken = instances.find(house.engine, [job.id], again)
        assert broken is not None
        assert broken["status"] == instances.FAILED

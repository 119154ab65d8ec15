"""Marked people go through everything, and their marks are looked for wherever they must not be.

Looked through are: what every task logs, all tables of Airflow's metadata database (XCom, rendered templates, the
audit log ...), receipts and reports, plan and other summaries, notices by mail and webhook, and the receipts in the
user store. Exempt by name are the files of a run folder that hold people by their nature, and what staff type into
the form of a job themselves, which Airflow keeps as the configuration of that run.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from airflow.settings import Session
from extracts import COLUMNS, extract, student
from harness import Matchpoint, Result
from receivers import Hook, Mailbox, smtp_server, web_server
from servers import libpq
from sqlalchemy import MetaData, select

from matchpoint.pseudonym import pseudonym, salt_of
from matchpoint.retention import KEPT
from matchpoint.store import open_store
from matchpoint.store.tables import runs

IMPORT, SYNCHRONIZE = "sis_import__students", "sis_synchronize__students"
MARK = re.compile(r"zq7|555.?01[789]\d|1961-1[012]|62799", re.IGNORECASE)
EXEMPT = {"fetched", "extracts", "users", "known", "findings", "rejected", "rejections", "errors"}
EXEMPT_FILES = {"plan.parquet", "refresh.parquet", "proposals.json", "one_time_passwords.csv"}
TYPED = {("dag_run", "conf"), ("log", "extra")}
"""Where Airflow keeps what staff typed into a form."""
NOTICES = "notices: {email: {to: [library@example.edu]}, webhook: {connection: chat}}\nactions:\n"


def marked(number: int, **changes: str) -> dict[str, str]:
    """Make a row in which every personal value is marked."""
    own = {name: f"Zq7{name.lower().replace('_', '')}{number}" for name in COLUMNS}
    for name in ("SEX", "LEVEL_CODE", "CAMPUS", "END_DATE", "TERM_STATE", "HOME_COUNTRY", "PROGRAM"):
        own[name] = student(number)[name]
    return {
        **own,
        "BIRTH_DATE": f"1961-12-{number % 28 + 1:02}",
        "EMAIL": f"zq7mail{number}@example.edu",
        "EMAIL_PERSONAL": f"zq7home{number}@example.org",
        "MOBILE": f"212 555 01{70 + number % 30}",
        "TERM_ZIP": "62799",
        "HOME_ZIP": "62799",
        **changes,
    }


@dataclass
class Everything:
    """One institution, and all that it says to anybody."""

    house: Matchpoint
    mailbox: Mailbox
    chat: Hook
    said: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def run(self, dag_id: str, number: int, **params: Any) -> Result:
        result = self.house.run(dag_id, number, **params)
        self.results.append(result)
        return result

    def deliver(self, name: str, content: str | bytes) -> None:
        self.house.remote.joinpath(name).write_bytes(content.encode() if isinstance(content, str) else content)

    def take_away(self) -> None:
        for path in self.house.remote.iterdir():
            path.unlink()


@pytest.fixture
def everything(matchpoint: Matchpoint) -> Iterator[Everything]:
    with smtp_server() as mailbox, web_server() as chat:
        matchpoint.use_profile("students", ("actions:\n", NOTICES))
        matchpoint.monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", mailbox.connection())
        matchpoint.monkeypatch.setenv("AIRFLOW_CONN_CHAT", chat.connection())
        yield Everything(matchpoint, mailbox, chat)


def loads(job: Everything) -> None:
    """Load good and bad rows: created, updated, rejected in all ways, conflicts."""
    rows = [marked(number) for number in range(1, 9)]
    rows[3]["CARD_NUMBER"] = rows[2]["CARD_NUMBER"]
    rows[4]["END_DATE"] = "Zq7 next summer"
    rows[5]["EMAIL"] = "Zq7 no address"
    rows[6]["LAST_NAME"] = "Zq7" * 200
    job.deliver("students_1.csv", extract(rows) + "Zq7too,Zq7few\n")
    assert job.run(IMPORT, 1).state == "success"
    job.deliver("students_2.csv", extract([marked(number) for number in (1, 2)]))
    assert job.run(IMPORT, 2).state == "success", "all taken"
    changed = [marked(1, LAST_NAME="Zq7married"), marked(2, CARD_NUMBER=marked(3)["CARD_NUMBER"]), marked(9)]
    job.deliver("students_3.csv", extract([*changed, marked(10, LEVEL_CODE="Zq7level")]))
    assert job.run(SYNCHRONIZE, 3).state == "success"


def jobs(job: Everything) -> None:
    """Convert and purge, as staff do."""
    people = sorted(job.house.store()["users"])
    how: dict[str, Any] = {"to": "INTERNAL", "ids": [*people[:1], "Zq7nobody"], "passwords": True}
    assert job.run("users_convert", 4, **how).state == "success"
    from matchpoint.accounts import one
    from matchpoint.accounts.store import Act
    from matchpoint.alma.fields import NOTES

    store = open_store(job.house.store_url)
    act = Act("test", store_time())
    one.edit(store, people[1], {"purge_date": "2026-01-01"}, act)
    one.add_segment(store, people[1], NOTES, {"note_type": {"value": "OTHER"}, "note_text": "NOSYNC Zq7note"}, act)
    assert job.run("users_purge", 5).state == "success"
    job.deliver("students_4.csv", extract([marked(1, LAST_NAME="Zq7again")]))
    assert job.run(SYNCHRONIZE, 6).state == "success", "not external"


def store_time() -> Any:
    from harness import START

    return START


def failures(job: Everything) -> None:
    """Fail in every way that a file can make a run fail."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("people.csv", extract([marked(20)]))
    people = extract([marked(21)])
    files: dict[str, str | bytes] = {
        "students_a.csv": "\n".join(people.splitlines()[1:]),  # no header: row 1 is a person
        "students_b.csv": people.encode() + "Zq7 Müller".encode("latin-1"),
        "students_c.csv": packed.getvalue()[:-20],
        "students_d.csv": people + '"Zq7 a quote that never closes\n',
        "students_e.csv": people.replace("LAST_NAME", "LASTNAMES"),
        "students_f.csv": b"",
    }
    for number, (name, content) in enumerate(files.items(), start=10):
        job.take_away()
        job.deliver(name, content)
        assert job.run(SYNCHRONIZE, number).state == "failed", name
    job.take_away()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)  # whose errors quote values
def test_the_marks_are_nowhere_they_must_not_be(
    everything: Everything, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    loads(everything)
    jobs(everything)
    failures(everything)
    if everything.house.store_url.startswith("postgresql"):
        an_error_nobody_foresaw(everything)
    logged = "\n".join([*capfd.readouterr(), caplog.text])
    assert "planned: " in logged, "the logs of the tasks are in here"
    assert marks(logged) == []
    assert marks_in_airflow() == []
    marks_in_run_folders(everything)
    told = [*everything.mailbox.bodies(), *(str(mail["Subject"]) for mail in everything.mailbox.mails)]
    told += [body.decode() for *_, body in everything.chat.posts]
    assert len(everything.mailbox.mails) == len(everything.chat.posts) >= 10
    assert marks("\n".join(told)) == []
    with open_store(everything.house.store_url).connect() as connection:
        receipts = list(connection.scalars(select(runs.c.receipt)))
        assert len(receipts) >= 4
        assert marks(str(receipts)) == []
    a_person_can_be_followed(everything, logged)


def an_error_nobody_foresaw(job: Everything) -> None:
    """Let the database refuse a row in words that quote it, as a trigger of somebody else's may."""
    with psycopg.connect(libpq(job.house.store_url), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'refused: %', NEW.document; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    job.deliver("students_9.csv", extract([marked(30)]))
    failed = job.run(SYNCHRONIZE, 30)
    assert failed.tasks["apply_plan"] == "failed"
    [kept] = job.house.run_folder(failed).root.joinpath("errors").iterdir()
    assert "zq7lastname30" in kept.read_text().lower(), "the words are kept where people's data are"
    reasons = job.chat.payloads()[-1]["reasons"]
    assert len(reasons) == 1
    assert reasons[0].startswith("apply_plan: found an error that nobody foresaw, RaiseException at ")


def marks(text: str) -> list[str]:
    """Give the marks in a text, each with what stands around it."""
    return [text[max(0, found.start() - 200) : found.end() + 100] for found in MARK.finditer(text)][:5]


def marks_in_airflow() -> list[str]:
    """Look for marks in every column of every table of Airflow's metadata database."""
    found, filled, metadata = [], set(), MetaData()
    with Session() as session:
        metadata.reflect(session.get_bind())
        for table in metadata.sorted_tables:
            columns = [column for column in table.c if (table.name, column.name) not in TYPED]
            for row in session.execute(select(*columns)) if columns else ():
                filled.add(table.name)
                found += [f"{table.name}: {one}" for one in marks(readable(row))]
    assert {"xcom", "rendered_task_instance_fields", "dag_run", "serialized_dag"} <= filled
    return found


def readable(row: Any) -> str:
    return " ".join(one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in row)


def marks_in_run_folders(job: Everything) -> None:
    """Look through what runs left; the exempt files do hold marks, so looking finds them."""
    root = job.house.base / "runs"
    held = set()
    for path in (one for one in root.rglob("*") if one.is_file()):
        inside = path.relative_to(root).parts[2:]
        if inside[0] in EXEMPT or path.name in EXEMPT_FILES:
            held |= {inside[0]} if MARK.search(path.read_bytes().decode(errors="replace")) else set()
            continue
        assert path.name in KEPT, f"{path}: found a file that is neither kept nor exempt"
        assert marks(path.read_text()) == [], path
    assert {"extracts", "findings", "rejections", "one_time_passwords.csv"} <= held


def a_person_can_be_followed(job: Everything, logged: str) -> None:
    """The purge left somebody, who is in the log by the pseudonym that only the store can tell."""
    salt = salt_of(open_store(job.house.store_url))
    names = [pseudonym(who, salt) for who in job.house.store()["users"]]
    assert [name for name in names if f"left: {name}: a note says NOSYNC" in logged]

"""A bad day at the SIS: yesterday's file again, a file cut off, and one that drops a third of the staff.

Three different answers: a warning, a stop, and a question that waits in Airflow while new people flow.
"""

from __future__ import annotations

import json
from pathlib import Path

import local
from demo import airflow, approve, show
from rest import APPROVAL, Api

DAG = "sis_synchronize__staff"
HEADER = (
    "EMPLID|SURNAME|GIVEN NAME|TITLE|DOB|JOBCODE|JOB TITLE|GROUP|CONTRACT END|BADGE|EMAIL|NETID|EXTENSION|"
    "DEPARTMENT|BUILDING|MANAGER|COST CENTRE"
)
STAFF, GONE, NEW = 200, 60, 5


def employee(number: int) -> str:
    """Give the row of a made-up employee."""
    return (
        f"{number:06}|Family{number}|Given{number}|DR|14-MAR-61|200|Librarian||31-AUG-31|L-{number:05}|"
        f"staff{number}@example.edu|net{number}|01632 960101|Collections|Ink House|Prof. I. Fable|LIB-{number % 9}"
    )


def extract(numbers: range) -> str:
    """Give the HR system's extract of some employees."""
    return "\n".join([HEADER, *map(employee, numbers)]) + "\n"


def send(day: int, text: str) -> Path:
    """Do what the HR system does at night: write the extract, then say that it is complete."""
    file = local.SFTP_ROOT / "staff" / f"hr_2026-09-{day:02}.txt"
    file.write_text(text, encoding="latin-1")
    file.with_name(f"{file.name}.done").touch()
    return file


def told(run_id: str) -> list[str]:
    """Give what the health gate said of a run's feed."""
    folder = next(
        path.parent
        for path in (local.RUNS / DAG).glob("*/manifest.json")
        if path.parent.name.startswith(run_id.replace(":", "_").replace("+", "_"))
    )
    health = json.loads(folder.joinpath("health.json").read_text())
    return [f"{one['action']}: {one['text']}" for one in health["verdicts"]]


def night(api: Api, title: str, day: int, text: str, *, ends: str = "success") -> str:
    """Send a file and run the night on it; say what the health gate says, and give the run id."""
    print(f"\n{title}", flush=True)
    file = send(day, text)
    run_id = api.start(DAG)
    state = api.finished(DAG, run_id)
    print(f"  the run ended: {state}")
    if state != ends:
        raise SystemExit(f"expected it to end otherwise: {ends}; run make up and look at {api.address}/dags/{DAG}")
    for verdict in told(run_id):
        print(f"  feed health, {verdict}")
    if state == "failed":
        file.unlink()
        file.with_name(f"{file.name}.done").unlink()
    else:
        show("synchronize", DAG, run_id)
    return run_id


def main() -> None:
    """Run the scene."""
    with airflow({DAG}) as api:
        whole = extract(range(1, STAFF + 1))
        first = night(api, f"A good night: {STAFF} people of the staff, for the first time", 1, whole)
        approve(api, {DAG: first})
        night(api, "Bad night 1: the HR system sends yesterday's file again", 2, whole)
        half = whole[: len(whole) // 2 + 20]
        night(api, "Bad night 2: the transfer breaks off in the middle of a row", 3, half, ends="failed")
        some = extract(range(GONE + 1, STAFF + NEW + 1))
        last = night(api, f"Bad night 3: a filter went wrong, {GONE} people are missing; {NEW} are new", 4, some)
        waiting = api.questions({DAG: last})
        if not waiting:
            raise SystemExit("expected a question that waits; found none")
        for run_id, asked in waiting.items():
            print(f"  waits for an answer: {asked['subject']}")
            print(f"  {api.address}/dags/{APPROVAL}/runs/{run_id}/tasks/answer/required_actions")
    print("\nRun `make up` to answer it in Airflow, under Required Actions. Nobody was removed meanwhile.")


if __name__ == "__main__":
    main()

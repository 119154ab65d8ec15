"""The main job on made-up people: import day 1, synchronize day 2, by the real DAGs over real SFTP."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import local
from rest import APPROVAL, Api

OUTCOMES = ("created", "updated", "unchanged", "skipped", "rejected", "conflict", "failed")
PROFILES = local.REPO / "include" / "profiles"
FOLDERS = {"students": "students", "staff": "staff", "alma_xml": "alma"}
"""Profile code and the folder of its extracts on the server."""


def start_anew() -> None:
    """Empty the user store and the server's folders, so that every demo starts from day 1."""
    for left in local.HOME.glob("user_store.db*"):
        left.unlink()
    for folder in FOLDERS.values():
        shutil.rmtree(local.SFTP_ROOT / folder, ignore_errors=True)
        (local.SFTP_ROOT / folder).mkdir(parents=True)


def deliver(samples: Path) -> None:
    """Do what the SIS does: put extracts on the server, with a done marker where the profile wants one."""
    for code, folder in FOLDERS.items():
        for extract in sorted((samples / code).iterdir()):
            shutil.copyfile(extract, local.SFTP_ROOT / folder / extract.name)
            if code == "staff":
                (local.SFTP_ROOT / folder / f"{extract.name}.done").touch()


def show(mode: str, dag_id: str, run_id: str) -> None:
    """Print the receipt of a run and where its files are."""
    receipts = {path.parent: json.loads(path.read_text()) for path in (local.RUNS / dag_id).glob("*/receipt.json")}
    folder = next((one for one in receipts if receipts[one]["run_id"] == f"{dag_id}/{run_id}"), None)
    if folder is None:
        raise SystemExit(f"{dag_id} took no file; look at its run {run_id} with make up")
    receipt = receipts[folder]
    total = receipt["total"]
    counts = ", ".join(f"{total[word]} {word}" for word in OUTCOMES if total[word])
    print(f"  {receipt['profile_name']:<10} {mode:<12} {total['processed']:>3} rows: {counts}")
    for reason in receipt["reasons"]:
        rows = ", ".join(f"{file} row {row}" for file, row in reason["examples"])
        print(f"  {'':<24}{reason['outcome']}: {reason['text']} ({reason['field']}; {rows})")
    print(f"  {'':<24}{(folder / 'report.html').relative_to(local.REPO)}")


@contextmanager
def airflow(dags: set[str]) -> Iterator[Api]:
    """Start Airflow with an empty store, wait for some DAGs and that for answers, and stop it unless it was up."""
    was_up = local.is_up()
    print("Starting Airflow and an SFTP server on 127.0.0.1 ...", flush=True)
    state = local.up()
    try:
        start_anew()
        api = Api(state)
        local.wait(lambda: dags | {APPROVAL} <= api.dags(), "reading the DAGs", 90)
        yield api
    finally:
        if not was_up:
            local.down()


def approve(api: Api, runs: dict[str, str]) -> None:
    """Answer what some runs ask."""
    for run_id, asked in api.questions(runs).items():
        print(f"  {asked['subject']}. Answered: Approve all", flush=True)
        api.answer(run_id, "Approve all")


def main() -> None:
    """Run the demo."""
    with airflow({f"sis_{mode}__{code}" for mode in ("import", "synchronize") for code in FOLDERS}) as api:
        for day, mode, samples in (
            (1, "import", PROFILES / "samples"),
            (2, "synchronize", PROFILES / "samples" / "day2"),
        ):
            print(f"\nDay {day}: {mode} of {len(FOLDERS)} SIS extracts", flush=True)
            deliver(samples)
            runs = api.run([f"sis_{mode}__{code}" for code in FOLDERS])
            approve(api, runs)
            for dag_id, run_id in runs.items():
                show(mode, dag_id, run_id)
    print("\nOpen a report in a browser, or run `make up` to see the runs in Airflow.")


if __name__ == "__main__":
    main()

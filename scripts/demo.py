"""The main job on made-up people: import day 1, synchronize day 2, by the real DAGs over real SFTP."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

import local

OUTCOMES = ("created", "updated", "unchanged", "skipped", "rejected", "conflict", "failed")
PROFILES = local.REPO / "include" / "profiles"
FOLDERS = {"students": "students", "staff": "staff", "alma_xml": "alma"}
"""Profile code and the folder of its extracts on the server."""


class Api:
    """Airflow's REST API, as much of it as the demo needs."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.address = state["address"]
        login = {"username": state["login"], "password": state["password"]}
        self.token = self._call("POST", "/auth/token", login)["access_token"]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "token"):
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def dags(self) -> set[str]:
        """Give the ids of the DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self._call("GET", "/api/v2/dags?limit=100")["dags"]}

    def run(self, dag_ids: list[str]) -> dict[str, str]:
        """Run DAGs side by side to their end; give the run id of each. A failed run ends the demo."""
        runs = {}
        for dag_id in dag_ids:
            self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
            runs[dag_id] = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"]
        for dag_id, run_id in runs.items():
            while (state := self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]) != "success":
                if state == "failed":
                    raise SystemExit(f"{dag_id} failed: run make up and look at {self.address}/dags/{dag_id}")
                time.sleep(0.5)
        return runs


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


def main() -> None:
    """Run the demo."""
    was_up = local.is_up()
    print("Starting Airflow and an SFTP server on 127.0.0.1 ...", flush=True)
    state = local.up()
    try:
        start_anew()
        api = Api(state)
        wanted = {f"sis_{mode}__{code}" for mode in ("import", "synchronize") for code in FOLDERS}
        local.wait(lambda: wanted <= api.dags(), "reading the DAGs", 90)
        for day, mode, samples in (
            (1, "import", PROFILES / "samples"),
            (2, "synchronize", PROFILES / "samples" / "day2"),
        ):
            print(f"\nDay {day}: {mode} of {len(FOLDERS)} SIS extracts", flush=True)
            deliver(samples)
            for dag_id, run_id in api.run([f"sis_{mode}__{code}" for code in FOLDERS]).items():
                show(mode, dag_id, run_id)
    finally:
        if not was_up:
            local.down()
    print("\nOpen a report in a browser, or run `make up` to see the runs in Airflow.")


if __name__ == "__main__":
    main()

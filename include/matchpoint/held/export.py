"""The answer to "what do you hold on me": everything on one person, as plain values and as a zip."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine

from matchpoint.alma.identifiers import key
from matchpoint.held.runs import ProfileOf, held_in_run
from matchpoint.held.store import held_in_store, keys_of, names_in_logs, plans_naming, rows_loaded, users_named
from matchpoint.pseudonym import salt_of
from matchpoint.retention import profile_of_run, run_folders
from matchpoint.run_folder import AnyPath

ABOUT = """\
person.json holds everything that Matchpoint holds on one person:
  users       by table of the user store, every row that names them, with the whole history of changes
  plans       planned rows of extracts that are theirs but belong to no user, such as rejected ones
  runs        rows of kept extracts with a value that is one of their identifiers, and what became of them
  names_in_logs  the pseudonyms under which they may be in logs
Passwords are kept only as hashes and are given to nobody. Airflow itself may hold what staff typed into the form of a
job, such as a list of identifiers, as the configuration of that run. A text that names the person without one of
their identifiers is not found.
"""


def export_person(
    engine: Engine, root: AnyPath, profile_of: ProfileOf, identifier: str, *, now: datetime
) -> dict[str, Any]:
    """Give everything held on the person with an identifier of any type, in whatever case, as plain JSON values.

    ``root`` is where run folders lie. A person who is in no user store may still be in extracts. Identifiers that the
    person had before count as well.
    """
    identifier = identifier.strip()
    with engine.connect() as connection:
        users = [held_in_store(connection, user_id) for user_id in users_named(connection, identifier)]
    keys = {key(identifier)}.union(*map(keys_of, users))
    loaded: set[tuple[str, int]] = set().union(*map(rows_loaded, users))
    runs = []
    for folder in run_folders(root):
        found = held_in_run(folder, profile_of(profile_of_run(folder)), keys, loaded)
        if found:
            runs.append({"run": f"{folder.root.parent.name}/{folder.root.name}", **found})
    return {
        "asked_for": identifier,
        "exported_at": now.isoformat(),
        "identifiers": sorted(keys),
        "names_in_logs": names_in_logs(keys, salt_of(engine)),
        "users": users,
        "plans": _plans_of_nobody(engine, runs, users),
        "runs": runs,
    }


def write_export(export: dict[str, Any], path: Path) -> None:
    """Write an export as a zip that only its owner may read; raises FileExistsError where there is a file."""
    person = orjson.dumps(export, option=orjson.OPT_INDENT_2)
    path.touch(mode=0o600, exist_ok=False)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("person.json", person)
        archive.writestr("about.txt", ABOUT)


def _plans_of_nobody(engine: Engine, runs: list[dict[str, Any]], users: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the planned rows of what was found in extracts that no user's plans have."""
    wanted: dict[str, set[int]] = {}
    for run in runs:
        for extract in run.get("extracts", []):
            wanted.setdefault(extract["sha256"], set()).update(one["row"] for one in extract["rows"])
    known = {(one["run_id"], one["position"]) for user in users for one in user.get("plan_rows", [])}
    with engine.connect() as connection:
        return [one for one in plans_naming(connection, wanted) if (one["run_id"], one["position"]) not in known]

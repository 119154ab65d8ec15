"""What do you hold on me: ``python -m matchpoint_airflow.export IDENTIFIER --to person.zip``.

The user store is an Airflow connection in the environment (``AIRFLOW_CONN_USER_STORE``), run folders and profiles are
where the DAGs have them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from airflow.sdk import ObjectStoragePath
from airflow.sdk.timezone import utcnow

from matchpoint.held.export import export_person, write_export
from matchpoint.profile import load_profiles
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.settings import profiles_folder, runs_url


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the export, say how much it is, and give the exit code."""
    parser = argparse.ArgumentParser(prog="matchpoint_airflow.export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("identifier", help="any identifier of the person, in whatever case")
    parser.add_argument("--to", type=Path, required=True, help="the zip to be written; it must not be there")
    parser.add_argument("--store", default="user_store", help="Airflow connection id of the user store")
    options = parser.parse_args(arguments)
    if options.to.exists():  # told before anything is looked for
        return _refused(options.to)
    profiles = {profile.code: profile for profile in load_profiles(profiles_folder()).good}
    hook = UserStoreHook(options.store)
    hook.upgrade()
    root = ObjectStoragePath(runs_url())
    export = export_person(hook.get_conn(), root, profiles.get, options.identifier, now=utcnow())
    try:
        write_export(export, options.to)
    except FileExistsError:
        return _refused(options.to)
    sys.stdout.write(f"{options.to}: {len(export['users'])} users, {len(export['runs'])} runs\n")
    return 0


def _refused(path: Path) -> int:
    sys.stderr.write(f"{path}: found a file; expected none. Name another, or take it away.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

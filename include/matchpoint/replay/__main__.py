"""The command: ``python -m matchpoint.replay CODE --store URL --runs PLACE`` tells what the profile would change."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine, select
from upath import UPath

from matchpoint.check_profile import PROFILES, find_profile
from matchpoint.checked import readable_json
from matchpoint.errors import MatchpointError
from matchpoint.profile import load_profile
from matchpoint.replay.run import kept, replay
from matchpoint.replay.tell import tell
from matchpoint.run_folder import AnyPath, RunFolder, folder_of
from matchpoint.store.code_tables import load_code_tables
from matchpoint.store.engine import existing_store
from matchpoint.store.tables import runs


def folders_of(engine: Engine, profile: str, home: AnyPath) -> Iterator[RunFolder]:
    """Give the run folders of a profile's loads, the newest first, whether they are still there or not."""
    query = select(runs.c.run_id).where(runs.c.profile == profile, runs.c.mode.in_(("import", "synchronize")))
    with engine.connect() as connection:
        run_ids = list(connection.scalars(query.order_by(runs.c.planned_at.desc())))
    return (folder_of(home, run_id) for run_id in run_ids)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="matchpoint.replay", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("code", help="the code of the integration profile, such as students")
    parser.add_argument("--store", required=True, help="the user store as an SQLAlchemy URL")
    parser.add_argument("--runs", required=True, help="the place of all run folders, a path or URL")
    parser.add_argument("--profiles", type=Path, default=PROFILES, help="the folder of the profiles")
    parser.add_argument("--last", type=int, default=3, help="how many of the last runs are replayed")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args(arguments)
    try:
        engine = existing_store(options.store)
        profile = load_profile(find_profile(options.profiles, options.code))
        folders = kept(folders_of(engine, profile.code, UPath(options.runs)), options.last)
        found = replay(profile, folders, load_code_tables(engine))
    except MatchpointError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not folders:
        sys.stderr.write(f"{options.runs}: found no run folder of {profile.code} with its extracts\n")
        return 1
    sys.stdout.write(readable_json(found.as_dict()) + "\n" if options.json else tell(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

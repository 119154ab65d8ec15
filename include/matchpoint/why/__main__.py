"""The command: ``python -m matchpoint.why IDENTIFIER --store URL --runs PLACE`` prints the account of one person."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from upath import UPath

from matchpoint.check_profile import PROFILES
from matchpoint.checked import readable_json
from matchpoint.errors import MatchpointError
from matchpoint.profile import load_profiles
from matchpoint.store.engine import existing_store
from matchpoint.why.ask import why
from matchpoint.why.tell import tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="matchpoint.why", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("identifier", help="any identifier of the person")
    parser.add_argument("--store", required=True, help="the user store as an SQLAlchemy URL")
    parser.add_argument("--runs", help="the place of all run folders, a path or URL")
    parser.add_argument("--profiles", type=Path, default=PROFILES, help="the folder of the profiles")
    parser.add_argument("--last", type=int, default=5, help="how many of the last runs are looked through")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args(arguments)
    home = UPath(options.runs) if options.runs else None
    profiles = load_profiles(options.profiles).good
    try:
        account = why(existing_store(options.store), profiles, home, options.identifier, last=options.last)
    except MatchpointError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(readable_json(account.as_dict()) + "\n" if options.json else tell(account))
    return 0 if account.user is not None or account.rows else 1


if __name__ == "__main__":
    sys.exit(main())

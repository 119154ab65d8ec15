"""Make the place of the run folders, once, before Airflow starts: ``python -m matchpoint_airflow.make_bucket``.

In an object store that is the bucket; one that is there stays as it is. A file is written and removed again, so that
a wrong key shows here and not in the night's first run.
"""

from __future__ import annotations

import sys

from airflow.sdk import ObjectStoragePath

from matchpoint_airflow.settings import runs_url


def main() -> None:
    """Make the place, and say where it is."""
    root = ObjectStoragePath(runs_url())
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / "may_be_written"
        probe.write_bytes(b"yes")
        probe.unlink()
    except Exception as error:  # each kind of store has errors of its own
        raise SystemExit(
            f"MATCHPOINT_RUNS={runs_url()}: found {type(error).__name__} ({error}); expected a place that may be "
            "written. Check the bucket, and endpoint and keys in the connection."
        ) from error
    sys.stdout.write(f"run folders lie below {runs_url()}\n")


if __name__ == "__main__":
    main()

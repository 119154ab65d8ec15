"""Where things are: profiles and run folders, from the environment."""

from __future__ import annotations

import os
from pathlib import Path


def profiles_folder() -> Path:
    """Give the folder of integration profiles."""
    return Path(os.environ.get("MATCHPOINT_PROFILES") or Path(__file__).parents[2] / "include" / "profiles")


def runs_url() -> str:
    """Give the URL under which run folders lie: ``file:///...``, ``s3://bucket/...``."""
    return os.environ.get("MATCHPOINT_RUNS") or f"file://{os.environ['AIRFLOW_HOME']}/runs"

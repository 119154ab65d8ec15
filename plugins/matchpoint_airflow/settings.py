"""Where things are: profiles, code tables, obligations, exports and run folders, from the environment."""

from __future__ import annotations

import os
from pathlib import Path


def profiles_folder() -> Path:
    """Give the folder of integration profiles."""
    return Path(os.environ.get("MATCHPOINT_PROFILES") or Path(__file__).parents[2] / "include" / "profiles")


def code_tables_folder() -> Path:
    """Give the folder of Alma's code tables."""
    return Path(os.environ.get("MATCHPOINT_CODE_TABLES") or Path(__file__).parents[2] / "include" / "code_tables")


def obligations_folder() -> Path:
    """Give the folder of files that tell what people still owe the library."""
    return Path(os.environ.get("MATCHPOINT_OBLIGATIONS") or Path(__file__).parents[2] / "include" / "obligations")


def exports_folder() -> Path:
    """Give the folder of the files of Alma's job *Export users*."""
    return Path(os.environ.get("MATCHPOINT_EXPORTS") or Path(__file__).parents[2] / "include" / "exports")


def runs_url() -> str:
    """Give the URL under which run folders lie: ``file:///...``, ``s3://bucket/...``."""
    return os.environ.get("MATCHPOINT_RUNS") or f"file://{os.environ['AIRFLOW_HOME']}/runs"


def api_store() -> str:
    """Give the connection id of the user store that the API serves."""
    return os.environ.get("MATCHPOINT_API_STORE") or "user_store"

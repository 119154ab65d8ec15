"""The run at hand: its id, its folder, its params."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import ObjectStoragePath

from matchpoint.profile import Profile, load_profile
from matchpoint.run_folder import RunFolder, folder_of
from matchpoint_airflow.settings import profiles_folder, runs_url

if TYPE_CHECKING:
    from airflow.sdk import Context


def run_folder(dag_id: str, run_id: str) -> RunFolder:
    """Give the folder of a DAG run; the ids are made fit for file names."""
    return folder_of(ObjectStoragePath(runs_url()), f"{dag_id}/{run_id}")


def asked_by(dag_id: str, run_id: str) -> tuple[str, str] | None:
    """Give DAG and run that asked the question which a run answers; None when it answers none."""
    asked = run_folder(dag_id, run_id).find_json("asked_by.json")
    return (asked["dag_id"], asked["run_id"]) if asked else None


def note_asked_by(context: Context) -> None:
    """Note in a run's own folder whose question it answers, for the pages."""
    dag_run, params = context["dag_run"], context["params"]
    about = {"dag_id": params["about_dag"], "run_id": params["about_run"]}
    run_folder(dag_run.dag_id, dag_run.run_id).write_json("asked_by.json", about)


@dataclass(frozen=True)
class Run:
    """A DAG run as Matchpoint sees it: its id in the store, its folder, when it was due, and its params."""

    id: str
    folder: RunFolder
    due: datetime
    given_date: str | None
    only_file: str | None
    dry_run: bool

    @classmethod
    def of(cls, context: Context | Mapping[str, Any]) -> Run:
        """Read the run from a task's context.

        In a run that answers the question of another one, that other one is meant: its params say which.
        """
        dag_run, params = context["dag_run"], context["params"]
        dag_id, run_id = params.get("about_dag") or dag_run.dag_id, params.get("about_run") or dag_run.run_id
        return cls(
            id=f"{dag_id}/{run_id}",
            folder=run_folder(dag_id, run_id),
            due=dag_run.run_after,
            given_date=params.get("as_of") or None,
            only_file=params.get("only_file") or None,
            dry_run=bool(params.get("dry_run")),
        )

    def as_of(self, profile: Profile) -> date:
        """Give the day the run works for: the param, or else the day it was due where the profile's clocks stand."""
        if self.given_date:
            return date.fromisoformat(self.given_date)
        return self.due.astimezone(ZoneInfo(profile.timezone)).date()


def profile_of(code: str) -> Profile:
    """Read the profile anew, as it is now."""
    return load_profile(profiles_folder() / f"{code}.yaml")

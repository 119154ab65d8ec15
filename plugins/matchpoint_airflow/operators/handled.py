"""Rename the files of a finished run on the SIS's server."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from matchpoint.fetch import handled_name
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.base import ProfileOperator, active_action
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from matchpoint_airflow.hooks.sis import SisServer


class SisMarkHandledOperator(ProfileOperator):
    """Puts ``.handled`` behind the names of the run's files, as the last thing a run does.

    A file that was sent anew under the same name meanwhile is left alone: it is for the next run.
    """

    operator_extra_links = (ReportLink(),)

    def execute(self, context: Context) -> int:
        """Rename, and give the number of files renamed."""
        from matchpoint_airflow.hooks.sis import sis_server

        run, profile = Run.of(context), profile_of(self.profile)
        action = active_action(profile, self.mode)
        files = {(PurePosixPath(one.remote).name, one.modified, one.file_size) for one in run.folder.extracts}
        with sis_server(profile.connection, action.path) as server:
            renamed = [rename_handled(server, *file, action.done_marker) for file in sorted(files)]
        self.log.info("%d files are marked as handled", sum(renamed))
        self.log.info("counts: %s", run.folder.read_json("receipt.json")["total"])
        return sum(renamed)


def rename_handled(server: SisServer, name: str, modified: int, size: int, done_marker: str | None = None) -> bool:
    """Rename one file if it still is the one that was fetched, its done marker with it; tell whether it was."""
    there = {one.name: one for one in server.files()}
    same = name in there and (there[name].modified, there[name].size) == (modified, size)
    if same:
        server.rename(name, handled_name(name, modified, there))
        marker = f"{name}{done_marker}"
        if done_marker and marker in there:
            server.rename(marker, handled_name(marker, modified, there))
    return same

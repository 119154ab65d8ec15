"""The SFTP door: the zips of a load into the folder that Alma's SIS job reads."""

from __future__ import annotations

import re

from matchpoint.deliver.files import Load, Zip, prefix_of
from matchpoint.fetch import HANDLED
from matchpoint.run_folder import RunFolder
from matchpoint_airflow.hooks.sis import SisServer

PART = ".part"
"""What is put behind the name of a file that is not whole yet: Alma takes only zips."""


def upload(server: SisServer, folder: RunFolder, load: Load, profile: str) -> tuple[int, int]:
    """Bring the zips of a load into the folder, and give how many were sent, and how many of others withdrawn.

    What is there whole, or was handled by Alma, is not sent again. All get their names only when all are there. A
    load of an earlier delivery that Alma has not taken is withdrawn first: its people are due still, so they are in
    this load, as they are now; with both, the job would reject them as given twice.
    """
    there = {one.name: one.size for one in server.files()}
    withdrawn = [name for name in there if is_of_another_load(name, load, profile) and server.remove(name)]
    missing = [one for one in load.zips if not _is_there(there, one)]
    for one in missing:
        server.send(folder.root.joinpath(*one.path.split("/")), one.name + PART)
    for one in missing:
        if one.name in there:
            server.remove(one.name)
        server.rename(one.name + PART, one.name)
    return len(missing), len(withdrawn)


def is_waiting(server: SisServer, load: Load) -> bool:
    """Tell whether Alma has left zips of a load as they were sent."""
    return bool({one.name for one in server.files()} & {one.name for one in load.zips})


def is_of_another_load(name: str, load: Load, profile: str) -> bool:
    """Tell by its name whether a file is of another load of the profile, and not handled."""
    ours = {one.name for one in load.zips}
    plain = name.removesuffix(PART)
    pattern = rf"{re.escape(prefix_of(profile))}\d{{8}}T\d{{6}}_[0-9a-f]{{8}}_\d\d\.zip"
    return plain not in ours and re.fullmatch(pattern, plain) is not None


def _is_there(there: dict[str, int], one: Zip) -> bool:
    handled = (name for name in there if name.startswith(f"{one.name}.") and name.endswith(HANDLED))
    return there.get(one.name) == one.size or any(handled)

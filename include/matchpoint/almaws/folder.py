"""A folder of files for the double's SIS jobs on the local disk, asked as the SIS's SFTP server is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from matchpoint.fetch import RemoteFile
from matchpoint.run_folder import AnyPath


class Folder(Protocol):
    """What a job needs of a folder; the hook's ``SisServer`` is another one."""

    def files(self) -> list[RemoteFile]:
        """List the plain files."""

    def path(self, name: str) -> str:
        """Give the full path of a file."""

    def copy(self, file: RemoteFile, target: AnyPath) -> None:
        """Copy a file to the run folder."""

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file."""


class LocalFolder:
    """A folder on the local disk; one that is not there has no files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self) -> list[RemoteFile]:
        """List the plain files."""
        found = [one for one in self.root.iterdir() if one.is_file()] if self.root.is_dir() else []
        return [RemoteFile(one.name, one.stat().st_size, int(one.stat().st_mtime)) for one in found]

    def path(self, name: str) -> str:
        """Give the full path of a file."""
        return str(self.root / name)

    def copy(self, file: RemoteFile, target: AnyPath) -> None:
        """Copy a file to the run folder."""
        with (self.root / file.name).open("rb") as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file in the folder."""
        (self.root / name).rename(self.root / new_name)

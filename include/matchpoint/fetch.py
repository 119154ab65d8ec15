"""Fetch: which files of a listing are complete and wanted, and what becomes of a fetched one. No network here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import IO, Any

from matchpoint.errors import ExtractError
from matchpoint.openpgp import plain_name
from matchpoint.profile import ImportAction, Profile, SynchronizeAction
from matchpoint.read.archive import damage_told, is_workbook, is_zip, members
from matchpoint.run_folder import AnyPath, Extract, RunFolder, safe_name, sha256
from matchpoint.sides import fits, group_of, role_of

HANDLED = ".handled"
"""What is put behind the name of a file after its run, as Alma does."""
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
"""Endings that transfer programs give to a file that they are still writing."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the server: name without folder, size in bytes, modification time in seconds since 1970."""

    name: str
    size: int
    modified: int


@dataclass(frozen=True)
class Choice:
    """What a listing offers: files to take in the order of their names, and files that are not complete yet."""

    take: list[RemoteFile] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def choose(
    earlier: Iterable[RemoteFile],
    later: Iterable[RemoteFile],
    action: ImportAction | SynchronizeAction,
    only_file: str | None = None,
    sides: Collection[str] = (),
) -> Choice:
    """Choose among two listings of a folder, ``action.settle_seconds`` apart.

    Taken are files that match the pattern (or are ``only_file``) or one of the patterns of side files, whose size and
    time stood still, that have no ending of an unfinished transfer, and that have their done marker where the profile
    asks for one.
    """
    before = set(earlier)
    listed = list(later)
    names = {one.name for one in listed}
    choice = Choice()
    for one in sorted(listed, key=lambda one: one.name):
        if not _is_wanted(one.name, action, only_file, sides):
            continue
        marked = action.done_marker is None or f"{one.name}{action.done_marker}" in names
        if one in before and marked:
            choice.take.append(one)
        else:
            choice.waiting.append(one.name)
    return choice


def _is_wanted(
    name: str, action: ImportAction | SynchronizeAction, only_file: str | None, sides: Collection[str]
) -> bool:
    if name.startswith(".") or name.lower().endswith((*UNFINISHED, HANDLED)):
        return False
    if action.done_marker and name.endswith(action.done_marker):
        return False
    if any(fits(pattern, name) for pattern in sides):
        return True
    return name == only_file if only_file else fnmatchcase(name, action.pattern)


def handled_name(remote: str, modified: int, taken: Iterable[str]) -> str:
    """Give the name for a handled file; where that is taken, the modification time goes in between."""
    plain = f"{remote}{HANDLED}"
    return f"{remote}.{modified}{HANDLED}" if plain in set(taken) else plain


def keep(
    folder: RunFolder,
    copy: AnyPath,
    remote: str,
    modified: int,
    first: int,
    *,
    profile: Profile,
    pattern: str = "*",
    plain: AnyPath | None = None,
) -> list[Extract]:
    """Turn a fetched file into extracts of the run folder, numbered from ``first``.

    A zip becomes its members, those that the profile asks for. ``pattern`` is that of person files. ``plain`` is what
    was in ``copy`` when it came encrypted; the extract is then called as it was before. Raises
    :class:`ExtractError` for an empty file and for a zip that is damaged, dangerous or has nothing asked for; then no
    extract is made of it.
    """
    sent = PurePosixPath(remote).name
    name = plain_name(sent) if plain else sent
    size = copy.stat().st_size
    if not size or (plain and not plain.stat().st_size):
        raise ExtractError(name, "an empty file (0 bytes)", "an extract", "Ask the SIS for it.")
    of_file: dict[str, Any] = {"name": name, "remote": remote, "modified": modified, "file_size": size}
    of_file |= {"file_sha256": sha256(copy), "group": group_of(profile, sent, pattern)}
    extracts: list[Extract] = []
    with (plain or copy).open("rb") as file:
        for member, content in _contents(file, name):
            join = role_of(profile, sent, member)
            if join is not None:
                of_member = _keep_one(folder, content, first + len(extracts), member, name)
                extracts.append(Extract(**of_file, **of_member, join=join))
    if not extracts:
        asked = ", ".join([*profile.members, *(one.file for one in profile.joins.values())])
        raise ExtractError(
            name, "a zip with nothing that is asked for", f"a file that fits {asked}", "Look at members and joins."
        )
    return extracts


def _keep_one(folder: RunFolder, content: IO[bytes], number: int, member: str | None, name: str) -> dict[str, Any]:
    """Copy one extract into the run folder; gives what an :class:`Extract` says of the copy."""
    place = f"extracts/{number:03}_{safe_name(member or name)}"
    target = folder.path(*place.split("/"))
    hashed, size = hashlib.sha256(), 0
    with target.open("wb") as out, damage_told(name):
        while piece := content.read(1 << 20):
            hashed.update(piece)
            size += out.write(piece)
    return {"number": number, "member": member, "path": place, "size": size, "sha256": hashed.hexdigest()}


def _contents(file: IO[bytes], name: str) -> Iterator[tuple[str | None, IO[bytes]]]:
    zipped = is_zip(file.read(4))
    file.seek(0)
    if zipped and not is_workbook(file):
        yield from members(file, name)
    else:
        yield None, file

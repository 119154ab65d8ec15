"""Running a profile as it is now over the extracts of some runs, against what came of them then; writing nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from matchpoint.alma.code_tables import CodeTables
from matchpoint.check_profile import columns_of, read_columns
from matchpoint.errors import ExtractError
from matchpoint.profile import Profile
from matchpoint.replay.compare import compare
from matchpoint.replay.replayed import Replay, Replayed
from matchpoint.replay.watch import Watcher
from matchpoint.run_folder import AnyPath, Extract, RunFolder
from matchpoint.transform import transform_extract


def replay(profile: Profile, folders: Sequence[RunFolder], tables: CodeTables | None = None) -> Replay:
    """Map every extract of some run folders by ``profile``, and tell what would differ from what came of it then.

    Each is mapped once more by the profile that is kept in its run folder, on its as-of date and with the code tables
    of now, so that nothing but the profile differs. From a run of before profiles were kept only the rows that were
    staged then can be compared. Extracts are copied to local disk, one run at a time.
    """
    found = Replay(profile.code)
    read, filled = dict[str, None](), set[str]()
    places: list[str] = []
    for folder in folders:
        with TemporaryDirectory(prefix="matchpoint-") as place:
            copy = _copied(folder, Path(place))
            for extract in copy.extracts:
                read |= dict.fromkeys(_columns(copy, extract, profile))
                if not extract.join:
                    again = _Again(folder, copy, extract, profile, tables or CodeTables())
                    found.extracts.append(again.replayed())
                    filled |= again.watcher.filled
                    places = again.watcher.places
                    for name, codes in again.watcher.unmapped.items():
                        if codes:
                            found.unmapped.setdefault(name, codes.__class__()).update(codes)
    known = read_columns(profile)
    found.never_read = [one for one in read if one not in known]
    found.never_filled = [one for one in places if one not in filled]
    found.with_default = {name for name in found.unmapped if "*" in profile.crosswalks[name]}
    return found


def _copied(folder: RunFolder, place: Path) -> RunFolder:
    copy = RunFolder(place)
    for extract in folder.extracts:
        with folder.root.joinpath(extract.path).open("rb") as source, copy.path(extract.path).open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    copy.write_manifest(folder.extracts)
    return copy


def _columns(folder: RunFolder, extract: Extract, profile: Profile) -> list[str]:
    try:
        return columns_of(folder, extract, profile)
    except (ExtractError, KeyError):  # KeyError: a side file of a join that the profile no longer has
        return []


class _Again:
    """One extract of a run, mapped then and now."""

    def __init__(
        self, folder: RunFolder, copy: RunFolder, extract: Extract, profile: Profile, tables: CodeTables
    ) -> None:
        self._folder = folder
        self._copy = copy
        self._extract = extract
        self._profile = profile
        self._tables = tables
        self._number = f"{extract.number:03}"
        self._as_of = self._then()
        self.watcher = Watcher(profile, self._as_of)

    def _then(self) -> date:
        told = self._folder.read_json(f"users/{self._number}.json")
        return date.fromisoformat(told.get("as_of") or self._folder.read_json("plan.json")["as_of"])

    def replayed(self) -> Replayed:
        """Compare what came of the extract then with what would come of it now."""
        root = self._folder.root
        found = Replayed("/".join(root.parts[-2:]), self._extract.label, self._as_of.isoformat())
        then, rejected = self._mapped_then(found)
        how = {"tables": self._tables, "watch": self.watcher}
        try:
            transform_extract(self._copy, self._extract, self._profile, self._as_of, **how)  # type: ignore[arg-type]
        except ExtractError as error:
            found.error = str(error)
            return found
        lost, won = compare(then, self._users(self._copy), found)
        if rejected is not None:  # else a row that was not staged then may have been known
            found.won = len(won)
        found.lost = len(lost)
        for one in self._copy.findings(self._extract.number):
            if one.severity == "reject" and np.isin(one.row, lost):
                found.reasons[one.field, one.code] += 1
        return found

    def _mapped_then(self, found: Replayed) -> tuple[AnyPath, int | None]:
        """Give the users as they were mapped then, and how many rows were rejected; None where that is not known."""
        kept = self._folder.root.joinpath("users", f"{self._number}.profile.json")
        if not kept.exists():
            found.not_compared = int(self._folder.read_json(f"users/{self._number}.json")["known"])
            return self._users(self._folder), None
        old = Profile.model_validate_json(kept.read_text(encoding="utf-8"))
        counts = transform_extract(self._copy, self._extract, old, self._as_of, self._tables)
        then = self._copy.path("then", f"{self._number}.parquet")
        shutil.move(str(self._users(self._copy)), str(then))  # the copy is on local disk
        return then, counts["rejected"]

    def _users(self, folder: RunFolder) -> AnyPath:
        return folder.root.joinpath("users", f"{self._number}.parquet")


def kept(folders: Iterator[RunFolder], last: int) -> list[RunFolder]:
    """Take the first folders in which extracts are still kept and were transformed."""
    found: list[RunFolder] = []
    for folder in folders:
        if len(found) == last:
            break
        root = folder.root
        if root.joinpath("manifest.json").exists() and all(
            root.joinpath(one.path).exists()
            and (one.join or root.joinpath("users", f"{one.number:03}.json").exists())
            for one in folder.extracts
        ):
            found.append(folder)
    return found

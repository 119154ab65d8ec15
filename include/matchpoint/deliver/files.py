"""A load for Alma's SIS job: who is due, as Alma user XML version 2 in zips, within Alma's limits.

::

    delivery/001.zip ...     users_001.xml ... in each
    delivery/sent.parquet    who is in them, at which version and place: :class:`Sent`
    delivery/load.json       the zips, their names on the server, and counts: :class:`Load`

Limits of Alma's that are known: a zip of 4 GB, 50 XML files in it, 20 zips in a run (reference 3.5).
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import IO, Any

import orjson
from sqlalchemy import Engine, func, select

from matchpoint.alma.fields import CORE_BY_NAME, PRIMARY_ID, SEGMENT_TYPE, SEGMENTS, User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.alma.law import SPECIAL_FIELDS
from matchpoint.alma.shapes import OnSynchronize
from matchpoint.alma.xml import Element
from matchpoint.alma.xml_files import valid_element, write_elements
from matchpoint.deliver.outbox import AT_ONCE, Due, Letter, bury, due
from matchpoint.errors import RecordError
from matchpoint.profile.destinations import AlmaSftp
from matchpoint.record_files import read_records, write_records
from matchpoint.run_folder import AnyPath, RunFolder, safe_name
from matchpoint.store import writing
from matchpoint.store.bulk import beside
from matchpoint.store.tables import users

FULL = 2 << 30
"""Bytes after which a zip takes no other file: half of Alma's 4 GB, so that the last one never goes over it."""
REFUSED = "schema"
"""The code of a dead letter whom Alma's schema would refuse."""
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same people make the same bytes."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A person in a load: the version, where it stands (``place`` counts from 1 in its file), and what it is called.

    ``keys`` are its identifiers, case-folded, as a JSON list.
    """

    user_id: int
    version: int
    primary_id: str
    keys: str
    zip: int
    file: int
    place: int


@dataclass(frozen=True)
class Zip:
    """A zip of a load: its path in the run folder, its name on the server, its people and bytes."""

    path: str
    name: str
    people: int
    size: int


@dataclass(frozen=True)
class Load:
    """What one delivery gives to Alma's job. ``refused`` people are not in it: Alma's schema would not take them."""

    people: int
    refused: int
    zips: list[Zip] = field(default_factory=list)

    @classmethod
    def read(cls, folder: RunFolder) -> Load:
        """Read it from a run folder."""
        told = folder.read_json("delivery/load.json")
        return cls(told["people"], told["refused"], [Zip(**one) for one in told["zips"]])

    def write(self, folder: RunFolder) -> None:
        """Write it into a run folder."""
        folder.write_json("delivery/load.json", asdict(self))


def sent_path(folder: RunFolder) -> AnyPath:
    """Give the path of the list of who is in a load, for :func:`matchpoint.record_files.read_records`."""
    return folder.path("delivery", "sent.parquet")


def sent_in(folder: RunFolder) -> Iterator[list[Sent]]:
    """Read who is in a load, in lots."""
    return read_records(sent_path(folder), Sent, size=AT_ONCE)


def prefix_of(profile: str) -> str:
    """Give how the names of all loads of a profile begin on the server."""
    return f"matchpoint_{safe_name(profile)}_"


def to_load(user: User) -> User:
    """Give what a load from the SIS brings of a user: no role, no password, no Internal segment, no output.

    Owners are not said: on a load everything becomes External (reference 3.3).
    """
    kept = {name: value for name, value in user.items() if name in _OF_THE_SIS}
    for segment in SEGMENTS:
        output = {one.name for one in segment.fields if one.on_synchronize is OnSynchronize.OUTPUT}
        for part in segment.parts(user):
            if part.get(SEGMENT_TYPE) != "Internal":
                segment.add(kept, {name: part[name] for name in part if name not in output | {SEGMENT_TYPE}})
    return kept


_LOADED = {OnSynchronize.REPLACED, OnSynchronize.IDENTITY}
_OF_THE_SIS = {name for name, one in CORE_BY_NAME.items() if one.on_synchronize in _LOADED} | SPECIAL_FIELDS


@dataclass(frozen=True)
class Delivery:
    """A delivery: the run's id, its profile, when it was due, and the time now."""

    run_id: str
    profile: str
    due_at: datetime
    now: datetime


def write_load(
    folder: RunFolder, engine: Engine, to: AlmaSftp, delivery: Delivery, most: int, *, full: int = FULL
) -> Load:
    """Write at most so many people of a profile who are due into the run folder.

    Whom Alma's schema would refuse becomes a dead letter, and holds nobody else back. The names on the server tell
    the profile, when the run was due, and what is inside: the same run with the same people gives the same names,
    any other load gives others, and later ones sort behind.
    """
    writer = _Writer(folder, engine, delivery)
    people = writer.fitting(due(engine, delivery.profile, min(most, to.most)))
    write_records(sent_path(folder), Sent, writer.zips(people, to, full), size=AT_ONCE)
    load = writer.load()
    load.write(folder)
    return load


@dataclass
class _Writer:
    """A load as it is written: people per zip, how many were refused, and a hash of who is in it."""

    folder: RunFolder
    engine: Engine
    delivery: Delivery
    written: list[int] = field(default_factory=list)
    refused: int = 0
    hash: Any = field(default_factory=hashlib.sha256)

    def fitting(self, lots: Iterable[list[Due]]) -> Iterator[tuple[Due, Element]]:
        """Give the people whom Alma's schema takes; the others are buried, lot by lot."""
        for lot in lots:
            letters = []
            for one in lot:
                try:
                    yield one, valid_element(to_load(one.document))
                except RecordError as error:
                    letters.append(Letter(one.user_id, one.version, REFUSED, f"Not valid for Alma: {error}"))
            self._bury(letters)

    def _bury(self, letters: list[Letter]) -> None:
        self.refused += len(letters)
        if letters:
            run = self.delivery
            with writing(self.engine).begin() as connection:
                bury(connection, letters, profile=run.profile, run_id=run.run_id, now=run.now)

    def zips(self, people: Iterator[tuple[Due, Element]], to: AlmaSftp, full: int) -> Iterator[Sent]:
        """Write zip after zip, and give who is where."""
        for number in range(1, to.zips_per_run + 1):
            first = next(people, None)
            if first is None:
                return
            self.written.append(0)
            with self._path(number).open("wb") as out:
                yield from self._zip(out, chain([first], people), number, to, full)

    def _zip(
        self, out: IO[bytes], people: Iterator[tuple[Due, Element]], number: int, to: AlmaSftp, full: int
    ) -> Iterator[Sent]:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in range(1, to.files_per_zip + 1):
                some = list(self._file(archive, people, (number, file), to.users_per_file))
                yield from some
                if len(some) < to.users_per_file or archive.fp.tell() >= full:  # type: ignore[union-attr]
                    return

    def _file(
        self, archive: zipfile.ZipFile, people: Iterator[tuple[Due, Element]], at: tuple[int, int], most: int
    ) -> Iterator[Sent]:
        """Write one XML file, and give who is in it; nothing is written when nobody is left."""
        first = next(people, None)
        if first is None:
            return
        sent: list[Sent] = []
        name = zipfile.ZipInfo(f"users_{at[1]:03}.xml", _FIRST_DAY)
        name.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(name, "w") as member:
            write_elements(member, self._noted(islice(chain([first], people), most), at, sent))
        yield from sent

    def _noted(
        self, people: Iterator[tuple[Due, Element]], at: tuple[int, int], sent: list[Sent]
    ) -> Iterator[Element]:
        for place, (one, element) in enumerate(people, start=1):
            keys = orjson.dumps([key(value) for _, value in identifiers(one.document)]).decode()
            sent.append(Sent(one.user_id, one.version, one.document[PRIMARY_ID], keys, *at, place))
            self.hash.update(f"{one.user_id}/{one.version};".encode())
            self.written[-1] += 1
            yield element

    def load(self) -> Load:
        """Tell what was written."""
        run = hashlib.sha256(f"{self.delivery.run_id};".encode() + self.hash.digest()).hexdigest()[:8]
        stem = f"{prefix_of(self.delivery.profile)}{self.delivery.due_at:%Y%m%dT%H%M%S}_{run}"
        zips = [
            Zip(f"delivery/{number:03}.zip", f"{stem}_{number:02}.zip", people, self._path(number).stat().st_size)
            for number, people in enumerate(self.written, start=1)
        ]
        return Load(sum(self.written), self.refused, zips)

    def _path(self, number: int) -> AnyPath:
        return self.folder.path("delivery", f"{number:03}.zip")


def overtaken(engine: Engine, folder: RunFolder) -> int:
    """Count the people in a load of whom Alma has a newer version by now: such a load would bring old data back."""
    number = 0
    for some in sent_in(folder):
        rows = [(one.user_id, one.version) for one in some]
        with writing(engine).begin() as connection, beside(connection, users, _MARK, rows) as new:
            newer = select(func.count()).where(users.c.id == new.c.id)
            number += connection.scalar(newer.where(users.c.delivered_version > new.c.delivered_version)) or 0
    return number


_MARK = ("id", "delivered_version")

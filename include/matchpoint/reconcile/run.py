"""A reconcile of one profile, in lots: what it met stands in the store, so that memory is bounded and it can go on.

A lot and how far that brings it are noted in one transaction: broken off, it goes on behind the last lot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, select, update

from matchpoint.alma.fields import User
from matchpoint.deliver.outbox import note_delivered, put_again
from matchpoint.profile import Profile
from matchpoint.reconcile.compare import Met, compare
from matchpoint.store.bulk import load_rows, numbers_of
from matchpoint.store.engine import writing
from matchpoint.store.reconcile_tables import drift, reconciles
from matchpoint.store.tables import users

LOT = 1_000
"""Users compared at once."""
_COLUMNS = ("profile", "number", "kind", "primary_id", "user_id", "version", "fields")


@dataclass(frozen=True)
class Repaired:
    """What a repair did: people put into the outbox again, and people noted as delivered, for Alma had them."""

    put_again: int
    noted: int


@dataclass(frozen=True)
class Reconcile:
    """A reconcile of a profile with its store."""

    engine: Engine
    profile: Profile

    def begin(self, source: str, now: datetime, *, go_on: bool) -> int:
        """Begin, or go on where the last one from the same source was broken off; give the users read so far."""
        with writing(self.engine).begin() as connection:
            of_it = select(reconciles.c.place).where(self._is_ours(), reconciles.c.source == source)
            place = connection.scalar(of_it) if go_on else None
            if place is None:
                self._forget(connection)
                new = {"profile": self.profile.code, "source": source, "place": 0, "started_at": now}
                connection.execute(insert(reconciles).values(new))
        return place or 0

    def take(self, lot: Sequence[User]) -> None:
        """Compare some users of Alma, and note what was found."""
        with writing(self.engine).begin() as connection:
            code = self.profile.code
            last = connection.scalar(select(func.max(drift.c.number)).where(drift.c.profile == code)) or 0
            met = enumerate(compare(connection, self.profile, lot), start=last + 1)
            load_rows(connection, drift, _COLUMNS, [_row(code, number, one) for number, one in met])
            further = {"place": reconciles.c.place + len(lot)}
            connection.execute(update(reconciles).where(self._is_ours()).values(further))

    def close(self) -> Counter[str]:
        """Settle what only the whole tells: who was met twice, and who is missing. Give the people by kind."""
        of_it = drift.c.profile == self.profile.code
        with writing(self.engine).begin() as connection:
            twice = select(drift.c.user_id).where(of_it, drift.c.user_id.is_not(None))
            several = twice.group_by(drift.c.user_id).having(func.count() > 1)
            more = {"kind": "duplicate", "fields": []}
            connection.execute(update(drift).where(of_it, drift.c.user_id.in_(several)).values(more))
            by_kind = select(drift.c.kind, func.count()).where(of_it).group_by(drift.c.kind)
            counts = Counter({kind: number for kind, number in connection.execute(by_kind)})
            missing = select(func.count()).select_from(users).where(self._is_missing())
            counts["missing"] = connection.scalar(missing) or 0
        return counts

    def listed(self) -> Iterator[Met]:
        """Give all who are not the same on both sides, in the order of reading, and then who is missing."""
        columns = (drift.c.kind, drift.c.primary_id, drift.c.user_id, drift.c.version, drift.c.fields)
        apart = select(*columns).where(drift.c.profile == self.profile.code, drift.c.kind != "same")
        missing = select(users.c.primary_id, users.c.id, users.c.version).where(self._is_missing())
        with self.engine.connect().execution_options(yield_per=LOT) as connection:
            for kind, primary_id, user_id, version, fields in connection.execute(apart.order_by(drift.c.number)):
                yield Met(kind, primary_id, user_id, version, tuple(fields))
            for primary_id, user_id, version in connection.execute(missing.order_by(users.c.id)):
                yield Met("missing", primary_id, user_id, version)

    def repair(self) -> Repaired:
        """Put who differs or is missing into the outbox again, and note as delivered who is the same but due.

        A user who changed since is left: it is due by that change. Nobody else is touched.
        """
        of_it = and_(drift.c.profile == self.profile.code, drift.c.user_id == users.c.id)
        as_compared = and_(of_it, drift.c.version == users.c.version)
        has_it = users.c.delivered_version == users.c.version
        with writing(self.engine).begin() as connection:
            differ = select(users.c.id).join(drift, and_(as_compared, drift.c.kind == "differs")).where(has_it)
            missing = select(users.c.id).where(self._is_missing(), has_it)
            again = [numbers_of(connection, one).ravel().tolist() for one in (differ, missing)]
            same = select(users.c.version, users.c.id).join(drift, and_(as_compared, drift.c.kind == "same"))
            taken = numbers_of(connection, same.where(~has_it)).tolist()
            put_again(connection, [one for some in again for one in some])
            note_delivered(connection, ((user_id, version) for version, user_id in taken))
        return Repaired(sum(map(len, again)), len(taken))

    def forget(self) -> None:
        """Take away what was noted: it is over."""
        with writing(self.engine).begin() as connection:
            self._forget(connection)

    def _is_ours(self) -> ColumnElement[bool]:
        return reconciles.c.profile == self.profile.code

    def _is_missing(self) -> ColumnElement[bool]:
        met = select(drift.c.user_id).where(drift.c.profile == self.profile.code, drift.c.user_id == users.c.id)
        return and_(users.c.external_id == self.profile.code, ~met.exists())

    def _forget(self, connection: Connection) -> None:
        for table in (drift, reconciles):
            connection.execute(delete(table).where(table.c.profile == self.profile.code))


def _row(profile: str, number: int, one: Met) -> tuple[object, ...]:
    fields = orjson.dumps(one.fields).decode()
    return profile, number, one.kind, one.primary_id, one.user_id, one.version, fields

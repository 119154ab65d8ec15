"""The receipt of a delivery: what became of the people who were due. It is kept in the store as the delivery goes on.

Counts are added in the transaction that notes who is delivered. So they are right whenever a delivery is broken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from matchpoint.store.bulk import insert_or_update
from matchpoint.store.delivery_tables import deliveries

TAKEN = ("created", "updated", "unchanged")
"""What has become of a person whom Alma has as it is now."""
NOT_TAKEN = ("kept_out", "dead")
"""Kept out by a note NOSYNC, or another dead letter."""


@dataclass(frozen=True)
class DeliveryReceipt:
    """What a delivery did. ``due`` is the sum of the next six: ``left`` are people who are due still.

    Times are ISO 8601; ``requests`` are the answers of Alma, ``seconds`` how long it was spoken to.
    """

    run_id: str
    profile: str
    door: str
    started_at: str
    ended_at: str
    due: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_out: int = 0
    dead: int = 0
    left: int = 0
    requests: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return asdict(self)


def begin(connection: Connection, *, run_id: str, profile: str, door: str, now: datetime) -> None:
    """Note that a delivery begins; one that is repeated goes on, by the door that was chosen now."""
    new = {"run_id": run_id, "profile": profile, "door": door, "started_at": now, "counts": {}}
    written = insert_or_update(connection, deliveries).values(new)
    connection.execute(
        written.on_conflict_do_update(index_elements=["run_id"], set_={"door": door, "ended_at": None})
    )


def add(connection: Connection, run_id: str, counts: Mapping[str, float]) -> None:
    """Add to the counts of a delivery: people by what became of them, ``requests``, ``seconds``."""
    asked = select(deliveries.c.counts).where(deliveries.c.run_id == run_id).with_for_update()
    before = connection.execute(asked).scalar_one()
    total = {name: before.get(name, 0) + counts.get(name, 0) for name in before.keys() | counts.keys()}
    connection.execute(update(deliveries).where(deliveries.c.run_id == run_id).values(counts=total))


def end(connection: Connection, run_id: str, *, left: int, now: datetime) -> DeliveryReceipt:
    """Note that a delivery has ended, with so many people still due, and give its receipt."""
    ended = update(deliveries).where(deliveries.c.run_id == run_id).values(ended_at=now)
    connection.execute(ended)
    row = connection.execute(select(deliveries).where(deliveries.c.run_id == run_id)).one()
    counts = {**row.counts, "left": left}
    counts["seconds"] = round(counts.get("seconds", 0), 1)
    due = sum(counts.get(name, 0) for name in (*TAKEN, *NOT_TAKEN, "left"))
    times: dict[str, Any] = {"started_at": _iso(row.started_at), "ended_at": _iso(now)}
    return DeliveryReceipt(run_id=run_id, profile=row.profile, door=row.door, due=due, **times, **counts)


def _iso(time: datetime) -> str:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()  # SQLite forgets the zone

"""The file ledger: which deliveries were applied, by which profile and mode."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from matchpoint.run_folder import Extract
from matchpoint.store.engine import writing
from matchpoint.store.tables import file_ledger, runs


def applied_by(engine: Engine, *, profile: str, mode: str, name: str, modified: int, sha256: str) -> str | None:
    """Give the run that applied this very delivery, or None.

    A delivery is path, modification time and content together: the same content sent again is a new one (it may
    undo what came between), a file that only was not renamed yet is not.
    """
    delivery = {"profile": profile, "mode": mode, "name": name, "modified": modified, "sha256": sha256}
    with engine.connect() as connection:
        return connection.scalar(select(file_ledger.c.run_id).filter_by(**delivery))


def note_files(
    connection: Connection,
    extracts: Iterable[Extract],
    *,
    profile: str,
    mode: str,
    run_id: str,
    now: datetime,
) -> None:
    """Note the remote files of a run as applied; those noted before stay as they are."""
    deliveries = {(one.remote, one.modified, one.file_sha256, one.file_size) for one in extracts}
    for name, modified, hashed, size in sorted(deliveries):
        delivery = {"profile": profile, "mode": mode, "name": name, "modified": modified, "sha256": hashed}
        if connection.scalar(select(file_ledger.c.id).filter_by(**delivery)) is None:
            connection.execute(insert(file_ledger).values(**delivery, size=size, run_id=run_id, applied_at=now))


def was_applied(engine: Engine, run_id: str) -> bool:
    """Tell whether a run has applied its whole plan."""
    with engine.connect() as connection:
        return connection.scalar(select(runs.c.applied_at).where(runs.c.run_id == run_id)) is not None


def note_receipt(engine: Engine, run_id: str, receipt: dict[str, Any]) -> None:
    """Keep a run's receipt in the store."""
    with writing(engine).begin() as connection:
        connection.execute(runs.update().where(runs.c.run_id == run_id).values(receipt=receipt))

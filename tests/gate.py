"""A gate inside the user store: whoever has written one certain person waits at it, right before the commit.

It makes "in the middle of the task" a place, not a moment: a test that kills a worker there never comes too early or
too late, however fast or slow the machine is. It stands before the commit, not in the middle of a COPY: there the
operating system would go on delivering what a dead client had sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from servers import libpq

from matchpoint.store import engine

NUMBER = 4242
STORE_LOCK = engine._LOCK
_TRIGGER = """
CREATE OR REPLACE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.primary_id = '{person}' THEN PERFORM pg_advisory_xact_lock_shared({number}); END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS gate ON users;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION gate();
"""


class Gate:
    """A closed gate."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def waiting(self) -> list[int]:
        """Give the database's processes that wait at the gate."""
        return self._who(NUMBER, granted=False)

    def at_the_store(self) -> list[int]:
        """Give the database's processes that wait for their turn to write to the store."""
        return self._who(STORE_LOCK, granted=False)

    def holds_the_store(self) -> list[int]:
        """Give the database's process whose turn it is."""
        return self._who(STORE_LOCK, granted=True)

    def _who(self, number: int, *, granted: bool) -> list[int]:
        rows = self._connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (number, granted),
        )
        return [pid for (pid,) in rows]

    def open(self) -> None:
        """Let everybody through."""
        self._connection.execute("SELECT pg_advisory_unlock_all()")


@contextmanager
def closed_gate(store_url: str, person: str) -> Iterator[Gate]:
    """Close the gate in front of a person, by primary id; it is open again at the end."""
    with psycopg.connect(libpq(store_url), autocommit=True) as connection:
        connection.execute(_TRIGGER.format(person=person, number=NUMBER))
        connection.execute("SELECT pg_advisory_lock(%s)", (NUMBER,))
        yield Gate(connection)

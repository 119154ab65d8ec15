"""The tables about leavers: since when people are absent from their feeds, and what they still owe the library.

Who is in several profiles may be absent from each of their feeds, and is counted in each.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text

from matchpoint.store.tables import Json, metadata

absences = Table(
    "absences",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("profile", Text, primary_key=True, index=True),
    Column("feeds", Integer, nullable=False, comment="full feeds in a row without the person, as far as they count"),
    Column("first_absent", Text, nullable=False, comment="as-of date of the first of them"),
    Column("run_id", Text, nullable=False, comment="the run that counted last"),
    Column("step", Text, comment="the last step taken: expire, deactivate, purge_date or hand_over"),
    Column("step_run_id", Text, comment="the run that took it"),
    Column("before", Json, comment="the fields that the steps have set, as they were"),
    Column("next_on", Text, nullable=False, comment="as-of date from which on the next step is looked at"),
    Column("held", Text, comment="what holds the next step back: the person is on the clearance list"),
)

obligations = Table(
    "obligations",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("blocks", Integer, nullable=False),
    Column("loans", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("fines", Text, nullable=False, comment="the open balance, a decimal number"),
    Column("as_of", Text, nullable=False, comment="the day for which it was told"),
    Column("source", Text, nullable=False, comment="who told it: a file, an interface"),
)

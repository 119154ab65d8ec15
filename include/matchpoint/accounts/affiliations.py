"""Handing shared users over outside of a feed: a role has ended, or a profile knows no more of somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, Engine

from matchpoint.accounts.store import Act, change, lock
from matchpoint.chunks import chunks
from matchpoint.errors import AccountError
from matchpoint.store import exclusive, writing
from matchpoint.store.affiliations import HandOver, due, hand_over, hand_over_ended, replace_facets

AT_ONCE = 1_000
"""Users in one transaction."""


def hand_over_all_ended(engine: Engine, as_of: date, act: Act) -> tuple[int, list[int]]:
    """Hand every shared user over of whom a role has ended by a day; give how many changed, and who could not.

    For feeds that tell only changes, or no longer come: else the next run of a profile does it. Whom an identifier
    keeps back that somebody else has taken stays as it is.
    """
    with engine.connect() as connection:
        ids: list[int] = due(connection, "", as_of).tolist()
    return _hand_over(engine, ids, lambda connection, some: hand_over_ended(connection, some, as_of), act)


def hand_over_leavers(
    engine: Engine, profile: str, user_ids: Iterable[int], as_of: date, act: Act
) -> tuple[int, list[int]]:
    """Hand shared users over of whom a profile knows no more; give how many changed, and who could not."""
    return _hand_over(engine, user_ids, lambda connection, some: hand_over(connection, profile, some, as_of), act)


def _hand_over(
    engine: Engine,
    user_ids: Iterable[int],
    how: Callable[[Connection, Sequence[int]], dict[int, HandOver]],
    act: Act,
) -> tuple[int, list[int]]:
    changed, refused = 0, []
    with exclusive(engine):
        for some in chunks(user_ids, AT_ONCE):
            try:
                changed += _write(engine, some, how, act)
            except AccountError:
                for one in some:
                    try:
                        changed += _write(engine, [one], how, act)
                    except AccountError:
                        refused.append(one)
    return changed, refused


def _write(
    engine: Engine, user_ids: Sequence[int], how: Callable[[Connection, Sequence[int]], dict[int, HandOver]], act: Act
) -> int:
    with writing(engine).begin() as connection:
        accounts = lock(connection, user_ids)
        handed = how(connection, user_ids)
        written = change(
            connection, [(one, (handed[one.id].after, one.protected)) for one in accounts if one.id in handed], act
        )
        replace_facets(connection, {user_id: one.facets for user_id, one in handed.items()}, act.now)
    return written

"""Handing shared users over outside of a feed: a role has ended, or a profile knows no more of somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, Engine

from matchpoint.accounts.store import Act, change, lock
from matchpoint.alma.fields import PRIMARY_ID
from matchpoint.chunks import chunks
from matchpoint.errors import AccountError
from matchpoint.store import exclusive, writing
from matchpoint.store.affiliations import HandOver, due, hand_over, hand_over_ended, replace_facets

BATCH = 1_000
"""Users in one transaction."""
_How = Callable[[Connection, Sequence[int]], dict[int, HandOver]]


@dataclass
class HandedOver:
    """How many users were handed over, or in a dry run would be, and by primary id why others stay as they are."""

    changed: int = 0
    left: dict[str, str] = field(default_factory=dict)


def hand_over_all_ended(engine: Engine, act: Act, *, as_of: date, dry_run: bool = False) -> HandedOver:
    """Hand every shared user over of whom a role has ended by a day.

    For feeds that tell only changes, or no longer come: else the next run of one of the user's profiles does it. Whom
    an identifier keeps back that somebody else has taken stays as it is.
    """
    with engine.connect() as connection:
        ids: list[int] = due(connection, "", as_of).tolist()
        if dry_run:
            batches = (hand_over_ended(connection, some, as_of) for some in chunks(ids, BATCH))
            return HandedOver(sum(bool(one.changes) for some in batches for one in some.values()))
    return _all(engine, ids, lambda connection, some: hand_over_ended(connection, some, as_of), act)


def hand_over_leavers(engine: Engine, act: Act, *, profile: str, user_ids: Iterable[int], as_of: date) -> HandedOver:
    """Hand shared users over of whom a profile knows no more; who is shared with no other profile is passed over."""
    return _all(engine, user_ids, lambda connection, some: hand_over(connection, profile, some, as_of), act)


def _all(engine: Engine, user_ids: Iterable[int], how: _How, act: Act) -> HandedOver:
    """Hand users over, many at once, and one by one where that is refused."""
    handed = HandedOver()
    with exclusive(engine):
        for some in chunks(user_ids, BATCH):
            try:
                _write(engine, some, how, act, handed)
            except AccountError:
                for one in some:
                    _write_alone(engine, one, how, act, handed)
    return handed


def _write(engine: Engine, user_ids: Sequence[int], how: _How, act: Act, handed: HandedOver) -> None:
    with writing(engine).begin() as connection:
        accounts = lock(connection, user_ids)
        after = how(connection, user_ids)
        states = [(one, (after[one.id].after, one.protected)) for one in accounts if one.id in after]
        changed = change(connection, states, act)
        replace_facets(connection, {user_id: one.facets for user_id, one in after.items()}, act.now)
    handed.changed += changed


def _write_alone(engine: Engine, user_id: int, how: _How, act: Act, handed: HandedOver) -> None:
    try:
        _write(engine, [user_id], how, act, handed)
    except AccountError:
        with engine.connect() as connection:
            [account] = lock(connection, [user_id])
        handed.left[account.user[PRIMARY_ID]] = "somebody else has an identifier that the user would get"

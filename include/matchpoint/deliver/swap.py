"""What Alma is to be sent of a user: a new one, or what a PUT makes of the one it has. Pure functions.

A PUT replaces the whole user, Internal segments too (reference 6.2). So what is sent is Alma's own record, with what
the SIS owns replaced by ours, by the law of a synchronize. Roles are left out of it: then Alma keeps them, and a
role that Alma would no longer accept holds nobody back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from matchpoint.alma.fields import CORE_BY_NAME, ROLES, SEGMENT_TYPE, SEGMENTS, User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.alma.law import SPECIAL_FIELDS, Changes, changes, new_user, synchronize
from matchpoint.alma.shapes import OnSynchronize
from matchpoint.deliver.comparable import comparable

_OF_THE_SIS = {
    name
    for name, field in CORE_BY_NAME.items()
    if field.on_synchronize in {OnSynchronize.REPLACED, OnSynchronize.IDENTITY}
} | SPECIAL_FIELDS


@dataclass(frozen=True)
class Swap:
    """A PUT: the ``user`` to send, the special fields to ``override``, and what ``changes`` in Alma by it.

    ``changes`` are as :func:`matchpoint.alma.law.changes` gives them, of both users in comparable form. Without any,
    Alma has it all already, and nothing is to be sent.
    """

    user: User
    override: tuple[str, ...]
    changes: Changes


def of_the_sis(user: User, *, with_owners: bool = True) -> User:
    """Give what a load from the SIS brings of a user: no role, no password, no Internal segment, no output.

    Owners need not be said to Alma's SIS job: on a load everything becomes External (reference 3.3).
    """
    kept = {name: value for name, value in user.items() if name in _OF_THE_SIS}
    for segment in SEGMENTS:
        left_out = {one.name for one in segment.fields if one.on_synchronize is OnSynchronize.OUTPUT}
        left_out |= set() if with_owners else {SEGMENT_TYPE}
        for part in segment.parts(user):
            if part.get(SEGMENT_TYPE) != "Internal":
                segment.add(kept, {name: part[name] for name in part if name not in left_out})
    return kept


def to_create(ours: User, profile: str) -> User:
    """Give what a POST sends for a user of the store whom Alma does not have."""
    return new_user(of_the_sis(ours), profile_code=profile, record_type=ours["record_type"]["value"])


def swap(
    ours: User,
    alma: User,
    profile: str,
    *,
    protected: Collection[str] = (),
    delivered: User | None = None,
) -> Swap:
    """Say what Alma is to be sent for a user of the store whom it has as ``alma``.

    Of the special fields, Alma keeps a manual edit of its own, and its value where ours is empty, unless a PUT
    overrides them. It overrides those that staff edited in this store (``protected``), and those that became empty
    here while Alma has just what was ``delivered`` last. What differs from that was edited in Alma by hand, and
    stays: a load from the SIS would leave it, too.
    """
    incoming = of_the_sis(ours)
    values = comparable(incoming), comparable(alma), comparable(delivered or {})
    kept, override = set(), []
    for name in sorted(SPECIAL_FIELDS):
        mine, theirs, before = (one.get(name) for one in values)
        if mine == theirs:
            continue
        is_theirs = delivered is not None and theirs != before
        became_empty = mine is None and delivered is not None and theirs == before
        if name in protected or became_empty:
            override.append(name)
        elif is_theirs or mine is None:
            kept.add(name)
    made = synchronize(alma, incoming, profile_code=profile, protected=kept, empty_special="clear")
    made.pop(ROLES.name, None)
    changed = changes(comparable(_without_roles(alma)), comparable(made))
    return Swap(_with_all_lists(made), tuple(override), changed)


def is_same_person(ours: User, alma: User, id_type: str) -> bool:
    """Tell whether both have an identifier of a type in common, in whatever case."""
    return bool(_keys(ours, id_type) & _keys(alma, id_type))


def _keys(user: User, id_type: str) -> set[str]:
    return {key(value) for one, value in identifiers(user) if one == id_type}


def _without_roles(user: User) -> User:
    return {name: value for name, value in user.items() if name != ROLES.name}


def _with_all_lists(user: User) -> User:
    """Name every kind of segment: an empty list is what deletes the last one."""
    for segment in SEGMENTS:
        home = user
        for step in segment.path[:-1]:
            home = home.setdefault(step, {})
        home.setdefault(segment.path[-1], [])
    return user

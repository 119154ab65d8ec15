"""One person, several affiliations: what the profiles together make of a user whom several of them load.

Each profile's say is a facet. The user is worked out of all facets and the day alone, never out of who came last: so
whichever profile runs, and however often, the same user comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from matchpoint.alma.fields import (
    IDENTIFIERS,
    PRIMARY_ID,
    SEGMENT_TYPE,
    SEGMENTS,
    SPECIAL_LISTS,
    Segment,
    User,
    mappable_core_fields,
)
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import SPECIAL_FIELDS, synchronize

EXPIRY, PURGE = "expiry_date", "purge_date"


@dataclass(frozen=True)
class Facet:
    """What one profile last said of a person.

    ``rank`` is its place in the table of precedence, 0 first; ``user`` the mapped user in Alma's JSON form without
    what Alma itself sets; ``active`` whether the role had not ended when the user was last put together; ``run_id``
    the run that last changed the facet; the hashes are those of :mod:`matchpoint.staged`, None where the row has to
    be met again.
    """

    profile: str
    rank: int
    user: User
    active: bool = True
    run_id: str | None = None
    row_hash: int | None = None
    user_hash: int | None = None

    @property
    def ends(self) -> str | None:
        """The last day of the role, YYYY-MM-DD; None for one without end."""
        return _day(self.user.get(EXPIRY))

    @property
    def user_group(self) -> str | None:
        """The code of the user group that the profile gives."""
        return group_of(self.user)

    def lasts(self, as_of: date) -> bool:
        """Tell whether the role has not ended on a day."""
        return self.ends is None or self.ends >= as_of.isoformat()


def group_of(user: User) -> str | None:
    """Give the code of a user's group."""
    group: str | None = user.get("user_group", {}).get("value")
    return group


def said(incoming: User) -> User:
    """Give of a staged user what the extract says: no record type, account type or external id."""
    return {name: value for name, value in incoming.items() if name in _SAID}


def said_before(user: User, protected: Mapping[str, Any]) -> User:
    """Tell what a profile must have said of a user it alone loaded; ``protected`` holds the SIS's special values."""
    own = {name: value for name, value in {**user, **protected}.items() if name in _FIELDS and value is not None}
    for segment in SEGMENTS:
        for part in segment.parts(user):
            if part.get(SEGMENT_TYPE) != "Internal":
                segment.add(own, part)
    return own


def without(facets: Iterable[Facet], profile: str) -> list[Facet]:
    """Give the facets of the other profiles."""
    return [one for one in facets if one.profile != profile]


def in_order(facets: Iterable[Facet], as_of: date) -> list[Facet]:
    """Give the facets that count on a day, the first ranking first.

    Those are the roles that have not ended; when all have, the one that ended last, so that the user stays as that
    role left it.
    """
    facets = sorted(facets, key=lambda one: (one.rank, one.profile))
    lasting = [one for one in facets if one.lasts(as_of)]
    last = max((one.ends or "" for one in facets), default="")
    return lasting or [one for one in facets if one.ends == last]


def combine(facets: Iterable[Facet], as_of: date, *, primary_id: str | None = None) -> User:
    """Put together what the facets that count say of a person.

    A field is that of the first ranking facet that has it, names and the job as a whole. The expiry date is the
    latest end of any role, and there is none when a role has none; the purge date likewise. The segments are those
    of all, each once; what the first ranking facet prefers is preferred. The user keeps its ``primary_id`` as long
    as any facet, an ended one too, gives it.
    """
    facets = list(facets)
    counting = in_order(facets, as_of)
    users = [one.user for one in counting]
    user: User = {}
    for names in _TOGETHER:
        first = next((one for one in users if any(name in one for name in names)), {})
        user |= {name: first[name] for name in names if name in first}
    for name in (EXPIRY, PURGE):
        if users and all(name in one for one in users):
            user[name] = max((one[name] for one in users), key=lambda value: str(_day(value)))
    given = [one.user[PRIMARY_ID] for one in (*counting, *facets) if PRIMARY_ID in one.user]
    if primary_id and key(primary_id) in map(key, given):
        user[PRIMARY_ID] = primary_id
    elif given:
        user[PRIMARY_ID] = given[0]
    for segment in SEGMENTS:
        _add_parts(user, segment, users)
    return user


def synchronize_shared(
    existing: User,
    facets: Sequence[Facet],
    as_of: date,
    *,
    protected: Collection[str] = (),
    empty_special: Literal["keep", "clear"] = "keep",
) -> User:
    """Swap All with all that the facets say: gives the user that results, of the first ranking facet's profile.

    A special field that only an ended role gave goes with the role, unless it was edited by hand since.
    """
    counting = in_order(facets, as_of)
    incoming = combine(facets, as_of, primary_id=existing.get(PRIMARY_ID))
    ended = [one.user for one in facets if one not in counting]
    left = {
        name
        for name in SPECIAL_FIELDS - incoming.keys() - set(protected)
        if name in existing and any(one.get(name) == existing[name] for one in ended)
    }
    staying = {name: value for name, value in existing.items() if name not in left}
    owner = counting[0].profile
    return synchronize(staying, incoming, profile_code=owner, protected=protected, empty_special=empty_special)


def _add_parts(user: User, segment: Segment, users: Sequence[User]) -> None:
    """Give a user the segments of a kind that several have, each once."""
    seen = {_same(segment, {"value": user.get(PRIMARY_ID, "")})} if segment is IDENTIFIERS else set()
    flagged: set[str] = set()
    for one in users:
        parts = [part for part in segment.parts(one) if _same(segment, part) not in seen]
        for part in parts:
            segment.add(user, {name: value for name, value in part.items() if name not in flagged})
        seen |= {_same(segment, part) for part in parts}
        flagged |= {flag for flag in segment.flags if any(part.get(flag) for part in segment.parts(one))}


def _same(segment: Segment, part: Mapping[str, Any]) -> str:
    """Give what is the same for two segments that say the same."""
    if segment.name in _TELLING:
        return key(str(part.get(_TELLING[segment.name])))
    told = (part.get(field.name) for field in segment.fields if field.name not in _NOT_TELLING)
    return repr([one.get("value") if isinstance(one, dict) else one for one in told])


def _day(value: str | None) -> str | None:
    return value[:10] if value else None


_TELLING = {"user_identifier": "value", "email": "email_address", "phone": "phone_number"}
"""By kind of segment the field by which two are the same, in upper or lower case; of other kinds it is all fields."""
_NOT_TELLING = {"created_by", "created_date", "note_owner"}
_ALONE = {PRIMARY_ID, EXPIRY, PURGE}
_GROUPED = (
    ("first_name", "middle_name", "last_name"),
    ("pref_first_name", "pref_middle_name", "pref_last_name", "pref_name_suffix"),
    ("job_category", "job_description"),
)
_FIELDS = {field.name for field in mappable_core_fields()} | set(SPECIAL_LISTS)
_SAID = _FIELDS | {segment.path[0] for segment in SEGMENTS}
_TOGETHER = (
    *_GROUPED,
    *((name,) for name in sorted(_FIELDS - _ALONE - {name for names in _GROUPED for name in names})),
)
"""The fields of a user by what is taken from one facet as a whole."""

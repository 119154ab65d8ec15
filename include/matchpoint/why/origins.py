"""Where each field of a user comes from: the SIS's row, the profile, a person, or the library itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matchpoint.alma.fields import CORE_BY_NAME, LISTS, SEGMENT_TYPE, SEGMENTS, OnSynchronize, User
from matchpoint.why.account import Changed, Origin

_LISTS = {one.name for one in LISTS}


def origins(user: User, history: Sequence[Changed], protected: Mapping[str, Any]) -> Iterator[Origin]:
    """Tell of every field, and of every part of a kind of segment, who said it last; ``history`` is newest first."""
    for name in user:
        if name in CORE_BY_NAME or name in _LISTS:
            yield Origin(name, user[name], _of_field(name, user, history, protected))
    for segment in SEGMENTS:
        for part in segment.parts(user):
            shown = {one: value for one, value in part.items() if one != SEGMENT_TYPE}
            if part.get(SEGMENT_TYPE) == "Internal":
                yield Origin(
                    segment.name, shown, f"internal segment, the library's own; {_last(segment.name, history)}"
                )
            else:
                yield Origin(segment.name, shown, f"external segment; {_last(segment.name, history)}")


def _of_field(name: str, user: User, history: Sequence[Changed], protected: Mapping[str, Any]) -> str:
    last = _last(name, history)
    if name in protected:
        return f"edited by hand and protected from the SIS; {last}"
    if CORE_BY_NAME.get(name) and CORE_BY_NAME[name].on_synchronize is OnSynchronize.PROFILE:
        profile = user.get("external_id")
        return f"profile {profile}; {last}" if profile else last
    return last


def _last(name: str, history: Sequence[Changed]) -> str:
    """Say which change a field is from: the last one that touched it, or the one that made the user."""
    for one in history:
        if name in one.fields or one.outcome == "created":
            when = one.at[:19].replace("T", " ")
            if one.row is not None:
                return f"SIS row {one.row} of run {one.run_id} ({one.rule}, {when})"
            return f"{one.rule or 'change'} by {one.actor} ({when})"
    return "from before the history begins"

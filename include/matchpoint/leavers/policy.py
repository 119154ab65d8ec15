"""The policy for one leaver: which step comes next, or what holds it back. Decides, writes nothing.

Steps are taken one by one: the expiry date, INACTIVE when that has passed, the purge date. Which were taken is told
by ``before``, so what somebody at the library changes afterwards is not set a second time: an expiry date that was
given more time is waited for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from matchpoint.accounts.purge import says_nosync
from matchpoint.affiliations import group_of
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import key
from matchpoint.profile import Profile
from matchpoint.profile.leavers import Leavers, Step
from matchpoint.store.absences import HAND_OVER

NEVER = "9999-12-31"
FIELDS: Mapping[str, str] = MappingProxyType(
    {"expire": "expiry_date", "deactivate": "status", "purge_date": "purge_date"}
)
"""The field that each step sets."""
TAKEN = "somebody else has an identifier that another role gives; merge the two users"
"""What holds back who would be handed over."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a leaver.

    ``step`` is one of :data:`matchpoint.profile.leavers.Step`, ``hand_over``, ``settled`` when none is due, ``held``
    or ``protected``; ``rule`` says why, without a value of the person. ``user`` is the user to be written, None when
    nothing changes; ``before`` what all steps so far have overwritten; ``next_on`` the as-of date from which on the
    next step is looked at.
    """

    step: str
    rule: str
    next_on: str
    user: User | None = None
    before: Mapping[str, Any] = field(default_factory=dict)


def leavers_of(profile: Profile) -> Leavers | None:
    """Give the policy of a profile; None when there is nothing to do about leavers."""
    action = profile.actions.synchronize
    return action.leavers if action and action.leavers.steps else None


def next_step(
    user: User, before: Mapping[str, Any], leavers: Leavers, as_of: date, holds: Sequence[str] = ()
) -> Verdict:
    """Decide about somebody who was absent often enough.

    ``before`` is what earlier steps have overwritten, ``holds`` what the person still owes. A step that finds all as
    it would be itself (somebody who expired long ago) counts as taken, and the next one is looked at.
    """
    today = as_of.isoformat()
    if why := protected_by(user, leavers):
        return Verdict("protected", why, today, before=before)
    taken: Step | None = None
    seen = dict(before)
    for step in leavers.steps:
        name = FIELDS[step]
        if name in seen:
            continue
        due = _due(step, user)
        if due > today:
            return Verdict(taken or "settled", f"{step} is due on {due}", due, before=seen)
        if holds:
            return Verdict("held", "; ".join(holds), today, before=before)
        old, new = user.get(name), _value(step, user, leavers, as_of)
        taken, seen = step, {**seen, name: old}
        if new != old:
            changed = {**user, name: new}
            later = [_due(one, changed) for one in leavers.steps if FIELDS[one] not in seen]
            return Verdict(step, _rule(step, leavers), max([today, *later[:1]]), changed, seen)
    return Verdict(taken or "settled", "all steps are taken", today, before=seen)


def hand_over_step(
    user: User, next_user: User, leavers: Leavers, as_of: date, *, before: Mapping[str, Any], is_taken: bool
) -> Verdict:
    """Decide about somebody who was absent often enough, and of whom the next role makes ``next_user``.

    ``before`` is what earlier steps have overwritten; ``is_taken`` tells that somebody else holds an identifier of
    ``next_user``. What the person owes holds nothing back: a role that lasts keeps the person in the library.
    """
    today = as_of.isoformat()
    if why := protected_by(user, leavers):
        return Verdict("protected", why, today, before=before)
    if is_taken:
        return Verdict("held", TAKEN, today, before=before)
    rule = f"absent from {leavers.after_feeds} full feeds: the next role takes over"
    return Verdict(HAND_OVER, rule, today, next_user, {"user_group": {"value": group_of(user)}})


def protected_by(user: User, leavers: Leavers) -> str | None:
    """Tell what protects a user from every step; None when nothing does."""
    if user.get("account_type", {}).get("value") == "INTERNAL":
        return "the user is internal"
    if says_nosync(user):
        return "a note says NOSYNC"
    if user.get("user_group", {}).get("value") in leavers.protect.user_groups:
        return "protect.user_groups"
    if key(user[PRIMARY_ID]) in {key(one) for one in leavers.protect.primary_ids}:
        return "protect.primary_ids"
    return None


def _due(step: Step, user: User) -> str:
    """Give the day from which on a step may be taken: what follows the expiry date waits until that has passed."""
    if step == "expire":
        return ""
    if step == "purge_date" and user.get("status", {}).get("value") == "INACTIVE":
        return ""
    expiry = user.get("expiry_date", NEVER)[:10]
    return expiry if expiry >= NEVER else (date.fromisoformat(expiry) + timedelta(days=1)).isoformat()


def _value(step: Step, user: User, leavers: Leavers, as_of: date) -> Any:
    if step == "deactivate":
        return {"value": "INACTIVE"}
    if step == "purge_date":
        return (as_of + timedelta(days=leavers.purge_after_days or 0)).isoformat()
    expiry = (as_of + timedelta(days=leavers.grace_days)).isoformat()
    old: str = user.get("expiry_date", NEVER)
    return old if old[:10] <= expiry else expiry  # nobody gets more time by leaving


def _rule(step: Step, leavers: Leavers) -> str:
    absent = f"absent from {leavers.after_feeds} full feeds"
    return {
        "expire": f"{absent}: expires {leavers.grace_days} days after the as-of date",
        "deactivate": "absent, and the expiry date has passed: INACTIVE",
        "purge_date": f"absent and expired: may be purged {leavers.purge_after_days} days after the as-of date",
    }[step]

"""The plan's part about leavers: who of a profile's people is not in the feed, and what is to become of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import chain

import numpy as np
from sqlalchemy import Connection

from matchpoint.feed import Feed
from matchpoint.hashes import Hashes
from matchpoint.leavers.absent import Absent
from matchpoint.leavers.feeds import why_not_full
from matchpoint.leavers.files import (
    LeaverCounter,
    LeaverCounts,
    read_leavers,
    write_clearance,
    write_leavers,
)
from matchpoint.leavers.policy import leavers_of
from matchpoint.leavers.present import Present, present_in
from matchpoint.leavers.roles import Roles
from matchpoint.matching import Rules
from matchpoint.profile import Profile
from matchpoint.run_folder import RunFolder
from matchpoint.standing import Standing
from matchpoint.store import absences


def plan_absences(
    folder: RunFolder,
    connection: Connection,
    profile: Profile,
    feed: Feed,
    standing: Standing,
    *,
    rules: Rules,
    run_id: str,
    as_of: date,
) -> LeaverCounts | None:
    """Do :func:`plan_leavers` for the feed of a synchronize whose plan is written; an import has no leavers."""
    if rules.mode != "synchronize" or leavers_of(profile) is None:
        return None
    present = present_in(folder, feed, standing)
    return plan_leavers(folder, connection, profile, present, run_id=run_id, as_of=as_of)


def plan_leavers(
    folder: RunFolder,
    connection: Connection,
    profile: Profile,
    present: Present,
    *,
    run_id: str,
    as_of: date,
) -> LeaverCounts | None:
    """Write ``leavers.parquet`` and ``clearance.csv`` of a run, and give the counts.

    None where the profile does nothing about leavers: then nothing is asked and nothing written. A run that is no
    full feed counts nobody as absent, but who is in it is back; one that is repeated after a newer one tells nothing.
    """
    leavers = leavers_of(profile)
    if leavers is None:
        return None
    told_before = _told_before(folder)
    not_counted = why_not_full(folder, leavers)
    is_newest = absences.is_newest(connection, profile.code, run_id)
    if not is_newest:
        not_counted, present = "older_feed", replace(present, unidentified=0)
    roles = Roles(connection, profile, as_of)
    people = Absent(connection, profile.code, leavers, present, roles, run_id=run_id, as_of=as_of)
    told = chain(people.ended(told_before) if is_newest else (), () if not_counted else people.absent())
    counter = LeaverCounter()
    write_leavers(folder, counter.seen(told))
    write_clearance(folder, people.held)
    return counter.counts(settled=people.settled, unidentified=present.unidentified, not_counted=not_counted)


def _told_before(folder: RunFolder) -> Hashes:
    """Give the users whom an earlier plan of this run brings back: they are told again, and by now are back."""
    found = [one.user_id for some in read_leavers(folder) for one in some if one.step == "returned"]
    return np.array(found, dtype=np.int64)

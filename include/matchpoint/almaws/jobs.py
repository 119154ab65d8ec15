"""The SIS jobs of the Alma double: two for each integration profile that reads Alma's user XML.

The number of a profile is made of its code, so that it is the same in every double and can be written into a sender's
``destinations.alma_sftp.profile_id`` beforehand. Job ids carry the letter S, for scheduled (reference 7.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from matchpoint.profile import Mode, Profile
from matchpoint.profile.formats import AlmaXmlFormat

CATEGORY = "USERS"
"""Alma's category of the jobs, and of their events."""
TYPE = "SCHEDULED"
MODES: dict[str, Mode] = {"1": "import", "2": "synchronize"}
"""The last digit of a job's id, and what the job does."""


@dataclass(frozen=True)
class Job:
    """One job: its id, Alma's number of the profile, the profile, what it does, and the folder of its files."""

    id: str
    profile_id: str
    profile: Profile
    mode: Mode
    path: str

    @property
    def name(self) -> str:
        """Alma's name of it."""
        return f"Users {self.mode.upper()} using profile {self.profile.name}"


def profile_number(code: str) -> str:
    """Give the double's number of an integration profile: 15 digits of the SHA-256 of its code, the first no zero."""
    return str(10**14 + int(hashlib.sha256(code.encode()).hexdigest(), 16) % (9 * 10**14))


def jobs_of(profiles: Iterable[Profile]) -> dict[str, Job]:
    """Give the jobs by id: of every profile in ``alma_xml`` one for each of import and synchronize that is active."""
    jobs = {}
    for profile in profiles:
        if not isinstance(profile.format, AlmaXmlFormat):
            continue
        number = profile_number(profile.code)
        for digit, mode in MODES.items():
            action = profile.action(mode)
            if action:
                job = Job(f"S{number}{digit}", number, profile, mode, action.path)
                jobs[job.id] = job
    return jobs

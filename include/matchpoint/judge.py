"""What becomes of a faulty user: it is rejected, or loaded without the faulty part, as the profile says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from matchpoint.alma.check import Fault
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.findings import Finding, Severity


def judge(
    row: int, user: User, faults: Iterable[Fault], checks: Mapping[str, Severity]
) -> tuple[User, list[Finding]]:
    """Give the user as it can be loaded, and the findings.

    ``checks`` says by code what a fault does. With ``drop`` the faulty segment, flag or field goes and its finding is
    a warning; a user without primary id, and one who is rejected anyhow, keeps all and is told all.
    """
    faults = list(faults)
    findings = [_finding(row, fault, checks) for fault in faults]
    if not any(one.severity == "drop" for one in findings):
        return user, findings
    if any(one.severity == "reject" for one in findings):
        return user, [replace(one, severity="reject") for one in findings]
    for fault in faults:
        user = _without(user, fault)
    return user, findings


def _finding(row: int, fault: Fault, checks: Mapping[str, Severity]) -> Finding:
    severity = "reject" if fault.field == PRIMARY_ID else checks.get(fault.code, "reject")
    return Finding(row, fault.field, fault.code, fault.detail, severity)


def _without(user: User, fault: Fault) -> User:
    """Take the faulty part out of a user; a part that is gone already stays gone."""
    segment, part = fault.segment, fault.part
    if segment is None or part is None:
        return {name: value for name, value in user.items() if name != fault.field}
    if fault.flag:
        part.pop(fault.flag, None)
        return user
    home = user
    for step in segment.path[:-1]:
        home = home[step]
    home[segment.path[-1]] = [one for one in home[segment.path[-1]] if one is not part]
    return user

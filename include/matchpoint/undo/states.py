"""A user before and after its changes are taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matchpoint.accounts.rules import Account, State
from matchpoint.alma.fields import SEGMENTS, User
from matchpoint.alma.law import as_before
from matchpoint.undo.traces import PROTECTED

_SEGMENTS = {segment.name: segment for segment in SEGMENTS}


def taken_back(account: Account, changes: Mapping[str, list[Any]]) -> State:
    """Give user and protected fields with changes taken back; a field that is protected again has the SIS's value."""
    user = as_before(account.user, {name: then for name, (_, then) in changes.items() if not _is_protection(name)})
    protected = dict(account.protected)
    for name, (_, then) in changes.items():
        if _is_protection(name):
            field = name.removeprefix(PROTECTED)
            protected.pop(field, None)
            if then:
                protected[field] = account.user.get(field)
    return user, protected


def differs(account: Account, changes: Mapping[str, list[Any]]) -> str | None:
    """Name a field that is not what the history says it is now; None when all are."""
    for name, (now, _) in changes.items():
        if (value_of(account, name) or None) != (now or None):
            return name
    return None


def value_of(account: Account, name: str) -> Any:
    """Give the value of a field, the parts of a kind of segment, or whether a field is protected."""
    if _is_protection(name):
        return name.removeprefix(PROTECTED) in account.protected
    if name in _SEGMENTS:
        return _SEGMENTS[name].parts(account.user)
    return account.user.get(name)


def document_of(account: Account | None) -> User:
    """Give the user of an account; one that is not there has nothing."""
    return account.user if account else {}


def _is_protection(name: str) -> bool:
    return name.startswith(PROTECTED)

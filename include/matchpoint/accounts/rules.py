"""The library's rules for one user: what may be edited, what conversion and merging make of it. Pure functions.

Source: Alma's help on managing users, its developers' articles on external and internal users, and its REST API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from matchpoint.alma.check import Context, check_user
from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import (
    CORE_FIELDS,
    IDENTIFIERS,
    PRIMARY_ID,
    ROLES,
    SEGMENT_TYPE,
    SEGMENTS,
    SPECIAL_LISTS,
    OnSynchronize,
    Segment,
    User,
)
from matchpoint.errors import AccountError

Owner = Literal["Internal", "External"]
AccountType = Literal["INTERNAL", "EXTERNAL"]

SPECIAL = {one.name for one in CORE_FIELDS if one.on_synchronize is OnSynchronize.SPECIAL} | set(SPECIAL_LISTS)
_NOT_EDITED = {"account_type", "external_id", "password"}
EDITABLE = SPECIAL | {
    one.name for one in CORE_FIELDS if one.on_synchronize is not OnSynchronize.OUTPUT and one.name not in _NOT_EDITED
}
"""The fields that staff may edit; account type and password have functions of their own."""


@dataclass(frozen=True)
class Account:
    """A user of the store: its number, version, document, and the SIS's value of each protected field."""

    id: int
    version: int
    user: User
    protected: dict[str, Any] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        """Whether a SIS owns the user."""
        return bool(self.user["account_type"]["value"] == "EXTERNAL")


State = tuple[User, dict[str, Any]]
"""A user and its protected fields after a change."""


def new_internal(user: User) -> User:
    """Complete a new INTERNAL user; raises :class:`AccountError` in the words of Alma's API."""
    if user.get("external_id"):
        raise AccountError("401853", "external_id: found one; expected none for an internal user")
    if not user.get(PRIMARY_ID):
        raise AccountError("401664", "Mandatory field is missing: primary_id")
    if "record_type" not in user:
        raise AccountError("401664", "Mandatory field is missing: record_type")
    made = {name: value for name, value in user.items() if name not in {"password", "external_id"}}
    made |= {"account_type": {"value": "INTERNAL"}, "status": user.get("status", {"value": "ACTIVE"})}
    for segment in SEGMENTS:
        for part in segment.parts(made):
            part.setdefault(SEGMENT_TYPE, "Internal")
    return checked(made)


def checked(user: User, tables: CodeTables | None = None) -> User:
    """Give a user that keeps Alma's rules; raises :class:`AccountError` with the first fault, without a value.

    With code ``tables`` its codes are looked up, too.
    """
    record_type = user.get("record_type", {}).get("value", "")
    for fault in check_user(user, Context(tables or CodeTables(), record_type)):
        place, code = fault.field.rpartition(".")[2], fault.code
        if code == "two_identifiers":
            raise AccountError("4018994", "Request cannot contain two identifiers with the same value")
        if code == "mandatory":
            raise AccountError("401664", f"Mandatory field is missing: {fault.detail}")
        if code in _CODES_AT_FAULT:
            raise AccountError("401852" if place == "user_group" else _CODES_AT_FAULT[code], _no_code(fault.field))
        raise AccountError(code, f"{fault.field}: found a value that Alma does not accept ({code})")
    return user


_CODES_AT_FAULT = {"code_unknown": "401864", "code_not_for_record_type": "401863"}


def _no_code(field: str) -> str:
    return f"{field}: found a code that is not in its code table, or not for this record type"


# --- fields ---------------------------------------------------------------------------------------


def edit(account: Account, values: Mapping[str, Any], *, protect: bool) -> State:
    """Change fields by hand; None removes one.

    Of an EXTERNAL user the special fields become protected, with the SIS's value kept; every other field is
    overwritten by the next synchronize.
    """
    for name in values:
        if name not in EDITABLE:
            raise AccountError("not_editable", f"{name}: found a field that cannot be edited so")
    user, protected = dict(account.user), dict(account.protected)
    for name, value in values.items():
        if protect and account.is_external and name in SPECIAL and value != user.get(name):
            protected.setdefault(name, user.get(name))
        _set(user, name, value)
    return checked(user), protected


def restore(account: Account, name: str) -> State:
    """Release a protected field: it has the SIS's value again, and follows the SIS."""
    if name not in account.protected:
        raise AccountError("not_protected", f"{name}: found no protected field of that name")
    user, protected = dict(account.user), dict(account.protected)
    _set(user, name, protected.pop(name))
    return user, protected


def _set(user: User, name: str, value: Any) -> None:
    if value is None:
        user.pop(name, None)
    else:
        user[name] = value


# --- segments -------------------------------------------------------------------------------------


def add_part(account: Account, segment: Segment, part: dict[str, Any], *, owner: Owner = "Internal") -> State:
    """Add a segment; an external one is the SIS's from then on, and goes with the next synchronize."""
    new = {**part, SEGMENT_TYPE: owner}
    return _with_parts(account, segment, [*_settled(segment, segment.parts(account.user), new), new])


def change_part(
    account: Account, segment: Segment, place: int, part: dict[str, Any], *, open_for_update: bool = False
) -> State:
    """Replace the segment at a place, counted from 0; its owner stays. The SIS's are closed unless opened."""
    parts = segment.parts(account.user)
    old = _open_part(account, segment, place, open_for_update)
    new = {**part, SEGMENT_TYPE: old.get(SEGMENT_TYPE, "Internal")}
    before, after = parts[:place], parts[place + 1 :]
    return _with_parts(account, segment, [*_settled(segment, before, new), new, *_settled(segment, after, new)])


def remove_part(account: Account, segment: Segment, place: int, *, open_for_update: bool = False) -> State:
    """Remove the segment at a place, counted from 0. The SIS's are closed unless opened."""
    parts = segment.parts(account.user)
    _open_part(account, segment, place, open_for_update)
    return _with_parts(account, segment, parts[:place] + parts[place + 1 :])


def _open_part(account: Account, segment: Segment, place: int, open_for_update: bool) -> dict[str, Any]:
    parts = segment.parts(account.user)
    if not 0 <= place < len(parts):
        raise AccountError("no_segment", f"{segment.name}: found {len(parts)}; expected one at place {place}")
    if account.is_external and parts[place].get(SEGMENT_TYPE) == "External" and not open_for_update:
        raise AccountError("closed", f"{segment.name}: found the SIS's; open it for update first")
    return parts[place]


def _settled(segment: Segment, parts: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Take from others what the new segment is preferred for."""
    taken = {flag for flag in segment.flags if new.get(flag)}
    return [{name: value for name, value in part.items() if name not in taken} for part in parts]


def _with_parts(account: Account, segment: Segment, parts: list[dict[str, Any]]) -> State:
    return checked(with_parts(account.user, segment, parts)), account.protected


def with_parts(user: User, segment: Segment, parts: list[dict[str, Any]]) -> User:
    """Give a user with other segments of a kind: the library's own first, as a synchronize leaves them."""
    user = dict(user)
    home = user
    for step in segment.path[:-1]:
        home[step] = dict(home.get(step, {}))
        home = home[step]
    home[segment.path[-1]] = sorted(parts, key=lambda part: part.get(SEGMENT_TYPE) == "External")
    return user


# --- account type ---------------------------------------------------------------------------------


def convert(account: Account, to: AccountType, external_id: str | None = None) -> State:
    """Give the user another account type. Segments keep their owners, fields their values and protection.

    An internal user has no external id, an external one must have one: the code of its profile.
    """
    check_target(to, external_id)
    if account.is_external and external_id and external_id != account.user.get("external_id"):
        raise AccountError("401858", "external_id: found another one; convert the user to internal first")
    user = {name: value for name, value in account.user.items() if name != "external_id"}
    user["account_type"] = {"value": to}
    if external_id:
        user["external_id"] = external_id
    return user, account.protected


def check_target(to: AccountType, external_id: str | None) -> None:
    """Raise :class:`AccountError` when no user can be converted so."""
    if to not in {"INTERNAL", "EXTERNAL"}:
        raise AccountError("401857", "account_type: expected INTERNAL or EXTERNAL")
    if to == "INTERNAL" and external_id:
        raise AccountError("401853", "external_id: found one; expected none for an internal user")
    if to == "EXTERNAL" and not external_id:
        raise AccountError("401854", "external_id: found none; expected the code of a profile")


# --- roles ----------------------------------------------------------------------------------------


def active_roles(user: User, on: date) -> list[dict[str, Any]]:
    """List the roles that a user may use on a day: active ones, which is the default, that have not expired."""
    return [
        role
        for role in ROLES.parts(user)
        if role.get("status", {}).get("value", "ACTIVE") in {"ACTIVE", ""}
        and role.get("expiry_date", "9999-12-31")[:10] >= on.isoformat()
    ]


def with_role(user: User, role: dict[str, Any]) -> User:
    """Give a user one role more; a role of the same type and scope is replaced."""
    others = [one for one in ROLES.parts(user) if _role_key(one) != _role_key(role)]
    return with_parts(user, ROLES, [*others, role])


def without_role(user: User, role_type: str, scope: str = "") -> User:
    """Give a user without a role."""
    kept = [one for one in ROLES.parts(user) if _role_key(one) != (role_type, scope)]
    if len(kept) == len(ROLES.parts(user)):
        raise AccountError("no_role", "user_role: found no role of that type and scope")
    return with_parts(user, ROLES, kept)


def _role_key(role: dict[str, Any]) -> tuple[str, str]:
    return role["role_type"]["value"], role.get("scope", {}).get("value", "")


# --- merging --------------------------------------------------------------------------------------


def merge(gone: Account, kept: Account, *, copy_segments: bool, primary_id_as: str | None = None) -> User:
    """Give the user that stays when two are merged.

    Roles come over; with ``copy_segments`` all segments do, as internal ones, or the next load would wipe them.
    ``primary_id_as`` is the identifier type under which the other's primary id is kept. Two external users of
    different profiles are refused: whose feed is right is for a person to say, by converting one.
    """
    if gone.id == kept.id:
        raise AccountError("same_user", "found one and the same user; expected two")
    owners = {one.user.get("external_id") for one in (gone, kept) if one.is_external}
    if len(owners) > 1:
        raise AccountError("two_profiles", "found users of two profiles; convert one of them first")
    user = kept.user
    for role in ROLES.parts(gone.user):
        if _role_key(role) not in {_role_key(one) for one in ROLES.parts(user)}:
            user = with_role(user, role)
    if copy_segments:
        for segment in SEGMENTS:
            user = with_parts(user, segment, [*segment.parts(user), *_copies(segment, gone.user)])
    if primary_id_as:
        old = {"id_type": {"value": primary_id_as}, "value": gone.user[PRIMARY_ID], SEGMENT_TYPE: "Internal"}
        user = with_parts(user, IDENTIFIERS, [*IDENTIFIERS.parts(user), old])
    return checked(user)


def _copies(segment: Segment, user: User) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in part.items() if name not in segment.flags} | {SEGMENT_TYPE: "Internal"}
        for part in segment.parts(user)
    ]

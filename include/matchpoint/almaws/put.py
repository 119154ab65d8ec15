"""What POST and PUT make of a user. Pure functions.

Source: the notes of Alma's OpenAPI on ``POST /users`` and ``PUT /users/{id}``, and those of ``rest_user.xsd``. These
are not the rules of a load: the library's own segments are swapped, too, and an empty value does not replace a
special field.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from matchpoint.accounts.rules import SPECIAL, Account, State, check_target, checked, with_parts
from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import (
    CORE_FIELDS,
    PRIMARY_ID,
    ROLES,
    SEGMENT_TYPE,
    SEGMENTS,
    SPECIAL_LISTS,
    OnSynchronize,
    User,
)
from matchpoint.errors import AccountError

_NOT_SET = {"account_type", "external_id", "password"}
_OUTPUT = {one.name for one in CORE_FIELDS if one.on_synchronize is OnSynchronize.OUTPUT}
_SET = [one.name for one in CORE_FIELDS if one.name not in _OUTPUT | _NOT_SET]
_KEPT_BY_PUT = SPECIAL | {"cataloger_level"}
"""What PUT does not replace when it was edited by hand or comes empty, unless it is named in ``override``."""
_TYPES = ("INTERNAL", "EXTERNAL")


def post(incoming: User, *, profiles: Collection[str], tables: CodeTables) -> User:
    """Make a new user of what POST was given; ``profiles`` are the codes that an external id may have.

    Raises :class:`AccountError` with Alma's code.
    """
    kind = _account_type(incoming, "INTERNAL")
    external_id = incoming.get("external_id") or None
    check_target(kind, external_id)
    _check_profile(external_id, profiles)
    made: User = {name: incoming[name] for name in _SET if _is_given(incoming.get(name))}
    for name in (*SPECIAL_LISTS, ROLES.name):
        if incoming.get(name):
            made[name] = incoming[name]
    return _finished(made, incoming, kind, external_id, tables)


def put(
    account: Account,
    incoming: User,
    *,
    override: Collection[str] = (),
    profiles: Collection[str],
    tables: CodeTables,
) -> State:
    """Swap a user for what PUT was given; a list that does not come is as an empty one, and empties.

    Of an external user the special fields stay where they come empty or were edited by hand, unless named in
    ``override``: then the edit by hand is over. Roles stay when none come. Raises :class:`AccountError` with Alma's
    code.
    """
    old, protected = account.user, dict(account.protected)
    kind = _account_type(incoming, old["account_type"]["value"])
    external_id = _external_id(account, incoming, kind, profiles)
    made: User = {name: old[name] for name in old if name not in _SET and name not in _SWAPPED}
    for name in (*_SET, *SPECIAL_LISTS):
        value = incoming.get(name)
        if account.is_external and name in _KEPT_BY_PUT and name not in override:
            value = old.get(name) if name in protected or not _is_given(value) else value
        elif name in protected:
            del protected[name]
        if _is_given(value):
            made[name] = value
    for name in (PRIMARY_ID, "record_type"):
        made.setdefault(name, old[name])
    made[ROLES.name] = incoming.get(ROLES.name) or old.get(ROLES.name) or []
    return _finished(made, incoming, kind, external_id, tables), protected


_SWAPPED = {segment.path[0] for segment in SEGMENTS} | set(SPECIAL_LISTS) | {ROLES.name, *_NOT_SET}


def _finished(made: User, incoming: User, kind: str, external_id: str | None, tables: CodeTables) -> User:
    made["account_type"] = {"value": kind}
    made.setdefault("status", {"value": "ACTIVE"})
    if external_id:
        made["external_id"] = external_id
    if not made.get(ROLES.name):
        made.pop(ROLES.name, None)
    for name in (PRIMARY_ID, "record_type"):
        if not _is_given(made.get(name)):
            raise AccountError("401664", f"Mandatory field is missing: {name}")
    for segment in SEGMENTS:
        if parts := segment.parts(incoming):
            made = with_parts(made, segment, [_owned(part, kind) for part in parts])
    return checked(made, tables)


def _owned(part: dict[str, Any], kind: str) -> dict[str, Any]:
    """Say who owns a segment: an external user's are external unless they say Internal."""
    said = part.get(SEGMENT_TYPE)
    usual = "External" if kind == "EXTERNAL" else "Internal"
    return {**part, SEGMENT_TYPE: said if said in {"Internal", "External"} else usual}


def _account_type(incoming: User, usual: str) -> Any:
    kind = (incoming.get("account_type") or {}).get("value") or usual
    if kind == "INTEXTAUTH":
        raise AccountError("401855", "account_type: internal with external authentication is not supported")
    if kind not in _TYPES:
        raise AccountError("401857", "account_type: found another one; expected INTERNAL or EXTERNAL")
    return kind


def _external_id(account: Account, incoming: User, kind: Any, profiles: Collection[str]) -> str | None:
    given, old = incoming.get("external_id") or None, account.user.get("external_id")
    if account.is_external and kind == "INTERNAL":
        raise AccountError("401859", "account_type: found INTERNAL; an external user is not converted by the API")
    if account.is_external and given not in {None, old}:
        raise AccountError("401858", "external_id: found another one than the user has; it cannot be updated")
    if account.is_external:
        return str(old)
    check_target(kind, given)
    _check_profile(given, profiles)
    return given


def _check_profile(external_id: str | None, profiles: Collection[str]) -> None:
    if external_id and external_id not in profiles:
        raise AccountError("401854", "external_id: found one that is no profile's code; expected a profile's code")


def _is_given(value: Any) -> bool:
    return value not in (None, "", [], {}) and not (isinstance(value, dict) and value.get("value") in (None, ""))

"""The identifiers of a user: how they are compared, and what Alma makes of a name where there is none."""

from __future__ import annotations

from matchpoint.alma.fields import CORE_BY_NAME, IDENTIFIERS, PRIMARY_ID, User


def key(identifier: str) -> str:
    """Give the form in which identifiers are compared: Alma tells no upper from lower case."""
    return identifier.casefold()


def identifiers(user: User) -> list[tuple[str, str]]:
    """List all identifiers of a user as (type, value), the primary id first."""
    found = [(PRIMARY_ID, user[PRIMARY_ID])] if user.get(PRIMARY_ID) else []
    return found + [
        (one["id_type"]["value"], one["value"])
        for one in user.get(IDENTIFIERS.name, [])
        if "id_type" in one and one.get("value")
    ]


def generated_id(user: User) -> str:
    """Give the primary id that Alma makes for a new user who has none: first and last name in one.

    Blanks go, as an identifier has none; "" when the user has no name either.
    """
    name = f"{user.get('first_name', '')}{user.get('last_name', '')}"
    return "".join(name.split())[: CORE_BY_NAME[PRIMARY_ID].length - _ROOM]


_ROOM = 10
"""Characters that stay free for the sequence behind a generated primary id."""

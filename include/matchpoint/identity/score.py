"""How sure it is that a row and a user are the same person. A formula, so that each proposal can say why.

Each thing that agrees makes it surer, whatever else does::

    confidence = (1 - product of (1 - weight * agreement)) * product of doubts

    weight      agreement
    0.96        an identifier of the same value: 1
    0.90        an email address, in whatever case: 1
    0.90        the name: 0 up to a likeness of 0.8, then in proportion up to 1 (matchpoint.identity.names)
    0.70        the birth date: 1

    doubt
    0.90        both have a birth date, and not the same
    0.95        the given names differ (likeness below 0.8) and the family name does not: twins, families
    0.87        given and family name both differ: a card or a mailbox that somebody else has now

It is rounded to two places, and so compared. Nicknames are not known: Bill is not William.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from matchpoint.alma.fields import EMAILS, User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.identity.names import UNKNOWN, Name, fold, names_alike

IDENTIFIER, EMAIL, NAME, BIRTH_DATE = 0.96, 0.90, 0.90, 0.70
OTHER_BIRTH_DATE, OTHER_GIVEN_NAME, OTHER_NAME = 0.90, 0.95, 0.87


@dataclass(frozen=True)
class Person:
    """What of a user is compared: identifiers by case-folded value, emails, birth date ("" for none), names."""

    identifiers: dict[str, str]
    emails: frozenset[str]
    birth_date: str
    names: tuple[Name, ...]

    @classmethod
    def of(cls, user: User) -> Person:
        """Take it from a user; a preferred name is a name beside the other."""
        return cls(
            {key(value): id_type for id_type, value in identifiers(user)},
            frozenset(one["email_address"].strip().casefold() for one in EMAILS.parts(user) if _has_address(one)),
            user.get("birth_date", "")[:10],
            tuple(dict.fromkeys(_names(user))),
        )


def _has_address(email: dict[str, str]) -> bool:
    return bool((email.get("email_address") or "").strip())


def _names(user: User) -> Iterator[Name]:
    for prefix in ("", "pref_"):
        given = f"{user.get(f'{prefix}first_name', '')} {user.get(f'{prefix}middle_name', '')}"
        family = user.get(f"{prefix}last_name") or (user.get("last_name", "") if given.strip() else "")
        if given.strip() or family:
            yield fold(given), fold(family)


def score(incoming: Person, existing: Person) -> tuple[float, list[str]]:
    """Give the confidence that two are one, from 0 to 1, and why: words of the formula, never a value."""
    reasons: list[str] = []
    agreeing: list[float] = []
    doubts: list[float] = []
    if shared := sorted({existing.identifiers[one] for one in incoming.identifiers.keys() & existing.identifiers}):
        agreeing.append(IDENTIFIER)
        reasons += [f"same identifier {id_type}" for id_type in shared]
    if incoming.emails & existing.emails:
        agreeing.append(EMAIL)
        reasons.append("same email")
    if incoming.birth_date and existing.birth_date:
        same = incoming.birth_date == existing.birth_date
        (agreeing if same else doubts).append(BIRTH_DATE if same else OTHER_BIRTH_DATE)
        reasons.append("same birth date" if same else "other birth date")
    if incoming.names and existing.names:
        _compare_names(incoming, existing, reasons, agreeing, doubts)
    return round((1 - prod(1 - one for one in agreeing)) * prod(doubts), 2), reasons


def _compare_names(
    incoming: Person, existing: Person, reasons: list[str], agreeing: list[float], doubts: list[float]
) -> None:
    alike, given, family = max(names_alike(one, other) for one in incoming.names for other in existing.names)
    agreeing.append(NAME * max(0.0, (alike - UNKNOWN) / (1 - UNKNOWN)))
    reasons.append("same name" if alike == 1 else f"name alike by {alike:.2f}")
    if given < UNKNOWN:
        doubts.append(OTHER_NAME if family < UNKNOWN else OTHER_GIVEN_NAME)
        reasons.append("other name" if family < UNKNOWN else "other given name")

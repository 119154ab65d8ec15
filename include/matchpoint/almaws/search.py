"""Lists of users: Alma's ``q=field~words``, order and paging, in SQL over the documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Engine, Text, UnaryExpression, and_, cast, func, or_, select

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import key
from matchpoint.errors import AccountError
from matchpoint.store.tables import identifiers, users

MOST = 100
"""The most users that one page of Alma's has."""


def _text(*path: str) -> ColumnElement[str]:
    """Give a text of the document, or a list of it as JSON text."""
    value: Any = users.c.document
    for step in path:
        value = value[step]
    return value.as_string() if path[-1] != "email" else cast(value, Text)


_TEXTS: dict[str, ColumnElement[str]] = {
    "first_name": _text("first_name"),
    "middle_name": _text("middle_name"),
    "last_name": _text("last_name"),
    "user_group": _text("user_group", "value"),
    "job_category": _text("job_category", "value"),
    "campus_code": _text("campus_code", "value"),
    "birth_date": _text("birth_date"),
    "email": _text("contact_info", "email"),
}
_BY_IDENTIFIER = ("primary_id", "identifiers")
FIELDS = (*_BY_IDENTIFIER, *_TEXTS, "ALL")
"""What ``q`` may ask for; Alma knows some more, of notes, blocks and phones."""
_ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "primary_id": (users.c.primary_id,),
    "first_name": (_TEXTS["first_name"], users.c.id),
    "last_name": (_TEXTS["last_name"], users.c.id),
}
ORDERS = tuple(_ORDERS)


@dataclass(frozen=True)
class Question:
    """Which users are asked for, and which page of them; ``modified_from`` is a day, from its beginning on."""

    q: str = ""
    order_by: str = "last_name"
    limit: int = 10
    offset: int = 0
    modified_from: date | None = None


def search(engine: Engine, question: Question) -> tuple[list[User], int]:
    """Give a page of users, and how many there are in all.

    Raises :class:`AccountError` 401666 for a field, an order or a number that Alma does not take.
    """
    if question.order_by not in _ORDERS:
        raise _wrong("order_by", ORDERS)
    if not 0 <= question.limit <= MOST or question.offset < 0:
        raise AccountError("401666", f"limit: expected 0 to {MOST}, and an offset of 0 or more")
    chosen = and_(*_chosen(question))
    order: list[ColumnElement[Any] | UnaryExpression[Any]] = list(_ORDERS[question.order_by])
    page = select(users.c.document).where(chosen).order_by(*order).limit(question.limit).offset(question.offset)
    with engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(users).where(chosen))
        found = list(connection.scalars(page)) if question.limit else []
    return found, int(total or 0)


def _chosen(question: Question) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [users.c.id.is_not(None)]
    if question.q and question.modified_from:
        raise AccountError("401666", "modify_date_from: found it together with q; expected one of them")
    if question.modified_from:
        chosen.append(users.c.changed_at >= datetime.combine(question.modified_from, time()))
    if question.q:
        for one in question.q.split(" AND "):
            field, found, words = one.partition("~")
            if not found or not words.strip() or field.strip() not in FIELDS:
                raise _wrong("q", [f"{name}~words" for name in FIELDS])
            chosen += [_holds(field.strip(), word) for word in words.replace("_", " ").split()]
    return chosen


def _holds(field: str, word: str) -> ColumnElement[bool]:
    by_identifier = users.c.id.in_(
        select(identifiers.c.user_id).where(identifiers.c.value_key.startswith(key(word), autoescape=True))
    )
    if field == "primary_id":
        return and_(by_identifier, func.lower(users.c.primary_id).startswith(word.lower(), autoescape=True))
    if field == "identifiers":
        return by_identifier
    texts = [_TEXTS[field]] if field in _TEXTS else list(_TEXTS.values())
    holds = [func.lower(text).contains(word.lower(), autoescape=True) for text in texts]
    return or_(*holds) if field != "ALL" else or_(by_identifier, *holds)


def _wrong(name: str, accepted: Any) -> AccountError:
    return AccountError("401666", f"{name}: found a value that is not valid; accepted are {', '.join(accepted)}")

"""Lists of users: Alma's ``q=field~words``, order and paging, in SQL over the documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Engine, UnaryExpression, and_, column, exists, func, or_, select

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import key
from matchpoint.errors import AccountError
from matchpoint.store.tables import identifiers, users

MOST = 100
"""The most users that one page of Alma's has."""
_FARTHEST = 2**31 - 1
"""The largest offset: what any database counts to."""


def _text(*path: str) -> ColumnElement[str]:
    """Give a text of the document."""
    found: ColumnElement[str] = users.c.document[path].as_string()
    return found


_TEXTS: dict[str, ColumnElement[str]] = {
    "first_name": _text("first_name"),
    "middle_name": _text("middle_name"),
    "last_name": _text("last_name"),
    "user_group": _text("user_group", "value"),
    "job_category": _text("job_category", "value"),
    "campus_code": _text("campus_code", "value"),
    "birth_date": _text("birth_date"),
}
_BY_IDENTIFIER = ("primary_id", "identifiers")
FIELDS = (*_BY_IDENTIFIER, *_TEXTS, "email", "ALL")
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
    if not 0 <= question.limit <= MOST or not 0 <= question.offset <= _FARTHEST:
        raise AccountError("401666", f"limit: expected 0 to {MOST}, and an offset of 0 to {_FARTHEST}")
    chosen = and_(*_chosen(question, engine.dialect.name))
    order: list[ColumnElement[Any] | UnaryExpression[Any]] = list(_ORDERS[question.order_by])
    page = select(users.c.document).where(chosen).order_by(*order).limit(question.limit).offset(question.offset)
    with engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(users).where(chosen))
        found = list(connection.scalars(page)) if question.limit else []
    return found, int(total or 0)


def _chosen(question: Question, dialect: str) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [users.c.id.is_not(None)]
    if question.q and question.modified_from:
        raise AccountError("401666", "modify_date_from: found it together with q; expected one of them")
    if question.modified_from:
        chosen.append(users.c.changed_at >= datetime.combine(question.modified_from, time(), UTC))
    if question.q:
        for one in question.q.split(" AND "):
            field, found, words = one.partition("~")
            if not found or not words.strip() or field.strip() not in FIELDS:
                raise _wrong("q", [f"{name}~words" for name in FIELDS])
            chosen += [_holds(field.strip(), word, dialect) for word in words.replace("_", " ").split()]
    return chosen


def _holds(field: str, word: str, dialect: str) -> ColumnElement[bool]:
    by_identifier = users.c.id.in_(
        select(identifiers.c.user_id).where(identifiers.c.value_key.startswith(key(word), autoescape=True))
    )
    if field == "primary_id":
        return and_(by_identifier, func.lower(users.c.primary_id).startswith(word.lower(), autoescape=True))
    if field == "identifiers":
        return by_identifier
    if field == "email":
        return _has_email(word, dialect)
    if field in _TEXTS:
        return _says(_TEXTS[field], word)
    return or_(by_identifier, _has_email(word, dialect), *(_says(text, word) for text in _TEXTS.values()))


def _says(text: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Say that a text has a word in it, in whatever case; of letters outside ASCII, SQLite only in the case given."""
    return or_(
        func.lower(text).contains(word.lower(), autoescape=True), func.lower(text).contains(word, autoescape=True)
    )


def _has_email(word: str, dialect: str) -> ColumnElement[bool]:
    """Say that one of the email addresses has a word in it."""
    if dialect == "postgresql":
        each = func.jsonb_array_elements(users.c.document["contact_info", "email"])
        email = each.table_valued(column("value", users.c.document.type)).c.value
        return exists().where(_says(email["email_address"].as_string(), word))
    each = func.json_each(users.c.document, "$.contact_info.email")
    address = func.json_extract(each.table_valued("value").c.value, "$.email_address")
    return exists().where(_says(address, word))


def _wrong(name: str, accepted: Any) -> AccountError:
    return AccountError("401666", f"{name}: found a value that is not valid; accepted are {', '.join(accepted)}")

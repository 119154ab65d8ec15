"""Webhooks of the Alma double (reference 7.3): who is told, what, and when it is tried again.

Told are the end of every job (JOB_END), and users whom a job of the double or the staff changed (USER), not changes
by API. Alma's fields of a USER post are not found: ours tells the primary id and no more, for posts wait in a table.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from lxml import etree
from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, delete, insert, select, update

from matchpoint.almaws import instances
from matchpoint.almaws.shown_jobs import Form, element_of, instance_form, time_text
from matchpoint.chunks import chunks
from matchpoint.store import writing
from matchpoint.store.bulk import insert_or_update, reserve
from matchpoint.store.job_tables import webhook_posts, webhooks
from matchpoint.store.tables import counters, history, runs, users

Event = Literal["JOB_END", "USER"]
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
AGAIN = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=6))
"""How long after each failed try the next one is; after the fourth there is none."""
BY_API = "API"
"""First word of the actor of a change by API."""
LAG = timedelta(minutes=1)
"""So old a change of the staff is when it is told: its transaction has ended by then."""
_TOLD_UNTIL = "webhook_told_until"
_AT_ONCE = 1_000
_WORDS = {"created": "USER_CREATED", "updated": "USER_UPDATED"}


@dataclass(frozen=True)
class Webhook:
    """Who is told: the address, the secret that signs, the events, and the form of the posts."""

    url: str
    secret: str
    events: Sequence[Event] = ("JOB_END", "USER")
    format: Literal["json", "xml"] = "json"


def signature(secret: str, body: bytes) -> str:
    """Give ``X-Exl-Signature``: the Base64 of the HMAC-SHA256 of the body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def answers_challenge(status: int, body: bytes, challenge: str) -> bool:
    """Tell whether an answer is what a challenge asks for: 200 and ``{"challenge": ...}`` with the same text."""
    try:
        return status == 200 and orjson.loads(body)["challenge"] == challenge
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def save_webhook(engine: Engine, webhook: Webhook) -> None:
    """Keep a webhook, instead of one with the same address."""
    values = asdict(webhook) | {"events": list(webhook.events)}
    with writing(engine).begin() as connection:
        saved = insert_or_update(connection, webhooks).values(values)
        connection.execute(saved.on_conflict_do_update(index_elements=[webhooks.c.url], set_=values))


# --- what is told ---------------------------------------------------------------------------------


def queue_job_end(engine: Engine, instance: int, now: datetime) -> None:
    """Queue what is told of an instance that ended: JOB_END, and USER for everyone whom its run changed."""
    with engine.connect() as connection:
        row = instances.find_any(connection, instance)
    form = {"job_instance": instance_form(row, "/almaws/v1/conf/jobs")}
    with writing(engine).begin() as connection:
        _queue(connection, "JOB_END", [{"event": {"value": "JOB_END"}, **form}], now)
        if row["run_id"] and row["counters"]:
            _queue_users(connection, history.c.run_id == row["run_id"], now)


def queue_staff_changes(engine: Engine, now: datetime) -> None:
    """Queue USER for the changes by the staff since the last time, up to a minute ago; at first there are none.

    Those are all that no import or synchronize made. The whole history is looked through, so once a minute at most,
    and only where somebody wants to know.
    """
    until = now - LAG
    with writing(engine).begin() as connection:
        if not _wanting(connection, "USER"):
            return
        noted = connection.scalar(select(counters.c.value).where(counters.c.name == _TOLD_UNTIL).with_for_update())
        if noted is not None:
            since = EPOCH + timedelta(microseconds=noted)
            if until - since < LAG:
                return
            by_run = select(runs.c.run_id).where(runs.c.run_id == history.c.run_id).exists()
            by_staff = and_(~by_run, history.c.actor.not_like(f"{BY_API} %"))
            _queue_users(connection, and_(by_staff, history.c.at > since, history.c.at <= until), now)
        value = max(noted or 0, (until - EPOCH) // timedelta(microseconds=1))
        saved = insert_or_update(connection, counters).values(name=_TOLD_UNTIL, value=value)
        connection.execute(saved.on_conflict_do_update(index_elements=[counters.c.name], set_={"value": value}))


def _queue_users(connection: Connection, which: ColumnElement[bool], now: datetime) -> None:
    """Queue USER for changes in the history; who is deleted since is told of no more."""
    if not _wanting(connection, "USER"):
        return
    changed = select(history.c.outcome, users.c.primary_id).join(users, users.c.id == history.c.user_id)
    found = connection.execute(changed.where(which, history.c.outcome.in_(_WORDS)).order_by(history.c.at)).all()
    forms = ({"event": {"value": _WORDS[one]}, "user": {"primary_id": who}} for one, who in found)
    _queue(connection, "USER", forms, now)


def _wanting(connection: Connection, event: Event) -> list[RowMapping]:
    return [one for one in connection.execute(select(webhooks)).mappings() if event in one["events"]]


def _queue(connection: Connection, event: Event, forms: Iterable[Form], now: datetime) -> None:
    wanting = _wanting(connection, event)
    for some in chunks(forms, _AT_ONCE):
        posts = [(hook, form) for form in some for hook in wanting]
        last = reserve(connection, "webhook_post", len(posts)) if posts else 0
        rows = [
            {
                "id": number,
                "url": hook["url"],
                "body": _body(hook, event, number, form, now),
                "tries": 0,
                "due_at": now,
            }
            for number, (hook, form) in enumerate(posts, start=last - len(posts) + 1)
        ]
        if rows:
            connection.execute(insert(webhook_posts), rows)


def _body(hook: RowMapping, event: Event, number: int, form: Form, now: datetime) -> bytes:
    whole: dict[str, Any] = {"id": str(number), "action": event, "time": time_text(now), **form}
    return etree.tostring(element_of("webhook", whole)) if hook["format"] == "xml" else orjson.dumps(whole)


# --- posting --------------------------------------------------------------------------------------


def due_posts(engine: Engine, now: datetime) -> Iterator[RowMapping]:
    """Give what is to be posted now, in order: id, url, body, tries, and the webhook's secret and format."""
    post = webhook_posts.c
    query = select(webhook_posts, webhooks.c.secret, webhooks.c.format).join(webhooks)
    last = 0
    while True:
        with engine.connect() as connection:
            some = query.where(post.due_at <= now, post.id > last).order_by(post.id).limit(_AT_ONCE)
            found = connection.execute(some).mappings().all()
        yield from found
        if len(found) < _AT_ONCE:
            return
        last = found[-1]["id"]


def note_answer(engine: Engine, post: RowMapping, status: int, now: datetime) -> None:
    """Note the answer to a post; no answer within the time is a 500.

    After 5xx it waits for its next try, while it has one; after all else it is done with.
    """
    tries = post["tries"]
    this = webhook_posts.c.id == post["id"]
    with writing(engine).begin() as connection:
        if status >= 500 and tries < len(AGAIN):
            later = {"tries": tries + 1, "due_at": now + AGAIN[tries]}
            connection.execute(update(webhook_posts).where(this).values(later))
        else:
            connection.execute(delete(webhook_posts).where(this))

"""Posting the Alma double's webhooks: the challenge, the signed posts, and the timer that drives them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread

import httpx
from sqlalchemy import Engine, RowMapping

from matchpoint.almaws.webhooks import (
    Webhook,
    answers_challenge,
    due_posts,
    note_answer,
    queue_staff_changes,
    save_webhook,
    signature,
)
from matchpoint.errors import AccountError

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5.0
"""For the answer; none in this time counts as a 500 (reference 7.3)."""
EVERY_SECONDS = 5.0
_TYPES = {"json": "application/json", "xml": "application/xml"}


def register(engine: Engine, webhook: Webhook) -> None:
    """Send the challenge to an address, and keep the webhook when it comes back.

    Raises :class:`AccountError` with the code ``challenge`` otherwise; nothing is kept then.
    """
    challenge = secrets.token_hex(16)
    try:
        answer = httpx.get(webhook.url, params={"challenge": challenge}, timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        raise AccountError("challenge", f"webhook: found no answer ({type(error).__name__}); {_EXPECTED}") from None
    if not answers_challenge(answer.status_code, answer.content, challenge):
        raise AccountError("challenge", f"webhook: found the answer {answer.status_code} without it; {_EXPECTED}")
    save_webhook(engine, webhook)


_EXPECTED = 'expected 200 and {"challenge": ...} with the text of the query. Look at the receiver.'


def run_due(engine: Engine, clock: Callable[[], datetime]) -> None:
    """Queue what the staff changed, and post what is due.

    An address that does not answer once is left alone until the next round, so that it holds up no other.
    """
    queue_staff_changes(engine, clock())
    silent: set[str] = set()
    for post in due_posts(engine, clock()):
        if post["url"] in silent:
            continue
        status = _post(post)
        if status >= 500:
            silent.add(post["url"])
        if status >= 300:
            log.warning("webhook post %s: answered %s at try %s", post["id"], status, post["tries"] + 1)
        note_answer(engine, post, status, clock())


def _post(post: RowMapping) -> int:
    """Post, and give the status; 500 when there was no answer."""
    headers = {
        "Content-Type": _TYPES[post["format"]],
        "X-Exl-Signature": signature(post["secret"], post["body"]),
    }
    try:
        return httpx.post(post["url"], content=post["body"], headers=headers, timeout=TIMEOUT_SECONDS).status_code
    except httpx.HTTPError:
        return 500


class WebhookTimer(Thread):
    """Calls :func:`run_due` every few seconds until it is stopped."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], every: float = EVERY_SECONDS) -> None:
        super().__init__(name="webhooks", daemon=True)
        self.engine, self.clock, self.every = engine, clock, every
        self.stopped = Event()

    def run(self) -> None:
        """Call it; a fault is logged and does not end the timer."""
        while not self.stopped.wait(self.every):
            try:
                run_due(self.engine, self.clock)
            except Exception as error:
                log.error("webhooks: %s", type(error).__name__)

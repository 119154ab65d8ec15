"""Notices on their way: to a real SMTP server and a real web server on loopback."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from receivers import Hook, Mailbox, smtp_server, web_server

from matchpoint.errors import ExtractError
from matchpoint.notices import Notice
from matchpoint.profile import Profile, load_profile
from matchpoint.profile.notices import Notices
from matchpoint_airflow.notices import safe_words, send

PROFILE = load_profile(Path(__file__).parents[2] / "include" / "profiles" / "students.yaml")
NOTICE = Notice(
    "failure",
    "people",
    "People: import failed in transform_users",
    "The run stopped.",
    ["transform_users: {{ conn.user_store.password }}.csv: found <nothing>"],
    {"processed": 3},
    {"Report": "https://airflow.example.edu/report"},
    "dag/run",
)


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with smtp_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", server.connection())
        yield server


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with web_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_CHAT", server.connection(password="the secret"))
        yield server


def noticing(**ways: Any) -> Profile:
    to = ["staff@example.edu", "desk@example.edu"]
    given: dict[str, Any] = {"email": {"connection": "mail", "to": to}, "webhook": {"connection": "chat"}}
    return PROFILE.model_copy(update={"notices": Notices.model_validate(given | ways)})


def test_both_ways_are_taken(mailbox: Mailbox, hook: Hook) -> None:
    assert send(noticing(), NOTICE) == ["email", "webhook"]
    [mail] = mailbox.mails
    assert mail["Subject"] == NOTICE.subject
    assert mailbox.recipients == [["staff@example.edu", "desk@example.edu"]]
    assert mail["From"] == "matchpoint@example.edu"
    [body] = mailbox.bodies()
    assert "{{ conn.user_store.password }}.csv: found &lt;nothing&gt;" in body, "no template is rendered"
    assert hook.payloads() == [NOTICE.payload]


def test_the_web_server_can_check_who_it_was(hook: Hook) -> None:
    send(noticing(), NOTICE)
    [(path, headers, body)] = hook.posts
    assert path == "/hooks/token123"
    stamp = headers["X-Matchpoint-Timestamp"]
    expected = hmac.new(b"the secret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Matchpoint-Signature"] == f"sha256={expected}"
    assert headers["Content-Type"] == "application/json"


def test_without_password_nothing_is_signed(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", hook.connection())
    send(noticing(), NOTICE)
    assert "X-Matchpoint-Signature" not in hook.posts[0][1]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again_with_the_same_id(hook: Hook, status: int) -> None:
    hook.answers = [status, 200]
    assert "webhook" in send(noticing(), NOTICE)
    assert len({headers["X-Matchpoint-Id"] for _, headers, _ in hook.posts}) == 1
    assert len(hook.posts) == 2


def test_tries_are_bounded(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    hook.answers = [500] * 9
    assert send(noticing(), NOTICE) == []
    assert len(hook.posts) == 3
    assert "the server answered 500" in caplog.text


def test_a_refusal_is_not_tried_again_and_the_address_stays_secret(
    hook: Hook, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    hook.answers = [404]
    with caplog.at_level(logging.INFO, logger="matchpoint_airflow"):
        assert send(noticing(), NOTICE) == ["email"]
    assert len(hook.posts) == 1
    assert "NOTICE NOT SENT (failure of students) by webhook, connection chat" in caplog.text
    assert "token123" not in caplog.text


def test_servers_that_are_gone_are_told_loudly_and_raise_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with smtp_server() as mail, web_server() as web:
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", mail.connection())
        monkeypatch.setenv("AIRFLOW_CONN_CHAT", web.connection())
    assert send(noticing(), NOTICE) == []
    errors = [one for one in caplog.records if one.levelname == "ERROR"]
    assert [one.args[2] for one in errors if one.name == "matchpoint_airflow.notices"] == ["email", "webhook"]


def test_a_connection_that_is_missing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert send(noticing(), NOTICE) == []
    assert "connection mail" in caplog.text
    assert "connection chat" in caplog.text


def test_only_what_is_asked_for_is_sent(mailbox: Mailbox, hook: Hook) -> None:
    profile = noticing(
        email={"connection": "mail", "to": ["a@example.edu"], "when": ["success"]},
        webhook={"connection": "chat", "when": ["failure"]},
    )
    assert send(profile, NOTICE) == ["webhook"]
    assert mailbox.mails == []


def test_no_section_no_notice() -> None:
    assert send(PROFILE, NOTICE) == []


@pytest.mark.parametrize(
    "error, words",
    [
        (ExtractError("a.csv", "nothing", "rows", "Ask."), "a.csv: found nothing; expected rows. Ask."),
        (ConnectionError("gone"), "gone"),
        (KeyError("Ms Marked"), "KeyError, see the log of the task"),
        (None, "it ended without a word; see the log of the task"),
    ],
)
def test_an_error_that_nobody_foresaw_is_told_by_its_kind_only(error: Any, words: str) -> None:
    assert safe_words(error) == words

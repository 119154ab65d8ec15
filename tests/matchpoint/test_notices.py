"""Notices: what they say, that they are short, and that they hold nothing of a person and nothing that does harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers import House, make_profile, open_house, person

from matchpoint.deadline import day_overdue, has_arrived, note_told, untold
from matchpoint.notices import (
    MOST_REASONS,
    Notice,
    failure_notice,
    forget_failures,
    hold_notice,
    note_failure,
    nothing_notice,
    success_notice,
)
from matchpoint.report import render_json, render_notice_html
from matchpoint.run_folder import RunFolder

NOTICES: dict[str, Any] = {"email": {"to": ["library@example.edu"]}, "expected_by": "07:30"}
LINKS = {"Report": "https://airflow.example.edu/matchpoint/runs/a/b/report.html"}


@pytest.fixture
def house(store_url: str, tmp_path: Path):
    with open_house(store_url, tmp_path, make_profile(notices=NOTICES)) as opened:
        yield opened


def ran(house: House, rows: list[dict[str, str]]) -> RunFolder:
    receipt = house.run("run", rows)
    folder = house.folder("run")
    folder.path("receipt.json").write_text(render_json(receipt))
    return folder


def test_success_says_counts_and_reasons_and_nobody_s_data(house: House) -> None:
    folder = ran(house, [person(1), person(2, BORN="Notadate2"), person(3)])
    notice = success_notice(house.profile, "synchronize", folder, LINKS)
    assert notice is not None
    assert notice.subject == "People: synchronize done: 3 rows, 1 to mend"
    assert notice.sentence == "2 created, 1 rejected, as of 2026-09-01."
    assert notice.told == ["1 rejected: birth_date: The value cannot be converted"]
    assert notice.counts["processed"] == 3
    everything = notice.text + render_notice_html(notice) + json.dumps(notice.payload)
    for value in (*person(2).values(), "Notadate2"):
        assert value == "UG" or value not in everything
    assert LINKS["Report"] in notice.text
    assert f'href="{LINKS["Report"]}"' in render_notice_html(notice)
    assert notice.payload["text"].startswith(notice.subject)
    assert success_notice(house.profile, "synchronize", folder, LINKS) == notice, "the same again"


def test_a_dry_run_and_a_run_with_nothing_to_do_are_silent(house: House, tmp_path: Path) -> None:
    folder = ran(house, [person(1)])
    receipt = folder.read_json("receipt.json")
    folder.write_json("receipt.json", {**receipt, "dry_run": True})
    assert success_notice(house.profile, "synchronize", folder, {}) is None
    assert success_notice(house.profile, "synchronize", RunFolder(tmp_path / "empty"), {}) is None


def test_hold_says_the_plan_and_what_made_it_wait(house: House) -> None:
    house.plan("run", {"people.csv": ",".join(person(1)) + "\n" + ",".join(person(1).values())})
    folder = house.folder("run")
    folder.write_json("guard.json", {"trips": [{"text": "90 % of users would go"}], "parked": ["expiries: 12"]})
    folder.write_json("health.json", {"verdicts": [{"action": "hold", "text": "fewer rows"}, {"action": "off"}]})
    notice = hold_notice(house.profile, "synchronize", folder, {})
    assert notice.subject == "People: synchronize waits for approval"
    assert notice.sentence == "Nothing is written until somebody approves. The plan: 1 created."
    assert notice.told == ["fewer rows", "90 % of users would go", "held back: expiries: 12"]
    assert notice.run_id == "run"


def test_hold_without_guard_or_plan_still_tells(house: House, tmp_path: Path) -> None:
    notice = hold_notice(house.profile, "import", RunFolder(tmp_path / "empty"), {})
    assert (notice.subject, notice.told) == ("People: import waits for approval", [])


def test_failure_says_which_tasks_and_what_they_said(house: House, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    note_failure(folder, "transform_users", "b.csv: found no column", 1)
    note_failure(folder, "transform_users", "a.csv: found an empty file", 0)
    notice = failure_notice(house.profile, "import", folder, {}, "dag/run")
    assert notice.subject == "People: import failed in transform_users"
    assert notice.told == ["transform_users: a.csv: found an empty file", "transform_users: b.csv: found no column"]
    forget_failures(folder)
    assert failure_notice(house.profile, "import", folder, {}).subject == "People: import failed"


def test_a_notice_is_short() -> None:
    notice = Notice("failure", "p", "s", "t", [f"reason {number}" for number in range(1_500)])
    assert len(notice.told) == MOST_REASONS + 1
    assert notice.told[-1] == "and 1,490 more, see the report"


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "two\r\nBcc: all@example.edu", "\u202eexe.csv\x00"])
def test_what_a_file_is_named_does_no_harm(bad: str) -> None:
    notice = Notice("failure", "p", bad, bad, [bad])
    page = render_notice_html(notice)
    assert "<script>" not in page
    for text in (notice.payload["subject"], *notice.told, page):
        assert not set("\r\u202e\x00") & set(text)
    assert "\n" not in notice.payload["subject"]


# --- nothing has arrived --------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "zone, now, day",
    [
        ("UTC", "2026-09-01T07:29", None),
        ("UTC", "2026-09-01T07:30", "2026-09-01"),
        ("UTC", "2026-09-01T23:59", "2026-09-01"),
        ("Europe/London", "2026-09-01T06:30", "2026-09-01"),
        ("Europe/London", "2026-09-01T06:29", None),
        ("America/Los_Angeles", "2026-09-01T03:00", "2026-08-31"),
        ("UTC", "2026-09-05T08:00", None),
    ],
)
def test_the_deadline_is_where_the_profile_s_clocks_stand(zone: str, now: str, day: str | None) -> None:
    days = {"expected_days": ["mon", "tue", "wed", "thu", "fri"]}
    profile = make_profile(timezone=zone, notices=NOTICES | days)
    overdue = day_overdue(profile, at(now))
    assert (overdue and overdue.isoformat()) == day


def test_without_expected_by_nothing_is_overdue() -> None:
    assert day_overdue(make_profile(), at("2026-09-01T12:00")) is None
    inactive = make_profile(notices=NOTICES, actions={"import": {"path": "in", "active": False}, "synchronize": None})
    assert day_overdue(inactive, at("2026-09-01T12:00")) is None
    quiet = make_profile(notices={"email": NOTICES["email"]})
    assert day_overdue(quiet, at("2026-09-01T12:00")) is None


def test_what_was_applied_or_is_planned_today_has_arrived(house: House) -> None:
    today = house.now().date()
    assert not has_arrived(house.engine, house.profile, today)
    house.plan("run", {"people.csv": ",".join(person(1)) + "\n" + ",".join(person(1).values())})
    assert has_arrived(house.engine, house.profile, today), "planned: it waits, or it is being applied"
    house.apply("run")
    assert has_arrived(house.engine, house.profile, today)
    assert not has_arrived(house.engine, house.profile, today + timedelta(days=1))
    assert not has_arrived(house.engine, make_profile(code="others", notices=NOTICES), today)


def test_midnight_is_the_profile_s(house: House) -> None:
    house.run("run", [person(1)])  # at 05:00 UTC
    there = make_profile(timezone="America/Los_Angeles", notices=NOTICES)
    assert has_arrived(house.engine, there, at("2026-08-31T00:00").date()), "it is still the evening before"
    assert not has_arrived(house.engine, there, at("2026-09-01T00:00").date())


def test_a_channel_is_told_once_a_day(house: House) -> None:
    day = house.now().date()
    assert untold(house.engine, house.profile, day) == ["email"]
    for _ in range(2):
        note_told(house.engine, house.profile, day, "email", house.now())
    assert untold(house.engine, house.profile, day) == []
    assert untold(house.engine, house.profile, day + timedelta(days=1)) == ["email"]


def test_the_notice_says_where_it_was_looked_for() -> None:
    notice = nothing_notice(make_profile(notices=NOTICES), "2026-09-01", {})
    assert notice.subject == "People: nothing has arrived by 07:30"
    assert notice.told[0] == "looked for * in in, connection sis"

"""The guard: which limits a plan reaches, what waits, and what an answer does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers import House, csv_text, make_profile, open_house, person, rendered, total

from matchpoint.guard import records
from matchpoint.guard.limits import Night, reached
from matchpoint.guard.verdict import Answer, Judgement, withheld_by
from matchpoint.plan import read_summary
from matchpoint.plan_table import plan_table
from matchpoint.profile.guard import Guard
from matchpoint.report.plan import render_plan, render_question
from matchpoint.store import writing

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAY = date(2026, 9, 1)


def night(as_of: date = DAY, of: int = 1000, sizes: dict[str, int] | None = None, **people: dict[str, int]) -> Night:
    return Night(as_of, people, of, 1000, sizes or {})


def tripped(one: Night, guard: Guard | None = None, past: list[Night] | None = None) -> list[tuple[str, str]]:
    return [(trip.category, trip.group) for trip in reached(one, guard or Guard(), past or [])]


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "limit", "most"),
    [
        ("create", {"share": 0.2}, 200),
        ("update", {"count": 30, "share": None}, 30),
        ("leave", {"count": 30, "share": 0.2}, 30),
        ("leave", {"count": 300, "share": 0.2}, 200),
        ("reject", {"share": 0.001, "at_least": 25}, 25),
    ],
)
def test_up_to_a_limit_nothing_is_asked_and_beyond_it_is(category: str, limit: dict[str, Any], most: int) -> None:
    guard = Guard.model_validate({category: limit})
    assert tripped(night(**{category: {"": most}}), guard) == []
    assert tripped(night(**{category: {"": most + 1}}), guard) == [(category, "")]


def test_a_category_without_limit_is_never_asked_about() -> None:
    guard = Guard.model_validate({"update": {"share": None}})
    assert tripped(night(update={"": 1000}), guard) == []


def test_a_share_holds_for_each_user_group_too() -> None:
    sizes = {"STAFF": 40, "UNDERGRAD": 960}
    many_staff = night(sizes=sizes, update={"STAFF": 30, "UNDERGRAD": 10})
    assert tripped(many_staff) == [("update", "STAFF")]
    assert tripped(many_staff, Guard(by_group=False)) == []
    assert tripped(night(sizes=sizes, update={"STAFF": 20, "UNDERGRAD": 10})) == []


def test_a_group_of_which_nobody_is_left_asks_even_when_it_is_small() -> None:
    assert tripped(night(sizes={"DEAN": 3}, leave={"DEAN": 3})) == [("leave", "DEAN")]
    assert tripped(night(sizes={"DEAN": 4}, leave={"DEAN": 3})) == []
    assert tripped(night(sizes={"DEAN": 2}, leave={"DEAN": 2})) == []


def test_limits_are_learned_from_like_weeks_of_earlier_terms() -> None:
    guard = Guard.model_validate({"terms": ["2025-09-01", "2026-09-01"]})
    start_of_term = [night(date(2025, 9, day), create={"": 400 + day}) for day in (1, 2, 3, 4)]
    weeks_later = [night(date(2025, 11, day), create={"": 5}) for day in range(1, 20)]
    past = [*start_of_term, *weeks_later]
    assert tripped(night(create={"": 500}), guard, past) == []  # 402 and a quarter of it; of all it is 250
    assert tripped(night(create={"": 504}), guard, past) == [("create", "")]
    quiet = night(date(2026, 11, 10), create={"": 11})
    assert tripped(quiet, guard, past) == [("create", "")]
    assert [trip.learned for trip in reached(quiet, guard, past)] == [True]
    assert tripped(quiet, Guard(), past) == []  # no terms, nothing learned
    assert tripped(quiet, guard, start_of_term) == []  # cold start of these weeks: the flat limit


def test_a_count_holds_whatever_was_learned() -> None:
    guard = Guard.model_validate({"terms": ["2026-09-01"], "create": {"count": 100}})
    past = [night(DAY - timedelta(days=0), create={"": 400}) for _ in range(5)]
    assert tripped(night(create={"": 101}), guard, past) == [("create", "")]


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        (None, {"create", "leave"}),
        (Answer.APPROVE, set()),
        (Answer.WITHOUT_REMOVALS, {"leave"}),
        (Answer.REJECT, {"create", "leave"}),
        (Answer.SUPERSEDED, {"create", "leave"}),
    ],
)
def test_what_an_answer_holds_back(answer: str | None, held: set[str]) -> None:
    assert withheld_by(["create", "leave"], answer) == held


# --- a run ----------------------------------------------------------------------------------------

PEOPLE = [person(number, GROUP="UG" if number % 4 else "GR") for number in range(40)]


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, make_profile(guard={"first_load": "go"})) as house:
        yield house


def plan(house: House, run_id: str, rows: list[dict[str, str]], **how: Any) -> Judgement:
    house.plan(run_id, {"people.csv": csv_text(rows)}, **how)
    return house.judge(run_id)


def changed(rows: list[dict[str, str]], number: int) -> list[dict[str, str]]:
    return [{**row, "LAST": "Other"} if place < number else row for place, row in enumerate(rows)]


def test_the_first_load_of_a_profile_asks_once(house: House) -> None:
    asking = house.with_profile(make_profile())
    found = plan(asking, "first", PEOPLE, mode="import")
    assert [trip.text for trip in found.trips] == [
        "this is the first load of the profile: 40 people would be created"
    ]
    assert found.parked == ["create"]
    asking.apply("first", found.parked)
    assert asking.users() == {}
    asking.apply("first")
    assert len(asking.users()) == 40
    assert plan(asking, "second", PEOPLE).trips == []


def test_what_waits_is_left_out_and_the_rest_flows_and_the_answer_brings_it(house: House) -> None:
    house.run("day1", PEOPLE)
    found = plan(house, "day2", [*changed(PEOPLE, 30), person(100)])
    assert [(trip.category, trip.people, trip.limit) for trip in found.trips if not trip.group] == [
        ("update", 30, 20)
    ]
    assert found.parked == ["update"]
    house.apply("day2", found.parked)
    receipt = house.receipt("day2")
    assert receipt.total == total(created=1, unchanged=10, skipped=30)
    assert [(one.code, one.rows) for one in receipt.reasons] == [("parked", 30)]
    assert "s100" in house.users()
    assert not [user for user in house.users().values() if user["version"] > 1]
    house.apply("day2")
    assert house.receipt("day2").total == total(created=1, updated=30, unchanged=10)
    before = house.people()
    house.apply("day2")
    assert house.people() == before


def test_a_later_run_supersedes_what_waits_and_meets_the_people_again(house: House) -> None:
    house.run("day1", PEOPLE)
    house.apply("day2", plan(house, "day2", changed(PEOPLE, 30)).parked)
    with house.engine.connect() as connection:
        assert records.waiting(connection) == ["day2"]
    found = plan(house, "day3", changed(PEOPLE, 30))
    assert found.people["update"] == {"UNDERGRAD": 22, "GRADUATE": 8}
    with writing(house.engine).begin() as connection:
        assert records.waiting(connection, "people") == ["day3"]
        assert records.note_answer(connection, "day2", Answer.APPROVE, "ann", NOW) == Answer.SUPERSEDED
        assert records.note_answer(connection, "day3", Answer.APPROVE, "ann", NOW) == Answer.APPROVE
        assert records.note_answer(connection, "day3", Answer.REJECT, "bob", NOW) == Answer.APPROVE
        assert records.answer_of(connection, "day3")[:2] == ("Approve all", "ann")


def test_a_run_that_broke_off_is_judged_as_it_was_the_first_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matchpoint.apply_plan.BATCH_ROWS", 10)
    first = plan(house, "day1", PEOPLE)
    house.plan("day1", {"people.csv": csv_text(PEOPLE)})
    with monkeypatch.context() as broken:
        broken.setattr("matchpoint.apply_plan.refresh_statistics", None)
        broken.setattr("matchpoint.apply_plan.COUNTED_ANEW", 0)  # it breaks off when all rows are in
        with pytest.raises(TypeError):
            house.apply("day1")
    again = plan(house, "day1", PEOPLE)
    assert (again.of, again.people, again.trips) == (first.of, first.people, first.trips)
    assert again.parked == []


def test_an_answer_holds_when_the_run_is_repeated_and_asks_the_same(house: House) -> None:
    house.run("day1", PEOPLE)
    house.apply("day2", plan(house, "day2", changed(PEOPLE, 30)).parked)
    with writing(house.engine).begin() as connection:
        records.note_answer(connection, "day2", Answer.APPROVE, "ann", NOW)
    assert plan(house, "day2", changed(PEOPLE, 30)).parked == ["update"]
    with house.engine.connect() as connection:
        assert records.answer_of(connection, "day2")[:2] == ("Approve all", "ann")
    house.apply("day2")
    assert plan(house, "day2", changed(PEOPLE, 30)).parked == []
    plan(house, "day2", changed(PEOPLE, 35))
    with house.engine.connect() as connection:
        assert records.answer_of(connection, "day2")[0] is None


def test_questions_of_imports_wait_side_by_side(house: House) -> None:
    asking = house.with_profile(make_profile())
    for run_id in ("one", "two"):
        assert plan(asking, run_id, [person(1 if run_id == "one" else 2)], mode="import").asks
    with house.engine.connect() as connection:
        assert records.waiting(connection) == ["one", "two"]


def test_a_person_s_change_meanwhile_is_not_overwritten_by_a_late_answer(house: House) -> None:
    house.run("day1", PEOPLE)
    house.apply("day2", plan(house, "day2", changed(PEOPLE, 30)).parked)
    house.edit("s3", last_name="Byhand")
    house.apply("day2")
    assert house.receipt("day2").total == total(updated=29, unchanged=10, conflict=1)
    assert house.users()["s3"]["document"]["last_name"] == "Byhand"


def test_a_dry_run_is_judged_and_asks_nobody(house: House) -> None:
    house.run("day1", PEOPLE)
    assert plan(house, "day2", changed(PEOPLE, 30), dry_run=True).parked == ["update"]
    with house.engine.connect() as connection:
        assert records.waiting(connection) == []


def test_too_many_rows_that_are_not_accepted_make_all_wait(house: House) -> None:
    house.run("day1", PEOPLE)
    faulty = [{**row, "LAST": ""} if place < 15 else row for place, row in enumerate(PEOPLE)]
    found = plan(house, "day2", [*faulty, person(100)])
    assert [trip.category for trip in found.trips] == ["reject"]
    assert (found.parked, found.quarantine) == (["create"], None)


def test_far_too_many_stop_the_profile_until_it_is_released(house: House) -> None:
    house.run("day1", PEOPLE)
    faulty = [{**row, "LAST": ""} if place < 25 else row for place, row in enumerate(PEOPLE)]
    assert plan(house, "day2", faulty).quarantine == "25 of 40 rows were not accepted; the limit is 50%"
    with writing(house.engine).begin() as connection:
        assert "by day2: 25 of 40 rows" in (records.quarantined(connection, "people") or "")
        assert records.quarantined(connection, "others") is None
        assert records.release(connection, "people", "ann", NOW)
        assert records.quarantined(connection, "people") is None
        assert not records.release(connection, "people", "ann", NOW)
    assert [row["released_by"] for row in house.rows("quarantines")] == ["ann"]


def test_the_guard_learns_from_runs_that_were_applied_and_not_refused(house: House) -> None:
    for number in range(3):
        house.plan(f"run{number}", {"people.csv": csv_text(changed(PEOPLE, number))})
        house.judge(f"run{number}")
        if number != 1:
            house.apply(f"run{number}")
    with house.engine.connect() as connection:
        past = records.past_nights(connection, "people", "synchronize", "run9")
        assert [one.total("update") for one in past] == [2, 0]
        assert records.past_nights(connection, "people", "import", "run9") == []


def test_people_per_group_are_counted_anew_when_they_became_more(house: House) -> None:
    house.run("day1", PEOPLE)
    assert plan(house, "day2", changed(PEOPLE, 1)).sizes == {"UNDERGRAD": 30, "GRADUATE": 10}
    house.apply("day2")
    with house.engine.connect() as connection:
        past = records.past_nights(connection, "people", "synchronize", "day3")
        house.sql("UPDATE users SET account_type = 'INTERNAL' WHERE primary_id = 's1'")
        last = records.group_sizes(connection, "people", 40, past, exact=False)
        assert last == {"UNDERGRAD": 30, "GRADUATE": 10}
    with house.engine.connect() as connection:
        assert records.group_sizes(connection, "people", 50, past, exact=False)["UNDERGRAD"] == 29
        assert records.group_sizes(connection, "people", 40, past, exact=True)["UNDERGRAD"] == 29


def test_a_doubtful_feed_makes_all_wait(house: House) -> None:
    house.run("day1", PEOPLE)
    house.plan("day2", {"people.csv": csv_text([*changed(PEOPLE, 1), person(100)])})
    verdicts = [{"action": "warn", "text": "a"}, {"action": "hold", "text": "half the rows of yesterday"}]
    house.folder("day2").write_json("health.json", {"verdicts": verdicts})
    found = house.judge("day2")
    assert [(trip.category, trip.text) for trip in found.trips] == [("feed", "half the rows of yesterday")]
    assert found.parked == ["create", "update"]


# --- pages ----------------------------------------------------------------------------------------


def test_the_page_the_question_and_the_table_name_nobody(house: House) -> None:
    house.run("day1", PEOPLE)
    found = plan(house, "day2", [*changed(PEOPLE, 30), person(100), {**person(101), "LAST": ""}])
    summary, folder = read_summary(house.folder("day2")), house.folder("day2")
    page, (headline, body) = render_plan(summary, found, "People"), render_question(summary, found, "People")
    assert headline == "People: synchronize, as of 2026-09-01: 30 people wait for your answer"
    assert "30 people would be changed; the limit is 20 (of 40)" in body.replace("\\", "")
    for told in ("Would be changed: 30", "UNDERGRAD", "last_name", "people.csv, row 2", "waits", summary["sha256"]):
        assert told in page
    table = list(plan_table(folder))
    assert table[0] == "file,row,outcome,user,fields,reason,field\r\n"
    assert len(table) == 1 + 32
    assert any(",updated," in line and ",last_name," in line for line in table)
    assert any(",rejected,,,mandatory,last_name" in line for line in table)
    for text in (page, headline, body, *table, folder.root.joinpath("guard.json").read_text()):
        assert not any(word in text for word in ("Firstname", "Lastname", "Other", "mail1", "Card1", "s100"))


def test_two_plans_of_the_same_feed_are_the_same_table(house: House) -> None:
    house.run("day1", PEOPLE)
    tables = []
    for run_id in ("a", "b"):
        plan(house, run_id, changed(PEOPLE, 5))
        tables.append(list(plan_table(house.folder(run_id))))
    assert tables[0] == tables[1]


def test_the_report_says_what_waits_and_later_what_the_answer_was(house: House) -> None:
    house.run("day1", PEOPLE)
    found = plan(house, "day2", changed(PEOPLE, 30))
    house.apply("day2", found.parked)
    assert "It waits for an answer." in rendered(house.receipt("day2"))
    answered = replace(found, answer="Reject", answered_by="Ann", answered_at="2026-09-01T10:00:00+00:00")
    answered.write(house.folder("day2"))
    text = rendered(house.receipt("day2"))
    assert "It waits for an answer." not in text
    assert "<strong>Reject</strong>, by Ann, 2026-09-01 10:00:00 UTC" in text


# --- leavers --------------------------------------------------------------------------------------

LEAVING = {"policy": "deactivate", "after_feeds": 1}


@pytest.fixture
def losing(house: House) -> House:
    """A house whose profile lets people go who are missing from one feed."""
    synchronize = {"path": "in", "match_points": ["primary_id"], "leavers": LEAVING}
    profile = make_profile(guard={"first_load": "go"}, actions={"synchronize": synchronize})
    losing = house.with_profile(profile)
    losing.run("day1", PEOPLE)
    return losing


def expired(house: House) -> list[str]:
    return [name for name, user in house.users().items() if "expiry_date" in user["document"]]


def test_too_many_leavers_wait_while_others_are_created(losing: House) -> None:
    found = plan(losing, "day2", [*PEOPLE[:28], person(100)])
    assert [(trip.category, trip.group, trip.people) for trip in found.trips] == [("leave", "", 12)]
    assert found.parked == ["leave"]
    losing.apply("day2", found.parked)
    receipt = losing.receipt("day2")
    assert (receipt.total["created"], expired(losing)) == (1, [])
    assert (receipt.leavers or {})["counts"]["parked"] == 12
    losing.apply("day2", withheld_by(found.parked, Answer.WITHOUT_REMOVALS))
    assert expired(losing) == []
    losing.apply("day2", withheld_by(found.parked, Answer.APPROVE))
    assert len(expired(losing)) == 12
    assert (losing.receipt("day2").leavers or {})["counts"]["expired"] == 12


def test_a_small_group_that_vanishes_waits(losing: House) -> None:
    assert plan(losing, "day2", PEOPLE[:-3]).trips == []
    without = [row for row in PEOPLE if row["GROUP"] != "GR"]
    found = plan(losing, "day3", without)
    assert [(trip.category, trip.group) for trip in found.trips] == [("leave", "GRADUATE")]
    assert "all 10 people of the group GRADUATE would be removed" in found.trips[0].text


def test_rows_that_say_nobody_make_leavers_wait(losing: House) -> None:
    rows = [*PEOPLE[:-2], {**person(1), "ID": "", "CARD": "", "NET": ""}]
    found = plan(losing, "day2", rows)
    assert [(trip.category, trip.people) for trip in found.trips] == [("leave", 2)]
    assert "1 rows do not say whom they are about" in found.trips[0].text


def test_a_feed_in_doubt_is_none_in_which_people_are_absent(losing: House) -> None:
    losing.plan("day2", {"people.csv": csv_text(PEOPLE[:-2])})
    losing.folder("day2").write_json("health.json", {"verdicts": [{"action": "hold", "text": "odd"}]})
    found = losing.judge("day2")
    assert found.parked == ["feed", "leave"]
    losing.apply("day2", found.parked)
    assert losing.rows("absences") == []
    losing.apply("day2", withheld_by(found.parked, Answer.WITHOUT_REMOVALS))
    assert losing.rows("absences") == []
    losing.apply("day2")
    assert len(expired(losing)) == 2

"""Leavers and returners, on both databases: who is absent, which step is taken, what holds it, who comes back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers import XML_PEOPLE, csv_text, make_profile, open_house, person, total, xml_text, xml_user
from leaver_feeds import Feeds, leaving, people, told
from sqlalchemy import event, select

from matchpoint.accounts import one as accounts
from matchpoint.accounts.store import Act
from matchpoint.alma.code_tables import Code
from matchpoint.errors import PlanError
from matchpoint.leavers.apply import apply_leavers
from matchpoint.leavers.files import read_leavers
from matchpoint.leavers.obligations import Obligation, note_obligations
from matchpoint.store.absences import held_people
from matchpoint.store.code_tables import save_code_tables
from matchpoint.store.tables import history, users


@pytest.fixture
def feeds(store_url: str, tmp_path: Path) -> Iterator[Feeds]:
    with open_house(store_url, tmp_path, leaving()) as house:
        made = Feeds(house)
        made.feed(people(1, 2, 3))
        yield made


# --- the steps ------------------------------------------------------------------------------------


def test_a_leaver_expires_is_deactivated_gets_a_purge_date_and_is_never_deleted(feeds: Feeds) -> None:
    present = people(1, 2)
    assert feeds.feed(present)["counts"] == told(absent=1)
    assert feeds.dates(3) == (None, "ACTIVE", None)
    assert feeds.feed(present)["counts"] == told(expired=1)
    expires = feeds.days_on(10)
    assert feeds.dates(3) == (expires, "ACTIVE", None)
    waiting = feeds.feed(present, days=10)
    assert (waiting["counts"], waiting["settled"]) == (told(), 1)
    assert feeds.dates(3) == (expires, "ACTIVE", None)
    assert feeds.feed(present)["counts"] == told(deactivated=1)
    assert feeds.dates(3) == (expires, "INACTIVE", None)
    assert feeds.feed(present)["counts"] == told(purge_dated=1)
    assert feeds.dates(3) == (expires, "INACTIVE", feeds.days_on(100))
    for _ in range(2):
        done = feeds.feed(present, days=200)
        assert (done["counts"], done["settled"]) == (told(), 1)
    assert feeds.house.users().keys() == {"s1", "s2", "s3"}
    assert [row["version"] for row in feeds.house.users().values()] == [1, 1, 4]


def test_every_step_is_in_the_history_with_its_run(feeds: Feeds) -> None:
    feeds.feed(people(1, 2))
    feeds.feed(people(1, 2))
    (entry,) = [row for row in feeds.house.rows("history") if row["version"] == 2]
    assert (entry["actor"], entry["run_id"], entry["outcome"]) == ("leavers people", feeds.runs[-1], "updated")
    assert (entry["before"], entry["after"]) == ({"expiry_date": None}, {"expiry_date": feeds.days_on(10)})
    assert (entry["extract"], entry["row"]) == (None, None)


def test_the_policy_expire_never_deactivates(feeds: Feeds) -> None:
    feeds.house.profile = leaving(policy="expire")
    for _ in range(2):
        feeds.feed(people(1, 2))
    expires = feeds.days_on(10)
    assert feeds.feed(people(1, 2), days=11)["counts"] == told(purge_dated=1)
    assert feeds.dates(3) == (expires, "ACTIVE", feeds.days_on(100))


def test_without_days_no_purge_date_is_set(feeds: Feeds) -> None:
    feeds.house.profile = leaving(policy="expire", purge_after_days=None)
    for _ in range(2):
        feeds.feed(people(1, 2))
    last = feeds.feed(people(1, 2), days=400)
    assert (last["counts"], last["settled"]) == (told(), 1)
    assert feeds.dates(3)[2] is None


def test_a_purge_date_that_is_asked_for_later_is_set_for_earlier_leavers(feeds: Feeds) -> None:
    feeds.house.profile = leaving(policy="expire", purge_after_days=None)
    for days in (1, 1, 20):
        feeds.feed(people(1, 2), days=days)
    feeds.house.profile = leaving(policy="expire", purge_after_days=50)
    assert feeds.feed(people(1, 2))["counts"] == told(purge_dated=1)


def test_nobody_gets_more_time_by_leaving(feeds: Feeds) -> None:
    feeds.house.edit("s3", expiry_date="2026-01-31")
    feeds.feed(people(1, 2))
    counts = feeds.feed(people(1, 2))["counts"]
    assert counts == told(deactivated=1)  # expired long ago, so the next step is due
    assert feeds.dates(3) == ("2026-01-31", "INACTIVE", None)


def test_who_is_given_more_time_by_hand_is_waited_for(feeds: Feeds) -> None:
    for _ in range(2):
        feeds.feed(people(1, 2))
    accounts.edit(feeds.house.engine, "s3", {"expiry_date": feeds.days_on(100)}, Act("librarian", feeds.house.now()))
    assert feeds.feed(people(1, 2), days=50)["counts"] == told()
    assert feeds.dates(3)[1] == "ACTIVE"
    assert feeds.feed(people(1, 2), days=51)["counts"] == told(deactivated=1)


def test_absences_are_counted_in_a_row(feeds: Feeds) -> None:
    feeds.feed(people(1, 2))
    assert feeds.absences() == {"s3": (1, None)}
    assert feeds.feed(people(1, 2, 3))["counts"] == told()
    assert feeds.absences() == {}
    assert feeds.feed(people(1, 2))["counts"] == told(absent=1)
    assert feeds.dates(3) == (None, "ACTIVE", None)


def test_counts_are_told_by_user_group(feeds: Feeds) -> None:
    feeds.feed([*people(1, 2, 3, 4), person(5, GROUP="GR")])
    by_group = feeds.feed(people(1, 2))["by_group"]
    assert by_group == {"UNDERGRAD": told(absent=2), "GRADUATE": told(absent=1)}


# --- who is present -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        person(3, BORN="never"),  # a value that cannot be converted
        person(3, ID="", BORN="never"),  # only the card tells who it is
        person(3, ID="", CARD="", LAST=""),  # only the third identifier does
        person(3, LAST="", CARD="CARD3"),  # mandatory field missing
        person(3, CARD="Card1"),  # conflict: two matches
        person(3, ID="S1", CARD="Card3", NET="x"),  # rejected: another row has this primary id
        person(3, NET="net2"),  # rejected: taken
    ],
)
def test_whose_row_does_not_go_through_is_present(feeds: Feeds, row: dict[str, str]) -> None:
    for _ in range(3):
        leavers = feeds.feed([*people(1, 2), row])
        assert (leavers["counts"], leavers["unidentified"]) == (told(), 0)
    assert feeds.absences() == {}
    assert feeds.house.users()["s3"]["version"] == 1


def test_a_row_taken_in_the_feed_leaves_its_own_user_present(feeds: Feeds) -> None:
    rows = [person(1, CARD="New"), person(2), person(3, CARD="New")]
    for _ in range(2):
        assert feeds.feed(rows)["counts"] == told()
    assert feeds.absences() == {}


def test_rows_of_which_nobody_can_tell_whom_they_are_about_are_counted(feeds: Feeds) -> None:
    ragged = csv_text(people(1, 2)) + "S3,too few\n"
    assert feeds.feed({"people.csv": ragged})["unidentified"] == 1
    assert feeds.feed([*people(1, 2), person(3, ID="", CARD="", NET="")])["unidentified"] == 1
    assert feeds.feed(people(1, 2))["unidentified"] == 0


def test_rejected_users_of_alma_xml_are_present(store_url: str, tmp_path: Path) -> None:
    with open_house(store_url, tmp_path, leaving(XML_PEOPLE)) as house:
        feeds = Feeds(house)
        feeds.feed({"people.xml": xml_text(xml_user(1), xml_user(2), xml_user(3))})
        broken = {"people.xml": xml_text(xml_user(1), xml_user(2, last_name="x" * 300))}
        for counts in (told(absent=1), told(expired=1)):
            leavers = feeds.feed(broken)
            assert (leavers["counts"], leavers["unidentified"]) == (counts, 0)
        assert feeds.absences() == {"s3": (2, "expire")}


def test_a_row_that_is_met_after_all_and_then_rejected_leaves_its_user_present(feeds: Feeds) -> None:
    house, rows = feeds.house, people(1, 2, 3)
    feeds.day += 1
    run_id = f"day{feeds.day}"
    transformed = feeds.transform(rows, run_id=run_id)
    assert transformed.read_json("users/000.json")["known"] == 3
    house.edit("s3", job_description="meanwhile")
    save_code_tables(house.engine, [Code("UserGroups", "GRADUATE")])
    assert feeds.make_plan(run_id)["counts"] == told()
    assert feeds.apply(run_id).total == total(unchanged=2, rejected=1)
    assert transformed.root.joinpath("rejected", "000.woken.jsonl").exists()
    assert feeds.absences() == {}


# --- who is never touched -------------------------------------------------------------------------


def test_internal_users_and_users_of_others_are_no_leavers(feeds: Feeds) -> None:
    house = feeds.house
    accounts.convert(house.engine, "s3", "INTERNAL", Act("librarian", house.now()))
    house.with_profile(make_profile(code="staff")).run("staff", people(8))
    for _ in range(3):
        assert feeds.feed(people(1, 2))["counts"] == told()
    assert feeds.absences() == {}


@pytest.mark.parametrize(
    ("protect", "rule"),
    [({"user_groups": ["UNDERGRAD"]}, "protect.user_groups"), ({"primary_ids": ["S3"]}, "protect.primary_ids")],
)
def test_protected_people_are_never_touched(feeds: Feeds, protect: dict[str, Any], rule: str) -> None:
    feeds.house.profile = leaving(protect=protect)
    before = feeds.house.users()
    for counts in (told(absent=1), told(protected=1), told(protected=1)):
        assert feeds.feed(people(1, 2))["counts"] == counts
    assert feeds.house.users() == before
    (one,) = [one for some in read_leavers(feeds.house.folder(feeds.runs[-1])) for one in some]
    assert one.rule == rule


def test_a_note_that_says_nosync_protects(feeds: Feeds) -> None:
    note = {"note_type": {"value": "OTHER"}, "note_text": " nosync: court case", "segment_type": "Internal"}
    feeds.house.edit("s3", user_note=[note])
    before = feeds.house.users()
    for counts in (told(absent=1), told(protected=1)):
        assert feeds.feed(people(1, 2))["counts"] == counts
    assert feeds.house.users() == before


# --- what holds a step ----------------------------------------------------------------------------


@pytest.mark.parametrize("owed", [{"loans": 2}, {"requests": 1}, {"blocks": 1}, {"fines": Decimal("0.50")}])
def test_who_owes_something_is_held_until_nothing_is_owed(feeds: Feeds, owed: dict[str, Any]) -> None:
    engine = feeds.house.engine
    noted = note_obligations(engine, [Obligation("CARD3", **owed)], source="api", as_of=feeds.as_of)
    assert (noted.noted, noted.unknown) == (1, 0)
    before = feeds.house.users()
    for counts in (told(absent=1), told(held=1), told(held=1)):
        assert feeds.feed(people(1, 2))["counts"] == counts
    assert feeds.house.users() == before
    note_obligations(engine, [Obligation("s3")], source="api", as_of=feeds.as_of)
    assert feeds.feed(people(1, 2))["counts"] == told(expired=1)
    with engine.connect() as connection:
        assert held_people(connection) == []


@pytest.mark.parametrize(
    "owed",
    [
        {"loans": {"value": 1}},
        {"fees": {"value": 3.5}},
        {"user_block": [{"block_description": {"value": "X"}, "block_status": "ACTIVE", "segment_type": "Internal"}]},
    ],
)
def test_what_the_users_own_record_tells_counts_too(feeds: Feeds, owed: dict[str, Any]) -> None:
    feeds.house.edit("s3", **owed)
    for counts in (told(absent=1), told(held=1)):
        assert feeds.feed(people(1, 2))["counts"] == counts


def test_the_clearance_list_is_a_file_of_the_run_and_a_question_to_the_store(feeds: Feeds) -> None:
    feeds.feed([*people(1, 2, 3), person(4, ID="=1+2")])
    owed = [Obligation("s3", loans=1, fines=Decimal(2)), Obligation("=1+2", loans=1), Obligation("s1", loans=1)]
    note_obligations(feeds.house.engine, owed, source="desk", as_of=feeds.as_of)
    feeds.feed(people(1, 2))
    first = feeds.as_of.isoformat()
    feeds.feed(people(1, 2))
    text = feeds.house.folder(feeds.runs[-1]).root.joinpath("clearance.csv").read_text()
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["s3", "UNDERGRAD", first, "the user has loans; the user has an open balance"],
        ["'=1+2", "UNDERGRAD", first, "the user has loans"],
    ]
    with feeds.house.engine.connect() as connection:
        held = held_people(connection, "people")
        assert held_people(connection, "staff") == []
    assert [(one["primary_id"], one["first_absent"]) for one in held] == [("=1+2", first), ("s3", first)]
    feeds.feed(people(1, 2, 3))
    with feeds.house.engine.connect() as connection:
        assert [one["primary_id"] for one in held_people(connection)] == ["=1+2"]


# --- who comes back -------------------------------------------------------------------------------


def test_a_returner_is_reactivated_and_the_history_says_so(feeds: Feeds) -> None:
    for days in (1, 1, 11, 1):
        feeds.feed(people(1, 2), days=days)
    gone = feeds.dates(3)
    assert gone[1] == "INACTIVE"
    assert feeds.feed(people(1, 2, 3))["counts"] == told(returned=1)
    assert feeds.dates(3) == (None, "ACTIVE", None)
    newest = max((row for row in feeds.house.rows("history") if row["user_id"] == 3), key=lambda row: row["version"])
    assert newest["run_id"] == feeds.runs[-1]
    assert newest["before"] == {"expiry_date": gone[0], "status": {"value": "INACTIVE"}, "purge_date": gone[2]}
    assert newest["after"] == {"expiry_date": None, "status": {"value": "ACTIVE"}, "purge_date": None}
    assert feeds.absences() == {}
    assert feeds.feed(people(1, 2, 3))["counts"] == told()


def test_a_returner_gets_the_dates_of_the_feed(feeds: Feeds) -> None:
    mapping = {"expiry_date": {"from": [{"constant": "2030-01-01"}]}}
    feeds.house.profile = make_profile(mapping=mapping, actions=_actions(feeds))
    feeds.feed(people(1, 2, 3))
    for days in (1, 1, 11):
        feeds.feed(people(1, 2), days=days)
    assert feeds.dates(3)[1] == "INACTIVE"
    assert feeds.feed(people(1, 2, 3))["counts"] == told(returned=1)
    assert feeds.dates(3) == ("2030-01-01", "ACTIVE", None)


def _actions(feeds: Feeds) -> dict[str, Any]:
    return feeds.house.profile.model_dump(by_alias=True, exclude_none=True)["actions"]


def test_a_returner_whose_row_is_rejected_is_not_yet_back(feeds: Feeds) -> None:
    for days in (1, 1, 11):
        feeds.feed(people(1, 2), days=days)
    assert feeds.feed([*people(1, 2), person(3, BORN="never")])["counts"] == told()
    assert feeds.dates(3)[1] == "INACTIVE"
    assert feeds.absences() == {"s3": (0, "deactivate")}
    assert feeds.feed(people(1, 2))["counts"] == told(absent=1)
    assert feeds.feed(people(1, 2, 3))["counts"] == told(returned=1)
    assert feeds.dates(3)[1] == "ACTIVE"


# --- which runs count -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "fetched", "why"),
    [
        ({"people.csv": csv_text(people(1, 2))}, {"only_file": "people.csv"}, "only_file"),
        ({"people.csv": csv_text(people(1, 2))}, {"waiting": ["more.csv"]}, "waiting"),
        ({"people.rejected.csv": csv_text(people(1))}, {}, "mended"),
        ({"other.csv": csv_text(people(1, 2))}, {}, "files_missing"),
    ],
)
def test_a_run_without_a_full_feed_counts_nobody(feeds: Feeds, files: Any, fetched: Any, why: str) -> None:
    feeds.house.profile = leaving(after_feeds=1, files=["people*.csv"])
    leavers = feeds.feed(files, **fetched)
    assert (leavers["counts"], leavers["not_counted"]) == (told(), why)
    assert feeds.absences() == {}


def test_who_is_in_a_run_without_a_full_feed_is_back_all_the_same(feeds: Feeds) -> None:
    for _ in range(2):
        feeds.feed(people(1, 2))
    leavers = feeds.feed({"people.rejected.csv": csv_text(people(3))})
    assert (leavers["counts"], leavers["not_counted"]) == (told(returned=1), "mended")
    assert feeds.dates(3) == (None, "ACTIVE", None)


def test_the_files_of_one_run_are_one_feed(feeds: Feeds) -> None:
    feeds.house.profile = leaving(after_feeds=1, files=["a*.csv", "b*.csv"])
    leavers = feeds.feed({"a1.csv": csv_text(people(1)), "b1.csv": csv_text(people(2))})
    assert (leavers["counts"], leavers["not_counted"]) == (told(expired=1), None)


def test_a_dry_run_tells_all_and_counts_nothing(feeds: Feeds) -> None:
    feeds.feed(people(1, 2))
    before = feeds.house.everything()
    feeds.day += 1
    for number in range(3):
        dry = feeds.plan(people(1, 2), run_id=f"dry{number}", dry_run=True)
        assert dry["counts"] == told(expired=1)
    assert feeds.house.receipt("dry0").leavers == dry
    assert feeds.house.everything() == before
    with pytest.raises(PlanError):
        feeds.apply("dry0")


def test_an_import_has_no_leavers(feeds: Feeds) -> None:
    assert feeds.house.run("import", people(7), "import").leavers is None
    assert feeds.absences() == {}


# --- again ----------------------------------------------------------------------------------------


def test_a_run_that_is_repeated_counts_once_and_tells_the_same(feeds: Feeds) -> None:
    for days, rows in ((1, people(1, 2)), (1, people(1, 2)), (11, people(1, 2)), (1, people(1, 2, 3))):
        leavers = feeds.feed(rows, days=days)
        before = feeds.house.everything()
        for _ in range(2):
            feeds.plan(rows, run_id=feeds.runs[-1])
            again = feeds.apply(feeds.runs[-1])
            assert again.leavers == leavers
        for table in ("users", "history", "absences"):
            assert feeds.house.rows(table) == before[table]


def test_a_plan_that_is_applied_twice_changes_nothing_more(feeds: Feeds) -> None:
    for _ in range(2):
        leavers = feeds.feed(people(1, 2))
    before = feeds.house.everything()
    assert feeds.apply(feeds.runs[-1]).leavers == leavers
    for table in ("users", "history", "absences"):
        assert feeds.house.rows(table) == before[table]


def test_a_run_that_is_repeated_after_a_newer_one_counts_nobody(feeds: Feeds) -> None:
    feeds.feed(people(1, 2))
    feeds.feed(people(1, 2, 3))
    before = feeds.absences(), feeds.house.users()
    assert feeds.plan(people(1, 2), run_id=feeds.runs[-2])["not_counted"] == "older_feed"
    feeds.apply(feeds.runs[-2])
    assert (feeds.absences(), feeds.house.users()) == before


def test_a_plan_that_a_newer_run_has_overtaken_is_not_applied_to_leavers(feeds: Feeds) -> None:
    feeds.day += 1
    feeds.plan(people(1, 2), run_id="late")
    feeds.feed(people(1, 2, 3))
    feeds.apply("late")
    assert feeds.absences() == {}


def test_a_user_changed_after_the_plan_is_passed_over_told_and_looked_at_again(feeds: Feeds) -> None:
    feeds.feed(people(1, 2))
    feeds.day += 1
    assert feeds.plan(people(1, 2), run_id="late")["counts"] == told(expired=1)
    feeds.house.edit("s3", job_description="meanwhile")
    leavers = feeds.apply("late").leavers or {}
    assert (leavers["counts"], leavers["conflict"]) == (told(), 1)
    assert feeds.dates(3) == (None, "ACTIVE", None)
    assert feeds.feed(people(1, 2))["counts"] == told(expired=1)


def test_a_user_deleted_after_the_plan_is_passed_over(feeds: Feeds) -> None:
    feeds.feed([*people(1, 2, 3, 4)])
    feeds.feed(people(1, 2, 4))
    feeds.day += 1
    assert feeds.plan(people(1, 2), run_id="late")["counts"] == told(expired=1, absent=1)
    for name in ("s3", "s4"):
        accounts.delete(feeds.house.engine, name, Act("librarian", feeds.house.now()))
    assert (feeds.apply("late").leavers or {})["conflict"] == 1
    assert feeds.absences() == {}


def test_parked_steps_only_count(feeds: Feeds) -> None:
    feeds.feed([*people(1, 2, 3, 4)])
    feeds.feed(people(1, 2))
    feeds.day += 1
    feeds.plan(people(1, 2), run_id="parked")
    house, today = feeds.house, feeds.as_of.isoformat()
    stamp = feeds.stamp("parked")
    deviations = apply_leavers(house.folder("parked"), house.engine, stamp, as_of=today, parked={"expire"})
    ids = {name: row["id"] for name, row in house.users().items()}
    assert deviations == [(ids["s3"], "expire", "parked"), (ids["s4"], "expire", "parked")]
    assert (house.receipt("parked").leavers or {})["counts"] == told(parked=2)
    assert feeds.dates(3) == (None, "ACTIVE", None)
    assert feeds.absences() == {"s3": (2, None), "s4": (2, None)}
    assert feeds.feed(people(1, 2))["counts"] == told(expired=2)


def test_a_changed_file_of_leavers_is_no_longer_the_plan(feeds: Feeds) -> None:
    feeds.day += 1
    feeds.plan(people(1, 2), run_id="changed")
    feeds.house.folder("changed").root.joinpath("leavers.parquet").unlink()
    with pytest.raises(PlanError, match="another plan"):
        feeds.apply("changed")


# --- what it costs when it is off -----------------------------------------------------------------


def test_without_a_policy_nothing_is_asked_and_nothing_written(feeds: Feeds) -> None:
    feeds.feed(people(1, 2))
    house = feeds.house
    house.profile = make_profile()
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(house.engine, "before_cursor_execute", note)
    assert feeds.feed([*people(1, 2), person(4, BORN="never")]) == {}
    event.remove(house.engine, "before_cursor_execute", note)
    assert asked
    assert not [one for one in asked if "absences" in one or "obligations" in one or "external_id =" in one]
    folder = house.folder(feeds.runs[-1]).root
    assert not folder.joinpath("leavers.parquet").exists()
    assert not folder.joinpath("rejected").exists()
    assert house.receipt(feeds.runs[-1]).total == total(unchanged=2, rejected=1)


def test_deleting_a_user_takes_absence_and_obligation_along(feeds: Feeds) -> None:
    note_obligations(feeds.house.engine, [Obligation("s3", loans=1)], source="api", as_of=date(2026, 9, 1))
    feeds.feed(people(1, 2))
    accounts.delete(feeds.house.engine, "s3", Act("librarian", feeds.house.now()))
    assert feeds.house.rows("absences") == feeds.house.rows("obligations") == []
    with feeds.house.engine.connect() as connection:
        assert connection.scalar(select(users.c.id).where(users.c.primary_id == "s3")) is None
        assert connection.scalars(select(history.c.outcome).where(history.c.outcome == "deleted")).all()

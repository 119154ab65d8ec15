"""The store on both databases: its tables, uniqueness, and what import and synchronize make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from helpers import House, csv_text, make_profile, person, reasons, synchronizing, total
from sqlalchemy import insert, inspect
from sqlalchemy.exc import IntegrityError

import matchpoint.store
from matchpoint.outcomes import Outcome
from matchpoint.store import upgrade, writing
from matchpoint.store.tables import identifiers, metadata

# --- the tables -----------------------------------------------------------------------------------


def test_the_migrations_make_exactly_the_tables(house: House) -> None:
    with house.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_go_down_and_up_again(house: House) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(matchpoint.store.__file__).parent / "migrations"))
    with writing(house.engine).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(house.engine).get_table_names() == ["alembic_version"]
    upgrade(house.engine)
    upgrade(house.engine)
    assert set(inspect(house.engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    assert house.run("run", [person(1)]).total == total(created=1)


def test_absences_of_two_profiles_become_one_on_the_way_back(house: House) -> None:
    house.run("run", [person(1)])
    for profile in ("students", "staff"):
        some = "(1, :profile, 2, '2026-09-01', 'run', '')"
        columns = "(user_id, profile, feeds, first_absent, run_id, next_on)"
        house.sql(f"INSERT INTO absences {columns} VALUES {some}", profile=profile)
    with writing(house.engine).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(matchpoint.store.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
    assert [(row["user_id"], row["profile"]) for row in house.rows("absences")] == [(1, "staff")]
    assert inspect(house.engine).get_pk_constraint("absences")["constrained_columns"] == ["user_id"]
    upgrade(house.engine)
    assert inspect(house.engine).get_pk_constraint("absences")["constrained_columns"] == ["user_id", "profile"]
    assert [row["feeds"] for row in house.rows("absences")] == [2]


def test_no_two_users_share_an_identifier_of_whatever_type(house: House) -> None:
    house.run("run", [person(1), person(2)], "import")
    held = house.identifiers()
    assert held.keys() == {f"{name}{number}" for name in ("s", "card", "net") for number in (1, 2)}
    assert held["card1"][:2] == ("BARCODE", "Card1")
    row = {"value_key": "s1", "id_type": "BARCODE", "value": "S1", "user_id": held["s2"][2]}
    with pytest.raises(IntegrityError), writing(house.engine).begin() as connection:
        connection.execute(insert(identifiers), row)


@pytest.mark.law("taken")
@pytest.mark.parametrize("mode", ["import", "synchronize"])
def test_an_identifier_that_somebody_holds_is_refused_across_types_and_case(house: House, mode: Any) -> None:
    house.run("first", [person(1)], "import")
    rows = [person(2, NET="CARD1"), person(3, ID="nEt1"), person(4, CARD="s1"), person(5)]
    receipt = house.run("second", rows, mode)
    assert receipt.total == total(created=1, rejected=3)
    told = {("rejected", "taken", "user_identifier"): 2, ("rejected", "taken", "primary_id"): 1}
    assert reasons(receipt) == told
    assert house.users().keys() == {"s1", "s5"}


# --- import ---------------------------------------------------------------------------------------


@pytest.mark.law("import-creates")
@pytest.mark.law("import-taken")
def test_import_again_rejects_everybody_and_changes_nobody(house: House) -> None:
    rows = [person(1), person(2), person(3)]
    assert house.run("first", rows, "import").total == total(created=3)
    before = house.people()
    receipt = house.run("second", [person(1, LAST="Changed"), *rows[1:]], "import")
    assert receipt.total == total(rejected=3)
    assert reasons(receipt) == {("rejected", "taken", "primary_id"): 3}
    assert house.people() == before


@pytest.mark.law("new-user")
def test_an_import_creates_external_users_of_the_profile_with_history(house: House) -> None:
    house.run("first", [person(1)], "import")
    (user,) = house.rows("users")
    assert (user["primary_id"], user["account_type"], user["external_id"]) == ("s1", "EXTERNAL", "people")
    assert (user["version"], user["protected"], user["changed_by_run"]) == (1, {}, "first")
    assert user["document"]["user_group"] == {"value": "UNDERGRAD"}
    assert user["document"]["contact_info"]["email"][0]["segment_type"] == "External"
    (entry,) = house.rows("history")
    assert (entry["outcome"], entry["actor"], entry["run_id"], entry["row"]) == (
        "created",
        "import people",
        "first",
        2,
    )
    assert (entry["before"], entry["after"]) == (None, None)
    assert house.user_at("s1", 1) == user["document"]


# --- synchronize ----------------------------------------------------------------------------------


def everything_at_once(house: House) -> list[dict[str, str]]:
    """Prepare a store, and give a feed with every outcome that a feed can have."""
    others = house.with_profile(make_profile(code="staff"))
    house.run("before", [person(n) for n in range(1, 6)])
    others.run("others", [person(6)])
    house.edit("s4", account_type={"value": "INTERNAL"})
    return [
        person(1),  # unchanged
        person(2, LAST="Changed", CARD="New2"),  # updated
        person(3, CARD="Card5", NET="new3"),  # conflict: two matches
        person(4, LAST="Changed"),  # rejected: not external
        person(6),  # conflict: another profile
        person(7, NET="net1"),  # rejected: taken
        person(8, BORN="never"),  # rejected: bad value
        person(9),  # created
        person(9, LAST="Again", CARD="c", NET="n"),  # rejected: taken in this feed
        person(10, CARD="New2"),  # rejected: taken in this feed, by an update
    ]


@pytest.mark.law("sum-of-counts")
def test_every_outcome_in_one_feed_is_counted_once(house: House) -> None:
    receipt = house.run("run", everything_at_once(house))
    assert receipt.total == total(created=1, updated=1, unchanged=1, rejected=5, conflict=2)
    assert reasons(receipt) == {
        ("conflict", "two_matches", "primary_id, BARCODE"): 1,
        ("conflict", "other_profile", "external_id"): 1,
        ("rejected", "not_external", "account_type"): 1,
        ("rejected", "taken", "user_identifier"): 1,
        ("rejected", "bad_value", "birth_date"): 1,
        ("rejected", "taken_in_feed", "primary_id"): 1,
        ("rejected", "taken_in_feed", "user_identifier"): 1,
    }
    assert receipt.changed_fields == {"last_name": 1, "user_identifier": 1}
    assert sum(receipt.total[outcome] for outcome in Outcome) == receipt.total["processed"] == 10


@pytest.mark.law("unmatched")
def test_unmatched_rows_are_skipped_where_the_profile_says_so(house: House) -> None:
    house.run("first", [person(1)])
    skipping = house.with_profile(synchronizing(unmatched="skip"))
    receipt = skipping.run("second", [person(1), person(2)])
    assert receipt.total == total(unchanged=1, skipped=1)
    assert reasons(receipt) == {("skipped", "no_match", ""): 1}
    assert house.users().keys() == {"s1"}


def test_several_files_of_a_run_are_one_feed_with_a_count_each(house: House) -> None:
    files = {"a.csv": csv_text([person(1), person(2)]), "b.csv": csv_text([person(2), person(3)])}
    receipt = house.run("run", files)
    assert [one.counts for one in receipt.files] == [total(created=2), total(created=1, rejected=1)]
    assert reasons(receipt) == {("rejected", "taken_in_feed", "primary_id"): 1}


@pytest.mark.law("unchanged")
def test_the_same_extract_again_changes_nothing_not_even_a_version(house: House) -> None:
    rows = [person(n) for n in range(1, 30)]
    house.run("first", rows)
    before = house.people()
    assert house.run("second", rows).total == total(unchanged=29)
    assert house.people() == before
    assert house.planned("second") == []


@pytest.mark.law("unchanged")
def test_a_reformatted_extract_changes_nothing(house: House) -> None:
    house.run("first", [person(1), person(2)])
    before = house.people()
    rows = [person(2, LAST=" Lastname2 "), person(1, ID=" S1")]
    assert house.run("second", {"other.csv": csv_text(rows, columns=[*reversed(rows[0])])}).total == total(
        unchanged=2
    )
    assert house.people() == before


@pytest.mark.law("edited-since")
def test_a_user_edited_in_between_is_met_again_and_overwritten_though_the_row_did_not_change(house: House) -> None:
    rows = [person(1), person(2)]
    house.run("first", rows)
    house.run("second", rows)
    house.edit("s1", last_name="Edited", job_description="By hand")
    receipt = house.run("third", rows)
    assert receipt.total == total(updated=1, unchanged=1)
    assert receipt.changed_fields == {"job_description": 1, "last_name": 1}
    user = house.users()["s1"]
    assert (user["document"]["last_name"], user["version"]) == ("Lastname1", 3)
    assert "job_description" not in user["document"]


@pytest.mark.law("protected")
def test_a_protected_special_field_keeps_its_edit_and_the_next_run_is_unchanged(house: House) -> None:
    rows = [person(1)]
    house.run("first", rows)
    house.edit("s1", user_group={"value": "STAFF"}, protected={"user_group": {"value": "UNDERGRAD"}})
    assert house.run("second", rows).total == total(unchanged=1)
    assert house.run("third", rows).total == total(unchanged=1)
    assert house.planned("third") == []
    assert house.users()["s1"]["document"]["user_group"] == {"value": "STAFF"}


@pytest.mark.law("foreign")
def test_a_user_of_another_profile_is_taken_over_with_history_and_stays(house: House) -> None:
    house.run("first", [person(1)])
    staff = synchronizing(foreign="take_over").model_copy(update={"code": "staff"})
    other = house.with_profile(synchronizing().model_copy(update={"code": "staff"}))
    assert other.run("refused", [person(1)]).total == total(conflict=1)
    [told] = other.rejected_rows("refused")
    assert "s1 (EXTERNAL, profile people)" in told["matchpoint_reason"]
    taking = house.with_profile(staff)
    assert taking.run("taken", [person(1)]).total == total(updated=1)
    assert (house.users()["s1"]["external_id"], house.users()["s1"]["document"]["external_id"]) == ("staff", "staff")
    assert house.rows("history")[-1]["before"] == {"external_id": "people"}
    assert taking.run("again", [person(1)]).total == total(unchanged=1)


def test_history_has_before_and_after_of_every_change(house: House) -> None:
    house.run("first", [person(1)])
    made = house.users()["s1"]["document"]
    house.run("second", [person(1, LAST="B", NOTE="", GROUP="GR")])
    changed = house.users()["s1"]["document"]
    house.run("third", [person(1, LAST="C", FIRST="", GROUP="GR")])
    first, second, third = house.rows("history")
    assert [(one["version"], one["outcome"], one["run_id"]) for one in (first, second, third)] == [
        (1, "created", "first"),
        (2, "updated", "second"),
        (3, "updated", "third"),
    ]
    assert [house.user_at("s1", version) for version in (1, 2)] == [made, changed]
    note = made["user_note"]
    assert second["before"] == {"last_name": "Lastname1", "user_group": {"value": "UNDERGRAD"}, "user_note": note}
    assert second["after"] == {"last_name": "B", "user_group": {"value": "GRADUATE"}, "user_note": []}
    assert third["before"] == {"first_name": "Firstname1", "last_name": "B", "user_note": []}
    assert third["after"] == {"first_name": None, "last_name": "C", "user_note": note}


@pytest.mark.law("identifier-moves")
def test_a_changed_identifier_moves_and_the_old_one_is_free_again(house: House) -> None:
    house.run("first", [person(1), person(2)])
    user_id = house.users()["s1"]["id"]
    assert house.run("second", [person(1, CARD="New1")]).total == total(updated=1)
    held = house.identifiers()
    assert "card1" not in held
    assert held["new1"] == ("BARCODE", "New1", user_id)
    assert house.run("third", [person(2, CARD="Card1")]).total == total(updated=1)
    assert house.identifiers()["card1"] == ("BARCODE", "Card1", house.users()["s2"]["id"])


@pytest.mark.law("identifier-moves")
def test_a_primary_id_changes_when_another_match_point_hits(house: House) -> None:
    house.run("first", [person(1)])
    assert house.run("second", [person(1, ID="Renamed")]).total == total(updated=1)
    assert house.users().keys() == {"renamed"}
    assert house.identifiers().keys() == {"renamed", "card1", "net1"}


def test_an_identifier_differing_in_case_only_is_a_change_of_the_user_and_no_collision(house: House) -> None:
    house.run("first", [person(1)])
    assert house.run("second", [person(1, CARD="CARD1")]).total == total(updated=1)
    assert house.identifiers()["card1"][:2] == ("BARCODE", "CARD1")


def test_an_internal_identifier_of_the_library_survives_and_stays_unique(house: House) -> None:
    house.run("first", [person(1), person(2)])
    kept = {"id_type": {"value": "OTHER"}, "value": "Desk1", "segment_type": "Internal"}
    house.edit("s1", user_identifier=[kept, *house.users()["s1"]["document"]["user_identifier"]])
    user_id = house.users()["s1"]["id"]
    house.sql(f"INSERT INTO identifiers VALUES ('desk1', 'OTHER', 'Desk1', {user_id})")
    receipt = house.run("second", [person(1, CARD="New1"), person(2, CARD="desk1")])
    assert receipt.total == total(updated=1, rejected=1)
    assert kept in house.users()["s1"]["document"]["user_identifier"]
    assert house.identifiers()["desk1"] == ("OTHER", "Desk1", user_id)


def test_a_dry_run_writes_nothing_to_any_table(house: House) -> None:
    rows = everything_at_once(house)
    before = house.everything()
    counts = house.plan("dry", {"people.csv": csv_text(rows)}, dry_run=True)
    receipt = house.receipt("dry")
    assert house.everything() == before
    assert receipt.dry_run
    assert receipt.total == counts == total(created=1, updated=1, unchanged=1, rejected=5, conflict=2)
    assert house.run("real", rows).total == counts

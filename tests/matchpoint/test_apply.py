"""Applying a plan on both databases: frozen, row by row careful, and repeatable with the same end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from helpers import (
    House,
    Row,
    csv_text,
    essence,
    make_profile,
    person,
    reasons,
    rendered,
    synchronizing,
    total,
)
from sqlalchemy import Engine

from matchpoint import apply_plan
from matchpoint.errors import PlanError
from matchpoint.plan import write_plan


def feed(*rows: Row) -> dict[str, str]:
    return {"people.csv": csv_text(rows)}


# --- the plan and the world changed in between ----------------------------------------------------


def test_a_user_changed_after_the_plan_is_a_conflict_and_the_other_rows_are_applied(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.plan("second", feed(person(1, LAST="Planned"), person(2, LAST="Planned"), person(3)))
    house.edit("s1", last_name="Edited")
    house.apply("second")
    receipt = house.receipt("second")
    assert receipt.total == total(created=1, updated=1, conflict=1)
    assert reasons(receipt) == {("conflict", "changed_since", ""): 1}
    assert receipt.changed_fields == {"last_name": 1}
    names = {name: user["document"]["last_name"] for name, user in house.users().items()}
    assert names == {"s1": "Edited", "s2": "Planned", "s3": "Lastname3"}
    assert [row["ID"] for row in house.rejected_rows("second")] == ["S1"]


def test_a_user_deleted_after_the_plan_is_a_conflict(house: House) -> None:
    house.run("first", [person(1)])
    house.plan("second", feed(person(1, LAST="Planned")))
    user_id = house.users()["s1"]["id"]
    house.sql("DELETE FROM identifiers WHERE user_id = :id", id=user_id)
    house.sql("DELETE FROM users WHERE id = :id", id=user_id)
    house.apply("second")
    assert reasons(house.receipt("second")) == {("conflict", "changed_since", ""): 1}
    assert house.users() == {}


@pytest.mark.parametrize("mode", ["import", "synchronize"])
def test_an_identifier_taken_after_the_plan_is_a_conflict(house: House, mode: Any) -> None:
    house.run("first", [person(1)])
    house.plan("second", feed(person(2), person(3)), mode)
    house.run("meanwhile", [person(9, NET="CARD2")])
    house.apply("second")
    receipt = house.receipt("second")
    assert receipt.total == total(created=1, conflict=1)
    assert reasons(receipt) == {("conflict", "taken_since", ""): 1}
    assert house.users().keys() == {"s1", "s3", "s9"}


def test_an_identifier_taken_after_the_plan_stops_an_update_too(house: House) -> None:
    house.run("first", [person(1)])
    house.plan("second", feed(person(1, CARD="New1")))
    house.run("meanwhile", [person(9, CARD="new1")])
    before = house.people()
    house.apply("second")
    assert reasons(house.receipt("second")) == {("conflict", "taken_since", ""): 1}
    assert house.people() == before


def test_an_unchanged_user_edited_after_the_plan_stays_unchanged_and_is_met_again(house: House) -> None:
    house.run("first", [person(1)])
    house.edit(
        "s1", protected={"user_group": {"value": "UNDERGRAD"}}
    )  # its hash is no longer valid: the row is compared again
    house.plan("second", feed(person(1)))
    house.edit("s1", last_name="Edited")
    assert house.apply("second") == []
    assert house.receipt("second").total == total(unchanged=1)
    assert house.users()["s1"]["document"]["last_name"] == "Edited"
    assert house.run("third", [person(1)]).total == total(updated=1)


def test_rows_of_a_changed_extract_are_conflicts_and_those_of_the_others_are_applied(house: House) -> None:
    house.run("first", [person(1), person(5)])
    house.edit("s5", protected={"user_group": {"value": "UNDERGRAD"}})
    files = {"a.csv": csv_text([person(1, LAST="A"), person(2), person(5)]), "b.csv": csv_text([person(3)])}
    house.plan("second", files)
    folder = house.folder("second")
    (folder.root / folder.extracts[0].path).write_text(csv_text([person(1, LAST="Evil"), person(2)]))
    house.apply("second")
    receipt = house.receipt("second")
    assert receipt.total == total(created=1, unchanged=1, conflict=2)
    assert reasons(receipt) == {("conflict", "extract_changed", ""): 2}
    assert house.users().keys() == {"s1", "s3", "s5"}
    assert house.users()["s1"]["document"]["last_name"] == "Lastname1"


def test_a_plan_that_was_altered_is_refused_whole(house: House) -> None:
    house.run("first", [person(1)])
    house.plan("second", feed(person(1, LAST="Planned"), person(2)))
    before = house.everything()
    rows = house.planned("second")
    folder = house.folder("second")
    write_plan(folder, [replace(row, document=(row.document or "").replace("Planned", "Evil")) for row in rows])
    with pytest.raises(PlanError, match=r"plan\.parquet: found another plan than the one that was made"):
        house.apply("second")
    assert house.everything() == before


def test_a_plan_of_another_store_and_one_of_a_dry_run_are_refused(house: House) -> None:
    house.plan("dry", feed(person(1)), dry_run=True)
    with pytest.raises(PlanError, match="found the plan of a dry run"):
        house.apply("dry")
    summary = house.folder("dry").read_json("plan.json")
    house.folder("dry").write_json("plan.json", {**summary, "dry_run": False})
    with pytest.raises(PlanError, match="a plan that this store does not know"):
        house.apply("dry")
    assert house.users() == {}


def test_receipts_name_nobody_whatever_happened(house: House) -> None:
    house.run("first", [person(1), person(2), person(3)])
    house.plan("second", feed(person(1, LAST="Xanthippe"), person(2, CARD="Card3"), person(4, NET="net3"), person(5)))
    house.edit("s1", last_name="Sokrates")
    house.run("meanwhile", [person(9, CARD="card5")])
    house.apply("second")
    receipt = house.receipt("second")
    assert receipt.total == total(rejected=1, conflict=3)
    shown, rows = rendered(receipt), [person(n) for n in (1, 2, 3, 4, 5, 9)]
    for value in {"Xanthippe", "Sokrates", *(value for row in rows for value in row.values() if len(value) > 4)}:
        assert value not in shown


# --- again ----------------------------------------------------------------------------------------

AGAIN = [
    person(1, LAST="Changed", CARD="New1", NOTE=""),  # updated, and its old card is free afterwards
    person(2),  # unchanged
    person(2, LAST="Twice"),  # rejected: taken in this feed
    person(3, CARD="Card1"),  # conflict: two matches, although card 1 will be free
    person(4),  # created
    person(5, NET="CARD1"),  # rejected: taken, although card 1 will be free
    person(6, CARD="Card4"),  # rejected: taken in this feed
    person(7, BORN="never"),  # rejected: bad value
    person(8, NET="new1"),  # rejected: taken in this feed, by an update
    person(4),  # rejected: the very same row once more
]


def prepared(house: House) -> None:
    house.run("before", [person(1), person(2), person(3)])


@pytest.mark.parametrize("mode", ["import", "synchronize"])
def test_applying_a_plan_again_changes_nothing_and_gives_the_same_receipt(house: House, mode: Any) -> None:
    prepared(house)
    first = house.run("run", AGAIN, mode)
    before = house.people()
    for _ in range(2):
        house.apply("run")
        assert essence(house.receipt("run")) == essence(first)
        assert house.receipt("run").plan_sha256 == first.plan_sha256
        assert house.people() == before
    assert len(house.rows("file_ledger")) == 2


@pytest.mark.parametrize("mode", ["import", "synchronize"])
def test_the_whole_run_again_gives_the_same_receipt_and_end(house: House, mode: Any) -> None:
    prepared(house)
    first = house.run("run", AGAIN, mode)
    if mode == "import":  # there the first row is rejected, so that it takes nothing from the ninth
        assert first.total == total(created=2, rejected=8)
    else:
        assert first.total == total(created=1, updated=1, unchanged=1, rejected=6, conflict=1)
        assert first.changed_fields == {"last_name": 1, "user_identifier": 1, "user_note": 1}
    before, rejections = house.people(), house.rejected_file("run", "people.rejected.csv")
    for _ in range(2):
        assert essence(house.run("run", AGAIN, mode)) == essence(first)
        assert house.people() == before
        assert house.rejected_file("run", "people.rejected.csv") == rejections


@pytest.mark.parametrize("mode", ["import", "synchronize"])
def test_two_files_of_the_same_content_are_the_same_when_repeated(house: House, mode: Any) -> None:
    files = {"a.csv": csv_text([person(1), person(2)]), "copy of a.csv": csv_text([person(1), person(2)])}
    first = house.run("run", files, mode)
    assert [one.counts for one in first.files] == [total(created=2), total(rejected=2)]
    before = house.people()
    assert essence(house.run("run", files, mode)) == essence(first)
    assert house.people() == before


def test_a_run_repeated_with_a_mended_profile_loads_what_was_rejected_and_updates_what_it_made(house: House) -> None:
    rows = [person(1, GROUP="ZZ"), person(2)]
    assert house.run("run", rows).total == total(created=1, rejected=1)
    mended = house.with_profile(make_profile(crosswalks={"groups": {"UG": "STUDENT", "ZZ": "OTHER"}}))
    assert mended.run("run", rows).total == total(created=1, updated=1)
    groups = {name: user["document"]["user_group"]["value"] for name, user in house.users().items()}
    assert groups == {"s1": "OTHER", "s2": "STUDENT"}


def test_a_run_repeated_after_a_later_one_reverts_nothing(house: House) -> None:
    rows = [person(1), person(2), person(3, LAST="Early")]
    house.run("before", [person(1), person(3)])
    first = house.run("early", rows)
    assert first.total == total(created=1, updated=1, unchanged=1)
    later = [person(n, LAST="Late") for n in (1, 2, 3)]
    house.run("late", later)
    before = house.people()
    again = house.run("early", rows)
    assert again.total == total(created=1, updated=1, conflict=1)
    assert reasons(again) == {("conflict", "changed_after_run", ""): 1}
    assert house.people() == before
    assert house.run("last", later).total == total(unchanged=3)


def test_a_plan_made_again_before_it_was_applied_is_the_one_that_counts(house: House) -> None:
    house.plan("run", feed(person(1)))
    old = (house.folder("run").root / "plan.parquet").read_bytes()
    house.plan("run", feed(person(2)))
    new = (house.folder("run").root / "plan.parquet").read_bytes()
    (house.folder("run").root / "plan.parquet").write_bytes(old)
    with pytest.raises(PlanError):
        house.apply("run")
    (house.folder("run").root / "plan.parquet").write_bytes(new)
    house.apply("run")
    assert house.users().keys() == {"s2"}


# --- the database says no -------------------------------------------------------------------------


def forbid(house: House, name: str) -> None:
    """Let the database refuse a user of that last name, and one identifier value, by constraints of its own."""
    if house.engine.dialect.name == "postgresql":
        house.sql(f"ALTER TABLE users ADD CHECK (document ->> 'last_name' <> '{name}')")
        return
    said = f"SELECT RAISE(ABORT, 'CHECK constraint failed: {name}')"
    when = f"WHEN json_extract(NEW.document, '$.last_name') = '{name}'"
    for event in ("INSERT", "UPDATE"):
        house.sql(f"CREATE TRIGGER no_{event} BEFORE {event} ON users {when} BEGIN {said}; END")


def test_a_row_that_the_database_refuses_fails_alone(house: House) -> None:
    house.run("first", [person(1), person(2)])
    forbid(house, "Forbidden")
    rows = [person(1, LAST="Forbidden"), person(2, LAST="Fine"), person(3), person(4, LAST="Forbidden"), person(5)]
    receipt = house.run("second", rows)
    assert receipt.total == total(created=2, updated=1, failed=2)
    assert reasons(receipt) == {("failed", "database", ""): 2}
    names = {name: user["document"]["last_name"] for name, user in house.users().items()}
    assert names == {"s1": "Lastname1", "s2": "Fine", "s3": "Lastname3", "s5": "Lastname5"}
    assert {value[2] for value in house.identifiers().values()} == {user["id"] for user in house.users().values()}
    assert [row["matchpoint_row"] for row in house.rejected_rows("second")] == ["2", "5"]
    assert "Forbidden" not in rendered(receipt)


def test_a_row_that_failed_is_tried_again(house: House) -> None:
    forbid(house, "Forbidden")
    rows = [person(1), person(2, LAST="Forbidden")]
    assert house.run("run", rows).total == total(created=1, failed=1)
    if house.engine.dialect.name == "postgresql":
        house.sql("ALTER TABLE users DROP CONSTRAINT users_document_check")
    else:
        house.sql("DROP TRIGGER no_INSERT")
    house.apply("run")
    assert house.receipt("run").total == total(created=2)
    assert house.users().keys() == {"s1", "s2"}


def test_an_error_of_the_database_stops_the_run_and_names_nobody(house: House) -> None:
    house.plan("run", feed(person(1, ID="Zwillingsdorf"), person(2)))
    house.sql("ALTER TABLE users RENAME COLUMN protected TO hidden")
    with pytest.raises(Exception, match="protected") as caught:
        house.apply("run")
    assert "zwillingsdorf" not in str(caught.value).lower()
    house.sql("ALTER TABLE users RENAME COLUMN hidden TO protected")
    assert house.users() == {}
    house.apply("run")
    assert house.receipt("run").total == total(created=2)


@pytest.mark.parametrize("rows_in_a_transaction", [1, 2, 3, 1000])
def test_the_end_does_not_depend_on_how_many_rows_a_transaction_has(
    house: House, monkeypatch: pytest.MonkeyPatch, rows_in_a_transaction: int
) -> None:
    monkeypatch.setattr(apply_plan, "BATCH_ROWS", rows_in_a_transaction)
    prepared(house)
    receipt = house.run("run", AGAIN)
    assert receipt.total == total(created=1, updated=1, unchanged=1, rejected=6, conflict=1)
    assert house.users().keys() == {"s1", "s2", "s3", "s4"}
    assert len(house.identifiers()) == 12


def test_the_store_keeps_the_plan_and_the_files_of_a_run(house: House) -> None:
    prepared(house)
    house.run("run", AGAIN)
    kept = [row for row in house.rows("plan_rows") if row["run_id"] == "run"]
    assert [row["outcome"] for row in kept] == [
        "updated", "rejected", "conflict", "rejected", "rejected", "rejected", "rejected", "rejected",
    ]  # fmt: skip
    assert kept[0]["changes"]["last_name"] == ["Lastname1", "Changed"]
    assert kept[0]["user_id"] == house.users()["s1"]["id"]
    (extract,) = house.folder("run").extracts
    noted = [row for row in house.rows("file_ledger") if row["run_id"] == "run"]
    assert [(row["name"], row["sha256"]) for row in noted] == [("/in/people.csv", extract.file_sha256)]
    summary = json.loads((house.folder("run").root / "plan.json").read_text())
    (run,) = [row for row in house.rows("runs") if row["run_id"] == "run"]
    assert (run["plan_sha256"], run["mode"]) == (summary["sha256"], "synchronize")
    assert run["applied_at"] is not None


def test_skipped_rows_stay_skipped_when_the_run_is_repeated(house: House) -> None:
    skipping = house.with_profile(synchronizing(unmatched="skip"))
    house.run("before", [person(1)])
    first = skipping.run("run", [person(1, LAST="B"), person(2)])
    assert first.total == total(updated=1, skipped=1)
    assert essence(skipping.run("run", [person(1, LAST="B"), person(2)])) == essence(first)


def test_a_second_try_that_waited_for_the_first_knows_what_that_has_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's task may outlive the worker: the next try waits for it, and must not take its users for others'."""
    prepared(house)
    house.plan("run", {"people.csv": csv_text(AGAIN)})
    waited_for = apply_plan.exclusive

    @contextmanager
    def late(engine: Engine) -> Iterator[None]:
        monkeypatch.setattr(apply_plan, "exclusive", waited_for)
        first = house.apply("run")
        with waited_for(engine):
            yield
        assert first == []

    monkeypatch.setattr(apply_plan, "exclusive", late)
    assert house.apply("run") == []
    assert house.receipt("run").total == total(created=1, updated=1, unchanged=1, rejected=6, conflict=1)

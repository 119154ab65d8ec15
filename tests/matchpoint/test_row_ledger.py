"""The row ledger: what a run may pass over, and what it must meet again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    AS_OF,
    House,
    Row,
    csv_text,
    make_profile,
    open_house,
    person,
    reasons,
    synchronizing,
    total,
)
from sqlalchemy import text

from matchpoint.accounts import one as accounts
from matchpoint.accounts.store import Act
from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.make_plan import make_plan
from matchpoint.store.lookup import Lookup
from matchpoint.store.row_ledger import known_to
from matchpoint.transform import transform_extract

PEOPLE = [person(n) for n in range(1, 6)]


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path) as opened:
        opened.run("first", PEOPLE)
        yield opened


def known(house: House, run_id: str, extract: int = 0) -> int:
    """Tell how many rows of an extract were not even parsed."""
    return int(house.folder(run_id).read_json(f"users/{extract:03}.json")["known"])


def meanwhile(house: House, run_id: str, rows: list[Row], change: Any) -> dict[str, int]:
    """Transform rows, let something happen, and only then make the plan and apply it."""
    folder = house.fetch(run_id, {"people.csv": csv_text(rows)})
    ledger = known_to(house.engine, house.profile.code, "synchronize", run_id)
    for extract in folder.extracts:
        transform_extract(folder, extract, house.profile, AS_OF, house.tables, known=ledger)
    change()
    how: Any = {"mode": "synchronize", "run_id": run_id, "as_of": AS_OF.isoformat(), "dry_run": False}
    make_plan(folder, house.engine, house.profile, now=house.now(), **how)
    house.apply(run_id)
    return house.receipt(run_id).total


# --- what is passed over --------------------------------------------------------------------------


def test_a_row_that_is_as_it_was_is_not_even_parsed(house: House) -> None:
    rows = [*PEOPLE[:3], person(4, LAST="Changed"), person(9)]
    assert house.run("second", rows).total == total(unchanged=3, updated=1, created=1)
    assert known(house, "second") == 3
    assert house.run("third", rows).total == total(unchanged=5)
    assert known(house, "third") == 5


def test_an_import_passes_nothing_over(house: House) -> None:
    assert house.run("second", PEOPLE, "import").total == total(rejected=5)
    assert known(house, "second") == 0


def test_a_reformatted_extract_is_parsed_once_and_writes_no_user(house: House) -> None:
    before = house.people()
    turned = {"people.csv": csv_text(PEOPLE, columns=[*reversed(PEOPLE[0])])}
    assert house.run("second", turned).total == total(unchanged=5)
    assert known(house, "second") == 0
    assert house.planned("second") == []
    assert house.people() == before
    assert house.run("third", turned).total == total(unchanged=5)
    assert known(house, "third") == 5


def test_the_same_line_under_another_header_is_another_row(house: House) -> None:
    renamed = csv_text(PEOPLE).replace("FIRST,LAST", "LAST,FIRST", 1)
    assert house.run("second", {"people.csv": renamed}).total == total(updated=5)


def test_an_edited_mapping_meets_everybody_once_and_writes_only_who_changed(house: House) -> None:
    edited = house.with_profile(make_profile(mapping={"last_name": {"from": "LAST", "convert": ["trim"]}}))
    before = house.people()
    assert edited.run("second", PEOPLE).total == total(unchanged=5)
    assert known(edited, "second") == 0
    assert house.people() == before
    assert edited.run("third", PEOPLE).total == total(unchanged=5)
    assert known(edited, "third") == 5
    upper = edited.with_profile(make_profile(mapping={"last_name": {"from": "LAST", "convert": ["upper"]}}))
    assert upper.run("fourth", PEOPLE).total == total(updated=5)


def test_changed_code_tables_are_asked_again(house: House) -> None:
    house.tables = CodeTables([Code("UserGroups", "GRADUATE")])
    assert reasons(house.run("second", PEOPLE)) == {("rejected", "code_unknown", "user_group"): 5}


def test_another_law_for_empty_fields_meets_everybody_again(house: House) -> None:
    emptied = [person(n, GROUP="") for n in range(1, 6)]
    assert house.run("second", emptied).total == total(unchanged=5)
    clearing = house.with_profile(synchronizing(empty_special="clear"))
    assert clearing.run("third", emptied).total == total(updated=5)


# --- what is met again ----------------------------------------------------------------------------


def test_a_rejected_row_is_never_passed_over(house: House) -> None:
    rows = [*PEOPLE, person(7, LAST="")]
    for run_id in ("second", "third"):
        assert house.run(run_id, rows).total == total(unchanged=5, rejected=1)
        assert known(house, run_id) == 5


def test_a_person_whose_row_is_rejected_is_present_and_stays_in_the_ledger(house: House) -> None:
    before = house.rows("row_ledger")
    broken = [person(1, BORN="someday"), *PEOPLE[1:]]
    assert house.run("second", broken).total == total(unchanged=4, rejected=1)
    assert house.rows("row_ledger") == before
    assert house.run("third", PEOPLE).total == total(unchanged=5)
    assert known(house, "third") == 5


def test_a_row_whose_user_was_taken_by_the_library_is_told_every_time(house: House) -> None:
    accounts.convert(house.engine, "s1", "INTERNAL", Act("librarian", house.now()))
    for run_id in ("second", "third"):
        assert reasons(house.run(run_id, PEOPLE)) == {("rejected", "not_external", "account_type"): 1}


def test_a_row_that_could_not_be_applied_is_met_by_the_next_run(house: House) -> None:
    changed = [person(1, LAST="Changed"), *PEOPLE[1:]]
    house.plan("second", {"people.csv": csv_text(changed)})
    house.edit("s1", job_description="meanwhile")
    house.apply("second")
    assert house.receipt("second").total == total(conflict=1, unchanged=4)
    assert house.run("third", changed).total == total(updated=1, unchanged=4)
    assert house.users()["s1"]["document"]["last_name"] == "Changed"


def test_a_user_edited_through_the_library_is_met_again_and_overwritten(house: House) -> None:
    accounts.edit(house.engine, "s1", {"last_name": "Edited"}, Act("librarian", house.now()))
    assert house.run("second", PEOPLE).total == total(updated=1, unchanged=4)
    assert house.users()["s1"]["document"]["last_name"] == "Lastname1"
    assert house.run("third", PEOPLE).total == total(unchanged=5)
    assert known(house, "third") == 5


def test_a_deleted_user_is_created_again(house: House) -> None:
    accounts.delete(house.engine, "s1", Act("librarian", house.now()))
    assert house.run("second", PEOPLE).total == total(created=1, unchanged=4)


def test_a_user_taken_over_by_another_profile_is_no_longer_passed_over(house: House) -> None:
    action = {"path": "in", "match_points": ["primary_id"], "foreign": "take_over"}
    taking = house.with_profile(make_profile(code="staff", actions={"synchronize": action}))
    assert taking.run("taken", [PEOPLE[0]]).total == total(updated=1)
    assert reasons(house.run("second", PEOPLE)) == {("conflict", "other_profile", "external_id"): 1}
    assert known(house, "second") == 4


# --- what happens between transforming and planning -----------------------------------------------


def test_a_user_edited_after_the_transformation_is_met(house: House) -> None:
    rows = [*PEOPLE, person(6)]
    counts = meanwhile(house, "second", rows, lambda: house.edit("s1", last_name="Edited"))
    assert counts == total(updated=1, unchanged=4, created=1)
    assert house.users()["s1"]["document"]["last_name"] == "Lastname1"


def test_a_user_deleted_after_the_transformation_is_created(house: House) -> None:
    act = Act("librarian", house.now())
    counts = meanwhile(house, "second", PEOPLE, lambda: accounts.delete(house.engine, "s2", act))
    assert counts == total(created=1, unchanged=4)


def test_another_run_after_the_transformation_is_noticed(house: House) -> None:
    changed = [person(3, LAST="Newer"), *PEOPLE[3:]]
    counts = meanwhile(house, "second", PEOPLE, lambda: house.run("between", changed))
    assert counts == total(updated=1, unchanged=4)
    assert house.users()["s3"]["document"]["last_name"] == "Lastname3"


# --- two rows about one person --------------------------------------------------------------------


def test_a_known_row_twice_is_one_too_many(house: House) -> None:
    receipt = house.run("second", [*PEOPLE, PEOPLE[2]])
    assert receipt.total == total(unchanged=5, rejected=1)
    assert reasons(receipt) == {("rejected", "taken_in_feed", "primary_id"): 1}
    assert receipt.reasons[0].examples == [("people.csv", 7)]


@pytest.mark.parametrize("changed_first", [True, False])
def test_of_a_changed_and_a_known_row_about_one_person_the_first_is_loaded(house: House, changed_first: bool) -> None:
    changed = person(3, LAST="Changed")
    rows = [changed, *PEOPLE] if changed_first else [*PEOPLE, changed]
    counts = total(updated=1, unchanged=4, rejected=1) if changed_first else total(unchanged=5, rejected=1)
    assert house.run("second", rows).total == counts
    assert house.users()["s3"]["document"]["last_name"] == ("Changed" if changed_first else "Lastname3")


def test_a_new_row_with_the_card_of_a_known_one_is_rejected(house: House) -> None:
    rows = [person(8, CARD="CARD2", ID="S8"), *PEOPLE]
    profile = synchronizing(match_points=["primary_id"])
    assert reasons(house.with_profile(profile).run("second", rows)) == {("rejected", "taken", "user_identifier"): 1}


# --- how it asks ----------------------------------------------------------------------------------


def test_edited_users_and_identifiers_are_found_by_index(house: House) -> None:
    with house.engine.connect() as connection:
        lookup = Lookup(connection, "x", [])
        asked: list[str] = []
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET enable_seqscan = off"))  # tables this small are read whole otherwise
        edited = "SELECT id FROM users WHERE source_version <> version"
        asked += [str(row) for row in connection.execute(text(explain + edited))]
        assert lookup.users(["s1", "nobody"]) == {house.users()["s1"]["id"]}
    assert "ix_users_edited" in " ".join(asked)

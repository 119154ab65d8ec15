"""What staff do to sets of users: convert, edit, purge, by query, in bounded transactions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from helpers import START, House, person, reasons, total

from matchpoint.accounts import many, one, purge, selection
from matchpoint.accounts.many import convert_all, edit_all
from matchpoint.accounts.selection import Selection
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import NOTES
from matchpoint.errors import AccountError

ACT = Act("users_convert", START, "users_convert/manual")
TODAY = date(2026, 9, 1)


def migrated(house: House, number: int = 6) -> None:
    """Migrate people: the first two are the testing team, staff who must sign in before the rest."""
    rows = [person(n, GROUP="GR" if n < 2 else "UG") for n in range(number)]
    assert house.run("migration", rows).total == total(created=number)


TEAM = Selection(user_group="GRADUATE")


@pytest.mark.law("convert-set")
def test_a_migrated_testing_team_becomes_internal_and_signs_in_at_once(house: House) -> None:
    migrated(house)
    done = convert_all(house.engine, TEAM, "INTERNAL", ACT, with_passwords=True, dry_run=False)
    assert (done.met, done.changed, done.refused) == (2, 2, {})
    assert done.passwords.keys() == {"s0", "s1"}
    for who, password in done.passwords.items():
        assert len(password) == 10
        assert one.signs_in(house.engine, who, password, TODAY)
        assert password not in str(house.everything())
    assert "passwords" not in done.as_dict()
    assert all(row["must_change"] for row in house.rows("passwords"))
    assert {name: row["account_type"] for name, row in house.users().items()} == {
        "s0": "INTERNAL", "s1": "INTERNAL", "s2": "EXTERNAL", "s3": "EXTERNAL", "s4": "EXTERNAL", "s5": "EXTERNAL",
    }  # fmt: skip
    receipt = house.run("later", [person(n, GROUP="GR" if n < 2 else "UG") for n in range(6)])
    assert reasons(receipt) == {("rejected", "not_external", "account_type"): 2}
    assert receipt.total == total(unchanged=4, rejected=2)


def test_a_dry_run_tells_the_same_and_does_nothing(house: House) -> None:
    migrated(house)
    before = house.everything()
    tried = convert_all(house.engine, TEAM, "INTERNAL", ACT, with_passwords=True)
    assert (tried.met, tried.changed, tried.passwords) == (2, 2, {})
    assert house.everything() == before


@pytest.mark.law("convert-set")
def test_a_set_converted_again_is_left_alone(house: House) -> None:
    migrated(house)
    ids = Selection(identifiers=["s1", "CARD2", "NET3", "nobody"])
    assert convert_all(house.engine, ids, "INTERNAL", ACT, dry_run=False).changed == 3
    before = house.everything()
    assert convert_all(house.engine, ids, "INTERNAL", ACT, dry_run=False).met == 0
    assert house.everything() == before
    back = convert_all(house.engine, ids, "EXTERNAL", ACT, external_id="people", dry_run=False)
    assert back.changed == 3
    assert all(row["account_type"] == "EXTERNAL" for row in house.users().values())
    with pytest.raises(AccountError):
        convert_all(house.engine, ids, "EXTERNAL", ACT, dry_run=False)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Selection(), 6),
        (Selection(account_type="EXTERNAL", profile="people", record_type="PUBLIC", status="ACTIVE"), 6),
        (Selection(profile="staff"), 0),
        (Selection(user_group="GRADUATE"), 2),
        (Selection(user_group="GRADUATE", identifiers=["S1", "s5"]), 1),
        (Selection(expiry_before=date(2027, 1, 1)), 1),
        (Selection(expiry_before=date(2026, 12, 31)), 0),
        (Selection(purge_before=date(2099, 1, 1)), 0),
    ],
)
def test_a_selection_is_all_that_fits_everything_said(house: House, chosen: Selection, expected: int) -> None:
    migrated(house)
    one.edit(house.engine, "s4", {"expiry_date": "2026-12-31"}, ACT)
    with house.engine.connect() as connection:
        assert selection.count(connection, chosen) == expected
        found = list(selection.user_ids(connection, chosen, size=2))
        assert sum(map(len, found)) == expected
        assert all(len(batch) <= 2 for batch in found)


@pytest.mark.parametrize("size", [1, 2, 1_000])
def test_the_end_does_not_depend_on_how_many_users_a_transaction_has(
    house: House, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "BATCH", size)
    migrated(house)
    values = {"status": {"value": "INACTIVE"}, "expiry_date": "2026-08-31", "purge_date": "2027-08-31"}
    done = edit_all(house.engine, Selection(user_group="UNDERGRAD"), values, ACT, dry_run=False)
    assert (done.met, done.changed) == (4, 4)
    changed = [name for name, row in house.users().items() if row["document"]["status"] == {"value": "INACTIVE"}]
    assert changed == ["s2", "s3", "s4", "s5"]
    assert all(row["run_id"] == "users_convert/manual" for row in house.rows("history")[-1:])


# --- purge ----------------------------------------------------------------------------------------


def due(house: House) -> None:
    """Make people of every kind: only s0 and s1 can be purged today."""
    migrated(house)
    days = {"s0": "2026-08-31", "s1": "2026-09-01", "s2": "2026-09-02", "s4": "2020-01-01", "s5": "2020-01-01"}
    for who, day in days.items():
        one.edit(house.engine, who, {"purge_date": day}, ACT)
    note = {"note_type": {"value": "OTHER"}, "note_text": "NOSYNC: guest of the dean"}
    one.add_segment(house.engine, "s4", NOTES, note, ACT)
    house.edit("s5", fees={"value": 2.5})


@pytest.mark.law("purge")
@pytest.mark.law("held-back")
def test_purging_deletes_whose_day_has_come_and_says_why_others_stay(house: House) -> None:
    due(house)
    before = house.everything()
    tried = purge.purge(house.engine, ACT, as_of=TODAY)
    assert tried.deleted == 2
    assert house.everything() == before, "it is a dry run unless told otherwise"
    done = purge.purge(house.engine, ACT, as_of=TODAY, dry_run=False)
    assert (done.deleted, done.kept) == (2, tried.kept)
    assert done.kept == {"s4": "a note says NOSYNC", "s5": "the user has an open balance"}
    assert house.users().keys() == {"s2", "s3", "s4", "s5"}
    assert not {"s0", "card1", "net1"} & house.identifiers().keys()
    gone = [row for row in house.rows("history") if row["outcome"] == "deleted"]
    assert [row["before"]["primary_id"] for row in gone] == ["s0", "s1"]
    assert purge.purge(house.engine, ACT, as_of=TODAY, dry_run=False).deleted == 0


@pytest.mark.law("purge")
@pytest.mark.parametrize(
    ("how", "deleted"),
    [
        ({"days_after": 1}, 1),
        ({"days_after": 2}, 0),
        ({"as_of": date(2026, 9, 2)}, 3),
        ({"selection": Selection(user_group="UNDERGRAD"), "as_of": date(2026, 9, 2)}, 1),
    ],
)
def test_days_after_and_filters_narrow_it(house: House, how: dict[str, Any], deleted: int) -> None:
    due(house)
    assert purge.purge(house.engine, ACT, **{"as_of": TODAY, **how}).deleted == deleted


@pytest.mark.law("purge")
def test_forgetting_leaves_nothing_of_the_person(house: House) -> None:
    due(house)
    purge.purge(house.engine, ACT, as_of=TODAY, dry_run=False, forget=True)
    left = str(house.people()) + str(house.rows("passwords"))
    for trace in ("Lastname1", "mail1@", "card1", "Card1"):
        assert trace not in left
    assert sum(row["outcome"] == "deleted" for row in house.rows("history")) == 2


def test_a_purged_person_who_comes_again_is_a_new_user(house: House) -> None:
    due(house)
    purge.purge(house.engine, ACT, as_of=TODAY, dry_run=False)
    assert house.run("back", [person(0), person(1)]).total == total(created=2)

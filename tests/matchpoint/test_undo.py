"""Undo: of a run, of a person, of a field; later changes stay, and what is undone can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import START, House, make_profile, person, synchronizing, total

from matchpoint.accounts import many, one
from matchpoint.accounts.purge import purge
from matchpoint.accounts.selection import Selection
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import IDENTIFIERS, NOTES
from matchpoint.alma.law import changes
from matchpoint.errors import PlanError
from matchpoint.undo.apply import apply_undo
from matchpoint.undo.limits import Limit
from matchpoint.undo.plan import (
    Target,
    Undoing,
    plan_undo,
    plan_undo_field,
    plan_undo_person,
    plan_undo_run,
    read_summary,
)
from matchpoint.undo.report import sentence, write_report
from matchpoint.undo.rows import UndoRow, read_rows

JO = Act("jo", START)
BIG = Limit(10**9, 1.0)


def documents(house: House) -> dict[int, Any]:
    return {row["id"]: row["document"] for row in house.rows("users")}


def state(house: House) -> dict[str, Any]:
    """Give what an undo is to bring back: who is there, with what, and who holds which identifier."""
    kept = ("account_type", "external_id", "protected", "primary_id")
    return {
        "users": {row["id"]: {name: row[name] for name in kept} for row in house.rows("users")},
        "documents": documents(house),
        "identifiers": house.identifiers(),
    }


def undo(house: House, run_id: str, name: str = "undo", **target: Any) -> dict[str, Any]:
    """Plan and apply an undo; give its summary."""
    summary = plan_undo(house.folder(name), house.engine, Target(run_id, **target), Undoing(name, house.now()))
    apply_undo(house.folder(name), house.engine, Act("undoer", house.now()), limit=BIG)
    return summary


def rows(house: House, name: str = "undo") -> dict[str, UndoRow]:
    return {row.primary_id: row for row in read_rows(house.folder(name))}


def counts(summary: dict[str, Any]) -> dict[str, int]:
    return {name: n for name, n in summary["counts"].items() if isinstance(n, int) and n}


# --- a whole run ----------------------------------------------------------------------------------


def test_a_run_is_taken_back_whole_with_history(house: House) -> None:
    house.run("first", [person(1), person(2), person(3)])
    before = state(house)
    house.run("second", [person(1, LAST="Changed", CARD="New"), person(2, NOTE=""), person(3), person(4)])
    summary = undo(house, "second")
    assert counts(summary) == {"users": 3, "changed": 2, "deleted": 1}
    assert summary["counts"]["fields"] == {"last_name": 1, "user_identifier": 1, "user_note": 1}
    assert state(house) == before
    entry = next(row for row in house.rows("history") if (row["run_id"], row["user_id"]) == ("undo", 1))
    assert (entry["actor"], entry["rule"], entry["outcome"], entry["version"]) == ("undoer", "undo", "updated", 3)
    assert (entry["before"]["last_name"], entry["after"]["last_name"]) == ("Changed", "Lastname1")
    [run] = [row for row in house.rows("runs") if row["run_id"] == "undo"]
    assert (run["mode"], run["profile"], run["receipt"]["undone_run"]) == ("undo", "people", "second")
    assert run["applied_at"] is not None
    assert run["receipt"]["left_after_all"] == 0


def test_undoing_twice_changes_nothing_and_tells_the_same(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, LAST="Changed"), person(2), person(3)])
    first = undo(house, "second")
    after = house.people()
    assert counts(undo(house, "second")) == counts(first)
    assert house.people() == after
    assert all(row.done for row in rows(house).values())
    again = undo(house, "second", "another")
    assert counts(again) == {"users": 2, "left": 2}
    assert again["counts"]["reasons"] == {"undone": 2}
    assert house.people() == after


def test_an_undo_can_be_undone_and_that_too(house: House) -> None:
    house.run("first", [person(1), person(2)])
    before = state(house)
    house.run("second", [person(1, LAST="Changed", CARD="New"), person(2, ID="renamed"), person(3)])
    done = state(house)
    undo(house, "second", "undo 1")
    for number in range(2, 6):
        undo(house, f"undo {number - 1}", f"undo {number}")
        assert state(house) == (done if number % 2 == 0 else before)
    assert state(house) == before
    undo(house, "undo 4", "undo 6")
    assert state(house) == before, "that one is taken back already"


def test_undos_of_runs_that_went_back_and_forth_are_told_apart(house: House) -> None:
    """Two runs change a field from one value to another and back; each undo takes its own run back."""
    states = []
    for number, mail in enumerate(("", "other@example.edu", "")):
        states.append(state(house))
        house.run(f"run {number}", [person(1, EMAIL=mail)])
    for number in (2, 1, 0):
        undo(house, f"run {number}", f"undo {number}")
        assert state(house) == states[number]
    assert house.users() == {}


def test_the_undone_run_can_be_undone_again_once_it_is_back(house: House) -> None:
    house.run("first", [person(1)])
    before = state(house)
    house.run("second", [person(1, LAST="Changed"), person(2)])
    undo(house, "second", "undo 1")
    undo(house, "undo 1", "undo 2")
    assert counts(undo(house, "second", "undo 3")) == {"users": 2, "changed": 1, "deleted": 1}
    assert state(house) == before


def test_the_next_synchronize_meets_those_who_were_undone_and_does_it_again(house: House) -> None:
    house.run("first", [person(1), person(2)])
    feed = [person(1, LAST="Changed"), person(2), person(3)]
    house.run("second", feed)
    done = documents(house)[1]
    undo(house, "second")
    assert house.run("third", feed).total == total(updated=1, created=1, unchanged=1)
    assert documents(house)[1] == done


def test_the_feed_of_before_leaves_those_who_were_undone_as_they_are(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, LAST="Changed"), person(2)])
    undo(house, "second")
    assert house.run("third", [person(1), person(2)]).total == total(unchanged=2)
    assert house.run("fourth", [person(1), person(2)]).total == total(unchanged=2)


def test_an_undone_run_that_is_cleared_overwrites_nobody(house: House) -> None:
    house.run("first", [person(1)])
    feed = [person(1, LAST="Changed"), person(2)]
    house.run("second", feed)
    undo(house, "second")
    after = house.people()
    house.run("second", feed)
    assert house.people() == after


# --- what stays -----------------------------------------------------------------------------------


def test_a_later_change_of_a_field_stays_and_the_other_fields_are_taken_back(house: House) -> None:
    house.run("first", [person(1)])
    house.run("second", [person(1, LAST="Changed", EMAIL="new@example.edu")])
    one.edit(house.engine, "s1", {"last_name": "By hand"}, JO)
    summary = undo(house, "second")
    assert counts(summary) == {"users": 1, "changed": 1, "partly": 1}
    user = documents(house)[1]
    assert user["last_name"] == "By hand"
    assert user["contact_info"]["email"][0]["email_address"] == "mail1@example.edu"
    assert rows(house)["s1"].why_left == "last_name: changed since, by jo"


def test_a_later_change_to_the_same_value_is_a_change_too(house: House) -> None:
    house.run("first", [person(1)])
    house.run("second", [person(1, LAST="Changed")])
    one.edit(house.engine, "s1", {"last_name": "By hand"}, JO)
    one.edit(house.engine, "s1", {"last_name": "Changed"}, JO)
    assert undo(house, "second")["counts"]["reasons"] == {"changed_since": 1}
    assert documents(house)[1]["last_name"] == "Changed"


def test_a_later_change_that_was_itself_undone_does_not_count(house: House) -> None:
    house.run("first", [person(1)])
    before = state(house)
    house.run("second", [person(1, LAST="Changed")])
    house.run("third", [person(1, LAST="Again")])
    undo(house, "third", "undo 1")
    undo(house, "second", "undo 2")
    assert state(house) == before


def test_a_user_made_by_the_run_stays_when_somebody_has_changed_it_or_it_has_loans(house: House) -> None:
    house.run("first", [person(n) for n in range(1, 5)], "import")
    one.edit(house.engine, "s1", {"job_description": "Dean"}, JO)
    loans = {"value": 2}
    house.sql("UPDATE users SET document = :text WHERE id = 2", text=_with(house, 2, loans=loans))
    one.delete(house.engine, "s3", JO)
    summary = undo(house, "first")
    assert counts(summary) == {"users": 4, "deleted": 1, "left": 3}
    assert summary["counts"]["reasons"] == {"changed_since": 1, "held": 1, "deleted_since": 1}
    assert house.users().keys() == {"s1", "s2"}
    told = {who: row.why_left for who, row in rows(house).items()}
    assert told == {
        "s1": "changed since, by jo",
        "s2": "the user has loans, requests or an open balance",
        "s3": "the user was deleted since, by jo",
        "s4": "",
    }


def _with(house: House, user_id: int, **fields: Any) -> str:
    import orjson

    return orjson.dumps({**documents(house)[user_id], **fields}).decode()


def test_what_was_changed_past_the_history_stays(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, LAST="A"), person(2, LAST="B")])
    house.edit("s1", last_name="Elsewhere")
    house.sql("UPDATE users SET document = :text WHERE id = 2", text=_with(house, 2, last_name="Elsewhere"))
    assert undo(house, "second")["counts"]["reasons"] == {"no_history": 2}
    assert {user["last_name"] for user in documents(house).values()} == {"Elsewhere"}


def test_a_user_changed_between_plan_and_apply_is_left(house: House) -> None:
    house.run("first", [person(n) for n in range(1, 6)])
    house.run("second", [person(n, LAST="Changed", CARD=f"New{n}") for n in range(1, 6)] + [person(6), person(7)])
    plan_undo_run(house.folder("undo"), house.engine, "second", Undoing("undo", house.now()))
    one.edit(house.engine, "s1", {"job_description": "Dean"}, JO)
    one.delete(house.engine, "s2", JO)
    one.create_internal(house.engine, internal("a", "Card3"), JO)
    one.edit(house.engine, "s6", {"job_description": "Dean"}, JO)
    refused = apply_undo(house.folder("undo"), house.engine, JO, limit=BIG)
    assert refused == {1: "changed_since", 2: "deleted_since", 3: "taken", 6: "changed_since"}
    write_report(house.folder("undo"), read_summary(house.folder("undo")), "undoer", "2026-09-01", refused)
    page = house.folder("undo").root.joinpath("report.html").read_text()
    assert "4 users of these came out otherwise" in page
    assert "s6" not in page
    left = house.folder("undo").root.joinpath("rejections", "left_as_they_were.csv").read_text()
    assert "s6,changed since" in left.splitlines()
    assert {one["last_name"] for key, one in documents(house).items() if key in {4, 5}} == {"Lastname4", "Lastname5"}
    assert "s7" not in house.users()
    assert documents(house)[3]["last_name"] == "Changed"


def internal(primary_id: str, card: str) -> dict[str, Any]:
    identifier = {"id_type": {"value": "BARCODE"}, "value": card}
    return {"primary_id": primary_id, "record_type": {"value": "PUBLIC"}, "user_identifier": [identifier]}


# --- identifiers ----------------------------------------------------------------------------------


def test_an_identifier_taken_meanwhile_is_left_and_the_rest_is_taken_back(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, LAST="Changed", CARD="New"), person(2, LAST="Too")])
    one.create_internal(house.engine, internal("a", "Card1"), JO)
    summary = undo(house, "second")
    assert counts(summary) == {"users": 2, "changed": 2, "partly": 1}
    assert rows(house)["s1"].why_left == "user_identifier: an identifier was taken by somebody else since"
    assert [user["last_name"] for key, user in documents(house).items() if key < 3] == ["Lastname1", "Lastname2"]
    assert house.identifiers()["new"][2] == 1


def test_cards_that_runs_passed_on_go_back_run_by_run(house: House) -> None:
    people = range(1, 8)
    house.run("first", [person(n) for n in people])
    before = state(house)
    house.run("between", [person(7, CARD="Free")])
    for n in reversed(people[:-1]):
        house.run(f"step {n}", [person(n, CARD=f"Card{n + 1}")])
    for n in people[:-1]:
        summary = undo(house, f"step {n}", f"undo {n}")
        assert counts(summary) == {"users": 1, "changed": 1}
    undo(house, "between", "undo 7")
    assert state(house) == before


def test_a_swap_by_one_run_is_swapped_back(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr("matchpoint.undo.apply.BATCH_ROWS", 1)
    house.run("first", [person(1), person(2), person(3)])
    before = state(house)
    act = Act("swap", house.now(), "swap")
    for who, card in (("s1", "x"), ("s2", "Card1"), ("s3", "Card2"), ("s1", "Card3")):
        place = [part["value"] for part in house.users()[who]["document"]["user_identifier"]]
        part = {"id_type": {"value": "BARCODE"}, "value": card}
        one.change_segment(house.engine, who, IDENTIFIERS, act, place=len(place) - 2, part=part, open_for_update=True)
    assert house.identifiers()["card1"][2] == 2
    summary = undo(house, "swap")
    assert counts(summary) == {"users": 3, "changed": 3}
    assert len({row.group for row in rows(house).values()}) == 1
    assert state(house) == before


def test_one_of_a_swap_changed_since_leaves_its_partner_too(house: House) -> None:
    house.run("first", [person(1), person(2)])
    act = Act("swap", house.now(), "swap")
    for who, card in (("s1", "x"), ("s2", "Card1"), ("s1", "Card2")):
        part = {"id_type": {"value": "BARCODE"}, "value": card}
        one.change_segment(house.engine, who, IDENTIFIERS, act, place=0, part=part, open_for_update=True)
    extra = {"id_type": {"value": "OTHER"}, "value": "later"}
    one.add_segment(house.engine, "s1", IDENTIFIERS, extra, JO)
    summary = undo(house, "swap")
    assert counts(summary) == {"users": 2, "left": 2}
    assert summary["counts"]["reasons"] == {"changed_since": 1, "taken": 1}
    assert house.identifiers()["card1"][2] == 2


# --- one person, one field ------------------------------------------------------------------------


def test_one_field_across_a_run(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(n, LAST="Changed", FIRST="Too") for n in (1, 2, 3)])
    summary = undo(house, "second", field="last_name")
    assert counts(summary) == {"users": 3, "changed": 2, "left": 1}
    assert summary["counts"]["reasons"] == {"made_by_run": 1}
    found = [(user["first_name"], user["last_name"]) for user in documents(house).values()]
    assert found == [("Too", "Lastname1"), ("Too", "Lastname2"), ("Too", "Changed")]


def test_what_a_run_did_to_one_person(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, LAST="Changed"), person(2, LAST="Changed")])
    undoing = Undoing("undo", house.now())
    summary = plan_undo_person(house.folder("undo"), house.engine, "CARD1", undoing, run_id="second")
    assert "s1" not in str(summary)
    apply_undo(house.folder("undo"), house.engine, JO)
    assert [user["last_name"] for user in documents(house).values()] == ["Lastname1", "Changed"]


def test_a_persons_last_changes_one_after_the_other(house: House) -> None:
    house.run("first", [person(1)])
    made = state(house)
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}, "job_description": "Dean"}, JO)
    edited = state(house)
    note = {"note_type": {"value": "OTHER"}, "note_text": "Hello"}
    one.add_segment(house.engine, "s1", NOTES, note, JO)

    def back(name: str) -> None:
        plan_undo_person(house.folder(name), house.engine, "s1", Undoing(name, house.now()))
        apply_undo(house.folder(name), house.engine, JO)

    back("undo 1")
    assert state(house) == edited
    back("undo 1")
    assert state(house) == edited, "the same undo again is not the next one"
    back("undo 2")
    assert state(house) == made
    assert house.users()["s1"]["protected"] == {}
    undo(house, "undo 2", "redo")
    assert state(house) == edited
    assert house.users()["s1"]["protected"] == {"user_group": {"value": "UNDERGRAD"}}


def test_a_fields_last_change(house: House) -> None:
    house.run("first", [person(1)])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}}, JO)
    one.edit(house.engine, "s1", {"job_description": "Dean"}, JO)
    plan_undo_field(house.folder("undo"), house.engine, "s1", "user_group", Undoing("undo", house.now()))
    apply_undo(house.folder("undo"), house.engine, JO)
    user = house.users()["s1"]
    assert (user["document"]["user_group"], user["protected"]) == ({"value": "UNDERGRAD"}, {})
    assert user["document"]["job_description"] == "Dean"
    with pytest.raises(PlanError, match="no change of this kind"):
        plan_undo_field(house.folder("x"), house.engine, "s1", "gender", Undoing("x", house.now()))


def test_a_released_field_is_protected_again(house: House) -> None:
    house.run("first", [person(1)])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}}, JO)
    edited = state(house)
    one.restore(house.engine, "s1", "user_group", JO)
    plan_undo_person(house.folder("undo"), house.engine, "s1", Undoing("undo", house.now()))
    apply_undo(house.folder("undo"), house.engine, JO)
    assert state(house) == edited


def test_a_deleted_person_comes_back_with_number_and_protection_and_history_reads_on(house: House) -> None:
    house.run("first", [person(1), person(2)])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}}, JO)
    before = state(house)
    one.delete(house.engine, "s1", JO)
    plan_undo_person(house.folder("undo"), house.engine, "S1", Undoing("undo", START))
    apply_undo(house.folder("undo"), house.engine, JO)
    assert state(house) == before
    assert house.users()["s1"]["version"] == 4
    assert house.user_at("s1", 3) is None
    assert house.user_at("s1", 1)["user_group"] == {"value": "UNDERGRAD"}
    assert house.run("second", [person(1), person(2)]).total == total(unchanged=2)


# --- jobs -----------------------------------------------------------------------------------------


def test_a_purge_is_taken_back_but_not_for_those_who_are_forgotten_or_replaced(house: House) -> None:
    house.run("first", [person(n) for n in (1, 2, 3)])
    many.edit_all(house.engine, Selection(), {"purge_date": "2026-01-01"}, JO, dry_run=False)
    before = documents(house)
    first = Selection(identifiers=["s1"])
    when = {"as_of": START.date(), "dry_run": False}
    purge(house.engine, Act("purge", START, "purge"), selection=first, forget=True, **when)
    purge(house.engine, Act("purge", START, "purge"), **when)
    one.create_internal(house.engine, internal("a", "Card3"), JO)
    summary = undo(house, "purge")
    assert counts(summary) == {"users": 3, "created": 1, "left": 2}
    assert summary["counts"]["reasons"] == {"forgotten": 1, "taken": 1}
    assert documents(house)[2] == before[2]


def test_a_conversion_is_taken_back_and_its_passwords_go(house: House) -> None:
    house.run("first", [person(1), person(2)])
    before = state(house)
    job = Act("convert", house.now(), "convert")
    many.convert_all(house.engine, Selection(profile="people"), "INTERNAL", job, with_passwords=True, dry_run=False)
    assert len(house.rows("passwords")) == 2
    assert counts(undo(house, "convert")) == {"users": 2, "changed": 2}
    assert state(house) == before
    assert house.rows("passwords") == []


def test_a_new_password_is_not_brought_back(house: House) -> None:
    one.create_internal(house.engine, internal("ada", "Ada1"), JO)
    one.change_password(house.engine, "ada", "purple-Tractor-91", JO)
    plan_undo_person(house.folder("undo"), house.engine, "ada", Undoing("undo", house.now()))
    assert rows(house)["ada"].why_left == "password: a password is never brought back"


def test_a_merge_is_taken_back(house: House) -> None:
    house.run("first", [person(1), person(2)])
    one.add_segment(house.engine, "s1", IDENTIFIERS, {"id_type": {"value": "OTHER"}, "value": "locker"}, JO)
    before = state(house)
    act = Act("jo", house.now(), "merge 1")
    one.merge(house.engine, "s1", "s2", act, primary_id_as="OTHER")
    assert counts(undo(house, "merge 1")) == {"users": 2, "changed": 1, "created": 1}
    assert state(house)["identifiers"] == before["identifiers"]
    assert not any(changes(before["documents"][n], documents(house)[n]) for n in (1, 2))


def test_a_take_over_by_another_profile_is_taken_back(house: House) -> None:
    house.run("first", [person(1)])
    before = state(house)
    taking = synchronizing(foreign="take_over").model_copy(update={"code": "staff"})
    house.with_profile(taking).run("second", [person(1, LAST="Changed")])
    undo(house, "second")
    assert state(house) == before
    assert house.run("third", [person(1)]).total == total(unchanged=1)
    assert house.with_profile(make_profile(code="staff")).run("fourth", [person(1)]).total == total(conflict=1)


# --- the plan -------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_is_never_applied(house: House) -> None:
    house.run("first", [person(1)])
    before = house.everything()
    summary = plan_undo_run(house.folder("dry"), house.engine, "first", Undoing("dry", START, dry_run=True))
    assert counts(summary) == {"users": 1, "deleted": 1}
    assert house.everything() == before
    with pytest.raises(PlanError, match="dry run"):
        apply_undo(house.folder("dry"), house.engine, JO)


def test_another_plan_than_the_one_that_was_made_is_refused(house: House) -> None:
    house.run("first", [person(1)])
    house.run("second", [person(2)])
    plan_undo_run(house.folder("a"), house.engine, "first", Undoing("a", START))
    plan_undo_run(house.folder("b"), house.engine, "second", Undoing("b", START))
    other = house.folder("b").root.joinpath("undo.parquet").read_bytes()
    house.folder("a").path("undo.parquet").write_bytes(other)
    with pytest.raises(PlanError, match="another plan than the one that was made"):
        apply_undo(house.folder("a"), house.engine, JO)
    house.sql("DELETE FROM runs")
    with pytest.raises(PlanError, match="does not know"):
        apply_undo(house.folder("a"), house.engine, JO)
    assert len(house.users()) == 2


@pytest.mark.parametrize("target", [Target("unknown"), Target(), Target(identifier="nobody")])
def test_nothing_to_undo_is_said(house: House, target: Target) -> None:
    house.run("first", [person(1)])
    with pytest.raises(PlanError, match="undo: found") as caught:
        plan_undo(house.folder("undo"), house.engine, target, Undoing("undo", START))
    assert "nobody" not in str(caught.value).replace("found nobody", "")


def test_too_many_users_need_a_higher_limit_or_force(house: House) -> None:
    house.run("first", [person(n) for n in range(30)])
    house.run("second", [person(n, LAST="Changed") for n in range(25)])
    plan_undo_run(house.folder("undo"), house.engine, "second", Undoing("undo", START))
    for limit in (Limit(users=24), Limit(share=0.5)):
        with pytest.raises(PlanError, match=r"found 25.*users to change"):
            apply_undo(house.folder("undo"), house.engine, JO, limit=limit)
    assert documents(house)[1]["last_name"] == "Changed"
    assert apply_undo(house.folder("undo"), house.engine, JO, limit=Limit(users=24), force=True) == {}
    assert documents(house)[1]["last_name"] == "Lastname0"


# --- the report -----------------------------------------------------------------------------------


def test_the_report_says_in_a_sentence_what_would_come_of_it_and_names_nobody(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, LAST="=Changed"), person(2, LAST="Changed", FIRST="x"), person(3)])
    one.edit(house.engine, "s2", {"last_name": "By hand"}, JO)
    folder = house.folder("undo")
    summary = plan_undo_run(folder, house.engine, "second", Undoing("undo", house.now(), dry_run=True))
    said = sentence(summary)
    assert said.startswith(
        "3 users: 2 changed back, 1 deleted, since the run made them. Of 1 user some fields are left. "
        "The next synchronize of people with the same extract does it again"
    )
    write_report(folder, summary, "runs_undo", "2026-09-01")
    page = folder.root.joinpath("report.html").read_text()
    assert "last_name: changed since, by jo" in page
    assert "By hand" not in page and "Lastname" not in page and "s2" not in page
    lines = folder.root.joinpath("rejections", "taken_back.csv").read_text().splitlines()
    assert lines == [
        "primary_id,what,field,now,then",
        "s1,change,last_name,'=Changed,Lastname1",
        "s2,change,first_name,x,Firstname2",
        "s3,delete,,,",
    ]
    nobody = {**summary, "mode": "", "counts": {**dict.fromkeys(summary["counts"], 0)}}
    assert sentence(nobody) == "Nobody."

"""Every change has before, after, run, row, rule, actor and time; and the history reads backwards."""

from __future__ import annotations

from datetime import date
from typing import Any

from helpers import START, House, person

from matchpoint.accounts import many, one
from matchpoint.accounts.purge import purge
from matchpoint.accounts.selection import Selection
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import NOTES
from matchpoint.store.history import rule_of

JO = Act("librarian jo", START)


def rules(house: House) -> list[Any]:
    return [rule_of(row["rule"], row["actor"], row["extract"]) for row in house.rows("history")]


def test_a_change_by_a_run_has_all_seven(house: House) -> None:
    house.run("first", [person(1)], "import")
    house.run("second", [person(1, LAST="Changed")])
    made, changed = house.rows("history")
    assert made["rule"] is None, (
        "a user made by a run has its rule in its actor: a million rows need not say it twice"
    )
    assert rule_of(made["rule"], made["actor"], made["extract"]) == "import"
    told = {name: changed[name] for name in ("before", "after", "run_id", "row", "rule", "actor")}
    assert told == {
        "before": {"last_name": "Lastname1"},
        "after": {"last_name": "Changed"},
        "run_id": "second",
        "row": 2,
        "rule": "synchronize",
        "actor": "synchronize people",
    }
    assert changed["at"] > made["at"]


def test_what_staff_do_is_noted_under_its_rule(house: House) -> None:
    engine = house.engine
    house.run("first", [person(1)])
    one.edit(engine, "s1", {"user_group": {"value": "STAFF"}}, JO)
    one.restore(engine, "s1", "user_group", JO)
    note = {"note_type": {"value": "OTHER"}, "note_text": "Hello"}
    one.add_segment(engine, "s1", NOTES, note, JO)
    one.change_segment(engine, "s1", NOTES, JO, place=0, part=note | {"note_text": "Bye"})
    one.remove_segment(engine, "s1", NOTES, JO, place=0)
    one.add_role(engine, "s1", {"role_type": {"value": "200"}}, JO)
    one.remove_role(engine, "s1", "200", JO)
    one.convert(engine, "s1", "INTERNAL", JO)
    one.change_password(engine, "s1", "purple-Tractor-91", JO)
    one.delete(engine, "s1", JO)
    assert rules(house) == [
        "synchronize", "edit", "restore", "edit", "edit", "edit", "role", "role", "convert", "password", "delete",
    ]  # fmt: skip


def test_what_jobs_do_is_noted_under_its_rule_and_run(house: House) -> None:
    house.run("first", [person(1), person(2)])
    one.create_internal(house.engine, {"primary_id": "ada", "record_type": {"value": "PUBLIC"}}, JO)
    job = Act("a job", START, "job/1")
    everyone = Selection(record_type="PUBLIC")
    many.edit_all(house.engine, everyone, {"purge_date": "2026-01-01"}, job, dry_run=False)
    many.convert_all(house.engine, Selection(identifiers=["s2"]), "INTERNAL", job, dry_run=False)
    one.merge(house.engine, "s1", "s2", JO)
    purge(house.engine, job, as_of=date(2026, 9, 1), dry_run=False)
    written = [(row["user_id"], row["rule"]) for row in house.rows("history")]
    assert written == [
        (1, None), (1, "edit"), (1, "merge"),
        (2, None), (2, "edit"), (2, "convert"), (2, "merge"), (2, "purge"),
        (3, "create"), (3, "edit"), (3, "purge"),
    ]  # fmt: skip


def test_a_change_from_before_rules_were_noted_has_none(house: House) -> None:
    house.run("first", [person(1)])
    one.edit(house.engine, "s1", {"last_name": "Edited"}, JO)
    house.sql("UPDATE history SET rule = NULL")
    assert rules(house) == ["synchronize", None]

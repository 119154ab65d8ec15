"""The outbox: every change of a user makes it due, whoever makes it, until Alma has that very version."""

from __future__ import annotations

from datetime import timedelta

from helpers import START, House, person
from sqlalchemy import select

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.deliver.outbox import Due, Letter, bury, count_due, due, letters_of, note_delivered, try_again
from matchpoint.store import writing
from matchpoint.store.tables import users


def waiting(house: House, most: int = 100) -> dict[str, Due]:
    """Give who is due, by primary id, in order."""
    return {one.document["primary_id"]: one for lot in due(house.engine, "people", most) for one in lot}


def deliver_all(house: House) -> None:
    """Note that Alma has them all."""
    taken = [(one.user_id, one.version) for one in waiting(house).values()]
    with writing(house.engine).begin() as connection:
        note_delivered(connection, taken)


def test_new_changed_and_edited_people_are_due_until_alma_has_them(house: House) -> None:
    house.run("import", [person(1), person(2), person(3)])
    assert {name: one.delivered_version for name, one in waiting(house).items()} == {"s1": 0, "s2": 0, "s3": 0}
    deliver_all(house)
    assert waiting(house) == {}

    house.run("synchronize", [person(1), person(2, LAST="New"), person(3)])
    one.edit(house.engine, "s3", {"user_title": {"value": "DR"}}, Act("desk", START + timedelta(days=2)))

    assert {name: (one.delivered_version, one.version) for name, one in waiting(house).items()} == {
        "s2": (1, 2),
        "s3": (1, 2),
    }
    assert waiting(house)["s3"].protected == {"user_title"}
    with house.engine.connect() as connection:
        assert (count_due(connection, "people").new, count_due(connection, "people").changed) == (0, 2)
        assert count_due(connection, "others").people == 0


def test_who_changes_while_it_is_delivered_stays_due(house: House) -> None:
    house.run("import", [person(1)])
    seen = waiting(house)["s1"]
    house.run("synchronize", [person(1, LAST="Newer")])
    with writing(house.engine).begin() as connection:
        note_delivered(connection, [(seen.user_id, seen.version)])
    assert waiting(house)["s1"].delivered_version == seen.version


def test_the_newest_changes_go_first_and_no_more_than_asked(house: House) -> None:
    house.run("import", [person(1), person(2), person(3)])
    house.run("synchronize", [person(1), person(2), person(3, LAST="Newer")])
    assert list(waiting(house, 2)) == ["s3", "s1"]


def test_a_dead_letter_waits_for_a_change_or_for_somebody(house: House) -> None:
    house.run("import", [person(1), person(2)])
    letters = [Letter(one.user_id, one.version, "401652", "Alma did not say why") for one in waiting(house).values()]
    for attempt in (1, 2):
        with writing(house.engine).begin() as connection:
            bury(connection, letters, profile="people", run_id=f"delivery {attempt}", now=START)
    assert waiting(house) == {}
    with house.engine.connect() as connection:
        listed = letters_of(connection, "people")
    assert [(one["primary_id"], one["attempts"], one["run_id"]) for one in listed] == [
        ("s1", 2, "delivery 2"),
        ("s2", 2, "delivery 2"),
    ]

    house.run("synchronize", [person(1, LAST="Mended"), person(2)])
    assert list(waiting(house)) == ["s1"]
    with writing(house.engine).begin() as connection:
        assert try_again(connection, "people", codes=["401652"]) == 2
    assert set(waiting(house)) == {"s1", "s2"}
    deliver_all(house)
    with house.engine.connect() as connection:
        assert letters_of(connection, "people") == []
        assert connection.scalar(select(users.c.delivered_version).where(users.c.primary_id == "s1")) == 2

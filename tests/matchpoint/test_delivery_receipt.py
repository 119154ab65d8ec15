"""What a delivery notes as it goes on, and what its receipt and its report say of it."""

from __future__ import annotations

from datetime import timedelta

from helpers import START, House, person

from matchpoint.deliver.outbox import count_due, count_letters, letters_of
from matchpoint.deliver.progress import Done, Progress, people_due
from matchpoint.deliver.receipt import NOT_TAKEN, TAKEN, begin, end
from matchpoint.deliver.words import WORDS, words_of
from matchpoint.report.delivery import delivery_job
from matchpoint.report.job import write_job_report
from matchpoint.store import writing


def test_counts_are_kept_with_who_is_delivered_and_add_up_when_it_is_broken_off(house: House) -> None:
    house.run("import", [person(number) for number in range(6)])
    progress = Progress(house.engine, "people", "deliver/1")
    people = [one.due for one in people_due(house.engine, "people", 100)]
    for _ in range(2):  # the task is tried again
        with writing(house.engine).begin() as connection:
            begin(connection, run_id="deliver/1", profile="people", door="api", now=START)
    progress.note([Done(people[0], "created"), Done(people[1], "unchanged")], requests=3, seconds=0.5, now=START)
    progress.note(
        [Done(people[2], code="nosync"), Done(people[3], code="401852")], requests=2, seconds=1.5, now=START
    )
    with writing(house.engine).begin() as connection:
        left = count_due(connection, "people").people
        receipt = end(connection, "deliver/1", left=left, now=START + timedelta(minutes=1))
        letters = letters_of(connection, "people")
        assert count_letters(connection) == {("people", "401852"): 1, ("people", "nosync"): 1}
        assert count_letters(connection, codes=["nosync"]) == {("people", "nosync"): 1}
        assert count_letters(connection, "others") == {}
    told = receipt.as_dict()
    assert receipt.due == sum(told[name] for name in (*TAKEN, *NOT_TAKEN, "left")) == 6
    assert (receipt.created, receipt.unchanged, receipt.kept_out, receipt.dead, receipt.left) == (1, 1, 1, 1, 2)
    assert (receipt.requests, receipt.seconds, receipt.started_at) == (5, 2.0, START.isoformat())

    job = delivery_job(receipt, letters, words="6 people.", profile_name="People", as_of=house.as_of)
    write_job_report(house.folder("deliver"), job)
    page = (house.folder("deliver").root / "report.html").read_text()
    assert "6 due: 1 created, 1 there already, 1 kept out by a note NOSYNC, 1 not taken, 2 due still" in page
    assert "Alma does not know the user group" in page
    assert not any(one["primary_id"] in page for one in letters), "who they are is in the list"
    listed = (house.folder("deliver").root / "rejections" / "dead_letters.csv").read_text()
    assert all(one["primary_id"] in listed for one in letters)


def test_a_person_comes_with_what_alma_was_given_last(house: House) -> None:
    house.run("import", [person(1), person(2)])
    given = {one.due.user_id: one.due.document for one in people_due(house.engine, "people", 100)}
    assert all(one.delivered is None for one in people_due(house.engine, "people", 100))
    done = [Done(one.due, "created") for one in people_due(house.engine, "people", 100)]
    with writing(house.engine).begin() as connection:
        begin(connection, run_id="deliver/1", profile="people", door="api", now=START)
    Progress(house.engine, "people", "deliver/1").note(done, requests=1, seconds=1, now=START)
    house.run("second", [person(1, LAST="Second"), person(2)])
    house.run("third", [person(1, LAST="Third"), person(2)])
    [one] = people_due(house.engine, "people", 100)
    assert one.delivered == given[one.due.user_id]
    assert one.due.document["last_name"] == "Third"


def test_every_code_has_words_without_a_value_and_one_that_is_not_known_has_some() -> None:
    assert words_of("999999").startswith("Alma did not take the user")
    assert all(one.endswith(".") and "{" not in one for one in WORDS.values())

"""What Alma's job tells: events become reasons and people, counts must account for all, runs are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import START, House, open_house, person

from matchpoint.deliver.answers import Counters, Rejected, doubt_of, find_rejected, take_answer
from matchpoint.deliver.events import UNKNOWN, keys_in, reason_of
from matchpoint.deliver.files import Delivery, overtaken, write_load
from matchpoint.deliver.job import Job, has_ended, has_failed, job_of_load, next_step
from matchpoint.deliver.outbox import count_due, letters_of
from matchpoint.profile.destinations import AlmaSftp

TO = AlmaSftp(connection="alma_files", folder="in", profile_id="1")
TAKEN = "Identifier of type OTHER_ID_2 and value Mueller 77 is already taken AcrossInstitution"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("User is not external", "internal", "internal in Alma"),
        (f"{TAKEN}.", "taken", "OTHER_ID_2"),
        (f"{TAKEN} in this feed", "taken_in_feed", "OTHER_ID_2"),
        ("Mandatory field is missing: email type", "missing", "email type"),
        ("Mandatory field is missing: User identifier value", "missing", "User identifier value"),
        ("User Rejected: missing a mandatory field: statistical category", "missing", "statistical category"),
        ("Could not parse file", "unreadable", "file"),
        ("Invalid byte 1 of 1-byte UTF-8 sequence", "unreadable", "text"),
        ("content is not allowed in prolog", "unreadable", "text"),
        ("Mueller 77 is somehow wrong", UNKNOWN.code, "not known"),
    ],
)
def test_almas_texts_become_plain_words_without_the_value(text: str, code: str, said: str) -> None:
    for event in ({"message": text}, {"description": {"value": text}}, {"parameter": [{"name": "x", "value": text}]}):
        reason = reason_of(event)
        assert (reason.code, said in reason.message) == (code, True)
        assert "77" not in reason.message and "Mueller" not in reason.message


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"id": "1", "identifier": "Card1", "message": TAKEN}, {"card1", "mueller 77"}),
        ({"parameter": [{"name": {"value": "primary_id"}, "value": "S1"}]}, {"s1"}),
        ({"parameter": [{"name": {"value": "row"}, "value": "17"}, {"name": "BARCODE", "value": 5}]}, {"5"}),
        ({"user": {"primary_id": "S1", "link": "S2"}, "line_number": 17}, {"s1"}),
        ({"user_identifier": [{"id_type": {"value": "BARCODE"}, "value": "Card9"}]}, {"barcode", "card9"}),
        ({}, set()),
    ],
)
def test_what_may_be_an_identifier_is_found_whatever_it_is_called(event: Any, expected: set[str]) -> None:
    assert keys_in(event) == expected


def counters(**given: int) -> list[dict[str, Any]]:
    """Make counters with labels as in Alma's report (reference 3.7)."""
    labels = {
        "processed": "Total users processed",
        "rejected": "Total users rejected",
        "created": "Users created successfully",
        "updated": "Users updated successfully",
        "unchanged": "Users unchanged",
    }
    told = [{"type": {"value": f"c.{name}", "desc": labels[name]}, "value": str(n)} for name, n in given.items()]
    return [*told, {"type": {"value": "c.files", "desc": "Total records processed"}, "value": "1"}]


def test_counters_are_read_by_their_labels() -> None:
    whole = {"counter": counters(processed=10, rejected=1, created=2, updated=3, unchanged=4)}
    assert Counters.of(whole) == Counters(10, 1, 2, 3, 4)
    assert Counters.of({"counters": counters(created=2)}) == Counters(2, 0, 2, 0, 0)
    assert Counters.of({}) == Counters(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("given", "found", "doubt"),
    [
        (Counters(3, 1, 2, 0, 0), 1, ""),
        (Counters(3, 0, 0, 0, 3), 0, ""),
        (Counters(2, 0, 2, 0, 0), 0, "expected 3"),
        (Counters(4, 0, 4, 0, 0), 0, "expected 3"),
        (Counters(3, 1, 1, 0, 0), 1, "expected the sum"),
        (Counters(3, 2, 1, 0, 0), 1, "found 1"),
    ],
)
def test_only_counts_that_account_for_all_are_believed(given: Counters, found: int, doubt: str) -> None:
    rejected = Rejected({number: None for number in range(found)})  # type: ignore[misc]
    told = doubt_of(3, given, rejected)
    assert (doubt in told, bool(told)) == (True, bool(doubt))


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path) as house:
        house.run("import", [person(number) for number in range(3)])
        write_load(house.folder("one"), house.engine, TO, Delivery("one", "people", START, START), 10)
        yield house


def answered(house: House, events: list[Any], **given: int) -> str:
    """Take an answer, twice; give its doubt."""
    folder = house.folder("one")
    folder.write_lines("delivery/events.jsonl", events)
    of = {"profile": "people", "run_id": "one", "now": START}
    instance = {"counter": counters(**given)}
    first = take_answer(house.engine, folder, instance, **of)  # type: ignore[arg-type]
    state = house.everything()
    assert take_answer(house.engine, folder, instance, **of) == first  # type: ignore[arg-type]
    assert house.everything() == state
    return first.doubt


def due(house: House) -> int:
    with house.engine.connect() as connection:
        return count_due(connection, "people").people


def test_who_is_rejected_is_a_dead_letter_by_any_identifier_and_the_others_are_delivered(house: House) -> None:
    event = {"who": "CARD1", "text": "User is not external"}
    assert answered(house, [event, event], processed=3, rejected=1, updated=2) == ""
    with house.engine.connect() as connection:
        letters = [(one["primary_id"], one["code"], one["attempts"]) for one in letters_of(connection, "people")]
    assert letters == [("s1", "internal", 1)]
    assert (due(house), overtaken(house.engine, house.folder("one"))) == (0, 0)


@pytest.mark.parametrize(
    "event",
    [
        {"text": "User is not external"},
        {"text": "User is not external", "who": "a stranger"},
        {"text": "User is not external", "who": "card1", "or": "card2"},
    ],
    ids=["tells nobody", "a stranger", "two people"],
)
def test_an_event_that_fits_nobody_surely_delivers_nobody(house: House, event: Any) -> None:
    assert "expected an event for each" in answered(house, [event], processed=3, rejected=1, updated=2)
    assert find_rejected(house.folder("one")).unknown == [1]
    assert due(house) == 3


RUNNING = {"id": "2", "status": {"value": "RUNNING"}}
ENDED = {"id": "1", "status": {"value": "COMPLETED_SUCCESS"}}
NEW = {"id": "3", "status": {"value": "COMPLETED_FAILED"}, "end_time": "2026-09-01T05:00:00Z"}


@pytest.mark.parametrize(
    ("instances", "is_waiting", "step"),
    [
        ([], True, ("ask", "")),
        ([ENDED], True, ("ask", "")),
        ([RUNNING, ENDED], True, ("wait", "")),
        ([RUNNING, ENDED], False, ("take", "2")),
        ([NEW, RUNNING, ENDED], False, ("take", "3")),
        ([ENDED], False, ("wait", "")),
        ([NEW, ENDED], True, ("ask", "")),
    ],
)
def test_the_run_that_took_a_load_is_found(instances: list[Any], is_waiting: bool, step: tuple[str, str]) -> None:
    assert next_step(Job("S1", "a.zip", ["1"]), instances, is_waiting=is_waiting) == step


def test_states_are_told_by_their_words() -> None:
    assert [has_ended(one) for one in (RUNNING, ENDED, NEW, {"status": "SYSTEM_ABORTED"})] == [
        False,
        True,
        True,
        True,
    ]
    assert [has_failed(one) for one in (RUNNING, ENDED, NEW)] == [False, False, True]
    jobs = [{"id": "S1", "name": "Users IMPORT using profile A"}, {"id": "S2", "name": "Users SYNCHRONIZE using A"}]
    assert (job_of_load(jobs), job_of_load(jobs[:1]), job_of_load([jobs[1], jobs[1]])) == ("S2", None, None)

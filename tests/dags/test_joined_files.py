"""A person file and a card file of one profile, whole in Airflow, over a real OpenSSH server."""

from __future__ import annotations

import pytest
from extracts import extract, student
from harness import Matchpoint
from test_whole_runs import counts

SYNCHRONIZE = "sis_synchronize__students"
JOIN = """joins:
  cards:
    file: cards_*.csv
    format: {type: csv}
    key: STUDENT
    person_key: STUDENT_ID
"""


@pytest.fixture
def campus(on_sqlite: Matchpoint) -> Matchpoint:
    """An institution whose card numbers come from the card office."""
    on_sqlite.use_profile(
        "students",
        ("mapping:\n  primary_id", f"{JOIN}mapping:\n  primary_id"),
        ("{from: CARD_NUMBER, convert: [trim]}", "cards.NUMBER"),
    )
    return on_sqlite


def deliver(campus: Matchpoint, day: int, **cards: str) -> None:
    """Lay a day's two files on the server; ``cards`` are card numbers by the student's number, as ``s1``."""
    numbers = [int(one.removeprefix("s")) for one in cards]
    (campus.remote / f"students_{day}.csv").write_text(extract([student(number) for number in numbers]))
    rows = [f"S{number:05},{card}" for number, card in zip(numbers, cards.values(), strict=True)]
    (campus.remote / f"cards_{day}.csv").write_text("\n".join(["STUDENT,NUMBER", *rows, ""]))


def names(campus: Matchpoint) -> list[str]:
    return sorted(path.name for path in campus.remote.iterdir())


def test_both_files_are_fetched_joined_reported_and_marked(campus: Matchpoint) -> None:
    deliver(campus, 1, s1="A1", s2="A2")
    deliver(campus, 2, s3="A3")
    first = campus.run(SYNCHRONIZE)
    assert first.state == "success"
    receipt = campus.receipt(first)
    assert receipt["total"] == counts(created=3)
    assert {one["name"]: one["rows_read"] for one in receipt["files"] if one["joined_as"] == "cards"} == {
        "cards_1.csv": 2,
        "cards_2.csv": 1,
    }
    assert [name for name in first.tasks if name.startswith("transform_users")] == [
        "transform_users[0]",
        "transform_users[1]",
    ]
    assert all(name.endswith(".handled") for name in names(campus))
    assert {"a1", "a2", "a3"} <= set(campus.store()["identifiers"])
    before = campus.store()
    cleared = campus.run(SYNCHRONIZE, 1)
    assert cleared.state == "success"
    assert campus.store() == before

    deliver(campus, 3, s1="A1", s2="B2")
    third = campus.run(SYNCHRONIZE, 3)
    assert campus.receipt(third)["total"] == counts(unchanged=1, updated=1)


def test_a_missing_side_file_fails_with_words_and_nothing_is_written(campus: Matchpoint) -> None:
    deliver(campus, 1, s1="A1")
    (campus.remote / "cards_1.csv").rename(campus.remote / "cards_1.csv.part")
    failed = campus.run(SYNCHRONIZE)
    assert failed.tasks["fetch_extracts"] == "failed"
    assert campus.store()["users"] == {}
    assert names(campus) == ["cards_1.csv.part", "students_1.csv"]

    (campus.remote / "cards_1.csv.part").rename(campus.remote / "cards_1.csv")
    assert campus.run(SYNCHRONIZE, 2).state == "success"
    assert names(campus) == ["cards_1.csv.handled", "students_1.csv.handled"]


def test_a_side_file_waits_for_its_people(campus: Matchpoint) -> None:
    deliver(campus, 1, s1="A1")
    deliver(campus, 2, s1="A2")
    (campus.remote / "students_2.csv").unlink()
    assert campus.run(SYNCHRONIZE).state == "success"
    assert names(campus) == ["cards_1.csv.handled", "cards_2.csv", "students_1.csv.handled"]
    assert campus.run(SYNCHRONIZE, 2).tasks["fetch_extracts"] == "skipped"
    assert "cards_2.csv" in names(campus)


def test_only_one_file_takes_its_own_side_file_and_one_that_is_not_there_fails(campus: Matchpoint) -> None:
    deliver(campus, 1, s1="A1")
    deliver(campus, 2, s2="A2")
    assert campus.run(SYNCHRONIZE, only_file="students_9.csv").tasks["fetch_extracts"] == "failed"
    assert campus.run(SYNCHRONIZE, 2, only_file="students_2.csv").state == "success"
    assert names(campus) == ["cards_1.csv", "cards_2.csv.handled", "students_1.csv", "students_2.csv.handled"]
    assert "a2" in campus.store()["identifiers"]


def test_a_side_file_that_was_read_before_may_be_read_again(campus: Matchpoint) -> None:
    deliver(campus, 1, s1="A1")
    campus.run(SYNCHRONIZE)
    (campus.remote / "cards_1.csv.handled").rename(campus.remote / "cards_1.csv")
    deliver_people = extract([student(1, LAST_NAME="Married")])
    (campus.remote / "students_2.csv").write_text(deliver_people)
    second = campus.run(SYNCHRONIZE, 2)
    assert campus.receipt(second)["total"] == counts(updated=1)

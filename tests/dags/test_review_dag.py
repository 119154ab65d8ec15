"""The review of identities, whole, in Airflow: listed, answered, and followed by the next run."""

from __future__ import annotations

import csv
import io

import extracts
from harness import Matchpoint, Result


def listed(matchpoint: Matchpoint, result: Result) -> list[dict[str, str]]:
    text = matchpoint.run_folder(result).root.joinpath("rejections", "review.csv").read_text()
    return list(csv.DictReader(io.StringIO(text)))


def page(matchpoint: Matchpoint, result: Result) -> str:
    return matchpoint.run_folder(result).root.joinpath("report.html").read_text()


def new(number: int, known: int) -> dict[str, str]:
    """Make a row in which a known student has another id, card, login and email."""
    return extracts.student(number, FIRST_NAME=f"Given{known}", LAST_NAME=f"Family{known}")


def test_new_ids_of_known_people_are_listed_answered_and_followed(on_sqlite: Matchpoint) -> None:
    matchpoint = on_sqlite
    matchpoint.use_profile(
        "students", ("actions:\n", "identity: {name_and_birth_date: true, old_primary_id_as: OTHER}\n\nactions:\n")
    )
    matchpoint.remote.joinpath("students_2026-08-24.csv").write_text(extracts.day_1(), encoding="utf-8")
    assert matchpoint.run("sis_import__students").state == "success"
    rows = extracts.extract([new(61, 1), new(62, 2)])
    matchpoint.remote.joinpath("students_2026-08-25.csv").write_text(rows, encoding="utf-8")
    met = matchpoint.receipt(matchpoint.run("sis_synchronize__students"))
    assert (met["total"]["conflict"], met["total"]["created"]) == (2, 0)
    first = matchpoint.run("identity_review")
    assert (first.state, "2 proposals wait for an answer." in page(matchpoint, first)) == ("success", True)
    assert 'href="rejections/review.csv"' in page(matchpoint, first)
    assert "Family" not in page(matchpoint, first)
    by_known = {one["known_primary_id"]: one["proposal"] for one in listed(matchpoint, first)}
    assert by_known.keys() == {"s00001", "s00002"}

    half = matchpoint.run("identity_review", decision="accepted")
    assert (half.state, len(listed_after(matchpoint))) == ("failed", 2)
    yes = matchpoint.run("identity_review", proposals=[by_known["s00001"], "99"], decision="accepted")
    assert "1 of 2 proposals accepted. 1 proposals wait" in page(matchpoint, yes)
    refused = matchpoint.run_folder(yes).root.joinpath("rejections", "left_as_they_were.csv").read_text()
    assert "proposal 99: found none of that number" in refused
    no = matchpoint.run("identity_review", proposals=[by_known["s00002"]], decision="declined")
    assert (no.state, listed(matchpoint, no)) == ("success", [])

    matchpoint.remote.joinpath("students_2026-08-26.csv").write_text(rows, encoding="utf-8")
    then = matchpoint.receipt(matchpoint.run("sis_synchronize__students"))
    assert (then["total"]["updated"], then["total"]["created"], then["total"]["conflict"]) == (1, 1, 0)
    people = matchpoint.store()["users"]
    assert "s00001" not in people
    assert {"s00061", "s00002", "s00062"} <= people.keys()
    version, ana = people["s00061"]
    assert version == 3
    assert {"id_type": {"value": "OTHER"}, "value": "s00001", "segment_type": "Internal"} in ana["user_identifier"]


def listed_after(matchpoint: Matchpoint) -> list[dict[str, str]]:
    """List what is open now."""
    return listed(matchpoint, matchpoint.run("identity_review"))

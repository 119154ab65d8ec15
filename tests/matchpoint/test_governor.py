"""The governor chooses a door, keeps the reserve, and says beforehand what will come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchpoint.deliver.governor import choose
from matchpoint.deliver.outbox import DueCounts
from matchpoint.profile.destinations import Destinations

API = {"rate": 15, "reserve": 20_000}
SFTP = {"connection": "sis", "folder": "alma", "profile_id": "1"}


def to(**doors: Any) -> Destinations:
    return Destinations.model_validate(doors)


@pytest.mark.parametrize(
    ("new", "changed", "doors", "left", "door", "most", "words"),
    [
        (
            0,
            1,
            {"alma_api": API},
            None,
            "api",
            1,
            "1 person by the API: about 2 requests, less than a minute at 15 a second; all of them now.",
        ),
        (
            0,
            12_400,
            {"alma_api": API},
            26_200,
            "api",
            3_100,
            "12,400 people by the API: about 24,800 requests, 28 minutes at 15 a second; 3,100 of them now, the "
            "rest in 3 nights like this one.",
        ),
        (
            100,
            0,
            {"alma_api": API},
            20_000,
            "api",
            0,
            "100 people by the API: about 300 requests, less than a minute at 15 a second; nobody now: of today's "
            "requests only the reserve of 20,000 is left.",
        ),
        (5, 0, {"alma_sftp": SFTP}, None, "sftp", 5, "5 people by file: 1 load."),
        (
            0,
            30,
            {"alma_sftp": {**SFTP, "users_per_file": 5, "files_per_zip": 2, "zips_per_run": 1}},
            None,
            "sftp",
            10,
            "30 people by file: 3 loads, 10 people now, the rest in the next 2 nights.",
        ),
        (0, 300, {"alma_api": API, "alma_sftp": SFTP}, 90_000, "api", 300, None),
        (0, 13_501, {"alma_api": API, "alma_sftp": SFTP}, 90_000, "sftp", 13_501, None),  # longer than 30 minutes
        (0, 300, {"alma_api": API, "alma_sftp": SFTP}, 20_500, "sftp", 300, None),  # beyond today's requests
    ],
)
def test_the_door_and_how_many_go_now(
    new: int, changed: int, doors: Any, left: int | None, door: str, most: int, words: str | None
) -> None:
    choice = choose(DueCounts(new, changed), to(**doors), left_today=left, ways_to_find_new=2)
    assert (choice.door, choice.people, choice.most) == (door, new + changed, most)
    assert words is None or choice.words == words


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.none() | st.integers(0, 10**6), st.booleans())
def test_the_reserve_is_kept_and_nobody_is_promised_twice(new: int, changed: int, left: Any, files: bool) -> None:
    doors = {"alma_api": API, **({"alma_sftp": SFTP} if files else {})}
    choice = choose(DueCounts(new, changed), to(**doors), left_today=left, ways_to_find_new=2)
    assert 0 <= choice.most <= choice.people
    if choice.door == "api" and left is not None and choice.people:
        assert choice.most * choice.requests <= max(0, left - 20_000) * choice.people

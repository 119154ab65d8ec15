"""Properties of whole runs, on SQLite and PostgreSQL: true of any feed, in any order, with anything wrong in it.

That the order of rows does not change the end is shown beside the model, in ``test_against_model``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alma_model import Row
from helpers import House, csv_text, make_profile, open_house
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_against_model import COLUMNS, NOBODY, PROFILES, clear, rows, stored, uncontested

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import ADDRESSES, EMAILS, IDENTIFIERS, NOTES, PHONES, SEGMENTS
from matchpoint.errors import AccountError

PROPERTY = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
feeds = st.lists(rows, min_size=1, max_size=6)
modes = st.sampled_from(["import", "synchronize"])
loads = st.lists(st.tuples(modes, st.sampled_from(list(PROFILES)), feeds), min_size=1, max_size=3)


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, PROFILES["people"]) as opened:
        yield opened


def load(house: House, run_id: str, mode: str, profile: str, feed: list[Row]) -> Any:
    of_profile = house.with_profile(PROFILES[profile])
    receipt = of_profile.run(run_id, {"people.csv": csv_text(feed, COLUMNS)}, mode)
    house.minutes = of_profile.minutes  # the clock goes on for all
    return receipt


# --- applying twice -------------------------------------------------------------------------------


@pytest.mark.law("unchanged")
@given(feeds, feeds)
@PROPERTY
def test_the_same_rows_again_change_nobody(house: House, before: list[Row], feed: list[Row]) -> None:
    """Of rows that meet no other: where two meet, the second load judges by what the first has left."""
    clear(house)
    load(house, "before", "synchronize", "people", before)
    some = [*uncontested(house, feed), NOBODY]
    first = load(house, "first", "synchronize", "people", some).total
    people = house.people()
    again = load(house, "again", "synchronize", "people", some).total
    assert house.people() == people
    assert (again["created"], again["updated"]) == (0, 0)
    assert again["unchanged"] == first["created"] + first["updated"] + first["unchanged"]


@given(loads)
@PROPERTY
def test_a_run_repeated_from_any_step_ends_in_the_same_state_with_the_same_account(house: House, some: Any) -> None:
    clear(house)
    for number, (mode, profile, feed) in enumerate(some):
        first = load(house, f"run{number}", mode, profile, feed)
        state = house.people()
        assert load(house, f"run{number}", mode, profile, feed).total == first.total
        house.apply(f"run{number}")
        assert house.people() == state


# --- counts ---------------------------------------------------------------------------------------

ragged = st.sampled_from(["s1", "s1,Ito,,,", "s1,Ito,,,,,,", '"s2 and more",x'])
lines = st.lists(rows.map(lambda row: csv_text([row], COLUMNS).splitlines()[1]) | ragged | st.just(""), min_size=1)


@pytest.mark.law("sum-of-counts")
@given(st.lists(lines, min_size=1, max_size=2), modes)
@PROPERTY
def test_every_row_of_every_file_is_accounted_for_once(house: House, written: list[list[str]], mode: str) -> None:
    clear(house)
    first = ",".join(COLUMNS)
    files = {f"p{number}.csv": "\n".join([first, *some, "x", ""]) for number, some in enumerate(written)}
    receipt = house.run("run", files, mode)
    for file, some in zip(receipt.files, written, strict=True):
        assert file.counts["processed"] == sum(line != "" for line in some) + 1
        assert file.counts["processed"] == sum(number for word, number in file.counts.items() if word != "processed")
    told = Counter(reason.outcome for reason in receipt.reasons for _ in range(reason.rows))
    assert told["rejected"] == receipt.total["rejected"]
    assert told["conflict"] == receipt.total["conflict"]


# --- identifiers ----------------------------------------------------------------------------------

claims = st.lists(
    st.tuples(st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(["c1", "C2", "s4", "S1"])), max_size=3
)


def held(house: House) -> list[str]:
    """Give every identifier of every user, as the users themselves say."""
    return [
        value.casefold()
        for row in house.users().values()
        for value in (
            row["document"]["primary_id"],
            *(part["value"] for part in row["document"].get("user_identifier", [])),
        )
    ]


@pytest.mark.law("taken")
@given(loads, claims)
@PROPERTY
def test_no_identifier_is_ever_held_twice(house: House, some: Any, by_hand: list[tuple[str, str]]) -> None:
    clear(house)
    for number, (mode, profile, feed) in enumerate(some):
        load(house, f"run{number}", mode, profile, feed)
        for who, value in by_hand:
            part = {"id_type": {"value": "OTHER_ID_1"}, "value": value}
            with suppress(AccountError):
                one.add_segment(house.engine, who, IDENTIFIERS, part, Act("librarian", house.now()))
        found = held(house)
        assert sorted(found) == sorted(house.identifiers()), "the table says what the users say"
        assert len(set(found)) == len(found)


# --- what is the library's own --------------------------------------------------------------------

OWN: dict[str, Any] = {
    "user_identifier": (IDENTIFIERS, {"id_type": {"value": "OTHER_ID_2"}, "value": "locker 7"}),
    "email": (EMAILS, {"email_address": "own@example.org", "email_type": [{"value": "personal"}], "preferred": True}),
    "address": (ADDRESSES, {"line1": "Desk 3", "city": "Oxford", "address_type": [{"value": "work"}]}),
    "phone": (PHONES, {"phone_number": "+1 202-555-0101", "phone_type": [{"value": "home"}]}),
    "user_note": (
        NOTES,
        {"note_type": {"value": "LIBRARY"}, "note_text": "ours", "user_viewable": False, "popup_note": True},
    ),
}


def internal(house: House) -> dict[int, Any]:
    """Give the internal segments of all users by the user's number, which no load changes."""
    return {
        row["id"]: [
            (segment.name, part)
            for segment in SEGMENTS
            for part in segment.parts(row["document"])
            if part.get("segment_type") == "Internal"
        ]
        for row in house.users().values()
    }


@pytest.mark.law("internal-segments")
@given(loads, st.lists(st.sampled_from(list(OWN)), unique=True, min_size=1), feeds)
@PROPERTY
def test_no_load_ever_loses_or_changes_what_is_the_librarys_own(
    house: House, some: Any, own: list[str], first: list[Row]
) -> None:
    clear(house)
    load(house, "first", "synchronize", "people", [{**NOBODY, "ID": "s1", "LAST": "Ito"}, *first])
    for name in own:
        segment, part = OWN[name]
        one.add_segment(house.engine, "s1", segment, part, Act("librarian", house.now()))
    before = internal(house)
    assert sum(len(parts) for parts in before.values()) == len(own)
    for number, (mode, profile, feed) in enumerate(some):
        load(house, f"run{number}", mode, profile, feed)
        after = internal(house)
        assert {user: parts for user, parts in after.items() if parts} == {u: p for u, p in before.items() if p}


# --- joined files ---------------------------------------------------------------------------------

JOINED = make_profile(
    PROFILES["people"].model_dump_json(by_alias=True, exclude_unset=True),
    joins={"cards": {"file": "cards.csv", "format": {"type": "csv"}, "key": "ID", "person_key": "ID"}},
    mapping={"identifiers": [{"id_type": "BARCODE", "value": {"from": ["cards.CARD"]}}]},
)


@given(feeds, st.randoms(use_true_random=False))
@PROPERTY
def test_two_files_joined_end_as_one_file_does(house: House, feed: list[Row], chance: Any) -> None:
    """The cards of the people in a file of their own, in any order, for people who stand in the feed once."""
    people = list({row["ID"]: row for row in feed}.values())
    clear(house)
    load(house, "one", "synchronize", "people", people)
    expected = stored(house)
    cards = [row for row in people if row["CARD"]]
    chance.shuffle(cards)
    clear(house)
    files = {
        "people.csv": csv_text([{**row, "CARD": ""} for row in people], COLUMNS),
        "cards.csv": csv_text(
            [{"ID": row["ID"], "CARD": row["CARD"]} for row in [*cards, {**NOBODY, "ID": "x"}]], ["ID", "CARD"]
        ),
    }
    house.with_profile(JOINED).run("two", files)
    assert stored(house) == expected

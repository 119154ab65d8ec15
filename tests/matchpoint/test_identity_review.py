"""New people who may be known: which rows are held back, which proposals are made, renewed, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from helpers import COLUMNS, START, House, Row, csv_text, make_profile, open_house, person, reasons, rendered, total
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import event

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.identity.answer import decline
from matchpoint.identity.keys import TOO_MANY, keys_of
from matchpoint.identity.proposals import open_proposals
from matchpoint.identity.score import Person, score
from matchpoint.profile import Profile

LOOKS = {"secondary": ["*", "email"], "name_and_birth_date": True}
ACT = Act("librarian", START)


def looking(**changes: Any) -> Profile:
    return make_profile(identity={**LOOKS, **changes})


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, looking()) as opened:
        yield opened


def ana(number: int = 1, **changes: str) -> Row:
    """Make a row of Ana; another number gives her another id, card, login and email."""
    return person(number, **{"FIRST": "Ana María", "LAST": "García-López", "BORN": "2004-05-06", **changes})


BO = person(7, FIRST="Bo", LAST="Xu", BORN="1999-01-02")


def statuses(house: House) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["outcome"], one["status"]) for one in house.rows("proposals")]


# --- who is held back -----------------------------------------------------------------------------


def test_new_id_card_and_login_of_a_known_person_make_a_proposal_and_no_second_account(house: House) -> None:
    house.run("first", [ana(), BO])
    receipt = house.run("second", [ana(2, FIRST="Ana Maria", LAST="GARCIA LOPEZ"), BO])
    assert receipt.total == total(conflict=1, unchanged=1)
    assert reasons(receipt) == {("conflict", "known_person", ""): 1}
    assert house.users().keys() == {"s1", "s7"}
    [proposal] = open_proposals(house.engine)
    assert (proposal.kind, proposal.confidence, proposal.outcome) == ("name_and_birth_date", 0.97, "conflict")
    assert proposal.reasons == ["same birth date", "same name"]
    assert (proposal.known["primary_id"], proposal.incoming["primary_id"]) == ("s1", "s2")
    assert (proposal.profile, proposal.run_id, proposal.user_id) == ("people", "second", house.users()["s1"]["id"])


def test_the_rejections_file_says_whom_to_look_at_and_the_report_names_nobody(house: House) -> None:
    house.run("first", [ana()])
    receipt = house.run("second", [ana(2)])
    [told] = house.rejected_rows("second")
    assert "review list: look at s1 (EXTERNAL, profile people), confidence 0.97" in told["matchpoint_reason"]
    assert "Garc" not in rendered(receipt)
    assert "s1" not in rendered(receipt).replace("rows1", "")


def test_the_same_email_is_enough_when_the_name_is_the_same_too(house: House) -> None:
    house.run("first", [ana(BORN="")])
    assert house.run("second", [ana(2, BORN="", EMAIL="MAIL1@example.edu")]).total["conflict"] == 1
    [proposal] = open_proposals(house.engine)
    assert proposal.kind == "new_primary_id"
    assert proposal.reasons[0] == "same email"


@pytest.mark.parametrize(
    "row",
    [
        ana(2, LAST="Garzia-López"),  # a name written in another way
        ana(2, FIRST="Eva", EMAIL="mail1@example.edu"),  # perhaps a sister, perhaps another given name
    ],
)
def test_who_is_only_likely_known_is_created_and_proposed_for_a_merge(house: House, row: Row) -> None:
    house.profile = looking(strong=0.97)
    house.run("first", [ana()])
    assert house.run("second", [row]).total == total(created=1)
    [proposal] = open_proposals(house.engine)
    assert (proposal.outcome, proposal.incoming["primary_id"]) == ("created", "s2")
    assert 0.85 <= proposal.confidence < 0.97
    assert house.run("third", [row, ana()]).total == total(unchanged=2)
    assert len(open_proposals(house.engine)) == 1, "it waits for its answer though the row is as it was"


@pytest.mark.parametrize(
    "row",
    [
        ana(2, BORN="2004-05-07"),  # a namesake
        ana(2, FIRST="Eva"),  # a twin
        ana(2, LAST="Smith"),  # of the same day
        person(2, FIRST="Jo", LAST="Ray", BORN="1990-03-03", EMAIL="mail1@example.edu"),  # a shared mailbox
    ],
)
def test_who_is_not_alike_enough_is_created_and_not_proposed(house: House, row: Row) -> None:
    house.run("first", [ana()])
    assert house.run("second", [row]).total == total(created=1)
    assert house.rows("proposals") == []


def test_a_taken_identifier_is_rejected_as_ever_and_proposed_even_without_a_section(house: House) -> None:
    house.profile = make_profile()
    house.run("first", [ana(), BO])
    same, recycled = ana(2, NET="net1"), person(3, FIRST="Jo", LAST="Ray", NET="net7")
    receipt = house.run("second", [same, recycled])
    assert reasons(receipt) == {("rejected", "taken", "user_identifier"): 2}
    [proposal] = open_proposals(house.engine)
    assert (proposal.kind, proposal.outcome, proposal.confidence) == ("new_primary_id", "rejected", 1.0)
    assert proposal.known["primary_id"] == "s1"
    assert house.rows("identity_keys") == []


def test_identifier_types_that_are_not_secondary_tell_nothing(house: House) -> None:
    house.profile = make_profile(identity={"secondary": ["BARCODE"]})
    house.run("first", [ana()])
    assert house.run("second", [ana(2, NET="net1")]).total == total(rejected=1)
    assert house.rows("proposals") == []


def test_the_surest_of_several_is_proposed(house: House) -> None:
    house.run(
        "first", [ana(1, EMAIL="old@example.edu"), ana(3, LAST="Garcia Lopes", EMAIL="mail2@example.edu")], "import"
    )
    house.run("second", [ana(2)])
    [proposal] = open_proposals(house.engine)
    assert (proposal.known["primary_id"], proposal.confidence) == ("s3", 0.99)


def test_a_value_that_too_many_share_is_no_evidence(house: House) -> None:
    mailbox = {"EMAIL": "office@example.edu", "BORN": "", "FIRST": "Ana"}
    house.run("first", [person(100 + n, **mailbox) for n in range(TOO_MANY + 1)], "import")
    assert house.run("second", [person(1, **mailbox)]).total == total(created=1)
    assert house.rows("proposals") == []


# --- two new ones in one feed ---------------------------------------------------------------------


def test_of_two_new_rows_of_one_person_the_first_is_created_and_the_second_proposed_by_the_next_run(
    house: House,
) -> None:
    house.run("base", [BO])
    rows = [ana(1), ana(2), BO]
    receipt = house.run("first", rows)
    assert receipt.total == total(created=1, conflict=1, unchanged=1)
    assert reasons(receipt) == {("conflict", "known_person_in_feed", ""): 1}
    assert house.run("first", rows).total == receipt.total, "also when the run is repeated"
    assert house.rows("proposals") == []
    assert house.run("second", rows).total == total(unchanged=2, conflict=1)
    assert [one.known["primary_id"] for one in open_proposals(house.engine)] == ["s1"]


def test_who_is_held_back_by_a_row_that_is_itself_rejected_is_nobody(house: House) -> None:
    house.run("base", [BO])
    rows = [person(1, FIRST="Jo", LAST="Ray"), ana(2, CARD="Card1"), ana(3)]
    receipt = house.run("first", rows)
    assert receipt.total == total(created=2, rejected=1)
    assert house.users().keys() == {"s1", "s3", "s7"}


# --- never where nobody asked ---------------------------------------------------------------------


def test_an_import_and_a_first_load_look_for_nobody(house: House) -> None:
    assert house.run("first", [ana(1), ana(2)]).total == total(created=2)
    assert house.run("second", [ana(3), ana(4, NET="net1")], "import").total == total(created=1, rejected=1)
    assert house.rows("proposals") == []


@pytest.mark.parametrize("identity", [{"review": False, **LOOKS}, {"review": "off"}, {}])
def test_where_it_is_off_nobody_is_held_back_and_no_query_is_spent(house: House, identity: dict[str, Any]) -> None:
    house.profile = make_profile(identity=identity)
    house.run("first", [ana()])
    asked: list[str] = []
    event.listen(house.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert house.run("second", [ana(2)]).total == total(created=1)
    assert not [one for one in asked if "identity_keys" in one]
    spent = [one for one in asked if "proposals" in one]
    assert len(spent) == (0 if "review" in identity else 2)
    assert (house.rows("proposals"), house.rows("identity_keys")) == ([], [])


def test_a_dry_run_shows_what_would_be_held_back_and_keeps_no_proposal(house: House) -> None:
    house.run("first", [ana(), BO])
    counts = house.plan("dry", {"people.csv": csv_text([ana(2)])}, dry_run=True)
    assert counts == total(conflict=1)
    assert house.rows("proposals") == []


# --- night after night ----------------------------------------------------------------------------


def test_the_same_proposal_is_not_made_twice_but_renewed(house: House) -> None:
    house.run("first", [ana()])
    house.run("second", [ana(2)])
    [before] = house.rows("proposals")
    house.run("third", [ana(2, EMAIL="mail1@example.edu")])
    [after] = house.rows("proposals")
    assert (before["id"], before["run_id"], before["confidence"]) == (after["id"], "second", 0.97)
    assert (after["run_id"], after["confidence"], after["status"]) == ("third", 1.0, "open")
    assert after["at"] > before["at"]


def test_a_repeated_run_makes_the_same_proposals(house: House) -> None:
    house.profile = looking(strong=0.97)
    house.run("first", [ana(), BO])
    rows = [ana(2), person(3, FIRST="Bo", LAST="Xü", BORN="1999-01-02"), ana(4, LAST="Garzia-López")]
    first = house.run("second", rows)
    told = statuses(house)
    assert len(told) == 3
    assert house.run("second", rows).total == first.total
    assert statuses(house) == told


def test_a_repeated_run_finds_those_as_they_were_whom_it_has_changed_itself(house: House) -> None:
    house.run("first", [ana(), BO])
    rows = [ana(FIRST="Zed", LAST="Quill", BORN="1990-01-01", EMAIL="zed@example.edu"), ana(2)]
    assert house.run("second", rows).total == total(updated=1, conflict=1)
    people = house.people()
    assert house.run("second", rows).total == total(updated=1, conflict=1)
    assert house.people() == people


def test_a_proposal_goes_when_its_row_is_mended(house: House) -> None:
    house.run("first", [ana(), BO])
    house.run("second", [ana(2)])
    assert house.run("third", [ana(2, BORN="1980-05-06")]).total == total(created=1)
    assert statuses(house) == [("name_and_birth_date", "conflict", "superseded")]
    house.run("fourth", [ana(5, FIRST="Bo", LAST="Xu", BORN="1999-01-02")])
    one.edit(house.engine, "s7", {"birth_date": "1970-01-01"}, ACT)
    assert house.run("fifth", [ana(5, FIRST="Bo", LAST="Xu", BORN="1999-01-02")]).total == total(created=1)
    assert [status for *_, status in statuses(house)] == ["superseded", "superseded"]


def test_a_proposal_goes_when_its_row_stays_away_but_not_at_once(house: House) -> None:
    house.run("first", [ana(), BO])
    house.run("second", [ana(2)])
    house.run("third", [BO])
    assert statuses(house)[0][2] == "open", "an extract need not hold everybody"
    house.minutes += 31 * 24 * 60
    house.run("fourth", [BO])
    assert statuses(house)[0][2] == "superseded"
    house.run("fifth", [ana(2)])
    assert statuses(house)[0][2] == "open", "and comes back with its row"


def test_a_proposal_goes_with_its_known_user(house: House) -> None:
    house.run("first", [ana(), BO])
    house.run("second", [ana(2)])
    one.delete(house.engine, "s1", ACT)
    assert open_proposals(house.engine) == []
    assert house.run("third", [ana(2)]).total == total(created=1)
    assert statuses(house)[0][2] == "superseded"


def test_a_declined_proposal_is_remembered_and_its_row_created_from_the_next_run_on(house: House) -> None:
    house.run("first", [ana()])
    house.run("second", [ana(2)])
    decline(house.engine, open_proposals(house.engine)[0].id, ACT)
    assert house.run("third", [ana(2), ana()]).total == total(created=1, unchanged=1)
    assert house.users().keys() == {"s1", "s2"}
    one.delete(house.engine, "s2", ACT)
    assert house.run("fourth", [ana(2)]).total == total(created=1), "even when it comes anew"
    assert statuses(house) == [("name_and_birth_date", "conflict", "declined")]


# --- the profile ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"secondary": ["PASSPORT"]}, "found 'PASSPORT'; .* identifiers that the mapping fills: BARCODE"),
        ({"likely": 0.96}, "found 0.96; expected at most strong, which is 0.95"),
        ({"unanswered_days": 0}, "greater than or equal to 1"),
        ({"strogn": 0.9}, "Extra inputs are not permitted"),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(identity: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make_profile(identity=identity)


@pytest.mark.parametrize(
    ("identity", "mapping", "words"),
    [
        ({"secondary": ["email"]}, {"emails": []}, "found email; the mapping fills no emails"),
        ({"name_and_birth_date": True}, {"birth_date": None}, "the mapping fills no birth_date, or no last_name"),
    ],
)
def test_a_section_that_asks_for_what_is_not_mapped_is_refused(identity: Any, mapping: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make_profile(identity=identity, mapping=mapping)


# --- the keys -------------------------------------------------------------------------------------


def test_the_keys_follow_whoever_writes_users(house: House) -> None:
    house.run("first", [ana(), BO])
    house.run("second", [ana(), BO, person(3)])
    house.run("third", [ana(LAST="Smith"), BO, person(4)])
    one.edit(house.engine, "s7", {"last_name": "Ray", "birth_date": "1970-01-01"}, ACT)
    one.create_internal(house.engine, {**house.users()["s7"]["document"], "primary_id": "desk", "external_id": None,
                                       "user_identifier": []}, ACT)  # fmt: skip
    one.delete(house.engine, "s3", ACT)
    kept: dict[int, set[int]] = {}
    for row in house.rows("identity_keys"):
        kept.setdefault(row["user_id"], set()).add(row["key"])
    assert kept == {user["id"]: keys_of(user["document"]) for user in house.users().values()}
    assert house.users().keys() == {"s1", "s7", "s4", "desk"}


# --- no sequence of feeds -------------------------------------------------------------------------

HUMANS = [("Ana", "García", "2004-05-06"), ("Bo", "Xu", "1999-01-02"), ("Cleo", "Diaz", "2001-07-08")]


@st.composite
def incarnations(draw: Any) -> Row:
    """Make a row of one of three people under one of three identities, sometimes written in another way."""
    who, which = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    first, last, born = HUMANS[who]
    number = 10 * who + which
    first, last = draw(st.sampled_from([(first, last), (first.upper(), last.upper()), (first, f"{last} ")]))
    own = {"EMAIL": f"{who}@example.edu"} if draw(st.booleans()) else {}
    card = {"CARD": f"Own{who}"} if draw(st.booleans()) else {}
    return person(number, FIRST=first, LAST=last, BORN=born, **own, **card)


@given(st.lists(st.lists(incarnations(), min_size=1, max_size=4), min_size=1, max_size=4))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_sequence_of_feeds_makes_two_accounts_of_one_person(house: House, feeds: list[list[Row]]) -> None:
    for table in ("proposals", "history", "row_ledger", "identity_keys", "identifiers", "users", "plan_rows", "runs"):
        house.sql(f"DELETE FROM {table}")
    house.run("base", {"people.csv": csv_text([person(99, FIRST="Zoe", LAST="Nobody", BORN="1950-01-01")], COLUMNS)})
    for number, feed in enumerate(feeds):
        house.run(f"run{number}", {"people.csv": csv_text(feed, COLUMNS)})
        people = [Person.of(user["document"]) for user in house.users().values()]
        found = [score(*pair) for pair in combinations(people, 2)]
        assert [one for one in found if one[0] >= house.profile.identity.strong] == []

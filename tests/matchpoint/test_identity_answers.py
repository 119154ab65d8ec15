"""Answering proposals, on both stores: one gets the other's identity, or the two stay two; nothing is silent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import START, House, csv_text, open_house, person, total
from test_identity_review import BO, ana, looking

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import IDENTIFIERS, NOTES
from matchpoint.errors import AccountError
from matchpoint.identity.answer import accept, decline
from matchpoint.identity.listing import COLUMNS, write_review
from matchpoint.identity.proposals import open_proposals

ACT = Act("librarian", START, "review/1")
NOTE = {"note_type": {"value": "OTHER"}, "note_text": "The library's own"}


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, looking()) as opened:
        yield opened


@pytest.fixture
def held_back(house: House) -> House:
    """Give a store in which Ana came again with another id, card, login and email, and was held back."""
    house.run("first", [ana(), BO])
    house.run("second", [ana(2), BO])
    return house


@pytest.fixture
def doubled(house: House) -> House:
    """Give a store in which Ana has a second account, with a proposal to merge the two."""
    house.run("first", [ana(), BO])
    house.run("second", [ana(2, LAST="Garzia-López"), BO])
    assert house.users().keys() == {"s1", "s2", "s7"}
    return house


def number(house: House) -> int:
    [proposal] = open_proposals(house.engine)
    return proposal.id


def status(house: House) -> list[tuple[str, str | None]]:
    return [(row["status"], row["decided_by"]) for row in house.rows("proposals")]


def texts(house: House, who: str) -> list[str]:
    return sorted(f"{part['id_type']['value']} {part['value']} {part['segment_type']}"
                  for part in IDENTIFIERS.parts(house.users()[who]["document"]))  # fmt: skip


# --- accepted -------------------------------------------------------------------------------------


def test_an_accepted_user_has_the_new_identity_and_the_next_feed_finds_and_updates_it(held_back: House) -> None:
    house, before = held_back, held_back.users()["s1"]
    accept(house.engine, number(house), ACT)
    assert house.users().keys() == {"s2", "s7"}
    assert house.users()["s2"]["id"] == before["id"]
    assert texts(house, "s2") == ["BARCODE Card2 External", "INST_ID net2 External"]
    assert {name: held[2] for name, held in house.identifiers().items() if held[2] == before["id"]} == dict.fromkeys(
        ("s2", "card2", "net2"), before["id"]
    )
    assert status(house) == [("accepted", "librarian")]
    assert house.user_at("s2", before["version"]) == before["document"], "the history has her as she was"
    last = (
        house.rows("history")[-2]
        if house.rows("history")[-1]["user_id"] != before["id"]
        else house.rows("history")[-1]
    )
    assert (last["actor"], last["run_id"], last["outcome"]) == ("librarian", "review/1", "updated")
    assert house.run("third", [ana(2), BO]).total == total(updated=1, unchanged=1)
    assert house.users()["s2"]["document"]["contact_info"]["email"][0]["email_address"] == "mail2@example.edu"
    assert house.run("fourth", [ana(2), BO]).total == total(unchanged=2)
    assert house.users().keys() == {"s2", "s7"}


def test_an_answer_given_twice_is_given_once(held_back: House) -> None:
    proposal = number(held_back)
    accept(held_back.engine, proposal, ACT)
    everything = held_back.everything()
    accept(held_back.engine, proposal, Act("another", START))
    assert held_back.everything() == everything
    with pytest.raises(AccountError, match="found one that is accepted; expected an open one"):
        decline(held_back.engine, proposal, ACT)


def test_the_old_primary_id_is_kept_where_the_profile_says_under_which_type(held_back: House) -> None:
    house = held_back
    accept(house.engine, number(house), ACT, old_primary_id_as="OTHER")
    assert "OTHER s1 Internal" in texts(house, "s2")
    assert house.run("third", [ana(2)]).total == total(updated=1)
    assert "OTHER s1 Internal" in texts(house, "s2"), "it survives the SIS"
    assert house.run("fourth", [ana(), ana(2)]).total == total(rejected=1, unchanged=1), "the old id makes nobody"


def test_a_held_identifier_moves_a_new_id_to_its_holder(house: House) -> None:
    house.run("first", [ana(), BO])
    assert house.run("second", [ana(2, NET="net1")]).total == total(rejected=1)
    accept(house.engine, number(house), ACT)
    assert texts(house, "s2") == ["BARCODE Card2 External", "INST_ID net1 External"]
    assert house.run("third", [ana(2, NET="net1")]).total == total(updated=1)


def test_an_identifier_of_the_library_s_own_stays(held_back: House) -> None:
    own = {"id_type": {"value": "OTHER"}, "value": "Desk1"}
    one.add_segment(held_back.engine, "s1", IDENTIFIERS, own, ACT)
    accept(held_back.engine, number(held_back), ACT)
    assert texts(held_back, "s2") == ["BARCODE Card2 External", "INST_ID net2 External", "OTHER Desk1 Internal"]


def test_a_second_account_is_merged_into_the_known_one(doubled: House) -> None:
    house, known, second = doubled, doubled.users()["s1"], doubled.users()["s2"]
    one.add_segment(house.engine, "s2", NOTES, NOTE, ACT)
    one.add_role(house.engine, "s2", {"role_type": {"value": "200"}}, ACT)
    accept(house.engine, number(house), ACT)
    assert house.users().keys() == {"s2", "s7"}
    user = house.users()["s2"]
    assert user["id"] == known["id"]
    assert [note["note_text"] for note in NOTES.parts(user["document"])] == ["The library's own", "Notetext1"]
    assert user["document"]["user_role"] == [{"role_type": {"value": "200"}}]
    [gone] = [row for row in house.rows("history") if row["outcome"] == "deleted"]
    assert (gone["user_id"], gone["before"]["primary_id"], gone["actor"]) == (second["id"], "s2", "librarian")
    assert house.run("third", [ana(2, LAST="Garzia-López"), BO]).total == total(updated=1, unchanged=1)
    assert texts(house, "s2") == ["BARCODE Card2 External", "INST_ID net2 External"]
    assert house.users()["s2"]["document"]["last_name"] == "Garzia-López"
    assert house.run("fourth", [ana(2, LAST="Garzia-López"), BO]).total == total(unchanged=2)


def test_a_second_account_that_came_after_the_proposal_is_merged_too(held_back: House) -> None:
    user = {**held_back.users()["s1"]["document"], "primary_id": "s2", "user_identifier": []}
    one.create_internal(held_back.engine, {**user, "external_id": None}, ACT)
    with pytest.raises(AccountError, match="found an internal one; convert the user to external first"):
        accept(held_back.engine, number(held_back), ACT)
    one.convert(held_back.engine, "s2", "EXTERNAL", ACT, external_id="people")
    accept(held_back.engine, number(held_back), ACT)
    assert held_back.users().keys() == {"s2", "s7"}


# --- refused, and then nothing is changed ---------------------------------------------------------


def refused(house: House, words: str, proposal: int | None = None) -> None:
    everything = house.everything()
    with pytest.raises(AccountError, match=words):
        accept(house.engine, proposal or number(house), ACT)
    assert house.everything() == everything


def test_a_second_account_with_loans_is_not_merged(doubled: House) -> None:
    doubled.edit("s2", loans={"value": 2})
    refused(doubled, "failed to merge: the user has loans in the second account; settle or move them first")


def test_a_second_account_of_another_profile_is_not_merged(doubled: House) -> None:
    doubled.edit("s2", external_id="staff")
    refused(doubled, "found a second account of another profile")


def test_an_internal_known_user_is_converted_first(held_back: House) -> None:
    proposal = number(held_back)
    one.convert(held_back.engine, "s1", "INTERNAL", ACT)
    refused(held_back, "found an internal one; convert the user to external first", proposal)


def test_an_identifier_that_somebody_else_holds_is_not_taken_away(held_back: House) -> None:
    one.add_segment(held_back.engine, "s7", IDENTIFIERS, {"id_type": {"value": "OTHER"}, "value": "NET2"}, ACT)
    refused(held_back, "already exists")


def test_a_known_user_who_is_gone_and_a_proposal_that_is_not_there(held_back: House) -> None:
    proposal = number(held_back)
    one.delete(held_back.engine, "s1", ACT)
    refused(held_back, "the known user of this proposal is gone", proposal)
    refused(held_back, "proposal 99: found none of that number; look at the list", 99)
    with pytest.raises(AccountError, match="found none of that number"):
        decline(held_back.engine, 99, ACT)


def test_a_declined_one_is_not_accepted_and_declining_twice_is_declining_once(held_back: House) -> None:
    proposal = number(held_back)
    decline(held_back.engine, proposal, ACT)
    everything = held_back.everything()
    decline(held_back.engine, proposal, Act("another", START))
    assert held_back.everything() == everything
    refused(held_back, "found one that is declined; expected an open one", proposal)


def test_a_declined_second_account_stays_and_is_not_proposed_again(doubled: House) -> None:
    decline(doubled.engine, number(doubled), ACT)
    assert doubled.run("third", [ana(), ana(2, LAST="Garzia-López", GROUP="GR")]).total == total(
        unchanged=1, updated=1
    )
    assert status(doubled) == [("declined", "librarian")]


def test_what_is_accepted_between_plan_and_apply_makes_no_second_account(house: House) -> None:
    house.run("first", [ana(), BO])
    rows = [ana(2, LAST="Garzia-López")]
    house.plan("second", {"people.csv": csv_text(rows)})
    accept(house.engine, number(house), ACT)
    assert [code for *_, code in house.apply("second")] == ["taken_since"]
    assert house.users().keys() == {"s2", "s7"}
    assert house.run("third", rows).total == total(updated=1)


# --- the list -------------------------------------------------------------------------------------


def test_the_list_has_both_records_and_no_formula(house: House) -> None:
    house.run("first", [ana(), person(3, FIRST="=cmd", LAST="Ray", BORN="1990-03-03")])
    house.run("second", [ana(2), person(4, FIRST="=cmd", LAST="Ray", BORN="1990-03-03"), ana(5, NET="net1")])
    write_review(house.folder("list"), open_proposals(house.engine))
    lines = house.rejected_rows("list", "review.csv")
    assert [line["new_primary_id"] for line in lines] == ["s5", "s2", "s4"]
    assert list(lines[0]) == list(COLUMNS)
    told: dict[str, Any] = {name: lines[1][name] for name in ("known_primary_id", "known_birth_date", "new_emails")}
    assert told == {"known_primary_id": "s1", "known_birth_date": "2004-05-06", "new_emails": "mail2@example.edu"}
    assert lines[1]["known_identifiers"] == "BARCODE Card1; INST_ID net1"
    assert (lines[1]["confidence"], lines[1]["row_was"], lines[1]["external_id"]) == ("0.97", "conflict", "people")
    assert lines[2]["new_first_name"] == "'=cmd"
    assert open_proposals(house.engine, profile="staff") == []
    assert len(open_proposals(house.engine, profile="people", limit=2)) == 2

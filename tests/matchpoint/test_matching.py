"""Matching: the outcome of one row, given who in the store holds its identifiers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from helpers import PEOPLE, make_profile, synchronizing

from matchpoint.alma.identifiers import key
from matchpoint.matching import Claims, Decision, Hit, Rules, decide
from matchpoint.outcomes import Outcome

PRIMARY, CARD, NET = "primary_id", "BARCODE", "INST_ID"
ROW = [(PRIMARY, "s1"), (CARD, "Card1"), (NET, "net1")]
IMPORT = Rules("import", "people")
SYNC = Rules("synchronize", "people", (PRIMARY, CARD))


def hit(id_type: str, value: str, user_id: int = 1, **more: Any) -> Hit:
    given = {"version": 3, "account_type": "EXTERNAL", "external_id": "people", "primary_id": "jdoe", **more}
    return Hit(id_type, key(value), user_id, **given)


def told(decision: Decision) -> tuple[str, str | None, str | None]:
    return str(decision.outcome), decision.code, decision.field


@pytest.mark.law("import-creates")
def test_import_creates_a_row_whose_identifiers_nobody_holds() -> None:
    assert decide(ROW, [], IMPORT) == Decision(Outcome.CREATED)


@pytest.mark.law("import-taken")
@pytest.mark.parametrize(
    ("held", "field", "words"),
    [
        (hit(PRIMARY, "S1"), "primary_id", "type primary_id and value s1"),
        (hit(CARD, "CARD1"), "user_identifier", "type BARCODE and value Card1"),
        (hit("OTHER", "net1"), "user_identifier", "type INST_ID and value net1"),
        (hit(CARD, "s1"), "primary_id", "type primary_id and value s1"),
    ],
    ids=["primary id", "another identifier", "held as another type", "primary id held as a card"],
)
def test_import_rejects_a_row_whose_identifier_is_taken_and_looks_for_no_match(
    held: Hit, field: str, words: str
) -> None:
    decision = decide(ROW, [held], IMPORT)
    assert told(decision) == ("rejected", "taken", field)
    assert decision.detail == f"identifier of {words}; look at jdoe (EXTERNAL, profile people)"
    assert decision.hit == held


@pytest.mark.law("import-taken")
def test_import_rejects_also_an_internal_user_and_one_of_another_profile_as_taken() -> None:
    for held in (hit(PRIMARY, "s1", account_type="INTERNAL"), hit(PRIMARY, "s1", external_id="staff")):
        assert told(decide(ROW, [held], IMPORT)) == ("rejected", "taken", "primary_id")


def test_synchronize_compares_with_the_external_user_it_hits() -> None:
    held = hit(PRIMARY, "S1")
    assert decide(ROW, [held], SYNC) == Decision(Outcome.UPDATED, hit=held)


@pytest.mark.law("unmatched")
def test_synchronize_creates_or_skips_a_row_without_hit_as_the_profile_says() -> None:
    assert told(decide(ROW, [], SYNC)) == ("created", None, None)
    assert told(decide(ROW, [], Rules("synchronize", "people", (PRIMARY,), "skip"))) == ("skipped", "no_match", None)


@pytest.mark.law("match-order")
def test_a_match_point_asks_for_the_same_type_on_both_sides() -> None:
    card_held_as_another_type = hit(NET, "card1")
    assert told(decide(ROW, [card_held_as_another_type], SYNC)) == ("rejected", "taken", "user_identifier")
    type_that_is_no_match_point = hit(NET, "net1")
    assert told(decide(ROW, [type_that_is_no_match_point], SYNC)) == ("rejected", "taken", "user_identifier")


def test_a_later_match_point_matches_when_an_earlier_one_does_not() -> None:
    held = hit(CARD, "card1", user_id=7)
    assert decide(ROW, [held], SYNC) == Decision(Outcome.UPDATED, hit=held)


@pytest.mark.law("match-order")
@pytest.mark.parametrize("order", [(PRIMARY, CARD), (CARD, PRIMARY)])
def test_the_first_match_point_in_the_profiles_order_decides(order: tuple[str, ...]) -> None:
    hits = {PRIMARY: hit(PRIMARY, "s1"), CARD: hit(CARD, "card1")}
    for given in (list(hits.values()), list(hits.values())[::-1]):
        assert decide(ROW, given, Rules("synchronize", "people", order)).hit == hits[order[0]]


@pytest.mark.law("match-two")
def test_match_points_that_hit_two_users_are_a_conflict_and_never_a_guess() -> None:
    hits = [hit(CARD, "card1", user_id=2), hit(PRIMARY, "s1", user_id=1)]
    decision = decide(ROW, [hits[0], replace(hits[1], primary_id="asmith")], SYNC)
    assert told(decision) == ("conflict", "two_matches", "primary_id, BARCODE")
    assert decision.detail.startswith("asmith (EXTERNAL, profile people) and jdoe (EXTERNAL, profile people); merge")


def test_one_user_hit_by_all_match_points_is_one_match() -> None:
    hits = [hit(PRIMARY, "s1"), hit(CARD, "card1"), hit(NET, "net1")]
    assert told(decide(ROW, hits, SYNC)) == ("updated", None, None)


@pytest.mark.law("not-external")
def test_an_internal_user_is_not_overwritten_user_is_not_external() -> None:
    decision = decide(ROW, [hit(PRIMARY, "s1", account_type="INTERNAL", external_id=None)], SYNC)
    assert told(decision) == ("rejected", "not_external", "account_type")
    assert decision.detail == "jdoe (INTERNAL); convert the user to external first"


@pytest.mark.law("foreign")
@pytest.mark.parametrize("other", ["staff", None, "People"])
def test_a_user_of_another_profile_is_a_conflict(other: str | None) -> None:
    decision = decide(ROW, [hit(PRIMARY, "s1", external_id=other)], SYNC)
    assert told(decision) == ("conflict", "other_profile", "external_id")
    owner = f", profile {other}" if other else ""
    assert decision.detail == f"found jdoe (EXTERNAL{owner}); expected profile people"


@pytest.mark.law("foreign")
def test_a_user_of_another_profile_is_taken_over_where_the_profile_says_so() -> None:
    rules = Rules("synchronize", "people", (PRIMARY,), foreign="take_over")
    held = hit(PRIMARY, "s1", external_id="staff")
    assert decide(ROW, [held], rules) == Decision(Outcome.UPDATED, hit=held)
    internal = hit(PRIMARY, "s1", account_type="INTERNAL", external_id=None)
    assert told(decide(ROW, [internal], rules))[1] == "not_external", "the library's own users are never taken over"


def test_a_user_whom_somebody_changed_after_the_run_began_is_a_conflict() -> None:
    decision = decide(ROW, [hit(PRIMARY, "s1", changed_since=True)], SYNC)
    assert told(decision) == ("conflict", "changed_after_run", None)


@pytest.mark.law("taken")
def test_an_identifier_of_the_row_that_another_user_holds_is_taken_also_on_a_match() -> None:
    hits = [hit(PRIMARY, "s1", user_id=1), hit(NET, "NET1", user_id=2)]
    decision = decide(ROW, hits, SYNC)
    assert told(decision) == ("rejected", "taken", "user_identifier")
    assert decision.detail == "identifier of type INST_ID and value net1; look at jdoe (EXTERNAL, profile people)"


@pytest.mark.law("match-missing")
def test_a_row_without_match_point_is_rejected_also_where_unmatched_rows_are_skipped() -> None:
    for unmatched in ("create", "skip"):
        decision = decide(
            [(NET, "net1")], [hit(NET, "net1")], Rules("synchronize", "people", (PRIMARY, CARD), unmatched)
        )
        assert told(decision) == ("rejected", "match_point_missing", "primary_id or BARCODE")


@pytest.mark.law("match-case")
@pytest.mark.parametrize(
    ("mine", "theirs"), [("abc", "ABC"), ("ÉLAN", "élan"), ("straße", "STRASSE"), ("ΣΑΣ", "σας")]
)
def test_identifiers_are_the_same_in_upper_and_lower_case(mine: str, theirs: str) -> None:
    assert told(decide([(PRIMARY, mine)], [hit(PRIMARY, theirs)], SYNC))[0] == "updated"
    assert told(decide([(PRIMARY, mine)], [hit(PRIMARY, theirs)], IMPORT))[0] == "rejected"
    claims = Claims()
    assert claims.settle(Decision(Outcome.CREATED), [(PRIMARY, mine)]).outcome == "created"
    assert told(claims.settle(Decision(Outcome.CREATED), [(CARD, theirs)]))[1] == "taken_in_feed"


CREATED = Decision(Outcome.CREATED)


@pytest.mark.law("first-in-feed")
def test_the_first_of_two_rows_with_one_identifier_wins() -> None:
    claims = Claims()
    assert claims.settle(CREATED, ROW) is CREATED
    second = claims.settle(CREATED, [(PRIMARY, "s2"), (NET, "CARD1")])
    assert told(second) == ("rejected", "taken_in_feed", "user_identifier")
    assert second.detail == "identifier of type INST_ID and value CARD1"


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.CONFLICT, Outcome.SKIPPED])
def test_a_first_row_that_is_not_loaded_claims_nothing(outcome: Outcome) -> None:
    claims = Claims()
    refused = Decision(outcome, "taken", "x", hit=hit(PRIMARY, "s1"))
    assert claims.settle(refused, ROW) is refused
    assert claims.settle(CREATED, ROW) is CREATED


def test_a_row_that_loses_one_identifier_does_not_claim_its_others() -> None:
    claims = Claims()
    claims.settle(CREATED, ROW)
    assert told(claims.settle(CREATED, [(PRIMARY, "s2"), (CARD, "card1"), (NET, "net2")]))[1] == "taken_in_feed"
    assert claims.settle(CREATED, [(PRIMARY, "s3"), (NET, "net2")]) is CREATED


def test_two_rows_for_one_user_by_different_identifiers_are_one_too_many() -> None:
    claims = Claims()
    first, second = (Decision(Outcome.UPDATED, hit=hit(*one)) for one in ((PRIMARY, "s1"), (CARD, "card1")))
    assert claims.settle(first, [(PRIMARY, "s1")]) is first
    assert told(claims.settle(second, [(CARD, "card1")])) == ("rejected", "taken_in_feed", "user_identifier")


def test_a_user_about_whom_an_earlier_row_is_settled_takes_no_second_row() -> None:
    held = hit(PRIMARY, "s1", settled=True)
    assert told(Claims().settle(Decision(Outcome.UPDATED, hit=held), [(PRIMARY, "s1")]))[1] == "taken_in_feed"


def test_the_rules_come_from_the_action_of_the_mode() -> None:
    profile = synchronizing(match_points=["BARCODE"], unmatched="skip", foreign="take_over")
    assert Rules.of(profile, "synchronize") == Rules("synchronize", "people", ["BARCODE"], "skip", "take_over")
    assert Rules.of(make_profile(PEOPLE), "import") == Rules("import", "people")

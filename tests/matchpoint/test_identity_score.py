"""How alike two names are, how sure it is that two are one, and the keys by which they are found."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchpoint.alma.fields import User
from matchpoint.identity.keys import email_keys, keys_of, name_keys
from matchpoint.identity.names import fold, names_alike, words_alike
from matchpoint.identity.score import Person, score

NUMBERS = count()


def person(first: str = "", last: str = "", born: str = "", email: str = "", **more: Any) -> User:
    """Make a user; ``ids`` are identifiers by type."""
    ids = more.pop("ids", {})
    user: User = {
        "primary_id": more.pop("primary_id", f"id{next(NUMBERS)}"),
        "first_name": first,
        "last_name": last,
        **more,
    }
    user |= {"birth_date": born} if born else {}
    user |= {"contact_info": {"email": [{"email_address": email}]}} if email else {}
    parts = [{"id_type": {"value": id_type}, "value": value} for id_type, value in ids.items()]
    return user | ({"user_identifier": parts} if parts else {})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("O'Neill", ("oneill",)),
        ("O\u2019Neill-Özil", ("oneill", "ozil")),
        ("Øystein ŁUKASZ", ("oystein", "lukasz")),
        ("Straße", ("strasse",)),
        ("e\u0301lodie", ("elodie",)),
        ("  Maria   José ", ("maria", "jose")),
        ("李 小龍", ("李", "小龍")),
        ("", ()),
    ],
)
def test_names_are_folded_to_words(name: str, words: tuple[str, ...]) -> None:
    assert fold(name) == words


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("José María", "maria jose", 1, 1),
        ("Jean-Luc", "Jean Luc", 1, 1),
        ("MacDonald", "Mac Donald", 1, 1),
        ("Anna Maria", "Anna", 0.98, 0.98),
        ("van der Berg", "Berg", 0.98, 0.98),
        ("John M", "J", 0.94, 0.94),
        ("Gonzalez", "Gonzales", 0.95, 0.99),
        ("Jon", "John", 0.9, 0.97),
        ("William", "Bill", 0, 0.8),
        ("Anna", "Peter", 0, 0.7),
        ("Anna", "", 0.8, 0.8),
        ("", "", 1, 1),
    ],
)
def test_how_alike_two_names_are(one: str, other: str, least: float, most: float) -> None:
    assert least <= words_alike(fold(one), fold(other)) <= most
    assert words_alike(fold(one), fold(other)) == words_alike(fold(other), fold(one))


def test_given_and_family_name_may_be_exchanged() -> None:
    assert names_alike((fold("Li"), fold("Wei")), (fold("Wei"), fold("Li")))[0] == 0.98


ANA = ("Ana", "García", "2004-05-06", "ana@example.edu")


@pytest.mark.parametrize(
    ("incoming", "existing", "confidence", "reasons"),
    [
        # --- an identifier
        (person(ids={"CARD": "X1"}), person(ids={"CARD": "x1"}), 0.96, ["same identifier CARD"]),
        (
            person("Ana", "García", ids={"CARD": "1"}),
            person("Ana", "Garcia", ids={"CARD": "1"}),
            1.0,
            ["same identifier CARD", "same name"],
        ),
        (
            person("Bo", "Xu", ids={"CARD": "1"}),
            person("Ana", "Garcia", ids={"CARD": "1"}),
            0.84,
            ["same identifier CARD", "name alike by 0.00", "other name"],
        ),
        # --- an email
        (person(email="A@x.edu"), person(email="a@X.edu"), 0.90, ["same email"]),
        (
            person("Ana", "Garcia", email="a@x"),
            person("Ana", "Garcia", email="a@x"),
            0.99,
            ["same email", "same name"],
        ),
        (person("Ana", "Lopez", email="a@x"), person("Ana", "Garcia", email="a@x"), 0.90, None),
        (person("Eva", "Garcia", email="a@x"), person("Ana", "Garcia", email="a@x"), 0.86, None),
        (person("Bo", "Xu", email="a@x"), person("Ana", "Garcia", email="a@x"), 0.78, None),
        # --- name and birth date
        (
            person("Ana", "García", "2004-05-06"),
            person("ANA", "GARCIA", "2004-05-06Z"),
            0.97,
            ["same birth date", "same name"],
        ),
        (person("Ana", "García", "2004-05-06"), person("Ana Maria", "Garcia", "2004-05-06"), 0.96, None),
        (person("Ana", "Garcia", "2004-05-06"), person("Ana", "Garzia", "2004-05-06"), 0.93, None),
        (person("Ana", "Garcia", "2004-05-06"), person("Eva", "Garcia", "2004-05-06"), 0.67, None),
        (person("Ana", "Garcia", "2004-05-06"), person("Ana", "Lopez", "2004-05-06"), 0.70, None),
        (person("Ana", "Garcia", "2004-05-06"), person("Ana", "Garcia", "2003-05-06"), 0.81, None),
        (person(last="Garcia", born="2004-05-06"), person("Ana", "Garcia", "2004-05-06"), 0.84, None),
        (person("Wei", "Li", "2004-05-06"), person("Li", "Wei", "2004-05-06"), 0.94, None),
        # --- several
        (person(*ANA), person(*ANA), 1.0, ["same email", "same birth date", "same name"]),
        (person("Eva", *ANA[1:]), person(*ANA), 0.92, None),
        (person("Ana", "Lopez", *ANA[2:]), person(*ANA), 0.97, None),
        (person("Ana", "Garcia", "1970-01-01", ANA[3]), person(*ANA), 0.89, None),
        # --- a preferred name, and nothing
        (
            person("Ana", "Garcia", "2004-05-06"),
            person("Alexander", "Garcia", "2004-05-06", pref_first_name="Ana"),
            0.97,
            None,
        ),
        (person("Ana", "Garcia"), person("Bo", "Xu"), 0.0, None),
    ],
)
def test_the_table_of_confidence(
    incoming: User, existing: User, confidence: float, reasons: list[str] | None
) -> None:
    found, why = score(Person.of(incoming), Person.of(existing))
    assert found == pytest.approx(confidence, abs=0.011)
    assert score(Person.of(existing), Person.of(incoming))[0] == found
    if reasons is not None:
        assert [one.split(" by ")[0] for one in why] == [one.split(" by ")[0] for one in reasons]


words = st.text("abcdé øß-' ", max_size=12)
people = st.builds(
    person, words, words, st.sampled_from(["", "2004-05-06", "2003-01-01"]), st.sampled_from(["", "a@b"])
)


@given(people, people)
def test_confidence_is_a_share_the_same_both_ways_and_reasons_hold_no_value(one: User, other: User) -> None:
    there, why = score(Person.of(one), Person.of(other))
    back, _ = score(Person.of(other), Person.of(one))
    assert there == back
    assert 0 <= there <= 1
    assert "2004" not in " ".join(why)


@given(people)
def test_nobody_is_surer_than_oneself(one: User) -> None:
    confidence, _ = score(Person.of(one), Person.of(one))
    assert confidence >= 0.96


def test_keys_are_of_emails_and_of_words_with_the_birth_date() -> None:
    ana = person("Ana", "García López", "2004-05-06Z", "Ana@example.edu")
    same = Person.of(person("ANA", "Lopez-Garcia", "2004-05-06", " ana@EXAMPLE.edu "))
    assert keys_of(ana) == {*email_keys(same), *name_keys(same)}
    assert len(keys_of(ana)) == 4
    assert not keys_of(ana) & keys_of(person("Ana", "García", "2004-05-07", "other@example.edu"))
    assert keys_of(person("Ana", "García")) == set()

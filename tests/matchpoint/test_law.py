"""Alma's law for one user: what a synchronize replaces, removes and keeps. One test per rule of "Swap All"."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchpoint.alma import law
from matchpoint.alma.fields import CORE_FIELDS, SEGMENTS, SPECIAL_LISTS, Kind, OnSynchronize
from matchpoint.alma.law import changes, new_user

User = dict[str, Any]


def names(rule: OnSynchronize) -> list[str]:
    return [field.name for field in CORE_FIELDS if field.on_synchronize is rule]


KIND = {field.name: field.kind for field in CORE_FIELDS}
REPLACED = [name for name in names(OnSynchronize.REPLACED) if name != "status"]
SPECIAL = [*names(OnSynchronize.SPECIAL), *SPECIAL_LISTS]
NOT_FROM_SIS = [
    *(name for name in names(OnSynchronize.PROFILE) if name != "external_id"),
    *names(OnSynchronize.KEPT),
    *names(OnSynchronize.OUTPUT),
    "user_role",
    "proxy_for_user",
]


def ruled(some: list[str]) -> list[Any]:
    """Give fields as parameters, each marked with its row of the law."""
    return [pytest.param(name, marks=pytest.mark.law(f"field-{name}")) for name in some]


RULED_SEGMENTS = [pytest.param(one, marks=pytest.mark.law(f"segment-{one.name}"), id=one.name) for one in SEGMENTS]


def value(name: str, text: str) -> Any:
    if name in SPECIAL_LISTS:
        return [{"code": {"value": text}}]
    return {"value": text} if KIND.get(name) is Kind.CODE else text


def synchronize(existing: User, arriving: User, **how: Any) -> User:
    return law.synchronize(existing, arriving, profile_code="people", **how)


def external(**more: Any) -> User:
    return {
        "primary_id": "s1",
        "account_type": {"value": "EXTERNAL"},
        "external_id": "people",
        "record_type": {"value": "PUBLIC"},
        "status": {"value": "ACTIVE"},
        **more,
    }


def incoming(**more: Any) -> User:
    return {"primary_id": "s1", **more}


def identifier(text: str, owner: str | None = None, id_type: str = "BARCODE") -> User:
    part = {"id_type": {"value": id_type}, "value": text}
    return {**part, "segment_type": owner} if owner else part


def test_the_rules_are_those_of_alma() -> None:
    assert {"first_name", "last_name", "birth_date", "gender", "job_description", "web_site_url"} <= set(REPLACED)
    assert {"expiry_date", "purge_date"} <= set(REPLACED)
    assert set(SPECIAL) == {
        "user_group", "job_category", "pin_number", "preferred_language", "campus_code", "rs_library", "user_title",
        "library_notice", "pref_first_name", "pref_middle_name", "pref_last_name",
    }  # fmt: skip
    assert {"account_type", "record_type", "cataloger_level", "password", "full_name", "loans"} <= set(NOT_FROM_SIS)
    assert names(OnSynchronize.IDENTITY) == ["primary_id"]


@pytest.mark.parametrize("name", ruled([*REPLACED, "primary_id"]))
def test_an_ordinary_core_field_is_replaced(name: str) -> None:
    after = synchronize(external(**{name: value(name, "old")}), incoming(**{name: value(name, "new")}))
    assert after[name] == value(name, "new")


@pytest.mark.parametrize("name", ruled(REPLACED))
def test_an_ordinary_core_field_that_is_absent_is_removed(name: str) -> None:
    assert name not in synchronize(external(**{name: value(name, "old")}), incoming())


@pytest.mark.parametrize("name", ruled(SPECIAL))
def test_a_special_field_is_replaced_when_nobody_edited_it(name: str) -> None:
    after = synchronize(external(**{name: value(name, "old")}), incoming(**{name: value(name, "new")}))
    assert after[name] == value(name, "new")


@pytest.mark.law("protected")
@pytest.mark.parametrize("empty", ["keep", "clear"])
@pytest.mark.parametrize("name", ruled(SPECIAL))
def test_a_special_field_that_is_protected_keeps_the_edit_whatever_comes(name: str, empty: Any) -> None:
    for arriving in (incoming(**{name: value(name, "new")}), incoming()):
        before = external(**{name: value(name, "edited")})
        assert synchronize(before, arriving, protected=[name], empty_special=empty)[name] == value(name, "edited")


@pytest.mark.parametrize("name", ruled(SPECIAL))
def test_a_special_field_that_was_emptied_by_hand_and_is_protected_stays_empty(name: str) -> None:
    assert name not in synchronize(external(), incoming(**{name: value(name, "new")}), protected=[name])


@pytest.mark.law("empty-special")
@pytest.mark.parametrize("name", ruled(SPECIAL))
def test_an_empty_special_field_is_kept_or_cleared_as_the_profile_says(name: str) -> None:
    before = external(**{name: value(name, "old")})
    assert synchronize(before, incoming())[name] == value(name, "old")
    assert synchronize(before, incoming(), empty_special="keep")[name] == value(name, "old")
    assert name not in synchronize(before, incoming(), empty_special="clear")


@pytest.mark.parametrize("name", ["last_name", "expiry_date", "status"])
def test_protection_is_for_special_fields_only(name: str) -> None:
    before = external(**{name: value(name, "edited")})
    assert synchronize(before, incoming(**{name: value(name, "new")}), protected=[name])[name] == value(name, "new")


@pytest.mark.parametrize("name", ruled(NOT_FROM_SIS))
def test_what_is_not_part_of_a_sis_load_is_kept_and_never_taken(name: str) -> None:
    kept = synchronize(external(**{name: value(name, "old")}), incoming(**{name: value(name, "new")}))
    assert kept[name] == value(name, "old")
    assert synchronize(external(**{name: value(name, "old")}), incoming())[name] == value(name, "old")


@pytest.mark.law("status-default")
@pytest.mark.law("field-status")
def test_an_absent_status_becomes_active_and_a_given_one_is_taken() -> None:
    before = external(status={"value": "INACTIVE"})
    assert synchronize(before, incoming())["status"] == {"value": "ACTIVE"}
    assert synchronize(external(), incoming(status={"value": "INACTIVE"}))["status"] == {"value": "INACTIVE"}


@pytest.mark.law("new-user")
def test_a_new_user_is_external_active_and_of_the_profile() -> None:
    given_by_file = {"account_type": {"value": "INTERNAL"}, "external_id": "x", "record_type": {"value": "STAFF"}}
    user = new_user(
        incoming(last_name="L", user_identifier=[identifier("c", "Internal")], **given_by_file),
        profile_code="people",
        record_type="PUBLIC",
    )
    assert user == external(last_name="L", user_identifier=[identifier("c", "External")])


def test_a_new_user_keeps_a_status_from_the_file() -> None:
    user = new_user(incoming(status={"value": "INACTIVE"}), profile_code="people", record_type="PUBLIC")
    assert user["status"] == {"value": "INACTIVE"}


def parts_of(user: User, segment: Any) -> list[User]:
    home: Any = user
    for step in segment.path:
        home = home.get(step, {})
    return list(home)


def with_parts(user: User, segment: Any, parts: list[User]) -> User:
    user, home = deepcopy(user), None
    home = user
    for step in segment.path[:-1]:
        home = home.setdefault(step, {})
    home[segment.path[-1]] = parts
    return user


def part(segment: Any, text: str, owner: str | None = None) -> User:
    if segment.name == "user_identifier":
        return identifier(text, owner)
    one = {segment.fields[0].name: value("user_group" if segment.fields[0].kind is Kind.CODE else "", text)}
    return {**one, "segment_type": owner} if owner else one


def test_a_user_keeps_the_primary_id_when_the_row_has_none() -> None:
    assert synchronize(external(), {"last_name": "New"})["primary_id"] == "s1"


@pytest.mark.law("field-external_id")
def test_the_external_id_is_the_profile_whatever_the_file_says() -> None:
    after = synchronize(external(external_id="another"), incoming(external_id="from the file"))
    assert after["external_id"] == "people"


@pytest.mark.parametrize("segment", RULED_SEGMENTS)
def test_external_segments_are_swapped_and_internal_ones_are_kept(segment: Any) -> None:
    kept = part(segment, "library", "Internal")
    before = with_parts(external(), segment, [part(segment, "old", "External"), kept])
    after = synchronize(before, with_parts(incoming(), segment, [part(segment, "new"), part(segment, "newer")]))
    assert parts_of(after, segment) == [kept, part(segment, "new", "External"), part(segment, "newer", "External")]


@pytest.mark.parametrize("segment", RULED_SEGMENTS)
def test_without_segments_in_the_file_all_external_ones_go(segment: Any) -> None:
    kept = part(segment, "library", "Internal")
    assert (
        parts_of(synchronize(with_parts(external(), segment, [part(segment, "o", "External")]), incoming()), segment)
        == []
    )
    assert parts_of(synchronize(with_parts(external(), segment, [kept]), incoming()), segment) == [kept]


@pytest.mark.law("segment-type")
@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda segment: segment.name)
def test_the_segment_type_in_a_file_is_ignored(segment: Any) -> None:
    after = synchronize(external(), with_parts(incoming(), segment, [part(segment, "new", "Internal")]))
    assert parts_of(after, segment) == [part(segment, "new", "External")]


@pytest.mark.law("preferred")
@pytest.mark.parametrize("segment", [one for one in SEGMENTS if one.flags], ids=lambda segment: segment.name)
def test_what_the_library_prefers_stays_preferred(segment: Any) -> None:
    for flag in segment.flags:
        arriving = with_parts(incoming(), segment, [{**part(segment, "new"), flag: True}])
        library = {**part(segment, "library", "Internal"), flag: True}
        after = parts_of(synchronize(with_parts(external(), segment, [library]), arriving), segment)
        assert after == [library, part(segment, "new", "External")]
        plain = with_parts(external(), segment, [part(segment, "library", "Internal")])
        assert parts_of(synchronize(plain, arriving), segment)[1][flag] is True


def test_an_identifier_that_the_library_gave_already_is_not_doubled() -> None:
    before = external(user_identifier=[identifier("Card1", "Internal", "OTHER")])
    after = synchronize(before, incoming(user_identifier=[identifier("cARD1"), identifier("c2")]))
    assert after["user_identifier"] == [identifier("Card1", "Internal", "OTHER"), identifier("c2", "External")]


def test_neither_user_is_changed_by_it() -> None:
    before = external(last_name="A", user_identifier=[identifier("x", "External")], contact_info={"email": []})
    arriving = incoming(
        last_name="B", user_identifier=[identifier("y")], contact_info={"email": [{"email_address": "a"}]}
    )
    copies = deepcopy((before, arriving))
    synchronize(before, arriving)
    assert (before, arriving) == copies


def test_changes_are_exactly_what_differs() -> None:
    kept, old = identifier("i", "Internal"), identifier("o", "External")
    before = external(last_name="A", first_name="same", gender={"value": "F"}, user_identifier=[kept, old])
    before["contact_info"] = {"email": [{"email_address": "e"}], "phone": [{"phone_number": "1"}]}
    after = external(last_name="B", first_name="same", middle_name="M", user_identifier=[kept])
    after["contact_info"] = {"email": [{"email_address": "e"}], "address": [{"line1": "x"}]}
    assert changes(before, after) == {
        "last_name": ["A", "B"],
        "gender": [{"value": "F"}, None],
        "middle_name": [None, "M"],
        "user_identifier": [[kept, old], [kept]],
        "phone": [[{"phone_number": "1"}], []],
        "address": [[], [{"line1": "x"}]],
    }
    assert changes(before, before) == {}
    assert changes(external(), external(contact_info={"email": []}, user_note=[])) == {}


words = st.text(st.sampled_from("abcABCéß"), min_size=1, max_size=3)
core = {field.name: words.map(lambda text, name=field.name: value(name, text)) for field in CORE_FIELDS[2:]}
core |= {name: words.map(lambda text, name=name: value(name, text)) for name in [*SPECIAL_LISTS, "user_role"]}


@st.composite
def users(draw: st.DrawFn, owners: tuple[str | None, ...]) -> User:
    user = draw(st.fixed_dictionaries({"primary_id": words}, optional=core))
    for segment in SEGMENTS:
        if draw(st.booleans()):
            drawn = draw(
                st.lists(
                    st.tuples(
                        words, st.sampled_from(owners), st.sets(st.sampled_from(["preferred", "preferred_sms"]))
                    ),
                    max_size=3,
                )
            )
            flagged = [
                {**part(segment, t, o), **{f: True for f in flags if f in segment.flags}} for t, o, flags in drawn
            ]
            user = with_parts(user, segment, flagged)
    return user


existing_users = users(("External", "Internal", None))
incoming_users = users((None, "Internal", "External"))
settings = {"protected": st.sets(st.sampled_from(SPECIAL)), "empty_special": st.sampled_from(["keep", "clear"])}


@given(existing_users, incoming_users, st.fixed_dictionaries(settings))
def test_the_same_file_again_changes_nothing(existing: User, arriving: User, how: Any) -> None:
    once = synchronize(existing, arriving, **how)
    assert synchronize(once, arriving, **how) == once
    assert changes(once, synchronize(once, arriving, **how)) == {}


@given(existing_users, incoming_users, st.fixed_dictionaries(settings))
def test_an_internal_segment_is_never_lost_changed_or_made(existing: User, arriving: User, how: Any) -> None:
    after = synchronize(existing, arriving, **how)
    for segment in SEGMENTS:
        before = [one for one in parts_of(existing, segment) if one.get("segment_type") == "Internal"]
        assert [one for one in parts_of(after, segment) if one.get("segment_type") == "Internal"] == before


@given(existing_users, existing_users)
def test_changes_lead_from_one_state_to_the_other(before: User, after: User) -> None:
    result = deepcopy(before)
    paths = {segment.name: segment for segment in SEGMENTS}
    for name, (old, new) in changes(before, after).items():
        if name in paths:
            assert parts_of(before, paths[name]) == old
            result = with_parts(result, paths[name], new)
        else:
            assert before.get(name) == old
            result[name] = new
    assert changes({name: one for name, one in result.items() if one is not None}, after) == {}

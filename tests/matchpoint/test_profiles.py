"""Integration profiles: every mistake is told with file, key, what was found and what is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchpoint.errors import ProfileError
from matchpoint.profile import load_profile, load_profiles

GOOD = """
code: people
name: People
sis_type: Banner
connection: sis
format: {type: csv}
mapping:
  primary_id: ID
  user_group: {from: GROUP, convert: [{crosswalk: groups}]}
  identifiers:
    - {id_type: BARCODE, value: CARD}
crosswalks:
  groups: {UG: UNDERGRAD, GR: GRADUATE}
actions:
  import: {path: incoming}
  synchronize: {path: incoming, schedule: 0 5 * * *, match_points: [primary_id, BARCODE]}
"""


def written(*changes: tuple[str, str]) -> str:
    """Give the text of the good profile with changes, each of which must apply."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def saved(folder: Path, *changes: tuple[str, str]) -> Path:
    path = folder / "people.yaml"
    path.write_text(written(*changes), encoding="utf-8")
    return path


def test_the_good_profile_is_good(tmp_path: Path) -> None:
    profile = load_profile(saved(tmp_path))
    assert profile.code == "people"
    assert profile.columns == ["ID", "GROUP", "CARD"]
    assert profile.action("import")
    assert profile.action("synchronize")


MISTAKES = {
    "notices to nobody": ("name: P", "notices: {}\nname: P", ["notices: found neither email nor webhook"]),
    "no address": (
        "name: P",
        "notices: {email: {to: [library]}}\nname: P",
        ["notices.email.to[0]: ", "not a valid email address"],
    ),
    "no time of day": (
        "name: P",
        "notices: {webhook: {connection: x}, expected_by: '7:30'}\nname: P",
        ["notices.expected_by: found '7:30'"],
    ),
    "expected, told to nobody": (
        "name: P",
        "notices: {webhook: {connection: x, when: [hold]}, expected_by: '07:30'}\nname: P",
        ["expected_by: found no email or webhook with when: [nothing_arrived]"],
    ),
    "reports go first": (
        "name: P",
        "retention: {extracts_days: 90, run_days: 30}\nname: P",
        ["retention: run_days: found 30; expected extracts_days (90)"],
    ),
    "kept for no time": ("name: P", "retention: {extracts_days: 0}\nname: P", ["retention.extracts_days: found '0'"]),
    "no confidential value": (
        "name: P",
        "confidential: {column: C, values: []}\nname: P",
        ["confidential.values: found []"],
    ),
    "unknown key": ("name: People", "nmae: People", ["nmae: found a key that is not known", "name: found nothing"]),
    "missing key": ("sis_type: Banner\n", "", ["sis_type: found nothing; this key is needed"]),
    "wrong type": ("name: People", "name: [People]", ["name: found ['People']", "should be a valid string"]),
    "empty key": ("name: People", "name:", ["name: found None", "should be a valid string"]),
    "code that is no name": ("code: people", "code: 9people", ["code: found '9people'", "A-Za-z"]),
    "code other than the file": ("code: people", "code: others", ["found code 'others'", "expected 'people'"]),
    "record type": (
        "name: P",
        "record_type: STUDENT\nname: P",
        ["record_type: found 'STUDENT'", "'PUBLIC', 'STAFF'"],
    ),
    "timezone": ("name: P", "timezone: Europe/Oxford\nname: P", ["timezone: 'Europe/Oxford'", "like Europe/London"]),
    "cron": ("0 5 * * *", "five o'clock", ['actions.synchronize.schedule: "five o\'clock"', "like '0 5 * * *'"]),
    "format": (
        "type: csv",
        "type: xlsx",
        ["format: found {'type': 'xlsx'}", "accepted are 'csv', 'fixed_width', 'json', 'excel', 'alma_xml'"],
    ),
    "encoding": ("type: csv", "type: csv, encoding: utf-9", ["format.encoding: ", "'utf-9'", "accepted are utf-8"]),
    "delimiter": ("type: csv", "type: csv, delimiter: '||'", ["format.delimiter: found '||'", "at most 1 character"]),
    "mapping with alma_xml": ("type: csv", "type: alma_xml", ["mapping: found one", "alma_xml takes none"]),
    "nobody's name": ("  primary_id: ID\n", "", ["mapping: found neither primary_id nor a name"]),
    "a match point that is not mapped": (
        "  primary_id: ID\n",
        "  last_name: LAST\n",
        ["actions.synchronize.match_points: found 'primary_id'", "the mapping fills: BARCODE"],
    ),
    "precedence of nothing": ("name: P", "precedence: {}\nname: P", ["precedence: found neither files nor a column"]),
    "precedence without order": (
        "name: P",
        "precedence: {column: ROLE}\nname: P",
        ["precedence: column and order: found one without the other"],
    ),
    "sharing without a table": (
        "match_points: [",
        "foreign: share, match_points: [",
        ["actions.synchronize.foreign: found share", "needs affiliation.order with people in it"],
    ),
    "a table that names one twice": (
        "name: P",
        "affiliation: {order: [staff, people, staff]}\nname: P",
        ["affiliation.order: found staff twice", "each once"],
    ),
    "a table of what is no profile": (
        "name: P",
        "affiliation: {order: [9staff]}\nname: P",
        ["affiliation.order[0]: found '9staff'"],
    ),
    "template that is cut off": ("primary_id: ID", "primary_id: {template: 'e{ID'}", ["mapping.primary_id.from[0]"]),
    "template without a column": ("primary_id: ID", "primary_id: {template: 'e{}'}", ["at least one {COLUMN}"]),
    "template with a format": ("primary_id: ID", "primary_id: {template: '{ID!r}'}", ["nothing else in braces"]),
    "phone of no region": (
        "primary_id: ID",
        "primary_id: {from: ID, convert: [{phone: USA}]}",
        ["convert[0].phone.region: found 'USA'", "accepted is a two-letter region"],
    ),
    "date format without a day": (
        "primary_id: ID",
        "primary_id: {from: ID, convert: [{date: '%Y'}]}",
        ["convert[0].date.formats[0]: found '%Y'", "with day, month and year"],
    ),
    "no date format": (
        "primary_id: ID",
        "primary_id: {from: ID, convert: [{date: []}]}",
        ["convert[0].date: formats and order: found both or neither", "accepted is one of them"],
    ),
    "address of constants": (
        "primary_id: ID",
        "primary_id: ID\n  addresses: [{types: [home], city: {constant: Oldmere}}]",
        ["mapping.addresses[0]: found no column"],
    ),
    "unknown Alma field": (
        "primary_id: ID",
        "primary_id: ID\n  frist: X",
        ["mapping.frist: found a key that is not"],
    ),
    "unknown crosswalk": (
        "crosswalk: groups",
        "crosswalk: levels",
        ["mapping.user_group: found crosswalk 'levels'", "accepted are the crosswalks of this profile: groups"],
    ),
    "unknown converter": (
        "[{crosswalk: groups}]",
        "[uper]",
        ["mapping.user_group.convert[0]: found 'uper'", "'trim', 'squeeze', 'nfc'"],
    ),
    "unknown converter with options": (
        "{crosswalk: groups}",
        "{crosswlk: groups}",
        ["mapping.user_group.convert[0]: found {'crosswlk': 'groups'}", "'date', 'phone', 'postal_code'"],
    ),
    "converters that are no list": (
        "[{crosswalk: groups}]",
        "trim",
        ["mapping.user_group.convert: found 'trim'", "should be a valid list"],
    ),
    "misspelt source": (
        "primary_id: ID",
        "primary_id: {colum: ID}",
        ["mapping.primary_id.from: found nothing", "mapping.primary_id.colum: found a key that is not known"],
    ),
    "no source": ("primary_id: ID", "primary_id: {from: []}", ["mapping.primary_id.from: found []", "at least 1"]),
    "bad": ("from: GROUP", "from: GROUP, bad: skip", ["mapping.user_group.bad: found 'skip'", "'reject' or 'drop'"]),
    "required": ("from: GROUP", "from: GROUP, required: maybe", ["mapping.user_group.required: found 'maybe'"]),
    "segment without its type": (
        "id_type: BARCODE, ",
        "",
        ["mapping.identifiers[0].id_type: found nothing; this key is needed"],
    ),
    "flag that a segment has not": (
        "value: CARD",
        "value: CARD, preferred: true",
        ["mapping.identifiers[0].preferred: found a key that is not known"],
    ),
    "address without types": (
        "  identifiers:",
        "  addresses: [{types: [], line1: STREET}]\n  identifiers:",
        ["mapping.addresses[0].types: found []", "at least 1 item"],
    ),
    "match point not mapped": (
        "[primary_id, BARCODE]",
        "[INST_ID]",
        ["actions.synchronize.match_points: found 'INST_ID'", "the mapping fills: BARCODE, primary_id"],
    ),
    "no match point": (
        ", match_points: [primary_id, BARCODE]",
        "",
        ["actions.synchronize.match_points: found nothing"],
    ),
    "import with match points": (
        "import: {path: incoming",
        "import: {path: incoming, match_points: [primary_id]",
        ["actions.import.match_points: found a key that is not known"],
    ),
    "unmatched": (
        "schedule:",
        "unmatched: ignore, schedule:",
        ["actions.synchronize.unmatched: found 'ignore'", "'create' or 'skip'"],
    ),
    "settle_seconds": (
        "schedule:",
        "settle_seconds: 9999, schedule:",
        ["actions.synchronize.settle_seconds: found '9999'", "less than or equal to 600"],
    ),
    "crosswalk that is a list": (
        "{UG: UNDERGRAD, GR: GRADUATE}",
        "[UG, GR]",
        ["crosswalks.groups: found ['UG', 'GR']", "should be a valid dictionary"],
    ),
    "key given twice": ("name: People", "name: People\nname: Persons", ["found the key 'name' twice", "line 4"]),
    "broken YAML": ("name: People", "name: {People", ["found text that is not YAML", "line 3"]),
    "tag of Python": (
        "name: P",
        "name: !!python/object:os.abort P",
        ["found text that is not YAML", "python/object"],
    ),
    "key that is a list": ("name: People", "? [a, b]\n: c\nname: People", ["not YAML", "unhashable key", "line 3"]),
    "tab for a space": ("  primary_id", "\tprimary_id", ["found text that is not YAML", "'\\t'"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_key_found_and_accepted(mistake: str, tmp_path: Path) -> None:
    old, new, fragments = MISTAKES[mistake]
    path = saved(tmp_path, (old, new))
    with pytest.raises(ProfileError) as told:
        load_profile(path)
    for fragment in [str(path), *fragments]:
        assert fragment in str(told.value)
    assert "pydantic" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found NoneType; expected keys and values"),
        (b"- a\n- b\n", "found list; expected keys and values"),
        (b"just text", "found str; expected keys and values"),
        (b"name: \xff\xfe", "found text that is not YAML"),
        (b"name: \x00", "found text that is not YAML"),
        (b"name: *nobody", "undefined alias"),
        (b"mapping: &m {primary_id: *m}", "cannot be used"),
    ],
)
def test_a_file_that_is_no_profile_is_told(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_bytes(content)
    with pytest.raises(ProfileError) as told:
        load_profile(path)
    assert str(path) in str(told.value)
    assert found in str(told.value)


def test_a_profile_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"nobody\.yaml: found no such file"):
        load_profile(tmp_path / "nobody.yaml")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = saved(tmp_path, ("sis_type: Banner\n", ""), ("0 5 * * *", "soon"), ("primary_id: ID", "primry_id: ID"))
    with pytest.raises(ProfileError) as told:
        load_profile(path)
    lines = [line.strip().split(":")[0] for line in str(told.value).splitlines()[1:]]
    assert lines == ["sis_type", "mapping.primry_id", "actions.synchronize.schedule"]


def test_one_broken_profile_hides_no_other(tmp_path: Path) -> None:
    for code in ("aaa", "mmm", "zzz"):
        (tmp_path / f"{code}.yaml").write_text(written(("code: people", f"code: {code}")))
    (tmp_path / "broken_key.yaml").write_text(written(("code: people", "cod: broken_key")))
    (tmp_path / "broken_yaml.yaml").write_text("code: {")
    (tmp_path / "broken_keys.yaml").write_text("? [a, b]\n: c\n")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "notes.txt").write_text("not a profile")
    profiles = load_profiles(tmp_path)
    assert [profile.code for profile in profiles.good] == ["aaa", "mmm", "zzz"]
    told = [Path(str(error).split(":")[0]).name for error in profiles.errors]
    assert told == ["broken_key.yaml", "broken_keys.yaml", "broken_yaml.yaml", "folder.yaml"]


def test_profiles_of_a_store_that_share_people_have_one_table(tmp_path: Path) -> None:
    def save(code: str, order: str, more: str = "") -> None:
        changes = (
            ("code: people", f"code: {code}"),
            ("name: P", f"{more}affiliation: {{order: [{order}]}}\nname: P"),
        )
        (tmp_path / f"{code}.yaml").write_text(written(*changes))

    save("staff", "staff, students")
    save("students", "staff, students")
    save("visitors", "visitors, staff")
    save("elsewhere", "students, staff", "store: another\n")
    save("guests", "guests, partners")
    profiles = load_profiles(tmp_path)
    assert [profile.code for profile in profiles.good] == ["elsewhere", "guests", "staff", "students"]
    [error] = profiles.errors
    assert "visitors.yaml: affiliation.order: found visitors, staff; expected staff, students" in str(error)


def test_an_action_that_is_absent_or_not_active_is_none(tmp_path: Path) -> None:
    saved(tmp_path, ("  import: {path: incoming}\n", ""), ("schedule:", "active: false, schedule:"))
    profiles = load_profiles(tmp_path)
    assert [profile.code for profile in profiles.good] == ["people"]
    assert profiles.with_active("import") == []
    assert profiles.with_active("synchronize") == []


@pytest.mark.parametrize(
    "text", ["007", "NO", "2026-09-01", "on", "off", "yes", "1e3", "0x1F", "12:30", "1_000", "~x"]
)
def test_what_yaml_would_guess_at_stays_text(text: str, tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        ("name: People", f"name: {text}"),
        ("primary_id: ID", f"primary_id: {{constant: {text}}}"),
        ("{UG: UNDERGRAD", f"{{{text}: {text}"),
    )
    profile = load_profile(path)
    assert profile.name == text
    assert profile.crosswalks["groups"] == {text: text, "GR": "GRADUATE"}
    assert profile.model_dump()["mapping"]["primary_id"]["sources"] == [{"constant": text}]


@given(st.text(alphabet="ab:-[]{}?*&!|>'\"#%,@\n\t 01<~\u00e9", max_size=40))
def test_no_text_makes_anything_but_a_profile_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError):
        load_profile(path)


def test_what_a_fault_does_is_said_by_its_code(tmp_path: Path) -> None:
    from matchpoint.profile import load_profile

    path = saved(tmp_path, ("name: P", "checks: {mandatory: drop, code_unknown: reject}\nname: P"))
    assert load_profile(path).checks == {"mandatory": "drop", "code_unknown": "reject"}
    for wrong, told in (("taken: drop", "checks.taken"), ("mandatory: ignore", "checks.mandatory: found 'ignore'")):
        path = saved(tmp_path, ("name: P", f"checks: {{{wrong}}}\nname: P"))
        with pytest.raises(ProfileError, match=told):
            load_profile(path)

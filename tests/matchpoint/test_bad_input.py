"""Bad input: a file that cannot be read stops the run before anything is written; a bad row stops only itself."""

from __future__ import annotations

import io
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    COLUMNS,
    PEOPLE,
    XML_PEOPLE,
    House,
    csv_text,
    make_profile,
    open_house,
    person,
    total,
    xml_text,
    xml_user,
    zip_of,
)

from matchpoint.errors import ExtractError

LATIN = {"type": "csv", "encoding": "latin-1"}
SECRETS = ("Zwillingsdorf", "Quastelmann", "Verwunschen")
"""Values of people in the files below; nobody but the one who mends the row may read them."""
GOOD = csv_text([person(1, LAST="Zwillingsdorf"), person(2, LAST="Quastelmann")])
UMLAUT = csv_text([person(1, LAST="Zwillingsdorf"), person(2, LAST="Quästelmann")])
HEADER = ",".join(COLUMNS)
XML = xml_text(xml_user(1, last_name="Zwillingsdorf"), xml_user(2, last_name="Quastelmann"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


def packed(name: str, content: str = GOOD, **info: Any) -> bytes:
    """Pack a zip whose member has a name that Python's own functions would clean."""
    member = zipfile.ZipInfo("x")
    member.filename = name
    for key, value in info.items():
        setattr(member, key, value)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return out.getvalue()


def with_password() -> bytes:
    """Mark the member as encrypted, in both of its headers."""
    content = bytearray(zip_of({"people.csv": GOOD}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def damaged_inside() -> bytes:
    """Damage the content of a member; the zip's directory stays whole."""
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("people.csv", GOOD)
    return stored.getvalue().replace(b"Quastelmann", b"Quastelmonn")


ZIPS: dict[str, tuple[bytes, list[str]]] = {
    "a zip that is cut off": (zip_of({"people.csv": GOOD * 50})[:-40], ["cut-off zip", "a whole zip"]),
    "a zip that is damaged inside": (damaged_inside(), ["damaged", "a whole zip"]),
    "a zip without files": (zip_of({}), ["a zip without files"]),
    "a zip of folders only": (zip_of({"sub/": ""}), ["a zip without files"]),
    "a name that climbs out": (packed("../people.csv"), ["'../people.csv'", "stay in the folder"]),
    "a name that climbs out inside": (packed("a/../../people.csv"), ["names that stay"]),
    "a name that climbs out by backslash": (packed("..\\people.csv"), ["names that stay"]),
    "an absolute name": (packed("/etc/people.csv"), ["'/etc/people.csv'", "names that stay"]),
    "a name with a drive": (packed("C:\\people.csv"), ["names that stay"]),
    "a name that is empty": (packed(""), ["names that stay"]),
    "a zip bomb": (zip_of({"people.csv": HEADER + "\n" + "0" * 3_000_000}), ["times", "at most 200 times"]),
    "a zip with a password": (with_password(), ["with a password", "a zip without"]),
    "51 files": (zip_of({f"{n}.csv": GOOD for n in range(51)}), ["51 files", "at most 50"]),
    "an empty file in a zip": (zip_of({"people.csv": b""}), ["people.zip > people.csv", "0 bytes"]),
}

TEXTS: dict[str, tuple[str | bytes, list[str]]] = {
    "an empty file": (b"", ["an empty file (0 bytes)"]),
    "a header only": (HEADER + "\r\n", ["a header and no rows", "at least one row"]),
    "a header and blank lines": (HEADER + "\r\n\r\n\r\n", ["a header and no rows"]),
    "a missing column": (
        csv_text([person(1)], columns=COLUMNS).replace(",NOTE\r\n", "\r\n"),
        ["row 1", "no column 'NOTE'", "every column that the mapping reads"],
    ),
    "a renamed column": (GOOD.replace("EMAIL", "E_MAIL"), ["no column 'EMAIL'", "'EMAIL' may now be 'E_MAIL'"]),
    "columns in another case": (GOOD.replace(HEADER, HEADER.title()), ["'FIRST' may now be 'First'"]),
    "a column twice": (GOOD.replace("NOTE\r\n", "NOTE,ID\r\n"), ["row 1", "the column 'ID' twice", "once"]),
    "no header": (
        csv_text([person(1, FIRST="Quastelmann", LAST="Quastelmann"), person(2)]).split("\r\n", 1)[1],
        ["row 1", "no column 'ID'"],
    ),
    "another delimiter": (GOOD.replace(",", ";"), ["row 1", "no column 'ID'"]),
    "Latin-1 where UTF-8 is declared": (
        UMLAUT.encode("latin-1"),
        ["line 3", "bytes that are not utf-8 (byte 0xe4)", "text in utf-8, as the profile says"],
    ),
    "UTF-16 where UTF-8 is declared": (GOOD.encode("utf-16"), ["text in utf-16", "utf-8, as the profile says"]),
    "UTF-16 of the other end": (b"\xfe\xff" + GOOD.encode("utf-16-be"), ["text in utf-16"]),
    "an unclosed quote": (
        GOOD + 'S3,"Verwunschen,x\r\n',
        ["row 4", "not delimited as the profile says", "fields divided by ','"],
    ),
    "a quote that is not doubled": (GOOD + 'S3,"A "Verwunschen" B"\r\n', ["row 4", "not delimited"]),
    "an endless value": (HEADER + '\nS1,"' + "Verwunschen\n" * 20_000, ["row 2", "field larger than field limit"]),
}

XMLS: dict[str, tuple[str | bytes, list[str]]] = {
    "an empty file": (b"", ["an empty file (0 bytes)"]),
    "no users": ("<users></users>", ["no <user>", "at least one <user>"]),
    "another root": ("<people><user/></people>", ["the root element <people>", "expected <users>"]),
    "a namespace": ('<users xmlns="urn:x"><user/></users>', ["the root element", "expected <users>"]),
    "cut off": (XML[: XML.index("Quastelmann") + 4], ["line 1", "not well-formed (tag not finished)"]),
    "crossed elements": (XML.replace("</last_name>", "", 1), ["line 1", "not well-formed (tag name mismatch)"]),
    "a bare ampersand": (XML.replace("Zwillingsdorf", "A & Verwunschen"), ["line 1", "not well-formed"]),
    "an angle bracket": (XML.replace("Zwillingsdorf", "A <Verwunschen"), ["line 1", "not well-formed"]),
    "an entity nobody knows": (XML.replace("Zwillingsdorf", "&Verwunschen;"), ["not well-formed", "entity"]),
    "a control character": (XML.replace("Zwillingsdorf", "A\x01B"), ["line 1", "(invalid char)"]),
    "a control character by number": (XML.replace("Zwillingsdorf", "A&#1;B"), ["line 1", "(invalid char)"]),
    "Latin-1 bytes in UTF-8": (
        ('<?xml version="1.0" encoding="utf-8"?>\n' + XML.replace("Zwill", "Zwäll")).encode("latin-1"),
        ["line 2", "(invalid encoding)", "in UTF-8"],
    ),
    "no XML at all": (GOOD, ["not well-formed (document empty)", "Alma user XML"]),
    "a doctype": ("<!DOCTYPE users>" + XML, ["a doctype", "without doctype and entities"]),
    "a doctype from elsewhere": ('<!DOCTYPE users SYSTEM "http://127.0.0.1:9/x.dtd">' + XML, ["a doctype"]),
    "an entity": (
        '<!DOCTYPE users [<!ENTITY x "Verwunschen">]>' + XML.replace("Zwillingsdorf", "&x;"),
        ["a doctype"],
    ),
}

FILES = [
    *(pytest.param("people.zip", *case, PEOPLE, id=name) for name, case in ZIPS.items()),
    *(pytest.param("people.csv", *case, PEOPLE, id=name) for name, case in TEXTS.items()),
    *(pytest.param("people.xml", *case, XML_PEOPLE, id=f"xml {name}") for name, case in XMLS.items()),
]


def refusal(house: House, files: dict[str, str | bytes]) -> str:
    """Run files that must be refused: the store stays as it was, and nobody is named. Gives the message."""
    before = house.everything()
    with pytest.raises(ExtractError) as caught:
        house.run("bad", files)
    assert house.everything() == before
    assert not (house.folder("bad").root / "plan.json").exists()
    logged = "".join(traceback.format_exception(caught.value))
    for secret in SECRETS:
        assert secret not in logged
    return str(caught.value)


@pytest.mark.parametrize(("name", "content", "told", "written"), FILES)
def test_a_file_that_cannot_be_read_stops_the_run_and_says_what_was_found_and_expected(
    house: House, name: str, content: str | bytes, told: list[str], written: str
) -> None:
    house.run("first", [person(1)], "import")
    message = refusal(house.with_profile(make_profile(written)), {name: content})
    assert message.startswith(name)
    assert "found " in message
    assert "expected " in message
    for part in told:
        assert part in message


def test_one_bad_file_stops_the_good_ones_of_its_run(house: House) -> None:
    message = refusal(house, {"a.csv": GOOD, "b.csv": GOOD.replace("EMAIL", "MAIL"), "c.csv": GOOD})
    assert message.startswith("b.csv, row 1: ")
    assert house.users() == {}


def test_utf_8_where_latin_1_is_declared_is_refused(house: House) -> None:
    message = refusal(house.with_profile(make_profile(format=LATIN)), {"people.csv": UMLAUT})
    assert "people.csv: found text in utf-8; expected iso8859-1, as the profile says" in message


def test_utf_8_where_latin_1_is_declared_is_refused_also_when_the_first_umlaut_comes_late(house: House) -> None:
    late = csv_text([*(person(n) for n in range(2_000)), person(2_000, LAST="Größe")])
    assert late.encode().index("ö".encode()) > 1 << 17
    assert "found text in utf-8" in refusal(house.with_profile(make_profile(format=LATIN)), {"people.csv": late})


def test_the_line_of_a_wrong_byte_is_told_also_late_in_a_file(house: House) -> None:
    late = csv_text([*(person(n) for n in range(3_000)), person(3_000, LAST="Größe")])
    message = refusal(house, {"people.csv": late.encode("latin-1")})
    assert message.startswith("people.csv, line 3002: found bytes that are not utf-8 (byte 0xf6)")


def test_latin_1_where_it_is_declared_is_read(house: House) -> None:
    latin = house.with_profile(make_profile(format=LATIN))
    assert latin.run("run", {"people.csv": UMLAUT.encode("latin-1")}).total == total(created=2)
    assert latin.users()["s2"]["document"]["last_name"] == "Quästelmann"


@pytest.mark.parametrize("declared", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_of_the_declared_encoding_is_accepted(house: House, declared: str) -> None:
    content = UMLAUT.encode("utf-16" if declared == "utf-16" else "utf-8-sig")
    reader = house.with_profile(make_profile(format={"type": "csv", "encoding": declared}))
    assert reader.run("run", {"people.csv": content}).total == total(created=2)
    assert reader.users()["s2"]["document"]["last_name"] == "Quästelmann"


def test_clutter_and_folders_in_a_zip_are_passed_over(house: House) -> None:
    clutter = {"__MACOSX/deep/._people.csv": b"\x00\x05", "deep/.DS_Store": b"\x00"}
    content = zip_of({"deep/": "", "deep/er/people.csv": GOOD, **clutter})
    receipt = house.run("run", {"people.zip": content})
    assert [(one.name, one.member) for one in receipt.files] == [("people.zip", "deep/er/people.csv")]
    assert receipt.total == total(created=2)


def test_a_zip_is_known_by_its_content_whatever_its_name(house: House) -> None:
    assert house.run("run", {"people.dat": zip_of({"people.csv": GOOD})}).total == total(created=2)


def test_billion_laughs_are_refused_at_once(house: House) -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE users [<!ENTITY a0 "ha">{levels}]>' + XML
    xml = house.with_profile(make_profile(XML_PEOPLE))
    in_text = refusal(xml, {"people.xml": bomb.replace("Zwillingsdorf", "&a9;")})
    in_attribute = refusal(xml, {"people.xml": bomb.replace("<user>", '<user x="&a9;">', 1)})
    assert "people.xml: found a doctype" in in_text
    assert in_attribute.startswith("people.xml")


def test_a_file_outside_is_never_read_into_a_user(house: House, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("Verwunschen")
    doctype = f'<!DOCTYPE users [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    content = doctype + XML.replace("Zwillingsdorf", "&x;")
    assert "a doctype" in refusal(house.with_profile(make_profile(XML_PEOPLE)), {"people.xml": content})
    kept = [path for path in house.folder("bad").root.rglob("*") if path.is_file() and "extracts" not in path.parts]
    assert not any(b"Verwunschen" in path.read_bytes() for path in kept)


def test_xml_may_have_comments_instructions_and_a_single_user_as_root(house: House) -> None:
    content = "<?xml version='1.0'?><?style x?><!-- one -->" + xml_user(1).replace("<user>", "<user><?p i?>")
    assert house.with_profile(make_profile(XML_PEOPLE)).run("run", {"one.xml": content}).total == total(created=1)

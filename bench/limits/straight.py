"""From raw records to JSON text without a detour: what all the limits do with a row of ``bench/profile.yaml``.

A user is written as text at once, its keys in sorted order, because a dict for it costs as much as all the rest.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from xxhash import xxh3_64_intdigest

from bench.generate import COLUMNS

PROFILE = "banner"
GROUPS = {"UG": "UNDERGRAD", "GR": "GRADUATE", "PH": "DOCTORAL", "LW": "GRADUATE", "ND": "GUEST"}
GENDERS = {"F": "FEMALE", "M": "MALE", "N": "UNDISCLOSED"}
CAMPUSES = {"MAIN": "MAIN", "DT": "DOWNTOWN", "ONL": "MAIN"}
NATIONS = {"US": "USA", "CA": "CAN", "MX": "MEX", "GB": "GBR", "DE": "DEU"}
COLLEGES = {
    "AS": "ARTS", "BU": "BUSINESS", "ED": "EDUCATION", "EN": "ENGINEERING", "FA": "FINE_ARTS", "LW": "LAW",
    "MD": "MEDICINE", "NU": "NURSING", "PH": "PUBLIC_HEALTH", "SW": "SOCIAL_WORK",
}  # fmt: skip
MONTHS = {
    name: f"{number:02}" for number, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)
}

OWNER = "\x01"
"""Where the stored document has the owner of a segment and the mapped user has nothing."""
OWNED = ',"segment_type":"External"'
STATISTICS, OWNED_STATISTICS = (
    f'"user_statistic":[{{{owner}"statistic_category":{{"value":"%s"}}}},{{{owner}"statistic_category":{{"value":"%s"}}}},'
    f'{{{owner}"statistic_category":{{"value":"%s"}}}}]}}'
    for owner in ("", '"segment_type":"External",')
)
FIRST = '{"account_type":{"value":"EXTERNAL"},'
EXTERNAL = f'"external_id":"{PROFILE}",'
RECORD = '"record_type":{"value":"PUBLIC"},"status":{"value":"ACTIVE"},'

User = dict[str, Any]
Pieces = tuple[str, str, str, tuple[str, str, str], str, str, str]
"""A user: three pieces of JSON, statistics, primary id, card number, net id."""


class Dates(dict[str, str]):
    """Dates as Banner writes them to dates as Alma does, each worked out once."""

    def __missing__(self, value: str) -> str:
        self[value] = written = f"{value[7:]}-{MONTHS[value[3:6]]}-{value[:2]}"
        return written


def raw_records(file: BinaryIO, size: int = 1 << 20) -> Iterator[list[bytes]]:
    """Give raw records with their line ends, in lists; a quoted line break keeps a record together."""
    while lines := file.readlines(size):
        if any([line.count(b'"') & 1 for line in lines]):
            lines = list(_joined(lines, file))
        yield lines


def _joined(lines: list[bytes], file: BinaryIO) -> Iterator[bytes]:
    rest = iter(lines)
    for line in rest:
        record = line
        while record.count(b'"') & 1 and (more := next(rest, None) or file.readline()):
            record += more
        yield record


def seed_of(header: bytes) -> int:
    """Give the seed of row hashes: another mapping or header makes every row unknown."""
    profile = Path(__file__).parents[1].joinpath("profile.yaml").read_bytes()
    return xxh3_64_intdigest(header, xxh3_64_intdigest(profile))


def header_of(line: bytes) -> list[str]:
    """Give the columns that a header names."""
    return next(csv.reader([line.decode()]))


class Mapper:
    """Makes users of raw records under one header."""

    def __init__(self, header: list[str]) -> None:
        self.in_order = None if header == COLUMNS else itemgetter(*map(header.index, COLUMNS))
        self.dates = Dates()
        self.quotes = 2 * len(header)

    def pieces(self, raw: bytes) -> Pieces:
        """Make the pieces of a record."""
        line = raw.decode().rstrip("\r\n")
        plain = "\\" not in line and line.isprintable()
        if '"' not in line:
            values = line.split(",")
        elif line.count('"') == self.quotes and len(values := line[1:-1].split('","')) * 2 == self.quotes:
            pass  # every value is quoted, and none holds a quote
        else:
            values = next(csv.reader([line]))
            plain = plain and '"' not in "".join(values)
        if self.in_order:
            values = self.in_order(values)
        if " ," in line or ", " in line or '" ' in line or ' "' in line:
            values = [value.strip() for value in values]
        if plain:
            return self.write(values)
        ids = values[0].lower(), values[2], values[1].lower()
        return (*self.write([orjson.dumps(value)[1:-1].decode() for value in values])[:4], *ids)

    def write(self, values: Sequence[str]) -> Pieces:
        """Write mapped user and document; the values need no escape."""
        (
            banner, net, card, last, first, middle, pref, gender, birth, level, student, college, major, campus, _,
            end, purge, email, email2, email3, mobile, phone, street, street2, city, state, zip_code, nation, home,
            home_city, home_state, home_zip,
        ) = values  # fmt: skip
        dates = self.dates
        banner, net = banner.lower(), net.lower()
        street2 = f'"line2":"{street2}",' if street2 else ""
        middle = f'"middle_name":"{middle}",' if middle else ""
        pref = f'"pref_first_name":"{pref}",' if pref else ""
        phone = f',{{"phone_number":"{phone}","phone_type":[{{"value":"home"}}]{OWNER}}}' if phone else ""
        email2 = (
            f',{{"email_address":"{email2.lower()}","email_type":[{{"value":"personal"}}]{OWNER}}}' if email2 else ""
        )
        email3 = f',{{"email_address":"{email3.lower()}","email_type":[{{"value":"work"}}]{OWNER}}}' if email3 else ""
        begin = (
            f'"birth_date":"{dates[birth]}","campus_code":{{"value":"{CAMPUSES[campus]}"}},"contact_info":{{"address":['
            f'{{"address_type":[{{"value":"school"}}],"city":"{city}","country":{{"value":"{NATIONS[nation]}"}},'
            f'"line1":"{street}",{street2}"postal_code":"{zip_code}","preferred":true'
            f'{OWNER},"state_province":"{state.upper()}"}}'
        )
        if home:
            begin += (
                f',{{"address_type":[{{"value":"home"}}],"city":"{home_city}","country":{{"value":"USA"}},'
                f'"line1":"{home}","postal_code":"{home_zip}"{OWNER},"state_province":"{home_state.upper()}"}}'
            )
        begin += (
            f'],"email":[{{"email_address":"{email.lower()}","email_type":[{{"value":"school"}}],"preferred":true{OWNER}}}'
            f'{email2}{email3}],"phone":[{{"phone_number":"{mobile}","phone_type":[{{"value":"mobile"}}],"preferred":true,'
            f'"preferred_sms":true{OWNER}}}'
            f'{phone}]}},"expiry_date":"{dates[end]}",'
        )
        middle_part = (
            f'"first_name":"{first}","gender":{{"value":"{GENDERS[gender]}"}},"last_name":"{last}",'
            f"{middle}{pref}"
            f'"preferred_language":{{"value":"en"}},"primary_id":"{banner}","purge_date":"{dates[purge]}",'
        )
        finish = (
            f'"user_group":{{"value":"{GROUPS[level]}"}},"user_identifier":[{{"id_type":{{"value":"BARCODE"}}{OWNER},'
            f'"value":"{card}"}},{{"id_type":{{"value":"INST_ID"}}{OWNER},"value":"{net}"}}],'
        )
        statistics = (COLLEGES[college], major.upper(), student.upper())
        return begin, middle_part, finish, statistics, banner, card, net


def mapped(pieces: Pieces) -> bytes:
    """Give the mapped user as JSON."""
    begin, middle, finish, statistics, *_ = pieces
    text = f"{{{begin}{middle}{finish}{STATISTICS % statistics}"
    return "".join(text.split(OWNER)).encode()  # faster than replace


def stored(pieces: Pieces) -> str:
    """Give the document to store as JSON."""
    begin, middle, finish, statistics, *_ = pieces
    owned = OWNED_STATISTICS % statistics
    return OWNED.join(f"{FIRST}{begin}{EXTERNAL}{middle}{RECORD}{finish}{owned}".split(OWNER))


def signed(number: int) -> int:
    """Give a hash as databases keep whole numbers."""
    return number - (1 << 64) if number >> 63 else number


_SPECIAL = ("campus_code", "pref_first_name", "preferred_language", "user_group")
_SEGMENTS = ("address", "email", "phone")


def with_special(after: User, before: User) -> User:
    """Keep what an extract leaves empty of the fields that a synchronize does not clear."""
    return {**{name: before[name] for name in _SPECIAL if name in before}, **after}


def changes(before: User, after: User) -> dict[str, list[Any]]:
    """Tell what differs, by field and by kind of segment."""
    found = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old != new and name != "contact_info":
            found[name] = [old, new]
        elif old != new:
            pairs = ((kind, [old.get(kind, []), new.get(kind, [])]) for kind in _SEGMENTS)
            found |= {kind: pair for kind, pair in pairs if pair[0] != pair[1]}
    return found


def copy_text(text: str) -> str:
    """Write a text as COPY takes it; JSON has no tab or line break of its own."""
    return text.replace("\\", "\\\\") if "\\" in text else text


def write_documents(extract: Path, path: Path) -> Path:
    """Write the documents of an extract, one a line."""
    with extract.open("rb") as file, path.open("w", encoding="utf-8") as out:
        pieces_of = Mapper(header_of(file.readline())).pieces
        for records in raw_records(file):
            out.writelines(f"{stored(pieces_of(raw))}\n" for raw in records)
    return path

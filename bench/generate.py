"""Made-up extracts as Banner writes them: the same seed gives the same bytes, however many rows.

``python -m bench.generate 100000 FOLDER`` writes ``day1.csv``, ``day2.csv`` (1 % changed, 0.5 % new, 0.5 % gone) and
``reformatted.csv``: day 1 with everything quoted and the columns in another order. A row is made of random bytes of
its own and forgotten once it is written, so memory does not grow with the file.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench import words

COLUMNS = (
    "BANNER_ID NET_ID CARD_NUMBER LAST_NAME FIRST_NAME MIDDLE_NAME PREF_FIRST_NAME GENDER BIRTH_DATE LEVEL_CODE "
    "STUDENT_TYPE COLLEGE MAJOR CAMPUS TERM_CODE END_DATE PURGE_DATE EMAIL_CAMPUS EMAIL_PERSONAL EMAIL_WORK "
    "PHONE_MOBILE PHONE_HOME MA_STREET1 MA_STREET2 MA_CITY MA_STATE MA_ZIP MA_NATION PR_STREET1 PR_CITY PR_STATE "
    "PR_ZIP"
).split()
AT = {name: place for place, name in enumerate(COLUMNS)}
SEED = 20260824
BLOCK = 200
"""Of every 200 people of day 1 two change and one goes; for every 200 one is new."""

Row = list[str]


def people(rows: int, first: int = 0, seed: int = SEED) -> Iterator[Row]:
    """Give made-up people, numbered from ``first``."""
    source = random.Random(f"{seed} {first}")  # noqa: S311 (no secret)
    for number in range(first, first + rows):
        yield person(number, source.randbytes(40))


def person(number: int, chance: bytes) -> Row:
    """Make one person of a number, for what is unique, and of random bytes for the rest."""
    first = words.FIRST_NAMES[chance[0] * 256 % 251 % len(words.FIRST_NAMES)]
    last = words.LAST_NAMES[(chance[1] + chance[2]) % len(words.LAST_NAMES)]
    net = f"{first[0]}{last[:4]}".encode("ascii", "ignore").decode().replace("'", "").lower() + str(number)
    level = words.LEVELS[chance[3] % len(words.LEVELS)]
    end = words.END_DATES[chance[4] % len(words.END_DATES)]
    blank = " " if chance[5] < 8 else ""  # Banner pads now and then
    return [
        f"A{number:08}",
        net,
        f"21234{number * 7:09}",
        last,
        first + blank,
        words.FIRST_NAMES[chance[6] % len(words.FIRST_NAMES)] if chance[7] < 190 else "",
        first[:3] if chance[8] < 25 else "",
        words.GENDERS[chance[9] % 5],
        f"{chance[10] % 28 + 1:02}-{words.MONTHS[chance[11] % 12]}-{1970 + chance[12] % 38}",
        level,
        words.STUDENT_TYPES[chance[13] % 6],
        words.COLLEGES[chance[14] % 10],
        words.MAJORS[chance[15] % len(words.MAJORS)],
        words.CAMPUSES[chance[16] % 5],
        "202710",
        end,
        f"{end[:7]}{int(end[7:]) + 2}",
        f"{net}@students.Northfield.example",
        f"{last[:1].lower()}.{net}@{words.MAILERS[chance[17] % 4]}" if chance[18] < 190 else "",
        f"{net}@{words.EMPLOYERS[chance[19] % 3]}" if chance[20] < 40 else "",
        phone(chance[21:25]),
        phone(chance[24:28]) if chance[28] < 150 else "",
        *address(chance[29:34]),
        *home_address(chance[34:40]),
    ]


def phone(chance: bytes) -> str:
    """Make a telephone number."""
    return f"{chance[0] % 8 + 2}{chance[1] % 100:02}-555-{(chance[2] << 8 | chance[3]) % 10_000:04}"


def address(chance: bytes) -> Row:
    """Make a mailing address: two lines, city, state, ZIP, nation."""
    city, state = words.CITIES[chance[0] % len(words.CITIES)].split(":")
    street = f"{chance[1] * 13 + 1} {words.STREETS[chance[2] % len(words.STREETS)]}"
    building = words.BUILDINGS[chance[3] % 8] % (chance[4] + 1) if chance[3] < 100 else ""
    nation = words.NATIONS[chance[4] % 16]
    plus = f"-{chance[3] * 37:04}" if chance[2] < 128 else ""
    return [street, building, city, state, f"{chance[1] * 97 + chance[2] * 251:05}{plus}", nation]


def home_address(chance: bytes) -> Row:
    """Make a permanent address, for two in three: street, city, state, ZIP."""
    if chance[5] >= 170:
        return [""] * 4
    street, _, city, state, zip_code, _ = address(chance)
    return [street, city, state, zip_code]


# --- a day later ----------------------------------------------------------------------------------


def next_day(rows: int, seed: int = SEED) -> Iterator[Row]:
    """Give the people of day 1 a day later; the new ones come last."""
    source = random.Random(f"{seed} next day")  # noqa: S311 (no secret)
    changed: set[int] = set()
    gone = -1
    for number, row in enumerate(people(rows, seed=seed)):
        place = number % BLOCK
        if not place:
            *pair, gone = source.sample(range(BLOCK), 3)
            changed = set(pair)
        if place in changed:
            CHANGES[source.randrange(len(CHANGES))](row, source.randbytes(8))
        if place != gone:
            yield row
    yield from people(rows // BLOCK, first=rows, seed=seed)


def _moves(row: Row, chance: bytes) -> None:
    row[AT["MA_STREET1"] : AT["MA_NATION"] + 1] = address(chance)


def _marries(row: Row, chance: bytes) -> None:
    row[AT["LAST_NAME"]] += f"-{words.LAST_NAMES[chance[0] % len(words.LAST_NAMES)]}"


def _loses_card(row: Row, _: bytes) -> None:
    row[AT["CARD_NUMBER"]] = f"3{row[AT['CARD_NUMBER']][1:]}"


def _gets_phone(row: Row, chance: bytes) -> None:
    row[AT["PHONE_HOME"]] = phone(chance)


def _changes_major(row: Row, chance: bytes) -> None:
    row[AT["COLLEGE"]] = words.COLLEGES[chance[0] % 10]
    row[AT["MAJOR"]] = f"{words.MAJORS[chance[1] % len(words.MAJORS)]}2"


def _stays_on(row: Row, _: bytes) -> None:
    row[AT["LEVEL_CODE"]] = "PH"
    row[AT["END_DATE"]], row[AT["PURGE_DATE"]] = "15-MAY-2033", "15-MAY-2035"


def _drops_email(row: Row, _: bytes) -> None:
    row[AT["EMAIL_PERSONAL"]] = "" if row[AT["EMAIL_PERSONAL"]] else f"new.{row[AT['NET_ID']]}@post.example"


CHANGES: tuple[Callable[[Row, bytes], None], ...] = (
    _moves,
    _marries,
    _loses_card,
    _gets_phone,
    _changes_major,
    _stays_on,
    _drops_email,
)


# --- files ----------------------------------------------------------------------------------------


def write(path: Path, rows: Iterable[Row]) -> Path:
    """Write an extract with minimal quoting."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


def write_reformatted(path: Path, rows: Iterable[Row]) -> Path:
    """Write the same content otherwise: every value quoted, the columns in reverse order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS[::-1])
        writer.writerows(row[::-1] for row in rows)
    return path


def write_all(folder: Path, rows: int) -> dict[str, Path]:
    """Write day 1, day 2 and day 1 reformatted."""
    return {
        "day1": write(folder / "day1.csv", people(rows)),
        "day2": write(folder / "day2.csv", next_day(rows)),
        "reformatted": write_reformatted(folder / "reformatted.csv", people(rows)),
    }


if __name__ == "__main__":
    write_all(Path(sys.argv[2]), int(sys.argv[1]))

"""Checking an integration profile against its samples: what becomes of them, and what is never used.

``python -m matchpoint.check_profile CODE`` maps every file of ``samples/CODE/`` beside the profiles and prints what
comes out. Nothing is written, no server and no user store is asked.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import SEGMENT_TYPE, SEGMENTS, SPECIAL_LISTS, User, mappable_core_fields
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.code_tables import files_of, read_all
from matchpoint.errors import MatchpointError, ProfileError
from matchpoint.feed import Feed
from matchpoint.fetch import keep
from matchpoint.findings import Finding
from matchpoint.matching import Claims, Rules, decide
from matchpoint.outcomes import Outcome
from matchpoint.precedence import in_order
from matchpoint.profile import AlmaXmlFormat, CsvFormat, Profile, load_profile
from matchpoint.profile.mapping import MAPPED_SEGMENTS
from matchpoint.read.frames import MENDED_COLUMNS
from matchpoint.read.rows import column_names
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.transform import transform_extract

PROFILES = Path(__file__).parents[1] / "profiles"
CODE_TABLES = PROFILES.with_name("code_tables")


@dataclass(frozen=True)
class Mapped:
    """A row that goes through: the label of its file, its row number, and the user in Alma's JSON form."""

    file: str
    row: int
    user: User


@dataclass(frozen=True)
class Rejected:
    """One thing wrong with a row; a row may have several. ``message`` says what was found and expected."""

    file: str
    row: int
    field: str
    message: str


@dataclass(frozen=True)
class Checked:
    """What became of the samples of a profile.

    ``never_read`` are columns of the samples that the mapping does not read, ``never_filled`` the Alma fields
    that no user has, segment fields as ``addresses.line3``.
    """

    profile: Profile
    as_of: date
    users: list[Mapped] = field(default_factory=list)
    rejections: list[Rejected] = field(default_factory=list)
    never_read: list[str] = field(default_factory=list)
    never_filled: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, the profile without its mapping and crosswalks."""
        return {
            "profile": self.profile.model_dump(mode="json", by_alias=True, exclude={"mapping", "crosswalks"}),
            "as_of": self.as_of.isoformat(),
            "users": [asdict(one) for one in self.users],
            "rejections": [asdict(one) for one in self.rejections],
            "never_read": self.never_read,
            "never_filled": self.never_filled,
        }


def check_profile(
    profile: Profile, samples: Sequence[Path], as_of: date, tables: CodeTables | None = None
) -> Checked:
    """Map samples by a profile, each as if it were the only file of a run into an empty user store.

    Raises :class:`ExtractError` when a sample cannot be read as a whole.
    """
    checked = Checked(profile, as_of)
    read: dict[str, None] = {}
    with TemporaryDirectory(prefix="matchpoint-") as place:
        folder, number = RunFolder(Path(place)), 0
        for sample in samples:
            extracts = keep(folder, sample, sample.name, 0, number)
            number += len(extracts)
            for extract in extracts:
                transform_extract(folder, extract, profile, as_of, tables)
                read |= dict.fromkeys(_columns(folder, extract, profile))
            _match(folder, extracts, checked)
    checked.never_read.extend(column for column in read if column not in profile.columns)
    checked.never_filled.extend(_never_filled(profile, [one.user for one in checked.users]))
    return checked


def _columns(folder: RunFolder, extract: Extract, profile: Profile) -> list[str]:
    """Give the columns of an extract; Alma's user XML has none."""
    if isinstance(profile.format, AlmaXmlFormat):
        return []
    with folder.root.joinpath(extract.path).open("rb") as file:
        return [one for one in column_names(file, extract.label, profile.format) if one not in MENDED_COLUMNS]


def _match(folder: RunFolder, extracts: list[Extract], checked: Checked) -> None:
    """Sort the rows of one sample into users and rejections; of two with one identifier the first wins."""
    profile = checked.profile
    feed = Feed(folder, in_order(extracts, profile.precedence))
    mapped = [
        Mapped(row.extract.label, row.row, _as_mapped(orjson.loads(user), profile))
        for rows, users in feed.rows()
        for row, user in zip(rows, users.to_pylist(), strict=True)
    ]
    held = Counter(key(value) for one in mapped for _, value in identifiers(one.user))
    claims = Claims()
    rules = Rules.of(profile, "synchronize" if profile.actions.synchronize else "import")
    rejections = [one for extract in extracts for one in _found(folder, extract)]
    for one in mapped:
        ids = identifiers(one.user)
        contested = any(held[key(value)] > 1 for _, value in ids)
        decision = claims.settle(decide(ids, [], rules), ids if contested else ())
        if decision.outcome is Outcome.REJECTED and decision.code:
            finding = Finding(one.row, decision.field or "", decision.code, decision.detail)
            rejections.append(_told(one.file, finding))
        else:
            checked.users.append(one)
    order = {extract.label: place for place, extract in enumerate(extracts)}
    checked.rejections.extend(sorted(rejections, key=lambda one: (order[one.file], one.row)))


def _as_mapped(user: User, profile: Profile) -> User:
    """Give what the extract says of a new user, in Alma's order, as people know it."""
    names = [field.name for field in mappable_core_fields()]
    if profile.mapping is not None and not profile.fills("status"):  # then it is Alma's default
        names.remove("status")
    mapped: User = {name: user[name] for name in (*names, *SPECIAL_LISTS) if name in user}
    for segment in SEGMENTS:
        for part in segment.parts(user):
            segment.add(mapped, {name: value for name, value in part.items() if name != SEGMENT_TYPE})
    return mapped


def _found(folder: RunFolder, extract: Extract) -> Iterator[Rejected]:
    for one in folder.findings(extract.number):
        yield _told(extract.label, one)


def _told(file: str, finding: Finding) -> Rejected:
    return Rejected(file, finding.row, finding.field, finding.message)


def _never_filled(profile: Profile, users: list[User]) -> Iterator[str]:
    """Name the Alma fields that no user has, of those that the profile's format can bring."""
    for core in mappable_core_fields():
        if not any(core.name in user for user in users):
            yield core.name
    for segment in MAPPED_SEGMENTS if not isinstance(profile.format, AlmaXmlFormat) else SEGMENTS:
        filled = {name for user in users for part in segment.parts(user) for name in part}
        yield from (f"{segment.mapping}.{one.name}" for one in segment.fields if one.name not in filled)


# --- for people -----------------------------------------------------------------------------------


def readable_json(value: Any) -> str:
    """Write JSON with a field a line; a code, ``{"value": "GBR"}``, and a list of one stay on their line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    text = re.sub(r'\{\s+("value": "(?:[^"\\]|\\.)*")\s+\}', r"{\1}", text)
    return re.sub(r'\[\s+(\{"value": "(?:[^"\\]|\\.)*"\})\s+\]', r"[\1]", text)


def tell(checked: Checked) -> str:
    """Give the readable account."""
    users = [f"{one.file}, row {one.row}:\n{readable_json(one.user)}" for one in checked.users]
    rejections = [
        f"{one.file}, row {one.row}, {one.field or 'the whole row'}: {one.message}" for one in checked.rejections
    ]
    rows = len({(one.file, one.row) for one in checked.rejections})
    return "\n\n".join(
        (
            "\n".join(_head(checked)),
            _section(f"Users: {len(users)}", users),
            _section(f"Rejected rows: {rows}", rejections),
            _section("Columns that the mapping never reads", _wrapped(checked.never_read)),
            _section("Alma fields that no user of the sample has", _wrapped(checked.never_filled)),
        )
    )


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *(lines or ["none"])])


def _wrapped(names: list[str]) -> list[str]:
    return textwrap.wrap(", ".join(names), 100, break_long_words=False, break_on_hyphens=False)


def _head(checked: Checked) -> Iterator[str]:
    profile = checked.profile
    yield f"{profile.name} ({profile.code}), from {profile.sis_type}"
    if profile.description:
        yield profile.description
    yield f"  format: {_format(profile)}"
    yield f"  new users: EXTERNAL, record type {profile.record_type}, external id {profile.code}"
    yield from _modes(profile)
    yield f"  as of: {checked.as_of}"


def _format(profile: Profile) -> str:
    form = profile.format
    if isinstance(form, CsvFormat):
        return f"delimited text, {form.delimiter!r} between fields, quoted with {form.quote!r}, {form.encoding}"
    return _FORMATS[form.type]


_FORMATS = {
    "fixed_width": "lines of fixed width",
    "json": "JSON",
    "excel": "an Excel workbook",
    "alma_xml": "Alma user XML version 2",
}


def _modes(profile: Profile) -> Iterator[str]:
    actions = {"import": profile.actions.import_, "synchronize": profile.actions.synchronize}
    for mode, action in actions.items():
        if action is None or not action.active:
            yield f"  {mode}: not active"
            continue
        when = f"{action.schedule} ({profile.timezone})" if action.schedule else "started by hand"
        marker = f", complete when there is a {action.done_marker}" if action.done_marker else ""
        yield f"  {mode}: {when}; takes {action.path}/{action.pattern}{marker}"
    if profile.actions.synchronize and profile.actions.synchronize.active:
        yield f"  match points: {', '.join(profile.actions.synchronize.match_points)}"


# --- the command ----------------------------------------------------------------------------------


def find_samples(profiles: Path, code: str) -> list[Path]:
    """List the samples of a profile; raises :class:`ProfileError` when there is none."""
    home = profiles / "samples" / code
    samples = sorted(path for path in home.glob("*") if path.is_file() and not path.name.startswith("."))
    if not samples:
        raise ProfileError(f"{home}: found no sample; expected an extract as the SIS writes it, of made-up people")
    return samples


def newest_date(samples: Iterable[Path]) -> date:
    """Give the newest YYYY-MM-DD in the names of samples, so that the same sample always maps the same way."""
    found = [one for path in samples for one in re.findall(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)", path.name)]
    try:
        return max(map(date.fromisoformat, found))
    except ValueError:
        raise ProfileError(
            "found no date in the names of the samples; expected one such as students_2026-08-24.csv, "
            "or the option --as-of"
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="matchpoint.check_profile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("code", help="the code of the integration profile, such as students")
    parser.add_argument("--profiles", type=Path, default=PROFILES, help="the folder of the profiles")
    parser.add_argument("--code-tables", type=Path, default=CODE_TABLES, help="the folder of Alma's code tables")
    parser.add_argument("--as-of", type=date.fromisoformat, help="the day of the run, YYYY-MM-DD")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args(arguments)
    try:
        profile = load_profile(options.profiles / f"{options.code}.yaml")
        samples = find_samples(options.profiles, options.code)
        tables = CodeTables(read_all(files_of(options.code_tables)))
        checked = check_profile(profile, samples, options.as_of or newest_date(samples), tables)
    except MatchpointError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(readable_json(checked.as_dict()) if options.json else tell(checked))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

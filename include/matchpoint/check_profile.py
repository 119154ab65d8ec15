"""Checking an integration profile against its samples: what becomes of them, and what is never used.

``python -m matchpoint.check_profile CODE`` maps every file of ``samples/CODE/`` beside the profiles and prints what
comes out. Nothing is written, no server and no user store is asked.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson

from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import SEGMENT_TYPE, SEGMENTS, SPECIAL_LISTS, User, mappable_core_fields
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.checked import Checked, Mapped, Rejected, readable_json, tell
from matchpoint.code_tables import files_of, read_all
from matchpoint.combined_rows import combine_rows
from matchpoint.errors import MatchpointError, ProfileError
from matchpoint.feed import Feed
from matchpoint.fetch import keep
from matchpoint.findings import Finding, Severity
from matchpoint.matching import Claims, Rules, decide
from matchpoint.outcomes import Outcome
from matchpoint.precedence import in_order
from matchpoint.profile import AlmaXmlFormat, JsonFormat, Profile, load_profile
from matchpoint.profile.formats import Format
from matchpoint.profile.joins import side_columns
from matchpoint.profile.mapping import MAPPED_SEGMENTS
from matchpoint.read.frames import MENDED_COLUMNS
from matchpoint.read.json_records import keys_read
from matchpoint.read.rows import column_names
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.sides import in_use
from matchpoint.transform import transform_extract

PROFILES = Path(__file__).parents[1] / "profiles"
CODE_TABLES = PROFILES.with_name("code_tables")


def check_profile(
    profile: Profile, samples: Sequence[Path], as_of: date, tables: CodeTables | None = None
) -> Checked:
    """Map samples by a profile, each file of people as if it were the only one of a run into an empty user store.

    Raises :class:`ExtractError` when a sample cannot be read as a whole, or a side file of a join is missing.
    """
    checked = Checked(profile, as_of)
    read: dict[str, None] = {}
    with TemporaryDirectory(prefix="matchpoint-") as place:
        folder = RunFolder(Path(place))
        by_sample = _keep_all(folder, samples, profile)
        extracts = [one for some in by_sample for one in some]
        folder.write_manifest(in_use(extracts, profile))
        for extract in extracts:
            if not extract.join:
                transform_extract(folder, extract, profile, as_of, tables)
            read |= dict.fromkeys(columns_of(folder, extract, profile))
        for some in by_sample:
            _match(folder, some, checked)
    checked.never_read.extend(column for column in read if column not in read_columns(profile))
    checked.never_filled.extend(_never_filled(profile, [one.user for one in checked.users]))
    return checked


def read_columns(profile: Profile) -> set[str]:
    """Name the columns that a profile reads; those of a joined file without the number of the row."""
    read = _named(profile.person_columns, profile.format)
    for name, join in profile.joins.items():
        of_side = [one.column for one in side_columns(profile.columns, profile.joins) if one.join == name]
        read |= {f"{name}.{one}" for one in _named([*of_side, join.key, *join.where], join.format)}
    return read


def _named(columns: list[str], form: Format) -> set[str]:
    """Give columns as :func:`column_names` has them: of JSON not the expressions, but the keys in them."""
    if not isinstance(form, JsonFormat):
        return set(columns)
    return {key for column in columns for key in keys_read(column)}


def _keep_all(folder: RunFolder, samples: Sequence[Path], profile: Profile) -> list[list[Extract]]:
    """Take the samples into a run folder, each as its extracts."""
    action = profile.actions.synchronize or profile.actions.import_
    by_sample: list[list[Extract]] = []
    for sample in samples:
        first = sum(map(len, by_sample))
        pattern = action.pattern if action else "*"
        by_sample.append(keep(folder, sample, sample.name, 0, first, profile=profile, pattern=pattern))
    return by_sample


def columns_of(folder: RunFolder, extract: Extract, profile: Profile) -> list[str]:
    """Give the columns of an extract, as the mapping names them; Alma's user XML has none."""
    form = profile.joins[extract.join].format if extract.join else profile.format
    if isinstance(form, AlmaXmlFormat):
        return []
    before = f"{extract.join}." if extract.join else ""
    with folder.root.joinpath(extract.path).open("rb") as file:
        return [f"{before}{one}" for one in column_names(file, extract.label, form) if one not in MENDED_COLUMNS]


def _match(folder: RunFolder, extracts: list[Extract], checked: Checked) -> None:
    """Sort the rows of one sample into users and rejections; of two with one identifier the first wins."""
    profile = checked.profile
    feed = Feed(folder, in_order(extracts, profile.precedence))
    mapped = [
        Mapped(row.extract.label, row.row, _as_mapped(orjson.loads(user), profile))
        for rows, users in feed.rows()
        for row, user in zip(rows, users.to_pylist(), strict=True)
    ]
    rules = Rules.of(profile, "synchronize" if profile.actions.synchronize else "import")
    combined = combine_rows(feed, np.array(_contested(mapped), dtype=bool), profile, rules, checked.as_of)
    made = {place: _as_mapped(user, profile) for place, user in combined.users.items()}
    mapped = [
        replace(one, user=made.get(place, one.user))
        for place, one in enumerate(mapped)
        if place not in combined.first
    ]
    claims = Claims()
    rejections = [one for extract in extracts for one in _found(folder, extract, "reject")]
    checked.warnings.extend(one for extract in extracts for one in _found(folder, extract, "drop"))
    for one, contested in zip(mapped, _contested(mapped), strict=True):
        ids = identifiers(one.user)
        decision = claims.settle(decide(ids, [], rules), ids if contested else ())
        if decision.outcome is Outcome.REJECTED and decision.code:
            finding = Finding(one.row, decision.field or "", decision.code, decision.detail)
            rejections.append(_told(one.file, finding))
        else:
            checked.users.append(one)
    order = {extract.label: place for place, extract in enumerate(extracts)}
    checked.rejections.extend(sorted(rejections, key=lambda one: (order[one.file], one.row)))


def _contested(mapped: Sequence[Mapped]) -> list[bool]:
    """Tell which users have an identifier that another one has."""
    held = Counter(key(value) for one in mapped for _, value in identifiers(one.user))
    return [any(held[key(value)] > 1 for _, value in identifiers(one.user)) for one in mapped]


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


def _found(folder: RunFolder, extract: Extract, severity: Severity) -> Iterator[Rejected]:
    for one in folder.findings(extract.number):
        if one.severity == severity:
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


# --- the command ----------------------------------------------------------------------------------


def find_profile(profiles: Path, code: str) -> Path:
    """Give where a profile is: among the site's own, or among the examples, of which no DAG is made."""
    example = profiles / "examples" / f"{code}.yaml"
    own = profiles / f"{code}.yaml"
    return example if example.exists() and not own.exists() else own


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
        profile = load_profile(find_profile(options.profiles, options.code))
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

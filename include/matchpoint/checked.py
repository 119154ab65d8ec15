"""What a check of an integration profile found, and the account of it that people read."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from matchpoint.alma.fields import User
from matchpoint.profile import CsvFormat, Profile


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

    ``warnings`` tell what was dropped of rows that go through without it, ``never_read`` are columns of the samples
    that the mapping does not read, ``never_filled`` the Alma fields that no user has, segment fields as
    ``addresses.line3``.
    """

    profile: Profile
    as_of: date
    users: list[Mapped] = field(default_factory=list)
    rejections: list[Rejected] = field(default_factory=list)
    warnings: list[Rejected] = field(default_factory=list)
    never_read: list[str] = field(default_factory=list)
    never_filled: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, the profile without its mapping and crosswalks."""
        return {
            "profile": self.profile.model_dump(mode="json", by_alias=True, exclude={"mapping", "crosswalks"}),
            "as_of": self.as_of.isoformat(),
            "users": [asdict(one) for one in self.users],
            "rejections": [asdict(one) for one in self.rejections],
            "warnings": [asdict(one) for one in self.warnings],
            "never_read": self.never_read,
            "never_filled": self.never_filled,
        }


def readable_json(value: Any) -> str:
    """Write JSON with a field a line; a code, ``{"value": "GBR"}``, and a list of one stay on their line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    text = re.sub(r'\{\s+("value": "(?:[^"\\]|\\.)*")\s+\}', r"{\1}", text)
    return re.sub(r'\[\s+(\{"value": "(?:[^"\\]|\\.)*"\})\s+\]', r"[\1]", text)


def tell(checked: Checked) -> str:
    """Give the readable account."""
    users = [f"{one.file}, row {one.row}:\n{readable_json(one.user)}" for one in checked.users]
    rejections, warnings = ([_line(one) for one in some] for some in (checked.rejections, checked.warnings))
    rows = len({(one.file, one.row) for one in checked.rejections})
    return "\n\n".join(
        (
            "\n".join(_head(checked)),
            _section(f"Users: {len(users)}", users),
            _section(f"Rejected rows: {rows}", rejections),
            *([_section("Left out of what goes through", warnings)] if warnings else []),
            _section("Columns that the mapping never reads", _wrapped(checked.never_read)),
            _section("Alma fields that no user of the sample has", _wrapped(checked.never_filled)),
        )
    )


def _line(one: Rejected) -> str:
    return f"{one.file}, row {one.row}, {one.field or 'the whole row'}: {one.message}"


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
    for name, join in profile.joins.items():
        yield f"  joined as {name}: {join.file}, its {join.key} is {join.person_key}"
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

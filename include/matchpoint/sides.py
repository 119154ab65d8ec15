"""Which file of a run is what: people, a side file that a join asks for, or one that nobody asks for.

Side files belong to person files. Those of one zip belong together; so do files whose names say the same in place of
the ``*`` of their patterns, ``people_*.csv`` and ``cards_*.csv`` of one day. A side file that goes with nobody so is
for every person file that has none of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from matchpoint.errors import ExtractError
from matchpoint.profile import Profile
from matchpoint.run_folder import Extract


def role_of(profile: Profile, name: str, member: str | None) -> str | None:
    """Tell what a file is: "" people, the name of a join, None nothing that is asked for.

    ``member`` is its name in the zip ``name``, when it came in one.
    """
    for join, asked in profile.joins.items():
        if fits(asked.file, name) or (member is not None and fits(asked.file, member)):
            return join
    if member is None or any(fits(pattern, member) for pattern in profile.members):
        return ""
    return None


def fits(pattern: str, name: str) -> bool:
    """Tell whether a name, with or without folders, fits a pattern; a rejections file fits as its extract does."""
    path = PurePosixPath(name.replace("\\", "/"))
    plain = re.sub(r"\.rejected(?=\.[^.]*(\.(pgp|gpg|asc))?$)", "", path.name)
    return any(fnmatchcase(one, pattern) for one in (str(path), path.name, plain))


def group_of(profile: Profile, name: str, pattern: str) -> str:
    """Give what a file goes together by: what its name says in place of the ``*`` and ``?`` of its pattern.

    ``pattern`` is that of person files. A name that does not fit is its own group.
    """
    asked = next((join.file for join in profile.joins.values() if fits(join.file, name)), pattern)
    places = "".join({"*": "(.*)", "?": "(.)"}.get(letter, re.escape(letter)) for letter in asked)
    found = re.fullmatch(places, name, re.DOTALL)
    said = "\n".join(found.groups()) if found else ""
    if asked.endswith("*"):
        said = said.removesuffix(PurePosixPath(name).suffix)
    said = said.strip("_-. \n")
    return said or name


def sides_of(person: Extract, join: str, extracts: Collection[Extract]) -> list[Extract]:
    """Give the side files of a join that belong to a person file, in the order in which they were fetched."""
    all_sides = [one for one in extracts if one.join == join]
    with_people = {one.group for one in extracts if not one.join}
    own = [one for one in all_sides if one.group == person.group]
    return own or [one for one in all_sides if one.group not in with_people]


def needed(person: Extract, extracts: Collection[Extract], profile: Profile) -> dict[str, list[Extract]]:
    """Give, by join, the side files that belong to a person file.

    Raises :class:`ExtractError` when one that the profile needs is missing.
    """
    found = {name: sides_of(person, name, extracts) for name in profile.joins}
    for name, sides in found.items():
        if not sides and profile.joins[name].required:
            raise ExtractError(
                person.label,
                f"no file that fits {profile.joins[name].file!r} to go with it, for joins.{name}",
                f"one {'in the same zip' if person.member else 'beside it'}, complete and not yet handled",
                "Have it sent; or set required: false there to load people without.",
            )
    return found


def in_use(extracts: Collection[Extract], profile: Profile) -> list[Extract]:
    """Give the person files and the side files that belong to one of them; raises as :func:`needed` does."""
    people = [one for one in extracts if not one.join]
    used = {one.number for one in people}
    for person in people:
        used |= {one.number for sides in needed(person, extracts, profile).values() for one in sides}
    return [one for one in extracts if one.number in used]

"""Reading what Alma's job *Export users* gives: user XML version 2, plain or in a zip, as whole users."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO

from matchpoint.alma.fields import User
from matchpoint.alma.xml_files import read_users
from matchpoint.read.archive import damage_told, members


def read_export(file: IO[bytes], name: str) -> Iterator[User]:
    """Stream the users of a file in Alma's JSON form, one at a time.

    Raises :class:`matchpoint.errors.ExtractError` for a damaged zip, and for what is not user XML.
    """
    is_zip = zipfile.is_zipfile(file)
    file.seek(0)
    if not is_zip:
        yield from read_users(file, name)
        return
    with damage_told(name):
        for member, content in members(file, name):
            yield from read_users(content, f"{name}/{member}")

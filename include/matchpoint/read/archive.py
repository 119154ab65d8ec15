"""Unpacking zips of extracts, within bounds: names that leave the folder, bombs and damage are refused."""

from __future__ import annotations

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from matchpoint.errors import ExtractError
from matchpoint.read.limits import (
    MAX_BYTES,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_TEXTS,
    MAX_WORKBOOK_PARTS,
    SMALL,
    grows_too_much,
)


def is_zip(head: bytes) -> bool:
    """Tell a zip by its first bytes, whatever the file is called."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_workbook(file: IO[bytes]) -> bool:
    """Tell an Excel workbook, which is a zip too, by its list of contents; the file is left at its beginning."""
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except _DAMAGE:  # whoever opens it says so
        return False
    finally:
        file.seek(0)


def check_workbook(file: IO[bytes], name: str) -> None:
    """Refuse a workbook that unpacks to too much, before anything of it is; the file is left at its beginning.

    Raises :class:`ExtractError`.
    """
    with damage_told(name), zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    file.seek(0)
    unpacked = sum(part.file_size for part in parts)
    texts = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    grown = any(part.file_size > SMALL and grows_too_much(part.compress_size, part.file_size) for part in parts)
    if grown or len(parts) > MAX_WORKBOOK_PARTS or unpacked > MAX_BYTES or texts > MAX_TEXTS:
        raise ExtractError(
            name,
            f"a workbook of {len(parts):,} parts that unpacks to {unpacked:,} bytes",
            f"at most {MAX_WORKBOOK_PARTS:,}, {MAX_BYTES:,}, and no part that grows {MAX_RATIO} times",
            "It looks like a zip bomb; ask who made it, or have it sent as CSV.",
        )


def members(file: IO[bytes], name: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Open the extracts of a zip one after the other, as name inside the zip and content.

    Every name and size is checked before the first is opened. Raises :class:`ExtractError`.
    """
    with damage_told(name), zipfile.ZipFile(file) as archive:
        extracts = [info for info in archive.infolist() if not _is_clutter(info.filename)]
        _check(extracts, name)
        for info in extracts:
            with archive.open(info) as content:
                yield info.filename, content


@contextmanager
def damage_told(name: str) -> Iterator[None]:
    """Tell damage of a zip as :class:`ExtractError`; whoever reads a member's content needs it, too."""
    try:
        yield
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a full disk is no fault of the zip; a place before its beginning is
            raise
        raise _damaged(name, error) from error


_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError, struct.error)


def _damaged(name: str, error: Exception) -> ExtractError:
    return ExtractError(
        name,
        f"a damaged or cut-off zip ({error})",
        "a whole zip",
        "Have it sent again; nothing was loaded.",
    )


def _is_clutter(name: str) -> bool:
    """Tell folders and what macOS and editors leave behind."""
    path = PurePosixPath(name.replace("\\", "/"))
    if ".." in path.parts:  # that is no clutter but an attack
        return False
    return name.endswith("/") or path.parts[:1] == ("__MACOSX",) or path.name.startswith(".")


def _check(extracts: list[zipfile.ZipInfo], name: str) -> None:
    if not extracts:
        raise ExtractError(name, "a zip without files", "at least one extract", "Have it sent again.")
    if len(extracts) > MAX_MEMBERS:
        raise ExtractError(
            name,
            f"{len(extracts)} files in a zip",
            f"at most {MAX_MEMBERS}",
            "Spread them over several zips.",
        )
    names = [info.filename for info in extracts]
    if len(set(names)) < len(names):
        raise ExtractError(name, "the same name twice in a zip", "each file once", "Have it made anew.")
    size = sum(info.file_size for info in extracts)
    if size > MAX_BYTES:
        raise ExtractError(name, f"{size:,} bytes unpacked", f"at most {MAX_BYTES:,}", "Split the extract.")
    for info in extracts:
        _check_member(info, name)


def _check_member(info: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ExtractError(
            name,
            f"the name {info.filename!r} inside",
            "names that stay in the folder",
            "Have the zip made anew.",
        )
    if info.flag_bits & 0x1:
        raise ExtractError(name, f"{info.filename!r} with a password", "a zip without", "Have it made without.")
    if grows_too_much(info.compress_size, info.file_size):
        raise ExtractError(
            name,
            f"{info.filename!r} that grows {info.file_size // max(info.compress_size, 1)} times",
            f"at most {MAX_RATIO} times",
            "It looks like a zip bomb; ask who made it.",
        )

"""The encoding of an extract: the declared one unless the file plainly is another; or found, or refused."""

from __future__ import annotations

import codecs
from typing import IO

from charset_normalizer import from_bytes

from matchpoint.errors import ExtractError
from matchpoint.profile.formats import AUTO

_SAMPLE = 1 << 18
"""Bytes with letters beyond ASCII that are looked at to find an encoding."""


def settle_encoding(file: IO[bytes], name: str, declared: str) -> str:
    """Give the encoding to read a file in. Raises :class:`ExtractError` for an empty file and for another encoding.

    The file is left at its beginning.
    """
    head = file.read(1 << 16)
    encoding = _found(head, file, name) if declared == AUTO else _encoding(head, file, name, declared)
    file.seek(0)
    return encoding


def _found(head: bytes, file: IO[bytes], name: str) -> str:
    """Find the encoding of a file, or refuse to guess."""
    if not head:
        return _encoding(head, file, name, "utf-8")
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if marked:
        return "utf-8-sig" if marked == "utf-8" else marked
    if head.isascii() or _is_utf8(head, file):
        file.seek(0)
        if _is_utf8_whole(file):
            return "utf-8-sig"
    file.seek(0)
    lines = b"".join(line for line in file if not line.isascii())[:_SAMPLE]
    matches = from_bytes(lines, threshold=0.2)
    best = matches.best()
    texts = {str(one): one.encoding for one in reversed(list(matches)) if best and one.chaos <= best.chaos}
    if best is None or len(texts) > 1:
        guesses = ", ".join(sorted(set(texts.values()))) or "none that fits"
        raise ExtractError(
            name,
            f"an encoding that cannot be told for sure (candidates: {guesses})",
            "one that leaves no doubt",
            "Set format.encoding in the profile to what the SIS writes.",
        )
    return best.encoding


def _is_utf8_whole(file: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _encoding(head: bytes, file: IO[bytes], name: str, declared: str) -> str:
    """Settle the encoding: the declared one, unless the file plainly is another, which is refused."""
    if not head:
        raise ExtractError(name, "an empty file (0 bytes)", "a header and rows", "Ask the SIS for the extract.")
    declared = codecs.lookup(declared).name
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if marked and not declared.startswith(marked):
        raise _other_encoding(name, marked, declared)
    if declared == "utf-8":
        return "utf-8-sig"
    if declared in {"iso8859-1", "iso8859-15", "cp1252"} and _is_utf8(head, file):
        raise _other_encoding(name, "utf-8", declared)
    return declared


def _other_encoding(name: str, found: str, declared: str) -> ExtractError:
    return ExtractError(
        name,
        f"text in {found}",
        f"{declared}, as the profile says",
        f"Set format.encoding to {found}, or export it so.",
    )


def _is_utf8(head: bytes, file: IO[bytes]) -> bool:
    """Tell whether bytes beyond ASCII read as UTF-8: by chance, Latin-1 text almost never does.

    Looks at the whole file, up to the first byte that says no: in some, the first such name comes late.
    """
    decoder, beyond_ascii = codecs.getincrementaldecoder("utf-8")(), False
    try:
        while head:
            beyond_ascii = beyond_ascii or not head.isascii()
            decoder.decode(head)
            head = file.read(1 << 20)
    except UnicodeDecodeError:
        return False
    return beyond_ascii

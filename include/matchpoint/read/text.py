"""Opening an extract as text: in its encoding, with a wrong byte told by its line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO, TextIO

from matchpoint.errors import ExtractError
from matchpoint.read.encoding import settle_encoding


@contextmanager
def open_text(file: IO[bytes], name: str, declared: str, *, skip_lines: int = 0) -> Iterator[TextIO]:
    """Open an extract as text behind its first lines; the file itself stays open.

    Raises :class:`ExtractError` for an empty file, another encoding, and, while it is read, for a wrong byte.
    """
    encoding = settle_encoding(file, name, declared)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        for _ in islice(text, skip_lines):
            pass
        yield text
    except UnicodeDecodeError as error:
        raise ExtractError(
            name,
            f"bytes that are not {declared} (byte 0x{error.object[error.start]:02x})",
            f"text in {declared}, as the profile says",
            "Export it so, or change format.encoding in the profile.",
            place=f"line {_line(file, file.tell() - len(error.object) + error.start)}",
        ) from error
    except UnicodeError:  # UTF-16 and UTF-32 without the mark that says which end comes first
        raise ExtractError(
            name,
            f"text without the byte order mark that {declared} begins with",
            f"text in {declared}, as the profile says",
            f"Export it so, or set format.encoding in the profile to {declared}-le or whatever it is.",
        ) from None
    finally:
        text.detach()


def _line(file: IO[bytes], byte: int) -> int:
    """Give the number of the line in which a byte of the file stands."""
    line = 1
    file.seek(0)
    while byte and (piece := file.read(min(byte, 1 << 20))):
        line += piece.count(b"\n")
        byte -= len(piece)
    return line

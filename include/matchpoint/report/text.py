"""Values as text: times, sizes, and file names that cannot do harm."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from matchpoint.amounts import counted

_MARKDOWN = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]#|~$"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
)
_LINK_START = re.compile(r"(?P<www>www)\.|:(?=//)", re.IGNORECASE)


def one_line(value: object) -> str:
    """Give any value as one line of visible text.

    White space of every kind becomes a space. Other characters that cannot be seen (control characters,
    changes of writing direction, bytes that were no text) become U+FFFD, so that no name looks like another.
    """
    return "".join(map(_visible, str(value)))


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def escape_markdown(value: object) -> str:
    """Give any value as one line of Markdown that reads as itself: no markup, HTML, cell end or link."""
    return _LINK_START.sub(_break_link, one_line(value).translate(_MARKDOWN))


def _break_link(match: re.Match[str]) -> str:
    return f"{match['www']}&#46;" if match["www"] else "&#58;"


def shorten_hash(sha256: str) -> str:
    """Give the first twelve characters of a hash, enough to compare by eye."""
    return f"{sha256[:12]}…"


def file_size(size: int) -> str:
    """Give a number of bytes as "512 bytes", "1.5 kB", "24.0 MB" (a kB is 1000 bytes)."""
    if size < 1000:
        return counted(size, "byte")
    amount = size / 1000
    for unit in ("kB", "MB"):
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def share(part: int, whole: int) -> str:
    """Give a part of a whole as "4.2 %"; never "0.0 %" for some nor "100.0 %" for not all."""
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def moment(iso: str) -> str:
    """Give an ISO 8601 time, UTC where it names no zone, as "2026-09-01 02:15:04 UTC"."""
    return f"{_parse(iso):%Y-%m-%d %H:%M:%S} UTC"


def duration(start: str, end: str) -> str:
    """Give the time between two ISO 8601 times as "42 s", "3 min 5 s" or "1 h 0 min"."""
    seconds = round((_parse(end) - _parse(start)).total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _parse(iso: str) -> datetime:
    time = datetime.fromisoformat(iso)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)

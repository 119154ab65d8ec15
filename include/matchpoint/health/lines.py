"""One pass over a file of lines: how many rows it has, some of them from everywhere in it, and its last lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from matchpoint.health.bytes import BLOCK
from matchpoint.profile.formats import CsvFormat, FixedWidthFormat, JsonFormat
from matchpoint.read.raw_records import held_together

LineFormat = CsvFormat | FixedWidthFormat | JsonFormat
LAST = 5
"""Lines at the end among which control lines are looked for."""


@dataclass
class Lines:
    """What a pass over lines gives.

    ``head`` are the lines before the first row, ``sample`` rows from everywhere in the file, ``last`` the last ones
    that are not blank, control lines among them, ``rows`` the number of rows without those.
    """

    head: list[bytes] = field(default_factory=list)
    sample: list[bytes] = field(default_factory=list)
    last: list[bytes] = field(default_factory=list)
    rows: int = 0


def read_lines(blocks: Iterable[bytes], form: LineFormat, size: int, wanted: int) -> Lines:
    """Go over the blocks of a file of ``size`` bytes once; at most about ``wanted`` rows are kept as a sample.

    The file is one in which a byte below 128 is always that character.
    """
    found, is_csv = Lines(), isinstance(form, CsvFormat)
    to_skip = lines_before(form)
    step, chance = 0, np.random.default_rng(0)  # every tenth row might ever be the same kind of row
    for some in _records(blocks, form):
        records = some
        if len(found.head) < to_skip:
            missing = to_skip - len(found.head)
            found.head += records[:missing]
            records = records[missing:]
        if isinstance(form, CsvFormat) and form.comment:
            mark = form.comment.encode("ascii", "backslashreplace")
            records = [one for one in records if not one.startswith(mark)]
        records = list(filter(None if is_csv else bytes.strip, records))
        found.rows += len(records)
        found.last = [*found.last, *records[-LAST:]][-LAST:]
        step = step or _step(records, size, wanted)
        if step and len(found.sample) < 2 * wanted:  # rows that are much shorter than the first ones
            kept = np.flatnonzero(chance.random(len(records)) < 1 / step) if step > 1 else range(len(records))
            found.sample += [records[place] for place in kept]
    found.rows -= sum(is_control(one, form) for one in found.last)
    return found


def _step(records: list[bytes], size: int, wanted: int) -> int:
    """Give how many rows there are to one that is kept, by the length of the first ones; 0 while there is none."""
    length = sum(map(len, records)) + len(records)
    return max(-(-size * len(records) // (length * wanted)), 1) if length else 0


def lines_before(form: LineFormat) -> int:
    """Give how many lines stand before the first row."""
    if isinstance(form, CsvFormat):
        return form.skip_lines + (0 if form.columns else 1)
    return form.skip_lines if isinstance(form, FixedWidthFormat) else 0


def is_control(line: bytes, form: LineFormat) -> bool:
    """Tell whether the readers take a line for a control line."""
    pattern = getattr(form, "trailer", None)
    if not pattern:
        return False
    text = line.decode("utf-8", "replace")
    if isinstance(form, CsvFormat):
        text = text.partition(form.delimiter)[0].strip(form.quote or "")
    return re.match(pattern, text) is not None


def _records(blocks: Iterable[bytes], form: LineFormat) -> Iterator[list[bytes]]:
    """Cut blocks into records: lines, or what a quoted line break holds together."""
    quote = form.quote.encode() if isinstance(form, CsvFormat) and form.quote else b""
    rest, ended = b"", True
    for block in blocks:
        data = rest + block
        end = data.rfind(b"\n") + 1
        records = data[:end].splitlines()
        ended = True
        if quote and quote in data and any(record.count(quote) & 1 for record in records):
            records, held = held_together(data[:end].splitlines(keepends=True), quote)
            ended = not held
            rest = held + data[end:]
        else:
            rest = data[end:]
        if not ended and len(rest) > 2 * BLOCK:  # a quote that never closes, or is no quote
            records, rest = [*records, *rest.splitlines()], b""
        yield records
    yield rest.splitlines() if ended else [rest]

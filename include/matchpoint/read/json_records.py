"""Reading JSON, a document or a record a line: columns are JMESPath expressions, values become text as written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import IO, Any

import ijson
import numpy as np
import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile.formats import JsonFormat, check_expression
from matchpoint.read.frames import CHUNK_ROWS, MENDED_COLUMNS
from matchpoint.read.text import open_text

_Record = tuple[int, Any, str]
"""Row number, record, and what is wrong with it, "" for nothing."""

_TOO_DEEP = "found values nested too deep; expected a few levels"


def read_json(
    file: IO[bytes], name: str, form: JsonFormat, wanted: Iterable[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """Read an extract in chunks; the row number is the line's, in a document the record's, from 1.

    The frame has a column per wanted expression. Text stays as it is, numbers as they are written, true and false are
    words, null and what is not there are "", anything else is JSON. A record that is no object is a finding. Raises
    :class:`ExtractError` when the document cannot be read or has no record.
    """
    expressions = {column: check_expression(column) for column in dict.fromkeys(wanted)}
    records, some = _records(file, name, form), False
    while chunk := list(islice(records, CHUNK_ROWS)):
        some = True
        rows: dict[int, list[str]] = {}
        faults: dict[int, str] = {}
        for number, record, fault in chunk:
            if fault:
                faults[number] = fault
                continue
            try:
                rows[number] = [_text(one.search(record)) for one in expressions.values()]
            except RecursionError:
                faults[number] = _TOO_DEEP
        values, numbers = list(rows.values()), pd.Index(list(rows), dtype="int64")
        frame = pd.DataFrame(values, columns=list(expressions), index=numbers, dtype="str")
        yield frame, [Finding(number, "", "bad_value", fault) for number, fault in faults.items()]
    if not some:
        raise ExtractError(name, "no record", "at least one", "Ask the SIS why the extract is empty.")


def column_names(file: IO[bytes], name: str, form: JsonFormat) -> list[str]:
    """Give the keys of the first record."""
    _, record, fault = next(_records(file, name, form), (0, {}, ""))
    return [] if fault else list(record)


def keys_read(expression: str) -> set[str]:
    """Give all keys that an expression names, of records and of what is in them."""
    keys, nodes = set(), [check_expression(expression).parsed]
    while nodes:
        node = nodes.pop()
        nodes += node["children"]
        if node["type"] == "field":
            keys.add(str(node["value"]))
    return keys


def write_rejected(file: IO[bytes], name: str, form: JsonFormat, rejects: Mapping[int, Finding]) -> bytes:
    """Give the rejected records as they came, in the same form, each with three keys more that say why."""
    kept = []
    for number, record, fault in _records(file, name, form):
        if number in rejects:
            reject = rejects[number]
            why = dict(zip(MENDED_COLUMNS, (number, reject.field, reject.message), strict=True))
            kept.append({**why, **_writable(record if not fault else {"record": record})})
    if form.lines:
        return _encoded("".join(f"{_dumps(one)}\n" for one in kept))
    document: Any = kept
    for key in reversed(form.records.split(".") if form.records else []):
        document = {key: document}
    return _encoded(_dumps(document) + "\n")


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")  # of half a character that makes the escape JSON knows it by


def _writable(record: dict[str, Any]) -> dict[str, Any]:
    """Give a record as it is written, without what is nested so deep that it cannot be."""
    try:
        _dumps(record)
    except RecursionError:
        return {"record": _TOO_DEEP}
    return record


def _records(file: IO[bytes], name: str, form: JsonFormat) -> Iterator[_Record]:
    return _lines(file, name, form) if form.lines else _document(file, name, form)


def _lines(file: IO[bytes], name: str, form: JsonFormat) -> Iterator[_Record]:
    with open_text(file, name, form.encoding) as text:
        for number, line in enumerate(text, start=1):
            if not line.strip():
                continue
            if line.count("[") + line.count("{") > _BRACKETS:  # nested, they would take memory by their square
                yield number, line.rstrip("\r\n"), _TOO_DEEP
                continue
            try:
                record = json.loads(line, parse_float=Decimal)
            except (ValueError, RecursionError) as error:
                yield number, line.rstrip("\r\n"), f"found no JSON ({type(error).__name__}); expected an object"
            else:
                yield number, record, "" if isinstance(record, dict) else "found no object; expected one"


def _document(file: IO[bytes], name: str, form: JsonFormat) -> Iterator[_Record]:
    prefix = ".".join([*([form.records] if form.records else []), "item"])
    with open_text(file, name, form.encoding) as text:
        try:
            for number, record in enumerate(ijson.items(_Utf8(text, name), prefix), start=1):
                yield number, record, "" if isinstance(record, dict) else "found no object; expected one"
        except ijson.JSONError as error:
            raise ExtractError(
                name,
                f"text that is no whole JSON ({type(error).__name__})",
                "one JSON document with a list of records",
                "The file may be cut off; for a record a line set format.lines.",
            ) from None


class _Utf8:
    """Text as the bytes that the streaming parser reads; it must not meet a number of thousands of digits.

    Python refuses such a number, and the parser (ijson 3 with yajl) then reads from nowhere: the process dies.
    """

    def __init__(self, text: Any, name: str) -> None:
        self._text = text
        self._name = name
        self._end = ""
        self._depth = 0

    def read(self, size: int = -1) -> bytes:
        piece = str(self._text.read(size))
        if _ENDLESS.search(self._end + piece):
            raise ExtractError(
                self._name,
                f"a number of more than {_DIGITS:,} digits",
                "numbers that mean something",
                "Ask the SIS for the extract anew.",
            )
        letters = piece.encode()
        levels = self._depth + np.cumsum(_STEPS[np.frombuffer(letters, dtype=np.uint8)])
        self._depth = int(levels[-1]) if len(levels) else self._depth
        if levels.max(initial=0) > _BRACKETS:  # the parser's memory grows by its square
            raise ExtractError(self._name, "values nested without end", "a few levels", "Ask the SIS for it anew.")
        self._end = (self._end + piece)[-_DIGITS:]
        return letters


_BRACKETS = 5_000
"""Lists and objects in one record of JSON Lines, and levels of a document, roughly."""
_STEPS = np.zeros(256, dtype=np.int64)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
"""By how many levels each byte goes down."""
_DIGITS = 4_000
_ENDLESS = re.compile(f"[0-9]{{{_DIGITS}}}")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, str | Decimal) else _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=float)  # of all that was read only Decimal asks for it

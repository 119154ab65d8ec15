"""What the bytes of a file tell without reading it: its encoding, letters broken on the way, and how it ends."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

BLOCK = 2 << 20
"""Bytes read at a time."""
_TAIL = 4_096
_BROKEN = re.compile(rb"\xc3[\x82\x83]\xc2[\x80-\xbf]|\xc3\xa2\xe2\x82\xac|\xef\xbf\xbd")
"""UTF-8 that was taken for Latin-1 and written as UTF-8 once more, and the sign for a letter that was lost."""


class ByteSigns:
    """What is learned while the blocks of a file go by.

    ``encoding`` is one of ascii, utf-8, utf-16, utf-32 and 8-bit, which says no more than that it is none of the
    others; ``tail`` are the last bytes, ``users`` how often a ``<user>`` begins, counted in XML only.
    """

    def __init__(self, *, of_xml: bool = False) -> None:
        self.tail = b""
        self._of_xml = of_xml
        self.users = 0
        self._marked = ""
        self._beyond_ascii = False
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()

    def add(self, block: bytes, *, first: bool) -> None:
        """Take the next block."""
        if first:
            self._marked = next((name for mark, name in _MARKS.items() if block.startswith(mark)), "")
        if self._of_xml:
            seen = self.tail[-5:] + block
            self.users += seen.count(b"<user>") + seen.count(b"<user ")
        self.tail = (self.tail + block[-_TAIL:])[-_TAIL:]
        if self._beyond_ascii or not block.isascii():
            self._beyond_ascii = True
            self._decode(block)

    def _decode(self, block: bytes) -> None:
        try:
            if self._decoder is not None:
                self._decoder.decode(block)
        except UnicodeDecodeError:
            self._decoder = None

    @property
    def encoding(self) -> str:
        """The encoding, as far as bytes tell."""
        if self._marked:
            return self._marked
        if not self._beyond_ascii:
            return "ascii"
        return "utf-8" if self._decoder is not None else "8-bit"


_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def blocks(file: IO[bytes], signs: ByteSigns) -> Iterator[bytes]:
    """Give the blocks of a file from where it stands, and let the signs know each."""
    first = True
    while block := file.read(BLOCK):
        signs.add(block, first=first)
        yield block
        first = False


def is_broken(line: bytes) -> bool:
    """Tell whether a line in UTF-8 has letters that broke on the way."""
    return _BROKEN.search(line) is not None

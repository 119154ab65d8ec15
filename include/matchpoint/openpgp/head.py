"""The beginning of an OpenPGP message: whether it is an encrypted one at all."""

from __future__ import annotations

import base64
import binascii

_ENCRYPTED = {1, 3, 9, 18, 20}
"""Packets that an encrypted message can begin with: session keys, and encrypted data."""
_ARMOUR = b"-----BEGIN PGP MESSAGE-----"
_MARKER = 10
"""A packet that says nothing, which some programs put in front."""


def is_encrypted(head: bytes) -> bool:
    """Tell an encrypted message, binary or armoured, by its first bytes; one that is only signed is none."""
    binary = _unarmoured(head) if head.lstrip().startswith(_ARMOUR) else head
    tag = _tag(binary)
    return (_tag(binary[5:]) if tag == _MARKER else tag) in _ENCRYPTED


def _tag(binary: bytes) -> int | None:
    """Give the kind of the first packet (RFC 9580, 4.2), None where there is none."""
    if not binary or not binary[0] & 0x80:
        return None
    return binary[0] & 0x3F if binary[0] & 0x40 else (binary[0] & 0x3F) >> 2


def _unarmoured(head: bytes) -> bytes:
    lines = head.lstrip().splitlines()[1:]
    headers = next((place for place, line in enumerate(lines) if not line.strip()), 0)
    first = next((line.strip() for line in lines[headers:] if line.strip()), b"")
    try:
        return base64.b64decode(first[: len(first) // 4 * 4], validate=True)
    except binascii.Error:
        return b""

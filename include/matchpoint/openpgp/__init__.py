"""OpenPGP: an extract that comes encrypted and signed is decrypted before it is read, and refused if any is wrong.

The keys are arguments. The work is done by a process of its own (:mod:`matchpoint.openpgp.child`): what a hostile
message can do to a parser, it does to that one, whose output is bounded by the operating system.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from matchpoint.errors import DecryptionKeyError, ExtractError
from matchpoint.openpgp.child import Fault
from matchpoint.openpgp.head import is_encrypted
from matchpoint.read.limits import MAX_BYTES, MAX_RATIO
from matchpoint.run_folder import AnyPath

SUFFIXES = (".pgp", ".gpg", ".asc")
"""What encrypting puts behind a file's name; the extract is called as it was before."""


@dataclass(frozen=True)
class Keys:
    """Our private key and those who may sign, as armoured text; ``passphrase`` is that of the private key, if any."""

    private_key: str = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)
    signed_by: str = ""


def plain_name(name: str) -> str:
    """Give the name of an encrypted file without the ending that encrypting gave it."""
    ending = next((one for one in SUFFIXES if name.lower().endswith(one)), "")
    return name[: -len(ending)] if ending and len(name) > len(ending) else name


@contextmanager
def decrypted(copy: AnyPath, name: str, keys: Keys, *, unsigned: bool, now: datetime) -> Iterator[Path]:
    """Decrypt the file ``name``, and give the path of what was in it; that has no name and ends with the block.

    ``unsigned`` lets a message without any signature pass; a signature that is there must always be good. ``now`` is
    what expiry is measured by. Raises :class:`ExtractError` for a file that is not encrypted, not for our key, not
    rightly signed, changed on its way or too big, and :class:`DecryptionKeyError` for keys that cannot be used.
    """
    with copy.open("rb") as file:
        if not is_encrypted(file.read(1 << 14)):
            raise ExtractError(
                name,
                "a file that is not encrypted",
                "an OpenPGP message for the library's key, as decrypt in the profile says",
                "Have it encrypted and sent again; one that was mended goes back encrypted too.",
            )
    # Files without a name: whenever this process ends, and however, they are gone.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as plain:
        with copy.open("rb") as file:
            shutil.copyfileobj(file, source, 1 << 20)
        size = source.tell()
        source.flush()
        answer = _ask(source, plain, keys, unsigned=unsigned, limit=min(MAX_BYTES, MAX_RATIO * size))
        _refuse(answer, name, now)
        plain.seek(0)
        yield Path(f"/dev/fd/{plain.fileno()}")


def _ask(source: IO[bytes], plain: IO[bytes], keys: Keys, *, unsigned: bool, limit: int) -> dict[str, Any]:
    asked = {
        "source": f"/dev/fd/{source.fileno()}",
        "target": f"/dev/fd/{plain.fileno()}",
        "private_key": keys.private_key,
        "passphrase": keys.passphrase,
        "signed_by": keys.signed_by,
        "unsigned": unsigned,
        "limit": limit,
    }
    done = subprocess.run(  # noqa: S603 (our own script, no argument from outside)
        [sys.executable, "-I", str(Path(__file__).with_name("child.py"))],
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a parser's last words may quote the file
        pass_fds=(source.fileno(), plain.fileno()),
        check=False,
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 and done.stdout else {"fault": Fault.DAMAGED}


def _refuse(answer: dict[str, Any], name: str, now: datetime) -> None:
    """Raise what an answer says."""
    expired = _expired(answer.get("own_expiry"), now)
    if expired or answer.get("fault") in _OF_KEYS:
        found = f"a private key that expired on {expired:%Y-%m-%d}" if expired else _OF_KEYS[answer["fault"]]
        raise DecryptionKeyError(
            f"{name}: found {found}; expected the library's OpenPGP key, valid and able to decrypt. "
            "Put the right one into the connection or file that decrypt in the profile names."
        )
    expired = next((day for one in answer.get("signer_expiry", ()) if (day := _expired(one, now))), None)
    if expired:
        raise ExtractError(
            name,
            f"a signature by a key that expired on {expired:%Y-%m-%d}",
            "one by a valid key",
            "Ask the SIS's people for their new certificate, and put it beside the library's key.",
        )
    if fault := answer.get("fault"):
        raise ExtractError(name, *_OF_FILES[fault])


def _expired(expiry: float | None, now: datetime) -> datetime | None:
    """Give the day of an expiry, in seconds since 1970, when it is past."""
    day = None if expiry is None else datetime.fromtimestamp(expiry, UTC)
    return day if day and day <= now else None


_OF_KEYS: dict[str, str] = {
    Fault.KEY: "a private key that cannot be read",
    Fault.PASSPHRASE: "a private key that its passphrase does not open",
    Fault.NO_SUBKEY: "a private key that cannot decrypt (none of its parts is for that, or they expired)",
    Fault.CERTIFICATES: "certificates of signers that cannot be read",
}
_AGAIN = "Have it sent again; nothing was loaded."
_OF_FILES: dict[str, tuple[str, str, str]] = {
    Fault.WRONG_KEY: (
        "a message for another key",
        "one encrypted for the library's key",
        "Give the SIS's people the library's public key.",
    ),
    Fault.DAMAGED: ("a message that is damaged, cut off or was changed on its way", "the message as sent", _AGAIN),
    Fault.UNSIGNED: (
        "a message that nobody signed",
        "one signed by the SIS's key",
        "Have it signed; or set decrypt.signatures to optional in the profile.",
    ),
    Fault.OTHER_SIGNER: (
        "a signature by somebody unknown",
        "one by a certificate that is kept beside the library's key",
        "Ask the SIS's people whether they have a new key before you trust it.",
    ),
    Fault.BAD_SIGNATURE: (
        "a signature that is not valid: it expired, was revoked, or is of another content",
        "a valid one",
        _AGAIN,
    ),
    Fault.COMPRESSED: (
        "a signed message that is compressed, whose signature cannot be checked",
        "one that is not compressed within",
        "Have it made with gpg --compress-algo none; a library key that prefers Uncompressed asks for that itself.",
    ),
    Fault.TOO_BIG: (
        f"a message that grows more than {MAX_RATIO} times, or beyond {MAX_BYTES:,} bytes",
        "an extract",
        "It looks like a bomb; ask who made it.",
    ),
}

"""The process that decrypts: asked in JSON on its standard input, it answers in JSON on its standard output.

It knows nothing of Matchpoint and answers with one word per fault, never with the parser's own: those may quote.
"""

from __future__ import annotations

import json
import resource
import sys
from enum import StrEnum
from typing import Any

import pysequoia
from pysequoia.packet import PacketPile


class Fault(StrEnum):
    """What can be wrong with keys or with a message."""

    KEY = "key"
    PASSPHRASE = "passphrase"  # noqa: S105 (the name of a fault)
    NO_SUBKEY = "no_subkey"
    CERTIFICATES = "certificates"
    WRONG_KEY = "wrong_key"
    DAMAGED = "damaged"
    UNSIGNED = "unsigned"
    OTHER_SIGNER = "other_signer"
    BAD_SIGNATURE = "bad_signature"
    COMPRESSED = "compressed"
    TOO_BIG = "too_big"


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Decrypt ``source`` into ``target``; tells the fault, if any, and when the keys that were used expire."""
    try:
        key = pysequoia.Tsk.from_bytes(asked["private_key"].encode())
    except Exception:
        return {"fault": Fault.KEY}
    told: dict[str, Any] = {"own_expiry": _expiry(key.extract_certificate())}
    try:
        signers = pysequoia.Cert.split_bytes(asked["signed_by"].encode()) if asked["signed_by"].strip() else []
    except Exception:
        return told | {"fault": Fault.CERTIFICATES}
    try:
        decryptor = _decryptor(key, asked["passphrase"])
    except Exception as error:
        return told | {"fault": Fault.NO_SUBKEY if "No suitable" in str(error) else Fault.PASSPHRASE}
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked["limit"], asked["limit"]))
    return told | _decrypt(asked, decryptor, signers)


def _decryptor(key: pysequoia.Tsk, passphrase: str | None) -> pysequoia.PyDecryptor:
    try:
        return key.decryptor(passphrase or None)
    except Exception as error:
        if passphrase and "not encrypted" in str(error):
            return key.decryptor()
        raise


def _decrypt(
    asked: dict[str, Any], decryptor: pysequoia.PyDecryptor, signers: list[pysequoia.Cert]
) -> dict[str, Any]:
    issuers: list[str] = []

    def certificates(ids: list[str]) -> list[pysequoia.Cert]:
        issuers.extend(ids)
        return signers

    try:
        done = pysequoia.decrypt_file(asked["source"], asked["target"], decryptor, certificates)
    except Exception as error:
        fault = _fault(str(error), issuers, signers)
        if fault is Fault.UNSIGNED and asked["unsigned"]:
            return _decrypt_unsigned(asked, decryptor)
        return {"fault": fault, "signer_expiry": [_expiry(one) for one in _who(issuers, signers)]}
    good = {one.certificate for one in done.valid_sigs}
    return {"signer_expiry": [_expiry(one) for one in signers if one.fingerprint in good]}


def _decrypt_unsigned(asked: dict[str, Any], decryptor: pysequoia.PyDecryptor) -> dict[str, Any]:
    try:
        pysequoia.decrypt_file(asked["source"], asked["target"], decryptor)
    except Exception as error:
        return {"fault": _fault(str(error), [], [])}
    return {}


def _fault(said: str, issuers: list[str], signers: list[pysequoia.Cert]) -> Fault:
    if "no valid signatures" in said:
        if not issuers:
            return Fault.UNSIGNED
        return Fault.BAD_SIGNATURE if _who(issuers, signers) else Fault.OTHER_SIGNER
    if "message structure" in said:  # pysequoia checks no signature within a compressed packet
        return Fault.COMPRESSED if issuers else Fault.UNSIGNED
    if "No key to decrypt" in said:
        return Fault.WRONG_KEY
    return Fault.TOO_BIG if "File too large" in said else Fault.DAMAGED


def _who(issuers: list[str], signers: list[pysequoia.Cert]) -> list[pysequoia.Cert]:
    """Give the certificates that hold one of the keys a message says it is signed with."""
    asked = {one.lower() for one in issuers}
    return [one for one in signers if any(_is_key(part, asked) for part in PacketPile.from_bytes(bytes(one)))]


def _is_key(part: Any, asked: set[str]) -> bool:
    return bool({part.fingerprint, part.key_id} & asked)


def _expiry(one: pysequoia.Cert) -> float | None:
    return one.expiration.timestamp() if one.expiration else None


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)

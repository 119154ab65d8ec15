"""The OpenPGP keys of a profile, from its Airflow connection or from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException

from matchpoint.openpgp import Keys

if TYPE_CHECKING:
    from matchpoint.profile.openpgp import Decrypt


def decryption_keys(decrypt: Decrypt) -> Keys:
    """Read the private key, its passphrase, and the certificates of those who may sign."""
    connection: Any = BaseHook.get_connection(decrypt.connection) if decrypt.connection else None
    extra = connection.extra_dejson if connection else {}
    key = _text("key_file", decrypt.key_file) or extra.get("private_key") or ""
    signed_by = _text("signed_by", decrypt.signed_by) or extra.get("signed_by") or ""
    for name, value, needed in (
        ("private_key", key, True),
        ("signed_by", signed_by, decrypt.signatures == "required"),
    ):
        if needed and not value.strip():
            raise AirflowFailException(
                f"connection {decrypt.connection}: found no {name} in its extra; expected armoured OpenPGP text. "
                "Put it there, or name a file in decrypt of the profile."
            )
    return Keys(key, connection.password if connection else None, signed_by)


def _text(key: str, path: str | None) -> str:
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise AirflowFailException(
            f"decrypt.{key} of the profile: found no armoured text in {path} ({type(error).__name__}); expected an "
            "OpenPGP key. Put it there, readable for Airflow, or name another file."
        ) from None

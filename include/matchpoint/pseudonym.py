"""A name for a person in logs: the same in every log, and only this user store can tell whose it is."""

from __future__ import annotations

import hashlib
import hmac
import secrets as random

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from matchpoint.alma.identifiers import key
from matchpoint.store import writing
from matchpoint.store.notice_tables import secrets

_NAME = "pseudonyms"


def pseudonym(primary_id: str, salt: str) -> str:
    """Give ``p-`` and 12 hexadecimal digits: a keyed hash of the primary id, upper and lower case alike."""
    hashed = hmac.new(bytes.fromhex(salt), key(primary_id).encode(), hashlib.sha256)
    return f"p-{hashed.hexdigest()[:12]}"


def salt_of(engine: Engine) -> str:
    """Give the store's key for pseudonyms, as 64 hexadecimal digits; made at random when first asked for."""
    asked = select(secrets.c.value).where(secrets.c.name == _NAME)
    with engine.connect() as connection:
        found = connection.scalar(asked)
    if found is not None:
        return str(found)
    try:
        with writing(engine).begin() as connection:
            connection.execute(insert(secrets).values(name=_NAME, value=random.token_hex(32)))
    except IntegrityError:  # somebody was faster
        pass
    return salt_of(engine)

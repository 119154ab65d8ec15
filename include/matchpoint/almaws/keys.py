"""The keys of the API: made, listed, revoked, and the limits that each has.

The counts of a day are kept in memory and written every few seconds, beside the requests: none waits for a write, and
a server that is killed forgets those of its last seconds.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Thread
from typing import Any, Literal

from sqlalchemy import Engine, case, insert, select, update

from matchpoint.errors import AccountError
from matchpoint.store import writing
from matchpoint.store.api_tables import api_keys

Scope = Literal["ro", "rw"]
PER_SECOND, PER_DAY = 25, 100_000
"""Alma's own limits, of an institution with 100 named users."""
WRITTEN_EVERY = 5.0
"""Seconds after which the counts are written."""


@dataclass(frozen=True)
class ApiKey:
    """A key as the store knows it; the key itself nobody can read again."""

    name: str
    scope: Scope
    per_second: int
    per_day: int


class LimitReachedError(AccountError):
    """A key asked too often; ``code`` is Alma's PER_SECOND_THRESHOLD or DAILY_THRESHOLD."""


def make_key(
    engine: Engine, name: str, scope: Scope, now: datetime, *, per_second: int = PER_SECOND, per_day: int = PER_DAY
) -> str:
    """Make a key and give it, this once. Raises :class:`AccountError` when the name has one already."""
    made = secrets.token_urlsafe(32)
    values = {"name": name, "hash": _hash(made), "scope": scope, "per_second": per_second, "per_day": per_day}
    with writing(engine).begin() as connection:
        if connection.scalar(select(api_keys.c.name).where(api_keys.c.name == name)):
            raise AccountError("key_exists", f"key {name}: found one of that name; choose another name")
        connection.execute(insert(api_keys).values(**values, created_at=now, day="", used=0))
    return made


def list_keys(engine: Engine) -> list[Mapping[str, Any]]:
    """List the keys, without their hashes."""
    columns = [one for one in api_keys.c if one.name != "hash"]
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(*columns).order_by(api_keys.c.name)).mappings()]


def revoke_key(engine: Engine, name: str, now: datetime) -> None:
    """Make a key useless. Raises :class:`AccountError` when there is none of that name."""
    with writing(engine).begin() as connection:
        done = connection.execute(update(api_keys).where(api_keys.c.name == name).values(revoked_at=now))
    if not done.rowcount:
        raise AccountError("no_key", f"key {name}: found none of that name")


def find_key(engine: Engine, key: str) -> ApiKey:
    """Give the key that somebody shows; raises :class:`AccountError` UNAUTHORIZED when it is none, or is revoked."""
    columns = (api_keys.c.name, api_keys.c.scope, api_keys.c.per_second, api_keys.c.per_day)
    valid = (api_keys.c.hash == _hash(key), api_keys.c.revoked_at.is_(None))
    with engine.connect() as connection:
        found = connection.execute(select(*columns).where(*valid)).one_or_none()
    if found is None:
        raise AccountError("UNAUTHORIZED", "API-key not defined or not configured to allow this API.")
    return ApiKey(*found)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass
class _Use:
    day: str
    used: int
    written: int
    recent: deque[datetime] = field(default_factory=deque)


class Limits:
    """How often each key was used, in the last second and today. May be asked by many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._uses: dict[str, _Use] = {}
        self._lock = Lock()
        self._written: datetime | None = None

    def take(self, key: ApiKey, now: datetime) -> int:
        """Count a request, and give how many are left today. Raises :class:`LimitReachedError`."""
        with self._lock:
            use = self._use(key, now)
            while use.recent and (now - use.recent[0]).total_seconds() >= 1:
                use.recent.popleft()
            if len(use.recent) >= key.per_second:
                raise LimitReachedError("PER_SECOND_THRESHOLD", "HTTP requests are more than allowed per second")
            if use.used >= key.per_day:
                raise LimitReachedError("DAILY_THRESHOLD", "Daily API Request Threshold has been reached")
            use.recent.append(now)
            use.used += 1
            self._written = self._written or now
            if (now - self._written).total_seconds() >= WRITTEN_EVERY:
                self._written = now
                Thread(target=self.flush, daemon=True).start()
            return key.per_day - use.used

    def flush(self) -> None:
        """Write what was counted since the last time."""
        with self._lock:
            new = {name: (use.day, use.used - use.written) for name, use in self._uses.items()}
            for use in self._uses.values():
                use.written = use.used
        with writing(self._engine).begin() as connection:
            for name, (day, more) in new.items():
                used = case((api_keys.c.day == day, api_keys.c.used + more), else_=more)
                connection.execute(update(api_keys).where(api_keys.c.name == name).values(day=day, used=used))

    def _use(self, key: ApiKey, now: datetime) -> _Use:
        day = now.date().isoformat()
        use = self._uses.get(key.name)
        if use is None or use.day != day:
            with self._engine.connect() as connection:
                query = select(api_keys.c.used).where(api_keys.c.name == key.name, api_keys.c.day == day)
                used = int(connection.scalar(query) or 0)
            use = self._uses[key.name] = _Use(day, used, used)
        return use

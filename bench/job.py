"""A job: what one process is to do and to be measured at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

START = datetime(2026, 9, 1, 5, tzinfo=UTC)
AS_OF = date(2026, 9, 1)
CASES = ("import", "day2", "again", "reformatted", "xml")
EXTRACTS = {"import": "day1", "day2": "day2", "again": "day1", "reformatted": "reformatted", "xml": "users"}


@dataclass(frozen=True)
class Job:
    """One case for one contestant: on the store at ``url``, with ``extract``; leftovers go into ``folder``."""

    contestant: str
    case: str
    url: str
    extract: str
    sha256: str
    folder: str
    day: int = 0

    @property
    def path(self) -> Path:
        """The extract."""
        return Path(self.extract)

    @property
    def sqlite(self) -> str | None:
        """The file of the store, when it is one."""
        return self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite") else None

    @property
    def libpq(self) -> str:
        """The URL as PostgreSQL's own clients take it."""
        return self.url.replace("+psycopg", "")

    @property
    def run_id(self) -> str:
        """The name of the run."""
        return f"bench {self.day} {self.case}"

    @property
    def now(self) -> datetime:
        """The time of the run."""
        return START + timedelta(days=self.day)

"""The review list as a file: each open proposal with both records, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from matchpoint.alma.fields import EMAILS, PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers
from matchpoint.identity.proposals import Proposal
from matchpoint.outcomes import Outcome
from matchpoint.read.frames import guard
from matchpoint.run_folder import RunFolder

FILE = "review.csv"
_OF_PROPOSAL = ("proposal", "confidence", "kind", "reasons", "profile", "row_last_came", "row_was", "if_accepted")
_OF_PERSON = (
    "primary_id",
    "identifiers",
    "first_name",
    "middle_name",
    "last_name",
    "birth_date",
    "emails",
    "user_group",
)
_OF_KNOWN = ("account_type", "external_id", "expiry_date")
COLUMNS = (*_OF_PROPOSAL, *(f"{who}_{one}" for one in _OF_PERSON for who in ("known", "new")), *_OF_KNOWN)
"""What of the two is shown side by side, field by field."""


def write_review(folder: RunFolder, proposals: Iterable[Proposal]) -> None:
    """Write ``rejections/review.csv``, with a header also when there is nothing to answer."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([guard(str(value)) for value in _row(one)] for one in proposals)
    folder.path("rejections", FILE).write_text(out.getvalue(), encoding="utf-8")


def _row(proposal: Proposal) -> Iterator[object]:
    has_account = proposal.outcome == Outcome.CREATED
    yield from (proposal.id, f"{proposal.confidence:.2f}", proposal.kind, "; ".join(proposal.reasons))
    yield from (proposal.profile, f"{proposal.at:%Y-%m-%d %H:%M}", proposal.outcome)
    yield "the two users are merged" if has_account else "the known user gets the new identity"
    known, new = _person(proposal.known), _person(proposal.incoming)
    for pair in zip(known, new, strict=True):
        yield from pair
    yield from (_text(proposal.known, name) for name in _OF_KNOWN)


def _person(user: User) -> Iterator[str]:
    yield user.get(PRIMARY_ID, "")
    yield "; ".join(f"{id_type} {value}" for id_type, value in identifiers(user) if id_type != PRIMARY_ID)
    yield from (_text(user, name) for name in ("first_name", "middle_name", "last_name", "birth_date"))
    yield "; ".join(one.get("email_address", "") for one in EMAILS.parts(user))
    yield _text(user, "user_group")


def _text(user: User, name: str) -> str:
    value = user.get(name) or ""
    return str(value.get("value", "")) if isinstance(value, dict) else str(value)

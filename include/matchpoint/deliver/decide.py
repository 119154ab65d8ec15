"""What is to be done for one person at Alma, by what Alma has: nothing, a POST, a PUT, or a dead letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matchpoint.accounts.purge import says_nosync
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.deliver.outbox import Due
from matchpoint.deliver.swap import is_same_person, swap, to_create

KEPT_OUT = "nosync"
INTERNAL = "internal"
FOREIGN = "401858"
TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Person:
    """A user who is due, and what Alma was given of it last; None where that was never, or is forgotten."""

    due: Due
    delivered: User | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Alma is sent nothing, for this reason: a key of :data:`matchpoint.deliver.words.WORDS`."""

    code: str


@dataclass(frozen=True, slots=True)
class Write:
    """A user to send: a PUT to the user with the primary id ``at``, a POST where ``at`` is empty."""

    user: User
    at: str = ""
    override: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """What has become of the person when Alma took it."""
        return "updated" if self.at else "created"


def ways_to_find(person: Person, match_points: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give, as type and value, the identifiers by which Alma is asked for a person, the surest first.

    That is the primary id under which Alma was given the person last, the one of now, and the match points of the
    profile: or else a changed primary id would make a second user.
    """
    found = [
        (PRIMARY_ID, (person.delivered or {}).get(PRIMARY_ID, "")),
        (PRIMARY_ID, person.due.document[PRIMARY_ID]),
    ]
    held = identifiers(person.due.document)
    found += [(one, value) for point in match_points if point != PRIMARY_ID for one, value in held if one == point]
    seen = set()
    for id_type, value in found:
        if value and (id_type, key(value)) not in seen:
            seen.add((id_type, key(value)))
            yield id_type, value


def is_meant(alma: User, id_type: str, value: str) -> bool:
    """Tell whether Alma's user has the identifier as what was asked for: asked for an id, Alma looks at all types."""
    return is_same_person({PRIMARY_ID: value}, alma, PRIMARY_ID) if id_type == PRIMARY_ID else True


def decide(person: Person, alma: User | None, profile: str) -> Write | Refused | None:
    """Say what is to be done for a person whom Alma has as ``alma``; None when Alma has it all already.

    Nobody whom another profile or the library itself owns is touched, nor anybody with a note that says NOSYNC.
    """
    due = person.due
    if alma is None:
        return Write(to_create(due.document, profile))
    for code, is_so in (
        (KEPT_OUT, says_nosync(alma)),
        (INTERNAL, alma.get("account_type", {}).get("value") == "INTERNAL"),
        (FOREIGN, alma.get("external_id") != profile),
    ):
        if is_so:
            return Refused(code)
    made = swap(due.document, alma, profile, protected=due.protected, delivered=person.delivered)
    return Write(made.user, alma[PRIMARY_ID], made.override) if made.changes else None

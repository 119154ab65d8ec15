"""A plain Alma in memory: what the store must look like after each step. Obviously right rather than fast.

It knows people with two names, a group, a card and an email; all of Alma's rules for these, none of Matchpoint's
code. Rows and users are plain dictionaries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, str]
SPECIAL = ("user_group", "pref_first_name")
MATCH_POINTS = ("primary_id", "BARCODE")


@dataclass
class Person:
    """A user. ``identifiers`` are (type, value, owner), ``emails`` (address, preferred, owner)."""

    primary_id: str
    profile: str | None
    fields: dict[str, str]
    identifiers: list[tuple[str, str, str]] = field(default_factory=list)
    emails: list[tuple[str, bool, str]] = field(default_factory=list)
    protected: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        return self.profile is not None

    def held(self) -> list[tuple[str, str]]:
        """List all identifiers as (type, value in lower case)."""
        return [
            ("primary_id", self.primary_id.lower()),
            *((kind, value.lower()) for kind, value, _ in self.identifiers),
        ]


def wanted(row: Row) -> list[tuple[str, str]]:
    """List the identifiers of a row, as ``Person.held``."""
    given = [("primary_id", row["ID"]), ("BARCODE", row["CARD"])]
    return [(kind, value.lower()) for kind, value in given if value]


class Alma:
    """All people, and what import, synchronize and the library do to them."""

    def __init__(self) -> None:
        self.people: list[Person] = []

    # --- the SIS ----------------------------------------------------------------------------------

    def load(self, mode: str, profile: str, rows: list[Row]) -> Counter[str]:
        """Import or synchronize a feed; count the outcomes. Every row is judged by the state before the feed."""
        before = {id(person): person.held() for person in self.people}
        judged = [(row, self._judge(mode, profile, row, before)) for row in rows]
        outcomes: Counter[str] = Counter()
        loaded: set[str] = set()
        met: set[int] = set()
        for row, (verdict, person) in judged:
            values = {value for _, value in wanted(row)}
            outcome = verdict
            if verdict in {"create", "meet"}:
                taken = not loaded.isdisjoint(values) or id(person) in met
                outcome = "rejected" if taken else self._put(person, profile, row)
            if outcome in {"created", "updated", "unchanged"}:
                loaded |= values
                met |= {id(person)} if person else set()
            outcomes[outcome] += 1
        return outcomes

    def _judge(
        self, mode: str, profile: str, row: Row, before: dict[int, list[tuple[str, str]]]
    ) -> tuple[str, Person | None]:
        values = [value for _, value in wanted(row)]
        if not row["LAST"] or not row["ID"] or len(set(values)) < len(values):
            return "rejected", None
        holders = [one for one in self.people if any(value in values for _, value in before[id(one)])]
        if mode == "import":
            return ("rejected", None) if holders else ("create", None)
        hits = [
            one
            for kind, value in wanted(row)
            if kind in MATCH_POINTS
            for one in holders
            if (kind, value) in before[id(one)]
        ]
        if not hits:
            return ("rejected", None) if holders else ("create", None)
        if any(one is not hits[0] for one in hits):
            return "conflict", None
        if not hits[0].is_external:
            return "rejected", None
        if hits[0].profile != profile:
            return "conflict", None
        return ("rejected", None) if any(one is not hits[0] for one in holders) else ("meet", hits[0])

    def _put(self, person: Person | None, profile: str, row: Row) -> str:
        if person is None:
            person = Person(row["ID"], profile, {})
            self._fill(person, row)
            self.people.append(person)
            return "created"
        old = (person.primary_id, dict(person.fields), list(person.identifiers), list(person.emails))
        if any(value.lower() == row["ID"].lower() for _, value, owner in person.identifiers if owner == "Internal"):
            return "rejected"
        person.primary_id = row["ID"]
        self._fill(person, row)
        new = (person.primary_id, person.fields, person.identifiers, person.emails)
        return "unchanged" if old == new else "updated"

    @staticmethod
    def _fill(person: Person, row: Row) -> None:
        """Swap All, but for special fields: a protected one stays, an empty one keeps the old value."""
        incoming = {"last_name": row["LAST"], "user_group": row["GROUP"], "pref_first_name": row["PREF"]}
        kept = {
            name: person.fields[name]
            for name in SPECIAL
            if name in person.fields and (name in person.protected or not incoming[name])
        }
        person.fields = {
            name: value for name, value in incoming.items() if value and name not in person.protected
        } | kept
        internal = [one for one in person.identifiers if one[2] == "Internal"]
        card = row["CARD"]
        known = {value.lower() for _, value, _ in internal}
        new = [("BARCODE", card, "External")] if card and card.lower() not in known else []
        person.identifiers = internal + new
        own = [one for one in person.emails if one[2] == "Internal"]
        preferred = not any(one[1] for one in own)
        person.emails = own + ([(row["EMAIL"], preferred, "External")] if row["EMAIL"] else [])

    # --- the library ------------------------------------------------------------------------------

    def of(self, primary_id: str) -> Person:
        """Give a person by primary id."""
        return next(one for one in self.people if one.primary_id.lower() == primary_id.lower())

    def edit(self, primary_id: str, name: str, value: str) -> None:
        """Edit a field by hand; a special field of an external user becomes protected, if that changes it."""
        person = self.of(primary_id)
        if name in SPECIAL and person.is_external and person.fields.get(name) != value:
            person.protected.setdefault(name, person.fields.get(name))
        person.fields[name] = value

    def restore(self, primary_id: str, name: str) -> None:
        """Release a protected field to the value that the SIS gave."""
        person = self.of(primary_id)
        value = person.protected.pop(name)
        person.fields.pop(name, None)
        if value is not None:
            person.fields[name] = value

    def add_identifier(self, primary_id: str, value: str) -> bool:
        """Add an identifier of the library's own, unless anybody holds it."""
        if any(value.lower() == held for one in self.people for _, held in one.held()):
            return False
        person = self.of(primary_id)
        person.identifiers.append(("OTHER_ID_1", value, "Internal"))
        person.identifiers.sort(key=lambda one: one[2] == "External")
        return True

    def convert(self, primary_id: str, profile: str | None) -> None:
        """Make an external user internal, or an internal one external of a profile."""
        self.of(primary_id).profile = profile

    def delete(self, primary_id: str) -> None:
        """Delete a user; what it held is free again."""
        self.people.remove(self.of(primary_id))

    def state(self) -> dict[str, Any]:
        """Give everybody by primary id, segments without order."""
        return {
            one.primary_id: {
                "profile": one.profile,
                "fields": one.fields,
                "identifiers": sorted(one.identifiers),
                "emails": sorted(one.emails),
                "protected": one.protected,
            }
            for one in self.people
        }

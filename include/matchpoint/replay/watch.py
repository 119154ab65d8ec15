"""Watching a transformation: which places of the mapping are ever filled, and which codes are in no crosswalk."""

from __future__ import annotations

from collections import Counter
from datetime import date
from threading import Lock

import pandas as pd

from matchpoint.mapping.columns import crosswalk_codes
from matchpoint.mapping.converters import Context, Strings
from matchpoint.profile import Profile
from matchpoint.profile.converters import CrosswalkConverter
from matchpoint.profile.mapping import rules_of


class Watcher:
    """Looks on while frames are mapped, in several threads."""

    def __init__(self, profile: Profile, as_of: date) -> None:
        self._profile = profile
        self._as_of = as_of
        self._lock = Lock()
        rules = dict(rules_of(profile.mapping)) if profile.mapping is not None else {}
        self._coded = [
            one for one in rules.values() if any(isinstance(how, CrosswalkConverter) for how in one.convert)
        ]
        self.places = [place for place, rule in rules.items() if rule.columns]
        self.filled: set[str] = set()
        self.unmapped: dict[str, Counter[str]] = {}

    def __call__(self, frame: pd.DataFrame, columns: dict[str, Strings]) -> None:
        """Take a frame, and the columns it was mapped to."""
        new = {name for name in columns if name not in self.filled and (columns[name] != "").any()}
        codes = self._codes(frame) if self._coded else {}
        with self._lock:
            self.filled |= new
            for name, counted in codes.items():
                self.unmapped.setdefault(name, Counter()).update(counted)

    def _codes(self, frame: pd.DataFrame) -> dict[str, Counter[str]]:
        rows = frame.apply(lambda column: column.str.strip())
        context = Context(self._profile.crosswalks, self._as_of, rows)
        found: dict[str, Counter[str]] = {}
        for rule in self._coded:
            for name, values in crosswalk_codes(rule, rows, context):
                known = self._profile.crosswalks[name]
                counted = values.value_counts().to_dict()
                missing = {str(code): int(n) for code, n in counted.items() if code and code not in known}
                found.setdefault(name, Counter()).update(missing)
        return found

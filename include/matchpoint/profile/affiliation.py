"""One person in several feeds: which affiliation comes first, as a profile writes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from matchpoint.profile.model import Model

Entry = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(/.+)?$")]


class Affiliation(Model):
    """The table of precedence. All profiles of a store that share people have the same."""

    order: list[Entry] = Field(
        min_length=1,
        description="Codes of profiles, or CODE/USER_GROUP for one group of a profile; the first comes first",
    )
    combine_rows: bool = Field(
        False, description="Whether several rows of one feed about one person become one user, or the first is loaded"
    )

    @field_validator("order")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if twice := sorted({one for one in value if value.count(one) > 1}):
            raise ValueError(f"found {', '.join(twice)} twice; expected each once")
        return value

    @property
    def profiles(self) -> frozenset[str]:
        """The codes of the profiles that share people."""
        return frozenset(one.partition("/")[0] for one in self.order)

    def rank(self, profile: str, user_group: str | None) -> int:
        """Give the place of an affiliation, 0 first; one that the table does not name comes last."""
        for entry in (f"{profile}/{user_group}", profile):
            if entry in self.order:
                return self.order.index(entry)
        return len(self.order)

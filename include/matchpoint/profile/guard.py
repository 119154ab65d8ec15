"""What a run may do without asking: the limits of a profile, and what happens beyond them."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from matchpoint.profile.model import Model

Category = Literal["create", "update", "leave", "reject"]
"""What a run does to people, as far as there are limits on it."""


class Limit(Model):
    """How many people are too many. Whichever of ``count`` and ``share`` is reached first decides."""

    count: int | None = Field(None, ge=0, description="So many people")
    share: float | None = Field(None, ge=0, le=1, description="So large a part of the profile's people")
    at_least: int = Field(10, ge=0, description="Fewer than that never ask because of a share")


class Guard(Model):
    """Limits per action, for a run and for each user group in it."""

    create: Limit = Limit(share=0.25)
    update: Limit = Limit(share=0.5)
    leave: Limit = Limit(share=0.05)
    reject: Limit = Limit(share=0.1)
    by_group: bool = Field(True, description="Whether the shares hold for each user group, too")
    terms: list[date] = Field(
        default_factory=list,
        description="First days of terms: limits are then learned from like weeks, where there were enough",
    )
    first_load: Literal["ask", "go"] = Field("ask", description="Whether the first load of a profile asks")
    quarantine: float | None = Field(
        0.5, gt=0, le=1, description="Share of rows not accepted, from which on the profile is stopped"
    )
    answer_hours: int = Field(
        72, ge=1, le=24 * 60, description="How long a question waits; unanswered, it counts as Reject"
    )

    @field_validator("terms")
    @classmethod
    def _in_order(cls, value: list[date]) -> list[date]:
        return sorted(value)

    def limit(self, category: Category) -> Limit:
        """Give the limit of a category."""
        limit: Limit = getattr(self, category)
        return limit

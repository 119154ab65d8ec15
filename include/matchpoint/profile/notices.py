"""Whom a profile tells what became of its runs, and by when it expects an extract."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, get_args

from pydantic import EmailStr, Field, StringConstraints, model_validator

from matchpoint.profile.model import Model

Occasion = Literal["success", "hold", "failure", "nothing_arrived"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_OCCASIONS = list(get_args(Occasion))
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
"""The days of the week, as :meth:`datetime.date.weekday` counts them."""


class EmailNotice(Model):
    """Notices by e-mail."""

    connection: str = Field("smtp_default", min_length=1, description="Airflow connection id of the SMTP server")
    to: list[EmailStr] = Field(min_length=1, description="Addresses")
    when: list[Occasion] = Field(default_factory=lambda: list(_OCCASIONS), min_length=1)


class WebhookNotice(Model):
    """Notices as JSON, posted to a web address."""

    connection: str = Field(min_length=1, description="Airflow connection id; its password signs the body")
    when: list[Occasion] = Field(default_factory=lambda: list(_OCCASIONS), min_length=1)


class Notices(Model):
    """Where notices go, and by when an extract must have been applied for there to be none."""

    email: EmailNotice | None = None
    webhook: WebhookNotice | None = None
    expected_by: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = Field(
        None, description="Time of day, where the profile's clocks stand, by which an extract is expected: 07:30"
    )
    expected_days: list[Weekday] = Field(
        default_factory=lambda: list(WEEKDAYS), min_length=1, description="Days on which one is expected"
    )

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Notices:
        if not self.email and not self.webhook:
            raise ValueError("found neither email nor webhook; expected one of them")
        if self.expected_by and not self.channels("nothing_arrived"):
            raise ValueError("expected_by: found no email or webhook with when: [nothing_arrived]; expected one")
        return self

    def channels(self, occasion: Occasion) -> list[str]:
        """Give the names of the ways by which an occasion is told: ``email``, ``webhook``."""
        ways = {"email": self.email, "webhook": self.webhook}
        return [name for name, way in ways.items() if way and occasion in way.when]

    @property
    def deadline(self) -> time | None:
        """The time of day by which an extract is expected; None when none is."""
        return time.fromisoformat(self.expected_by) if self.expected_by else None

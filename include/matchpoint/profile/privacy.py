"""How long a profile's runs keep people's data, and whose rows are confidential."""

from __future__ import annotations

from pydantic import Field, model_validator

from matchpoint.profile.model import Model


class Retention(Model):
    """When what a run left goes: first all that holds people, later the rest."""

    extracts_days: int = Field(
        90, ge=1, description="Days after which extracts, users, plans and rejections of a run are deleted"
    )
    run_days: int = Field(365, ge=1, description="Days after which its receipt and report go too")

    @model_validator(mode="after")
    def _in_order(self) -> Retention:
        if self.run_days < self.extracts_days:
            raise ValueError(
                f"run_days: found {self.run_days}; expected extracts_days ({self.extracts_days}) or more"
            )
        return self


class Confidential(Model):
    """By which column the SIS marks people of whom nothing may be shown."""

    column: str = Field(min_length=1, description="A column of the person file")
    values: list[str] = Field(min_length=1, description="Its values that mark a person, whatever their case")

"""The section ``identity`` of a profile: what is done about rows of new people who may be known already."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from matchpoint.profile.model import Model

EMAIL = "email"
ANY = "*"


class Identity(Model):
    """When a synchronize asks staff whether a new person is one who is known."""

    review: bool = Field(True, description="Whether proposals are made at all")
    secondary: list[str] = Field(
        default_factory=lambda: [ANY],
        description="What tells by itself that two may be one: identifier types, '*' for all of them, and email",
    )
    name_and_birth_date: bool = Field(False, description="Whether like names with the same birth date tell it, too")
    likely: float = Field(0.85, ge=0.5, le=1, description="From this confidence on a proposal is made")
    strong: float = Field(0.95, ge=0.5, le=1, description="From this confidence on no second user is made meanwhile")
    old_primary_id_as: str | None = Field(
        None, description="Identifier type under which a renamed user keeps the old primary id, as an internal one"
    )
    unanswered_days: int = Field(
        30, ge=1, description="So long a proposal stays on the list after its row last came without an account"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Identity:
        if self.likely > self.strong:
            raise ValueError(f"likely: found {self.likely}; expected at most strong, which is {self.strong}")
        return self

    def tells(self, id_type: str) -> bool:
        """Tell whether an identifier type is a secondary one."""
        return ANY in self.secondary or id_type in self.secondary

    @property
    def by_email(self) -> bool:
        """Whether an email address tells."""
        return self.review and EMAIL in self.secondary

    @property
    def by_name(self) -> bool:
        """Whether name and birth date tell."""
        return self.review and self.name_and_birth_date

    @property
    def looks_around(self) -> bool:
        """Whether new people are looked for among all users, and not only where an identifier is taken."""
        return self.by_email or self.by_name


def check_identity(identity: Identity, mapping: Any) -> None:
    """Raise ValueError when the section asks for what the mapping does not fill."""
    filled = ["primary_id", *(rule.id_type for rule in mapping.identifiers)]
    for id_type in identity.secondary:
        if id_type not in {ANY, EMAIL, *filled}:
            raise ValueError(
                f"identity.secondary: found {id_type!r}; accepted are '*', email and the identifiers that the "
                f"mapping fills: {', '.join(sorted(filled))}"
            )
    if identity.by_email and not mapping.emails:
        raise ValueError("identity.secondary: found email; the mapping fills no emails")
    if identity.by_name and not (mapping.birth_date and mapping.last_name):
        raise ValueError("identity.name_and_birth_date: found true; the mapping fills no birth_date, or no last_name")

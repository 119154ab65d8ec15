"""What happens to the people of a profile who are no longer in its feed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from matchpoint.profile.model import Model

Step = Literal["expire", "deactivate", "purge_date"]
"""What a run may do to a leaver, one at a time and in this order."""


class Protect(Model):
    """Who is never touched, however long absent."""

    user_groups: list[str] = Field(default_factory=list, description="Alma codes of user groups")
    primary_ids: list[str] = Field(default_factory=list, description="People, in whatever case")


class Leavers(Model):
    """What happens to people of a full extract who are missing from it. No run deletes anybody."""

    policy: Literal["ignore", "expire", "deactivate"] = Field(
        "ignore", description="Nothing; an expiry date; an expiry date, and INACTIVE once that has passed"
    )
    after_feeds: int = Field(3, ge=1, description="In so many full feeds in a row a person must be missing")
    grace_days: int = Field(30, ge=0, description="The expiry date is so many days after the as-of date")
    purge_after_days: int | None = Field(
        None, ge=1, description="As the last step the purge date is set, so many days after that; nothing: never"
    )
    files: list[str] = Field(
        default_factory=list,
        description="Patterns of the files of a full feed, all of them; nothing: any file is one",
    )
    protect: Protect = Protect()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the policy, in order."""
        steps: tuple[Step, ...] = {
            "ignore": (),
            "expire": ("expire",),
            "deactivate": ("expire", "deactivate"),
        }[self.policy]  # type: ignore[assignment]
        return (*steps, "purge_date") if steps and self.purge_after_days else steps

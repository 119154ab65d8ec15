"""Where the changes of a profile's users go besides the user store: to Alma, by either of its two doors."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from matchpoint.profile.model import Model
from matchpoint.profile.schedule import checked_schedule


class AlmaApi(Model):
    """Alma's REST API: one person at a time, at once."""

    connection: str = Field("alma", description="Airflow connection id, of type alma", min_length=1)
    rate: int = Field(15, ge=1, le=25, description="Requests a second; Alma bears 25 of the whole institution")
    reserve: int = Field(20_000, ge=0, description="Requests of a day that are left to the library's other services")


class AlmaSftp(Model):
    """Files for Alma's own SIS job: many people, in one load."""

    connection: str = Field(description="Airflow connection id of the SFTP server that Alma reads", min_length=1)
    folder: str = Field(description="The folder of Alma's integration profile on it", min_length=1)
    alma: str = Field("alma", description="Airflow connection id, of type alma, that starts and asks the job")
    profile_id: str = Field(description="Alma's own number of the integration profile, by which its job is found")
    users_per_file: int = Field(20_000, ge=1, le=20_000, description="People in an XML file")
    files_per_zip: int = Field(50, ge=1, le=50, description="XML files in a zip")
    zips_per_run: int = Field(20, ge=1, le=20, description="Zips in one load")
    wait_minutes: int = Field(240, ge=1, description="So long the end of Alma's job is waited for")

    @property
    def most(self) -> int:
        """The most people that one load takes."""
        return self.users_per_file * self.files_per_zip * self.zips_per_run


class Destinations(Model):
    """The destinations besides the user store. With both doors, a delivery goes by the one that suits its size."""

    alma_api: AlmaApi | None = None
    alma_sftp: AlmaSftp | None = None
    schedule: str = Field(
        "30 1 * * *", description="Cron: when what was left over is delivered; what changed is delivered at once"
    )
    api_minutes: int = Field(30, ge=1, description="A delivery that takes longer by the API goes by file, with both")

    _cron = field_validator("schedule")(checked_schedule)

    @model_validator(mode="after")
    def _has_one(self) -> Destinations:
        if not self.alma_api and not self.alma_sftp:
            raise ValueError("found none; accepted are alma_api, alma_sftp or both; the user store is always one")
        return self

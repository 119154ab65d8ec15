"""An integration profile: how one SIS feeds Alma. One YAML file each, named like Alma's own profile fields."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, Field, field_validator, model_validator

from matchpoint.alma.fields import CORE_BY_NAME, PRIMARY_ID
from matchpoint.findings import Severity
from matchpoint.profile.affiliation import Affiliation
from matchpoint.profile.converters import CrosswalkConverter
from matchpoint.profile.destinations import Destinations
from matchpoint.profile.formats import AlmaXmlFormat, Format, JsonFormat, check_expression
from matchpoint.profile.guard import Guard
from matchpoint.profile.health import Health
from matchpoint.profile.identity import Identity, check_identity
from matchpoint.profile.joins import Join, JoinName, check_joins, own_columns
from matchpoint.profile.leavers import Leavers
from matchpoint.profile.mapping import Mapping, rules_of
from matchpoint.profile.model import Model
from matchpoint.profile.notices import Notices
from matchpoint.profile.openpgp import Decrypt
from matchpoint.profile.privacy import Confidential, Retention
from matchpoint.profile.schedule import checked_schedule

Mode = Literal["import", "synchronize"]
Check = Literal[
    "mandatory",
    "too_long",
    "control_character",
    "not_a_date",
    "code_unknown",
    "code_not_for_record_type",
    "contact_identifier",
    "two_identifiers",
    "two_preferred",
]
"""The faults that a profile has a say in; all others reject their row."""


class Action(Model):
    """When a mode runs, and which files it takes."""

    active: bool = True
    schedule: str | None = Field(None, description="Cron expression, or nothing: started by hand")
    path: str = Field(description="The folder on the SFTP server", min_length=1)
    pattern: str = Field("*", description="Which files in it, with * and ?", min_length=1)
    done_marker: str | None = Field(
        None, description="Suffix of the empty file that says a file is complete, such as .done"
    )
    settle_seconds: int = Field(2, ge=0, le=600, description="How long a file's size must stay the same")

    _cron = field_validator("schedule")(checked_schedule)


class ImportAction(Action):
    """Import: a first load. It looks for no matches and never updates."""


class SynchronizeAction(Action):
    """Synchronize: the recurring load, by match point."""

    match_points: list[str] = Field(min_length=1, description="primary_id or identifier types, first hit decides")
    unmatched: Literal["create", "skip"] = "create"
    foreign: Literal["conflict", "take_over", "share"] = Field(
        "conflict",
        description="What a hit on another profile's user is: a conflict, from now on ours, or from now on of both",
    )
    empty_special: Literal["keep", "clear"] = Field(
        "keep", description="What an empty special field in the extract does to the user's value"
    )
    leavers: Leavers = Leavers()


class Actions(Model):
    """The modes of a profile."""

    import_: ImportAction | None = Field(None, alias="import")
    synchronize: SynchronizeAction | None = None


_NAMES = (PRIMARY_ID, "first_name", "last_name")


class Precedence(Model):
    """Which of several rows about one person comes first, and so is the one that is loaded."""

    files: list[str] = Field(
        default_factory=list, description="Patterns of file names, the first comes first; other files come last"
    )
    column: str | None = Field(None, description="Within them, the column that decides")
    order: list[str] = Field(default_factory=list, description="Its values, the first comes first; others come last")

    @model_validator(mode="after")
    def _column_has_an_order(self) -> Precedence:
        if bool(self.column) != bool(self.order):
            raise ValueError("column and order: found one without the other; expected both or none")
        if not self.files and not self.column:
            raise ValueError("found neither files nor a column; expected one of them")
        return self


class Profile(Model):
    """One integration profile."""

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60, description="Becomes the users' external_id")
    name: str = Field(min_length=1)
    description: str = ""
    sis_type: str = Field(description="Banner, PeopleSoft, SITS ...: for people to read")
    connection: str = Field(description="Airflow connection id of the SFTP server", min_length=1)
    store: str = Field("user_store", description="Airflow connection id of the user store", min_length=1)
    record_type: Literal["PUBLIC", "STAFF", "CONTACT"] = "PUBLIC"
    timezone: str = Field("UTC", description="Time zone of the schedules")
    decrypt: Decrypt | None = Field(None, description="How the extracts come encrypted; left out, they come plain")
    format: Format
    members: list[str] = Field(
        default_factory=lambda: ["*"],
        min_length=1,
        description="Patterns of the files in a zip that hold people; others that no join asks for are passed over",
    )
    joins: dict[JoinName, Join] = Field(
        default_factory=dict, description="Files that say more about people, by the name their columns get in front"
    )
    mapping: Mapping | None = None
    crosswalks: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Code tables: SIS code to Alma code; '*' stands for any other code"
    )
    precedence: Precedence | None = None
    affiliation: Affiliation | None = Field(None, description="Which profile comes first where people are shared")
    reissue: list[str] = Field(
        default_factory=lambda: ["BARCODE"],
        description="Identifier types of which the history shows a replaced value as INACTIVE",
    )
    identity: Identity = Field(default_factory=Identity)
    checks: dict[Check, Severity] = Field(
        default_factory=dict, description="What a fault does to its row: reject it, or drop the faulty part"
    )
    defaults: dict[str, str] = Field(
        default_factory=dict, description="By field, the code that stands in for one that Alma's code table lacks"
    )
    guard: Guard = Field(default_factory=Guard, description="What a run may do without asking a person")
    health: Health = Field(default_factory=Health, description="What a feed that is unlike the others does")
    actions: Actions
    destinations: Destinations | None = Field(None, description="Where changes go besides the user store: to Alma")
    notices: Notices | None = Field(None, description="Whom a run tells what became of it")
    retention: Retention | None = Field(None, description="How long runs keep people's data")
    confidential: Confidential | None = Field(None, description="Whose rows nobody is shown")

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; accepted is one like Europe/London")
        return value

    @model_validator(mode="after")
    def _shares_by_a_table(self) -> Profile:
        action = self.actions.synchronize
        if (
            action
            and action.foreign == "share"
            and (not self.affiliation or self.code not in self.affiliation.profiles)
        ):
            raise ValueError(
                f"actions.synchronize.foreign: found share; it needs affiliation.order with {self.code} in it"
            )
        return self

    @model_validator(mode="after")
    def _hangs_together(self) -> Profile:
        self.health.check_format(self.format)
        if isinstance(self.format, AlmaXmlFormat):
            if self.mapping is not None:
                raise ValueError("mapping: found one; the format alma_xml takes none")
            if self.joins:
                raise ValueError("joins: found one; the format alma_xml takes none")
            if self.precedence and self.precedence.column:
                raise ValueError("precedence.column: found one; the format alma_xml has no columns")
            if self.confidential:
                raise ValueError("confidential: found one; the format alma_xml has no columns")
            if self.defaults:
                raise ValueError("defaults: found some; the format alma_xml takes none")
            return self
        self._marks_people()
        if self.mapping is None or not any(getattr(self.mapping, name) for name in _NAMES):
            raise ValueError("mapping: found neither primary_id nor a name to make one of")
        actions = (self.actions.import_, self.actions.synchronize)
        check_joins(self.joins, self.columns, {one.pattern for one in actions if one})
        if isinstance(self.format, JsonFormat):
            for column in self.person_columns:
                check_expression(column)
        self._crosswalks_exist(self.mapping)
        self._addresses_read_columns(self.mapping)
        self._match_points_are_mapped(self.mapping)
        check_identity(self.identity, self.mapping)
        self._defaults_are_for_codes()
        return self

    def _defaults_are_for_codes(self) -> None:
        coded = [name for name, field in CORE_BY_NAME.items() if field.table and self.fills(name)]
        for name in self.defaults:
            if name not in coded:
                raise ValueError(
                    f"defaults: found {name!r}; accepted are the fields with a code table that the mapping fills: "
                    f"{_list(coded)}"
                )

    def _marks_people(self) -> None:
        if self.confidential and not own_columns([self.confidential.column], self.joins):
            raise ValueError(
                f"confidential.column: found {self.confidential.column!r}; accepted is a column of the person file"
            )

    def _crosswalks_exist(self, mapping: BaseModel) -> None:
        for place, rule in rules_of(mapping):
            for converter in rule.convert:
                if isinstance(converter, CrosswalkConverter) and converter.crosswalk not in self.crosswalks:
                    raise ValueError(
                        f"mapping.{place}: found crosswalk {converter.crosswalk!r}; "
                        f"accepted are the crosswalks of this profile: {_list(self.crosswalks)}"
                    )

    def _addresses_read_columns(self, mapping: Any) -> None:
        """An address has no mandatory field: it is made when one of its columns has a value."""
        for position, rule in enumerate(mapping.addresses):
            if not any(one.columns for _, one in rules_of(rule)):
                raise ValueError(f"mapping.addresses[{position}]: found no column; accepted is a rule that reads one")

    def _match_points_are_mapped(self, mapping: Any) -> None:
        mapped = [PRIMARY_ID] if mapping.primary_id else []
        mapped += [rule.id_type for rule in mapping.identifiers]
        wanted = self.actions.synchronize.match_points if self.actions.synchronize else []
        for match_point in wanted:
            if match_point not in mapped:
                raise ValueError(
                    f"actions.synchronize.match_points: found {match_point!r}; "
                    f"accepted are the identifiers that the mapping fills: {_list(mapped)}"
                )

    def action(self, mode: Mode) -> ImportAction | SynchronizeAction | None:
        """Give the action of a mode when it is active, else None."""
        action = self.actions.import_ if mode == "import" else self.actions.synchronize
        return action if action and action.active else None

    def fills(self, field: str) -> bool:
        """Tell whether the mapping has a rule for a field of the user."""
        return getattr(self.mapping, field, None) is not None

    @property
    def columns(self) -> list[str]:
        """The columns that the profile reads, those of joined files too, each once, in order of first use."""
        if self.mapping is None:
            return []
        names = [name for _, rule in rules_of(self.mapping) for name in rule.reads]
        names += [join.person_key for join in self.joins.values()]
        deciding = [self.precedence.column if self.precedence else None]
        deciding += [self.confidential.column if self.confidential else None]
        return list(dict.fromkeys([*names, *filter(None, deciding)]))

    @property
    def person_columns(self) -> list[str]:
        """The columns that it reads of the person file itself."""
        return own_columns(self.columns, self.joins)


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"

"""Alma's user record as data: one line per field, one per segment.

Source of every row: the elements, lengths and rules of Alma's user XML version 2 (``rest_user.xsd``) and, for
the outcome of a synchronize, Alma's help on SIS synchronization. A user here is Alma's JSON form: coded fields
are ``{"value": ...}``, wrapper elements are plain lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

User = dict[str, Any]
"""A user, or what an extract says of one, in Alma's JSON form."""


class Kind(StrEnum):
    """How a field's value is written."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    COUNT = "count"
    """A number that Alma works out, with a link: ``{"value": 2, "link": ...}``."""
    OPAQUE = "opaque"
    """Structured content that belongs to another product; carried as it is."""


class OnSynchronize(StrEnum):
    """What a synchronize does with a core field of an EXTERNAL user."""

    REPLACED = "replaced"
    """Taken from the SIS; absent means removed."""
    IDENTITY = "identity"
    """Taken from the SIS; absent means as it was, for a user cannot be without."""
    SPECIAL = "special"
    """Taken from the SIS unless it was edited by hand."""
    PROFILE = "profile"
    """Set by the integration profile or the system; ignored in a file."""
    KEPT = "kept"
    """Not part of a SIS load: what the user has stays."""
    OUTPUT = "output"
    """Worked out by Alma; ignored in a file."""


@dataclass(frozen=True)
class Field:
    """A field of a user or of a segment.

    ``length`` is Alma's maximum number of characters, 0 for none; ``table`` the code table its values are from.
    """

    name: str
    kind: Kind = Kind.TEXT
    length: int = 255
    on_synchronize: OnSynchronize = OnSynchronize.REPLACED
    table: str = ""


@dataclass(frozen=True)
class Segment:
    """A repeatable part of a user.

    ``path`` leads to its list in Alma's JSON form, ``mapping`` is its name in an integration profile,
    ``types`` the name of its list of types where it has one, ``flags`` its boolean attributes, ``literals``
    the fields that a profile gives as they are, and ``mandatory`` those without which it is no segment.
    ``types_table`` is the code table of the types.
    """

    name: str
    path: tuple[str, ...]
    mapping: str
    fields: tuple[Field, ...]
    types: str = ""
    types_table: str = ""
    mandatory: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """Give one of its fields by name."""
        return next(field for field in self.fields if field.name == name)

    def parts(self, user: User) -> list[dict[str, Any]]:
        """List the segments of this kind that a user has."""
        home: Any = user
        for step in self.path:
            home = home.get(step, {})
        return list(home)

    def add(self, user: User, part: dict[str, Any]) -> None:
        """Give a user one more segment of this kind."""
        home = user
        for step in self.path[:-1]:
            home = home.setdefault(step, {})
        home.setdefault(self.path[-1], []).append(part)


_R, _I, _S, _P, _K, _O = (
    OnSynchronize.REPLACED,
    OnSynchronize.IDENTITY,
    OnSynchronize.SPECIAL,
    OnSynchronize.PROFILE,
    OnSynchronize.KEPT,
    OnSynchronize.OUTPUT,
)

CORE_FIELDS = (
    Field("record_type", Kind.CODE, 255, _P, "AddNewUserOptions"),
    Field("primary_id", on_synchronize=_I),
    Field("first_name"),
    Field("middle_name"),
    Field("last_name"),
    Field("full_name", Kind.TEXT, 600, _O),
    Field("pin_number", Kind.TEXT, 255, _S),
    Field("user_title", Kind.CODE, 255, _S, "UserTitles"),
    Field("job_category", Kind.CODE, 255, _S, "JobTitles"),
    Field("job_description"),
    Field("gender", Kind.CODE, 255, _R, "Genders"),
    Field("user_group", Kind.CODE, 255, _S, "UserGroups"),
    Field("campus_code", Kind.CODE, 50, _S, "Campuses"),
    Field("web_site_url"),
    Field("cataloger_level", Kind.CODE, 255, _K),
    Field("preferred_language", Kind.CODE, 255, _S, "UserPreferredLanguage"),
    Field("birth_date", Kind.DATE, 0),
    Field("expiry_date", Kind.DATE, 0),
    Field("purge_date", Kind.DATE, 0),
    Field("account_type", Kind.CODE, 255, _P, "UserUserType"),
    Field("external_id", Kind.TEXT, 255, _P),
    Field("password", Kind.TEXT, 255, _K),
    Field("force_password_change", Kind.TEXT, 4, _K),
    Field("status", Kind.CODE, 255, _R, "ContentStructureStatus"),
    Field("status_date", Kind.DATE, 0, _O),
    Field("last_patron_activity_date", Kind.DATE, 0, _O),
    Field("requests", Kind.COUNT, 0, _O),
    Field("loans", Kind.COUNT, 0, _O),
    Field("fees", Kind.COUNT, 0, _O),
    Field("source_link_id", Kind.TEXT, 0, _O),
    Field("source_institution_code", Kind.TEXT, 0, _O),
    Field("linking_id", Kind.TEXT, 0, _O),
    Field("pref_first_name", Kind.TEXT, 255, _S),
    Field("pref_middle_name", Kind.TEXT, 255, _S),
    Field("pref_last_name", Kind.TEXT, 255, _S),
    Field("pref_name_suffix"),
    Field("is_researcher", Kind.BOOLEAN, 0, _K),
    Field("researcher", Kind.OPAQUE, 0, _K),
)
"""The single fields of a user, in Alma's order."""

SPECIAL_LISTS = MappingProxyType({"rs_library": "code", "library_notice": "code"})
"""Lists that are special fields as a whole, with the name of their key."""

IDENTIFIERS = Segment(
    "user_identifier",
    ("user_identifier",),
    "identifiers",
    (
        Field("id_type", Kind.CODE, table="UserIdentifierTypes"),
        Field("value"),
        Field("note", length=2000),
        Field("status"),
    ),
    mandatory=("id_type", "value"),
    literals=("id_type",),
)
ADDRESSES = Segment(
    "address",
    ("contact_info", "address"),
    "addresses",
    (
        Field("line1", length=0),
        Field("line2"),
        Field("line3"),
        Field("line4"),
        Field("line5"),
        Field("city"),
        Field("state_province"),
        Field("postal_code"),
        Field("country", Kind.CODE, table="CountryCodes"),
        Field("address_note", length=1000),
        Field("start_date", Kind.DATE, 0),
        Field("end_date", Kind.DATE, 0),
    ),
    types="address_type",
    types_table="UserAddressTypes",
    flags=("preferred",),
)
EMAILS = Segment(
    "email",
    ("contact_info", "email"),
    "emails",
    (Field("email_address"), Field("description")),
    types="email_type",
    types_table="UserEmailTypes",
    mandatory=("email_address", "email_type"),
    flags=("preferred",),
)
PHONES = Segment(
    "phone",
    ("contact_info", "phone"),
    "phones",
    (Field("phone_number"),),
    types="phone_type",
    types_table="UserPhoneTypes",
    mandatory=("phone_number",),
    flags=("preferred", "preferred_sms"),
)
NOTES = Segment(
    "user_note",
    ("user_note",),
    "notes",
    (
        Field("note_type", Kind.CODE, table="NoteTypes"),
        Field("note_text", length=2000),
        Field("user_viewable", Kind.BOOLEAN, 0),
        Field("popup_note", Kind.BOOLEAN, 0),
        Field("created_by"),
        Field("created_date", Kind.DATETIME, 0),
    ),
    mandatory=("note_type", "note_text"),
    literals=("note_type", "user_viewable", "popup_note"),
)
BLOCKS = Segment(
    "user_block",
    ("user_block",),
    "blocks",
    (
        Field("block_type", Kind.CODE, table="UserBlockTypes"),
        Field("block_description", Kind.CODE, table="UserBlockDescription"),
        Field("block_status"),
        Field("block_note", length=2000),
        Field("created_by"),
        Field("created_date", Kind.DATETIME, 0),
        Field("expiry_date", Kind.DATETIME, 0),
        Field("item_loan_id"),
    ),
    mandatory=("block_description",),
)
STATISTICS = Segment(
    "user_statistic",
    ("user_statistic",),
    "statistics",
    (
        Field("statistic_category", Kind.CODE, table="UserStatCategories"),
        Field("category_type", Kind.CODE, 255, _O, "UserStatisticalTypes"),
        Field("statistic_note", length=2000),
    ),
    mandatory=("statistic_category",),
)

SEGMENTS = (IDENTIFIERS, ADDRESSES, EMAILS, PHONES, NOTES, BLOCKS, STATISTICS)
"""The repeatable parts that are owned one by one, Internal or External."""

ROLES = Segment(
    "user_role",
    ("user_role",),
    "",
    (
        Field("status", Kind.CODE, table="UserRoleStatus"),
        Field("scope", Kind.CODE, 50),
        Field("role_type", Kind.CODE, table="HFrUserRoles.roleType"),
        Field("expiry_date", Kind.DATE, 0),
    ),
    mandatory=("role_type",),
)
PROXIES = Segment("proxy_for_user", ("proxy_for_user",), "", (Field("primary_id"), Field("full_name", length=600)))
RS_LIBRARIES = Segment("rs_library", ("rs_library",), "", (Field("code", Kind.CODE, 50),), mandatory=("code",))
LIBRARY_NOTICES = Segment(
    "library_notice",
    ("library_notice",),
    "",
    (Field("code", Kind.CODE, table="LibraryNoticesOptInDisplay"), Field("value", Kind.BOOLEAN, 0)),
    mandatory=("code",),
)

LISTS = (ROLES, PROXIES, RS_LIBRARIES, LIBRARY_NOTICES)
"""The repeatable parts that have no owner."""

CORE_BY_NAME = MappingProxyType({field.name: field for field in CORE_FIELDS})
STATUSES = ("ACTIVE", "INACTIVE")
PRIMARY_ID = "primary_id"


def mappable_core_fields() -> list[Field]:
    """Give the core fields that an integration profile may fill from an extract."""
    return [field for field in CORE_FIELDS if field.on_synchronize in {_R, _I, _S}]

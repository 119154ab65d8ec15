"""Alma's user record as data: one line per field, one per segment.

Source of every row: the elements, lengths and rules of Alma's user XML version 2 (``rest_user.xsd``) and, for
the outcome of a synchronize, Alma's help on SIS synchronization.
"""

from __future__ import annotations

from types import MappingProxyType

from matchpoint.alma.shapes import Field, Kind, OnSynchronize, Segment, User

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
    Field("fees", Kind.AMOUNT, 0, _O),
    Field("source_link_id", Kind.TEXT, 0, _O),
    Field("source_institution_code", Kind.TEXT, 0, _O),
    Field("linking_id", Kind.TEXT, 0, _O),
    Field("pref_first_name", Kind.TEXT, 255, _S),
    Field("pref_middle_name", Kind.TEXT, 255, _S),
    Field("pref_last_name", Kind.TEXT, 255, _S),
    Field("pref_name_suffix"),
    Field("is_researcher", Kind.BOOLEAN, 0, _K),
    Field("researcher", Kind.OPAQUE, 0, _K),
    Field("created_by", Kind.TEXT, 0, _O),
    Field("created_date", Kind.TEXT, 0, _O),
    Field("last_modified_by", Kind.TEXT, 0, _O),
    Field("last_modified_date", Kind.TEXT, 0, _O),
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
    schema_needs=("id_type", "value"),
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
    schema_needs=("address_type",),
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
    schema_needs=("email_address", "email_type"),
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
    schema_needs=("phone_number", "phone_type"),
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
        Field("note_owner", Kind.TEXT, 0, _O),
    ),
    mandatory=("note_type", "note_text"),
    schema_needs=("note_type", "user_viewable", "popup_note"),
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
    schema_needs=("block_description",),
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
    schema_needs=("statistic_category",),
)

SEGMENTS = (IDENTIFIERS, ADDRESSES, EMAILS, PHONES, NOTES, BLOCKS, STATISTICS)
"""The repeatable parts that are owned one by one, Internal or External."""

ROLE_PARAMETERS = Segment(
    "parameter",
    ("parameter",),
    "",
    (Field("type", Kind.CODE, 0), Field("scope", Kind.CODE, 0), Field("value", Kind.CODE, 0)),
)
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
    parts_of_it=(ROLE_PARAMETERS,),
)
PROXIES = Segment(
    "proxy_for_user",
    ("proxy_for_user",),
    "",
    (Field("primary_id"), Field("full_name", length=600)),
    attributes=("link",),
)
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
SEGMENT_TYPE = "segment_type"
STATUSES = ("ACTIVE", "INACTIVE")
PRIMARY_ID = "primary_id"


def mappable_core_fields() -> list[Field]:
    """Give the core fields that an integration profile may fill from an extract."""
    return [field for field in CORE_FIELDS if field.on_synchronize in {_R, _I, _S}]


__all__ = [
    "ADDRESSES",
    "BLOCKS",
    "CORE_BY_NAME",
    "CORE_FIELDS",
    "EMAILS",
    "IDENTIFIERS",
    "LIBRARY_NOTICES",
    "LISTS",
    "NOTES",
    "PHONES",
    "PRIMARY_ID",
    "PROXIES",
    "ROLES",
    "ROLE_PARAMETERS",
    "RS_LIBRARIES",
    "SEGMENTS",
    "SEGMENT_TYPE",
    "SPECIAL_LISTS",
    "STATISTICS",
    "STATUSES",
    "Field",
    "Kind",
    "OnSynchronize",
    "Segment",
    "User",
    "mappable_core_fields",
]

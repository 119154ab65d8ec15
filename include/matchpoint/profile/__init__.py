"""Integration profiles."""

from matchpoint.profile.affiliation import Affiliation
from matchpoint.profile.formats import AlmaXmlFormat, CsvFormat, ExcelFormat, FixedWidthFormat, JsonFormat, RowFormat
from matchpoint.profile.joins import Join
from matchpoint.profile.leavers import Leavers, Protect
from matchpoint.profile.load import Profiles, load_profile, load_profiles
from matchpoint.profile.models import (
    Check,
    ImportAction,
    Mode,
    Precedence,
    Profile,
    SynchronizeAction,
)

__all__ = [
    "Affiliation",
    "AlmaXmlFormat",
    "Check",
    "CsvFormat",
    "ExcelFormat",
    "FixedWidthFormat",
    "ImportAction",
    "Join",
    "JsonFormat",
    "Leavers",
    "Mode",
    "Precedence",
    "Profile",
    "Profiles",
    "Protect",
    "RowFormat",
    "SynchronizeAction",
    "load_profile",
    "load_profiles",
]

"""Integration profiles."""

from matchpoint.profile.load import Profiles, load_profile, load_profiles
from matchpoint.profile.models import (
    AlmaXmlFormat,
    Check,
    CsvFormat,
    ImportAction,
    Mode,
    Precedence,
    Profile,
    SynchronizeAction,
)

__all__ = [
    "AlmaXmlFormat",
    "Check",
    "CsvFormat",
    "ImportAction",
    "Mode",
    "Precedence",
    "Profile",
    "Profiles",
    "SynchronizeAction",
    "load_profile",
    "load_profiles",
]

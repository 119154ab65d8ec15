"""Why Alma did not take a person, in plain words with what to do: by Alma's error codes (reference 6.3), and ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        # ours
        "nosync": "A note of the user in Alma says NOSYNC: left alone, as asked. Remove the note to go on.",
        "internal": "The user is internal in Alma, so the library's own. Make it external there, or let it be.",
        "taken": "Somebody in Alma has the primary id as another identifier. Merge the two users, or change one.",
        "taken_in_feed": "An identifier stands twice in the load. Tell a data engineer.",
        "missing": "Alma wants a field that is missing. Fill it in the profile.",
        "unreadable": "Alma could not read the file. Tell a data engineer.",
        "rejected": "Alma rejected the user for a reason that is not known here: see the job's events there.",
        "schema": "Alma's schema would refuse a field. Mend it in the extract or the profile.",
        # of the way to Alma
        "400": "Alma's gateway did not take the request. Look whether the primary id has signs such as / or #.",
        "404": "Alma's gateway did not find the address. Look whether the primary id has signs such as / or #.",
        # Alma's
        "401851": "Somebody else in Alma has one of the identifiers. Merge the two users, or free the identifier.",
        "401852": "Alma does not know the user group. Add the code in Alma, or mend the profile's crosswalk.",
        "401853": "Alma takes no external id for an internal user. Tell a data engineer.",
        "401854": "Alma wants an external id. Tell a data engineer.",
        "401855": "Alma does not take this account type. Tell a data engineer.",
        "401857": "Alma does not take this account type. Tell a data engineer.",
        "401858": "The user belongs to another integration profile in Alma. Give it to this one there, or let it be.",
        "401859": "Alma does not support the change. Look at the user in Alma.",
        "401860": "Alma failed to update the user. Look at the user in Alma, then try again.",
        "401861": "The user was deleted in Alma meanwhile. Try again: it is created anew.",
        "401890": "The user was deleted in Alma meanwhile. Try again: it is created anew.",
        "401863": "A type of address, email or phone is not for the record type. Mend the profile, or Alma's tables.",
        "401864": "A type of address, email or phone is not in Alma's tables. Mend the profile, or Alma's tables.",
        "401664": "A field is missing that Alma wants. Fill it in the profile.",
        "40166404": "A field has a value that Alma does not take. Look which, mend the profile or Alma's tables.",
        "401666": "Alma did not take a parameter. Tell a data engineer.",
        "401676": "Alma could not read the user. Tell a data engineer.",
        "401652": "Alma failed to update the user and does not say why. Save it in Alma by hand: then Alma says.",
        "401658": "Alma failed to create the user and does not say why; a field may be missing, as the language.",
        "4018994": "Two identifiers of the user are the same. Mend the extract.",
        "500038": "Alma finds the password too weak. External users need none: tell a data engineer.",
    }
)

_ELSE = "Alma did not take the user: look its code up in Alma's documentation, and at the user in Alma."


def words_of(code: str) -> str:
    """Give the words for a code, without a person's data; some for a code that is not known."""
    return WORDS.get(code, _ELSE)

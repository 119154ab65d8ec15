"""Rules of account types and the library's own users."""

from __future__ import annotations

from matchpoint.alma.rulebook.rule import Rule

_USERS = "Alma developers' guide, User management"
_HELP = "Alma help, Managing Users"
_API = "Alma REST API, users"
_SILENT = "Alma is silent"
_BLOG = "Alma developers' blog, Users API: working with external and internal users"

ACCOUNTS: tuple[Rule, ...] = (
    Rule(
        "internal-user", "1.1", "An INTERNAL user is the library's whole: it has no external id.", f"{_API}, 401853"
    ),
    Rule(
        "edit-external",
        "1.2",
        "Staff may edit an EXTERNAL user; the next synchronize overwrites what is not protected.",
        _USERS,
    ),
    Rule(
        "protection",
        "1.2",
        "A special field edited by hand is protected if staff say so, and restored to the SIS's value on demand.",
        "Alma knowledge article, Preferred Name fields and the Restore Button",
    ),
    Rule(
        "internal-segments",
        "1.2",
        "Staff add internal segments to an external user, which stay; added as external, they go with the next load.",
        "Alma developers' blog, External user data: behavior of SIS synchronization and API",
    ),
    Rule("closed-segments", "1.2", "The SIS's segments are closed to staff until opened for update.", _HELP),
    Rule(
        "convert-internal",
        "1.3",
        "External to internal: nothing else changes, and the SIS updates the user no longer.",
        "Alma knowledge article, What happens when toggling a user from External to Internal?",
    ),
    Rule(
        "convert-external",
        "1.3",
        "Internal to external: an external id is needed, the password goes.",
        f"{_API}, 401854",
    ),
    Rule(
        "convert-loses-nothing",
        "1.3",
        "Segments keep their owners and fields their protection: converting there and back loses nothing.",
        _SILENT,
    ),
    Rule(
        "convert-set",
        "1.3",
        "One user, a list, or all that fit a query are converted; with one-time passwords where asked.",
        "Alma help, Editing and Messaging Users in Bulk; the training's migrated test team",
    ),
    Rule(
        "passwords", "1.5", "A password is kept as a hash only, and never read back; any identifier signs in.", _BLOG
    ),
    Rule(
        "weak-password",
        "1.5",
        "A password has at least 8 characters, holds no name or identifier of the user, and is not easily guessed.",
        f"{_API}, 500038",
    ),
    Rule("external-password", "1.5", "External users sign in elsewhere: no password of theirs is kept.", _USERS),
    Rule("sign-in", "1.5", "An internal user who is inactive or expired does not sign in.", _HELP),
    Rule("roles", "1.5", "A role counts while it is active and not expired; no load touches roles.", _USERS),
    Rule(
        "merge",
        "1.3",
        "Merging moves roles, and segments as internal ones where asked, and deletes the other user for good.",
        "PALS, Merge Users (from Alma's help)",
    ),
    Rule(
        "held-back",
        "3.6",
        "A user with loans, requests or an open balance is neither deleted nor purged.",
        "Alma help, Purging Users",
    ),
    Rule(
        "purge",
        "3.6",
        "Purging is a job that a person starts: purge date passed, whatever expiry and status; without date, never.",
        "Alma help, Purging Users",
    ),
)

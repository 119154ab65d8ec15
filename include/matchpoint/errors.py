"""The error tree. Every message says where, what was found, what was expected and what to do.

    MatchpointError
    ├── ProfileError     an integration profile cannot be read
    ├── ExtractError     a whole extract cannot be read: the run stops before anything is written
    ├── AccountError     a change of one user is against the rules
    ├── CodeTableError   a file is no code table, or two files have the same one
    ├── RecordError      a user cannot be written as Alma would take it
    ├── PlanError        a plan is not the one that was made, or its store is not there
    └── DecryptionKeyError  a key to decrypt extracts with cannot be used

A bad *row* is no exception: it is a :class:`matchpoint.findings.Finding`.
"""

from __future__ import annotations


class MatchpointError(Exception):
    """The root of all errors that Matchpoint raises on purpose."""


class ProfileError(MatchpointError):
    """An integration profile is missing, not YAML, or says something that is not accepted."""


class ExtractError(MatchpointError):
    """An extract cannot be read as a whole."""

    def __init__(self, file: str, found: str, expected: str, do: str, place: str = "") -> None:
        where = f"{file}, {place}" if place else file
        super().__init__(f"{where}: found {found}; expected {expected}. {do}")


class AccountError(MatchpointError):
    """A change of one user is against the rules; ``code`` is Alma's number where Alma's API has one."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CodeTableError(MatchpointError):
    """A file does not hold code tables as they are expected."""


class RecordError(MatchpointError):
    """A user is not valid by Alma's schema."""


class PlanError(MatchpointError):
    """A plan cannot be applied: it was changed after it was made, or it is not there."""


class DecryptionKeyError(MatchpointError):
    """A private key, its passphrase or a signer's certificate cannot be used; no message was looked at."""

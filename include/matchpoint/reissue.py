"""A reissued card: the old barcode is no longer the user's, and the history shows it as INACTIVE.

Alma's Swap All takes an external identifier away that the feed no longer gives, and so do we: an old barcode is free
for another person. Kept on the user as an inactive one it would block its number for good, and come up in every
service that takes the first barcode it finds. Who held it when is a question to the history.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from matchpoint.alma.fields import IDENTIFIERS
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import Changes

INACTIVE = "INACTIVE"
_REPLACED = "replaced"
"""The mark, in the history only, of an identifier that the user no longer has."""


def with_inactive(changed: Changes, types: Collection[str]) -> Changes:
    """Add to what identifiers a user has after a change those that another of their type replaced, as INACTIVE.

    ``types`` are the identifier types of which this is told. What the user itself has is not changed.
    """
    if IDENTIFIERS.name not in changed:
        return changed
    before, after = changed[IDENTIFIERS.name]
    held = {key(part["value"]) for part in after}
    new = {_type(part) for part in after if part not in before}
    replaced = [
        {**part, "status": INACTIVE, _REPLACED: True}
        for part in before
        if _type(part) in new.intersection(types) and key(part["value"]) not in held
    ]
    return {**changed, IDENTIFIERS.name: [before, after + replaced]}


def without_inactive(parts: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Give the identifiers that a user had after a change, of those that the history shows; None for none."""
    return [part for part in parts if _REPLACED not in part] if parts else parts


def _type(part: dict[str, Any]) -> str:
    code: str = part["id_type"]["value"]
    return code

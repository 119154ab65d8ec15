"""The order in which the rows of a feed are taken: of two about one person the first is loaded, as in Alma."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import pandas as pd

from matchpoint.profile import Precedence
from matchpoint.run_folder import Extract


def rank_rows(rows: pd.DataFrame, precedence: Precedence | None) -> dict[int, int]:
    """Give the rank of each row by the value of the deciding column, 0 first; empty when nothing decides.

    ``rows`` has one string column per column of the extract and the row number as index.
    """
    if precedence is None or precedence.column is None:
        return {}
    places = {value: place for place, value in enumerate(precedence.order)}
    ranks = rows[precedence.column].str.strip().map(places).fillna(len(places)).astype("int64")
    return dict(zip(ranks.index.tolist(), ranks.tolist(), strict=True))


def in_order(extracts: Iterable[Extract], precedence: Precedence | None) -> list[list[Extract]]:
    """Group person files by the pattern that their name matches, those that come first in front."""
    patterns = precedence.files if precedence else []
    groups: dict[int, list[Extract]] = {}
    for extract in (one for one in extracts if not one.join):
        names = {extract.name, PurePosixPath(extract.remote).name, extract.member or extract.name}
        fits = (place for place, one in enumerate(patterns) if any(fnmatchcase(name, one) for name in names))
        groups.setdefault(next(fits, len(patterns)), []).append(extract)
    return [groups[place] for place in sorted(groups)]

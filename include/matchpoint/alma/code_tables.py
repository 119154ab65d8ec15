"""Alma's code tables: which codes a field may have, for all users or for those of one record type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """One code of a table.

    ``table`` is Alma's name of it (``UserGroups``), ``scope`` the record type that the code is for, "" for all.
    """

    table: str
    code: str
    description: str = ""
    scope: str = ""
    enabled: bool = True
    is_default: bool = False


class CodeTables:
    """Code tables by name. A table that is not known says nothing: every code of it is taken as good."""

    def __init__(self, codes: Iterable[Code] = ()) -> None:
        self._codes = tuple(codes)
        self._scopes: dict[str, dict[str, set[str]]] = {}
        for one in self._codes:
            scopes = self._scopes.setdefault(one.table, {})
            if one.enabled:
                scopes.setdefault(one.code, set()).add(one.scope)

    def __iter__(self) -> Iterator[Code]:
        """Give every code."""
        return iter(self._codes)

    @property
    def names(self) -> list[str]:
        """The names of the tables."""
        return sorted(self._scopes)

    def problem(self, table: str, code: str, record_type: str) -> str | None:
        """Tell what speaks against a code, as a code of :mod:`matchpoint.findings`, or None.

        ``record_type`` is that of the user, "" when it does not matter.
        """
        known = self._scopes.get(table)
        if known is None:
            return None
        scopes = known.get(code)
        if scopes is None:
            return "code_unknown"
        if record_type and "" not in scopes and record_type not in scopes:
            return "code_not_for_record_type"
        return None

"""Mapping: from rows of an extract to users in Alma's form, vectorised over columns."""

from matchpoint.mapping.users import map_users

__all__ = ["map_users"]

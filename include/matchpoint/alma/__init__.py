"""Alma's user record: its fields and segments, its XML, its rules."""

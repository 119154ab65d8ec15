"""Rules of the record, its validity, its code tables."""

from __future__ import annotations

from matchpoint.alma.rulebook.rule import Rule

_XSD = "Alma schema, rest_user.xsd"

RECORD: tuple[Rule, ...] = (
    Rule(
        "whole-record",
        "5.1",
        "Every element and attribute of a user goes through XML and JSON and back without loss.",
        _XSD,
    ),
    Rule("children-in-any-order", "5.1", "The children of a user may stand in any order, each at most once.", _XSD),
    Rule(
        "schema-valid",
        "5.3",
        "Valid are: nothing at all, empty coded fields, empty type lists, dates with Z or an offset.",
        _XSD,
    ),
    Rule(
        "schema-invalid",
        "5.3",
        "Invalid are: other dates, unknown or doubled elements, long texts, segments without what they need.",
        _XSD,
    ),
    Rule(
        "unknown-elements",
        "5.3",
        "An element that Alma does not know rejects its user, or is passed over as `unknown_elements` says.",
        "Alma is silent; feeds with such elements are known",
    ),
    Rule(
        "streaming",
        "3.5",
        "Files are read and written in a stream: memory does not grow with them.",
        "Matchpoint's own",
    ),
)

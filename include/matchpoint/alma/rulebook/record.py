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
    Rule(
        "mandatory-in-segments",
        "3.7",
        'Identifiers without value, emails without type, statistics without category: "Mandatory field is missing".',
        "Alma knowledge article, Mandatory field is missing in SIS version 2",
    ),
    Rule("one-preferred", "5.2", "Of several segments of a kind only one is preferred.", _XSD),
    Rule(
        "code-tables",
        "5.1",
        "A coded field holds an enabled code of its table; a table that is not loaded says nothing.",
        "Alma REST API, errors 401852 and 401864",
    ),
    Rule(
        "code-scope",
        "1.1",
        "User groups and types of addresses, emails and phones may be for some record types only.",
        "Alma REST API, error 401863; mapping tables of the schema",
    ),
    Rule(
        "contact-identifiers",
        "1.1",
        "Contact users cannot have additional identifiers.",
        "Alma help, User Identifier Types",
    ),
    Rule(
        "reject-or-drop",
        "3.7",
        "A fault rejects its row alone; for some the profile may say that only the faulty part is dropped.",
        "Alma rejects records one by one; dropping is Matchpoint's own",
    ),
)

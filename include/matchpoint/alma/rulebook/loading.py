"""Rules of import and synchronize."""

from __future__ import annotations

from matchpoint.alma.fields import CORE_FIELDS, SEGMENTS, SPECIAL_LISTS, OnSynchronize
from matchpoint.alma.rulebook.rule import Rule

_SIS = "Alma help, Student Information Systems"
_SYNCH = "Alma developers' guide, SIS synchronization"
_XSD = "Alma schema, rest_user.xsd"
_DATA = "Alma developers' blog, External user data: behavior of SIS synchronization and API"
_SILENT = "Alma is silent"

_OUTCOMES = {
    OnSynchronize.REPLACED: ("is replaced; absent, it is removed", _SYNCH),
    OnSynchronize.IDENTITY: ("is replaced; absent, it stays, for nobody can be without", _SILENT),
    OnSynchronize.SPECIAL: ("is replaced unless it was edited by hand; empty, as `empty_special` says", _DATA),
    OnSynchronize.PROFILE: ("is ignored in a file: the profile or Alma sets it", _XSD),
    OnSynchronize.KEPT: ("is ignored in a file and stays: it is no part of a SIS load", _XSD),
    OnSynchronize.OUTPUT: ("is ignored in a file: Alma works it out", _XSD),
}

_FIELDS = (
    *(
        Rule(f"field-{field.name}", "3.3", f"`{field.name}` {_OUTCOMES[field.on_synchronize][0]}.", source)
        for field in CORE_FIELDS
        for source in [_OUTCOMES[field.on_synchronize][1]]
    ),
    *(
        Rule(f"field-{name}", "3.3", f"`{name}`, as a whole list, {_OUTCOMES[OnSynchronize.SPECIAL][0]}.", _DATA)
        for name in SPECIAL_LISTS
    ),
    Rule("field-user_role", "3.3", "`user_role` is ignored in a file and stays.", _XSD),
    Rule("field-proxy_for_user", "3.3", "`proxy_for_user` is ignored in a file: Alma works it out.", _XSD),
    *(
        Rule(
            f"segment-{segment.name}",
            "3.3",
            f"External `{segment.name}` segments are swapped, none in the file means none; internal ones stay.",
            _DATA,
        )
        for segment in SEGMENTS
    ),
)

LOADING: tuple[Rule, ...] = (
    Rule("import-creates", "3.1", "Import creates external users of the profile, and updates nobody.", _SIS),
    Rule(
        "import-taken",
        "3.1",
        "A row of an import whose identifier anybody holds is rejected; no match is looked for.",
        f"{_SIS}: identifiers are unique in the institution",
    ),
    Rule(
        "not-external",
        "1.4",
        'A hit on an INTERNAL user is rejected, "User is not external"; nothing of the user changes.',
        'Alma knowledge article, "User is not external" error in User Loader (SIS)',
    ),
    Rule("match-case", "3.2", "Identifiers are compared without regard to case.", _XSD),
    Rule(
        "match-order",
        "3.2",
        "Match points are tried in the profile's order, the first hit decides; a match point means the same type.",
        "Alma has one match id type; several are Matchpoint's",
    ),
    Rule("match-two", "3.2", "Match points that hit two users are a conflict, never a guess.", _SILENT),
    Rule("match-missing", "3.2", "A row without a value for any match point is rejected.", _SYNCH),
    Rule(
        "unmatched",
        "3.2",
        "A row without hit is created, or skipped as the profile says.",
        f"{_SIS}: Unmatched Record",
    ),
    Rule(
        "foreign",
        "3.2",
        "A hit on a user of another profile is a conflict, taken over, or from then on shared, as `foreign` says.",
        f"{_SILENT}; its API refuses to change an external id (401858)",
    ),
    Rule(
        "shared",
        "3.2",
        "A shared user is what its profiles say together, whoever runs: two profiles never fight over it.",
        "Matchpoint's own: in Alma the profile that ran last wins",
    ),
    Rule(
        "affiliations",
        "3.3",
        "The first role of a shared user gives group and names, the latest end the expiry; all facets are kept.",
        "Matchpoint's own: in Alma each profile swaps all",
    ),
    Rule(
        "hand-over",
        "3.3",
        "When a role of a shared user ends, the next takes over by itself.",
        "Matchpoint's own: in Alma the user expires, or stays as the last profile left it",
    ),
    Rule(
        "new-user",
        "3.2",
        "A new user is EXTERNAL and, by default, ACTIVE; `external_id` and record type are the profile's.",
        _XSD,
    ),
    Rule(
        "generated-primary-id",
        "3.2",
        "A new user without primary id gets first and last name in one; if taken, with a number from 0 on.",
        "Alma knowledge article, User ID Generation does not work for new users created via SIS",
    ),
    Rule(
        "unchanged",
        "3.2",
        "A row that changes nothing leaves the user untouched and counts as unchanged.",
        "Alma knowledge article, SIS report: Total records processed",
    ),
    Rule(
        "edited-since",
        "3.3",
        "A user edited by hand is met again by the next synchronize, though the row did not change.",
        _DATA,
    ),
    Rule(
        "protected",
        "3.3",
        "A special field edited by hand keeps the edit, even against an empty value, until it is released.",
        "Alma knowledge article, Preferred Name fields and the Restore Button",
    ),
    Rule(
        "empty-special",
        "3.3",
        "An empty special field in a file keeps the old value, or clears it with `empty_special: clear`.",
        "Alma's documents disagree: the schema keeps, a later blog text clears; keeping loses nothing",
    ),
    Rule("segment-type", "3.3", "`segment_type` in a file is ignored: what comes from the SIS is External.", _XSD),
    Rule(
        "preferred",
        "3.3",
        "Only one of a kind is preferred; where the library's own segment is, the file's is not.",
        f"{_XSD}: only one can be preferred; where both claim it {_SILENT}",
    ),
    Rule(
        "status-default",
        "3.3",
        "A status that the file leaves out is ACTIVE: a person who returns is active again.",
        _XSD,
    ),
    Rule(
        "identifier-moves",
        "3.3",
        "A changed identifier or primary id of a matched user is an update; the history has the old value.",
        _SILENT,
    ),
    Rule(
        "reissued",
        "3.3",
        "A replaced barcode is no longer the user's, and free; the history of the change shows it as INACTIVE.",
        f"Swap All takes external identifiers away that the file lacks ({_XSD}); of a history of cards {_SILENT}",
    ),
    Rule(
        "first-in-feed",
        "3.4",
        'Of two rows about one person the first is loaded, the second rejected, "... in this feed".',
        "CARLI, SIS synchronization troubleshooting (from Alma's job report)",
    ),
    Rule(
        "combined-rows",
        "3.4",
        "With `combine_rows` several rows about one person, told by the first match point, make one user.",
        "Matchpoint's own: Alma loads the first row only",
    ),
    Rule(
        "order-of-rows",
        "3.4",
        "But for that, the order of rows does not matter: each is judged by the store as it was before the feed.",
        _SILENT,
    ),
    Rule(
        "precedence",
        "3.4",
        "The profile may say which file, and in it which value of a column, comes first.",
        "Matchpoint's own: Alma goes by the order of the file",
    ),
    Rule(
        "taken",
        "3.4",
        "An identifier that another user holds, of whatever type, rejects the row and names whom to look at.",
        _SIS,
    ),
    Rule(
        "taken-within-user",
        "3.4",
        "Two identifiers of one user are never the same, the primary id among them.",
        "Alma REST API, error 4018994",
    ),
    Rule(
        "sum-of-counts",
        "3.7",
        "Processed is the sum of created, updated, unchanged, skipped, rejected, conflict and failed.",
        "Alma knowledge article, SIS report: Total records processed",
    ),
    *_FIELDS,
)

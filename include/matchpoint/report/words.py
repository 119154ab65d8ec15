"""The fixed sentences of a report, for page and Markdown alike."""

from __future__ import annotations

from matchpoint.amounts import counted, number
from matchpoint.outcomes import Outcome
from matchpoint.receipt import Receipt

DRY_RUN = "Dry run: nothing was written"
DRY_RUN_MEANS = "This is what the run would have done."
PLAN_ONLY = "Nothing will come of this plan."
WAITS = "It waits for an answer."
WAITS_MEANS = (
    "All else is done. Somebody who may approve plans finds the question in Airflow under Required Actions; "
    "a later synchronize of the profile asks anew."
)
UNBALANCED = "The counts do not add up"
UNBALANCED_MEANS = "Do not rely on this report. Keep the run folder and tell a data engineer."
LAW = f"processed = {' + '.join(Outcome)}"
THIN = "The thinnest slices are drawn wider than they are, so that they can be seen."
WARNINGS = "These rows are loaded, without the faulty part: the profile says so under checks."
LEAVERS = "People of this profile who are not in the extract. No run deletes anybody."
MEND = (
    "Mend the rows in each of these files, then drop the file back on the server under the same folder "
    "the extract came from; the next run takes it up."
)
CONFIDENTIAL = "confidential: rows of people of whom nothing may be shown. Pass their file on to nobody."


def title(receipt: Receipt) -> str:
    """Give the heading: the profile's name and the mode, "Students: synchronize"."""
    return f"{receipt.profile_name}: {receipt.mode.replace('_', ' ')}"


def sentence(receipt: Receipt) -> str:
    """Say in one sentence what happened; a dry run says what would come of it."""
    total = receipt.total
    if not receipt.files:
        return "There was no file, so there was nothing to do."
    files = counted(sum(one.joined_as is None for one in receipt.files), "file")
    if not total["processed"]:
        return f"No rows in {files}, so there was nothing to do."
    counts = ", ".join(f"{number(total[outcome])} {outcome}" for outcome in Outcome if total[outcome])
    joint = " would come out as " if receipt.dry_run else ": "
    return f"{counted(total['processed'], 'row')} of {files}{joint}{counts}."

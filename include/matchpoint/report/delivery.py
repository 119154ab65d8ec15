"""The report of a delivery: what became of whom was due, and the dead letters with what to do about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from matchpoint.amounts import counted, number
from matchpoint.deliver.receipt import DeliveryReceipt
from matchpoint.report.job import Job

_WORDS = {
    "created": "created",
    "updated": "updated",
    "unchanged": "there already",
    "kept_out": "kept out by a note NOSYNC",
    "dead": "not taken",
    "left": "due still",
}


def delivery_job(
    receipt: DeliveryReceipt, letters: Sequence[Mapping[str, Any]], *, words: str, profile_name: str, as_of: date
) -> Job:
    """Give the report of a delivery; ``letters`` are the dead letters of the profile, those of before among them."""
    return Job(
        title=f"{profile_name}: deliver to Alma",
        sentence=f"{sentence(receipt)} Planned was: {words}",
        dry_run=False,
        actor=f"alma_deliver {receipt.profile}, door {receipt.door}",
        as_of=as_of.isoformat(),
        run_id=receipt.run_id,
        left={one["primary_id"]: f"{one['message']} ({one['code']})" for one in letters},
        file="dead_letters.csv",
    )


def sentence(receipt: DeliveryReceipt) -> str:
    """Say in one sentence what became of whom, without those whom there are none of."""
    counts = receipt.as_dict()
    parts = [f"{number(counts[name])} {word}" for name, word in _WORDS.items() if counts[name]]
    took = f"; {counted(receipt.requests, 'request')} in {receipt.seconds:,.0f} s" if receipt.requests else ""
    return f"{number(receipt.due)} due: {', '.join(parts) or 'none'}{took}."

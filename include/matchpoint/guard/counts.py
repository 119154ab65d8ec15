"""Counting whom a plan concerns: by category and user group, with the fields that change and rows to look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchpoint.feed import Feed
from matchpoint.guard.verdict import CATEGORY
from matchpoint.leavers.files import read_leavers
from matchpoint.plan import BATCH_ROWS
from matchpoint.run_folder import RunFolder

Places = np.ndarray[Any, np.dtype[np.int64]]
EXAMPLES = 5
_LEAVES = {"expire", "deactivate"}
"""Steps by which somebody goes. That a purge date is set later follows from them."""
_GROUP = r'"user_group":\{[^{}]*"value":"(?P<group>(?:[^"\\]|\\.)*)"'
"""A user's group in its JSON. No text inside a string looks like it: there every quotation mark is escaped."""


@dataclass
class Counted:
    """People per category and user group, "" where it is not known; updated users per field; rows to look at.

    ``people`` counts what the run applied before, when it is repeated, too: it is judged as it was the first time.
    ``left`` counts per category what is still to be done, ``made`` by user group whom the run has made already.
    """

    people: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[list[Any]]] = field(default_factory=lambda: defaultdict(list))


def count_people(folder: RunFolder) -> Counted:
    """Count the plan of a run."""
    counted, feed = Counted(), Feed.planned(folder)
    labels = {extract.number: extract.label for extract in folder.extracts}
    staged: dict[str, list[Places]] = defaultdict(list)
    made: list[Places] = []
    with folder.root.joinpath("plan.parquet").open("rb") as file:
        columns = ["position", "extract", "row", "outcome", "document", "changes", "done"]
        for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=columns):
            some = pa.table(batch)
            for outcome, category in CATEGORY.items():
                rows = some.filter(pc.equal(some["outcome"], outcome))
                if rows.num_rows:
                    _take_examples(counted.examples[category], rows, labels)
                    staged[category].append(_count(counted, category, rows))
                    if category == "create":
                        made.append(rows.filter(rows["done"])["position"].to_numpy())
    counted.made = _groups_of(feed, np.concatenate(made)) if made else Counter()
    for category, places in staged.items():
        counted.people[category].update(_groups_of(feed, np.concatenate(places)))
    for people in read_leavers(folder):
        leaving = [one for one in people if one.step in _LEAVES]
        counted.people["leave"].update(one.user_group or "" for one in leaving)
        counted.left["leave"] += sum(not one.done for one in leaving)
    return counted


def _count(counted: Counted, category: str, rows: pa.Table) -> Places:
    """Count rows, but for the groups of those whose user stands in the feed; give their places in it."""
    counted.left[category] += rows.num_rows - pc.sum(rows["done"]).as_py()
    if category == "reject":
        counted.people[category][""] += rows.num_rows
        return np.array([], dtype=np.int64)
    for changes in rows["changes"].to_pylist() if category == "update" else ():
        counted.fields.update(orjson.loads(changes or "{}").keys())
    told = rows.filter(pc.is_valid(rows["document"]))
    counted.people[category].update(_groups(told["document"]))
    places: Places = rows.filter(pc.is_null(rows["document"]))["position"].to_numpy()
    return places


def _take_examples(examples: list[list[Any]], rows: pa.Table, labels: dict[int, str]) -> None:
    wanted = rows.slice(0, max(EXAMPLES - len(examples), 0))
    pairs = zip(wanted["extract"].to_pylist(), wanted["row"].to_pylist(), strict=True)
    examples += [[labels[number], row] for number, row in pairs]


def _groups_of(feed: Feed, places: Places) -> Counter[str]:
    """Count the groups of users by their places in the feed."""
    groups: Counter[str] = Counter()
    for some in feed.at(places, "user"):
        groups.update(_groups(some))
    return groups


def _groups(users: pa.ChunkedArray | pa.Array) -> Counter[str]:
    """Count the groups of users, given as JSON."""
    found = pc.fill_null(pc.struct_field(pc.extract_regex(users, _GROUP), "group"), "")
    counted = pc.value_counts(found)
    return Counter({orjson.loads(f'"{one["values"]}"'): one["counts"] for one in counted.to_pylist()})

"""The run folder: everything one run fetched, made and said, on a local disk or in an object store.

::

    manifest.json              the extracts: name, member, size, SHA-256, where they came from
    extracts/000_<name>        each as it was fetched, zips unpacked
    users/000.parquet          the staged users of extract 0 (matchpoint.staged)
    users/000.json             its counts
    users/000.profile.json     the profile by which they were made
    users/000.woken.parquet    those of its known rows that are met after all
    known/000.parquet          its known rows: row number, user, hash
    findings/000.jsonl         what is wrong with rows of extract 0
    plan.parquet  plan.json    what the run would do, row by row, and its hash
    proposals.json             new people who may be known (matchpoint.identity)
    refresh.parquet            users who came out of other raw rows as they were
    leavers.parquet            people who are not in the feed (matchpoint.leavers)
    applied.jsonl              rows that came out otherwise when the plan was applied
    receipt.json  report.html  report.md  rejections/<name>
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from upath import UPath

from matchpoint.findings import Finding

AnyPath = Path | UPath


@dataclass(frozen=True)
class Extract:
    """One extract of a run.

    ``number`` counts from 0, ``name`` is the remote file's name, ``member`` its name inside that when it was a
    zip, ``remote`` the full path on the server, ``modified`` the remote modification time in seconds since 1970,
    ``size`` in bytes and ``sha256`` of the extract itself, ``file_size`` and ``file_sha256`` of the remote file,
    ``path`` the copy, relative to the run folder. ``join`` is the name of the join that a side file is for, "" for a
    file of people, and ``group`` what files go together by (:mod:`matchpoint.sides`).
    """

    number: int
    name: str
    member: str | None
    remote: str
    modified: int
    file_size: int
    file_sha256: str
    size: int
    sha256: str
    path: str
    join: str = ""
    group: str = ""

    @property
    def label(self) -> str:
        """The name for people: ``archive.zip > member.csv``, or just the name."""
        return f"{self.name} > {self.member}" if self.member else self.name


class RunFolder:
    """The folder of one run. ``root`` is a pathlib or universal_pathlib path."""

    def __init__(self, root: AnyPath) -> None:
        self.root = root

    def path(self, *parts: str) -> AnyPath:
        """Give a path inside, its folder made."""
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file."""
        self.path(*name.split("/")).write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")

    def read_json(self, name: str) -> Any:
        """Read a JSON file; raises FileNotFoundError when it is not there."""
        return json.loads(self.root.joinpath(*name.split("/")).read_text(encoding="utf-8"))

    def find_json(self, name: str) -> Any:
        """Read a JSON file; None when it is not there."""
        try:
            return self.read_json(name)
        except FileNotFoundError:
            return None

    def write_lines(self, name: str, values: Iterable[Any]) -> None:
        """Write JSON Lines."""
        with self.path(*name.split("/")).open("wb") as file:
            for value in values:
                file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))

    def read_lines(self, name: str) -> Iterator[Any]:
        """Read JSON Lines; a file that is not there has none."""
        path = self.root.joinpath(*name.split("/"))
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    yield orjson.loads(line)

    @property
    def extracts(self) -> list[Extract]:
        """The extracts of the run, from its manifest."""
        return [Extract(**one) for one in self.read_json("manifest.json")]

    def write_manifest(self, extracts: list[Extract]) -> None:
        """Write the manifest."""
        self.write_json("manifest.json", [asdict(one) for one in extracts])

    def findings(self, number: int) -> Iterator[Finding]:
        """The findings of one extract's transformation."""
        for kind in ("", ".woken"):
            for one in self.read_lines(f"findings/{number:03}{kind}.jsonl"):
                yield Finding(**one)


def folder_of(runs: AnyPath, run_id: str) -> RunFolder:
    """Give the folder of a run by its id in the store, ``DAG id/run id``, under the place of all run folders."""
    dag_id, _, rest = run_id.partition("/")
    home = runs / safe_name(dag_id)
    return RunFolder(home / safe_name(rest) if rest else home)


def sha256(path: AnyPath) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def safe_name(text: str) -> str:
    """Make text fit for one file name, different for different texts."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".")[:100]
    if plain == text:
        return text
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

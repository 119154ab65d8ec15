"""Driving the whole library in a test: profiles in memory, extracts, runs, and the store as plain dicts."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from ready_stores import make_store
from sqlalchemy import Engine, select, text

from matchpoint.alma.code_tables import CodeTables
from matchpoint.apply_plan import Deviation, apply_plan
from matchpoint.fetch import keep
from matchpoint.guard.judge import guard_plan
from matchpoint.guard.verdict import Judgement
from matchpoint.make_plan import make_plan
from matchpoint.make_receipt import make_receipt
from matchpoint.plan import PlanRow, read_plan
from matchpoint.profile import Profile
from matchpoint.receipt import Receipt
from matchpoint.report import render_html, render_json, render_markdown
from matchpoint.run_folder import RunFolder
from matchpoint.sides import in_use
from matchpoint.store import open_store, writing
from matchpoint.store.code_tables import save_code_tables
from matchpoint.store.history import user_at
from matchpoint.store.row_ledger import known_to
from matchpoint.store.tables import metadata
from matchpoint.transform import transform_extract

PEOPLE = """
code: people
name: People
sis_type: Banner
connection: sis
format: {type: csv}
mapping:
  primary_id: {from: ID, convert: [trim, lower], required: true}
  first_name: FIRST
  last_name: {from: LAST, required: true}
  user_group: {from: GROUP, convert: [{crosswalk: groups}]}
  birth_date: {from: BORN, convert: [{date: "%Y-%m-%d"}]}
  identifiers:
    - {id_type: BARCODE, value: CARD}
    - {id_type: INST_ID, value: NET}
  emails:
    - {types: [work], preferred: true, email_address: EMAIL}
  notes:
    - {note_type: OTHER, note_text: NOTE, user_viewable: false, popup_note: false}
crosswalks:
  groups: {UG: UNDERGRAD, GR: GRADUATE}
actions:
  import: {path: in}
  synchronize: {path: in, match_points: [primary_id, BARCODE]}
"""
"""A profile with a bit of everything, for extracts with the columns of ``person``."""

XML_PEOPLE = """
code: people
name: People
sis_type: Banner
connection: sis
format: {type: alma_xml}
actions:
  import: {path: in}
  synchronize: {path: in, match_points: [primary_id, BARCODE]}
"""

Row = dict[str, str]
START = datetime(2026, 9, 1, 5, tzinfo=UTC)
AS_OF = date(2026, 9, 1)


def make_profile(written: str = PEOPLE, **changes: Any) -> Profile:
    """Make a profile of YAML text; a change of a mapping is merged into it, anything else replaces."""
    values = yaml.safe_load(written)
    for name, change in changes.items():
        old = values.get(name)
        values[name] = {**old, **change} if isinstance(old, dict) and isinstance(change, dict) else change
    return Profile.model_validate(values)


def synchronizing(**options: Any) -> Profile:
    """Make the profile of ``PEOPLE`` with other options of its synchronize action."""
    return make_profile(actions={"synchronize": {"path": "in", "match_points": ["primary_id", "BARCODE"], **options}})


def person(number: int, **changes: str) -> Row:
    """Make a row; every value but the codes is one of its own."""
    return {
        "ID": f"S{number}",
        "FIRST": f"Firstname{number}",
        "LAST": f"Lastname{number}",
        "GROUP": "UG",
        "BORN": f"19{number % 90 + 10}-02-03",
        "CARD": f"Card{number}",
        "NET": f"net{number}",
        "EMAIL": f"mail{number}@example.edu",
        "NOTE": f"Notetext{number}",
        **changes,
    }


COLUMNS = list(person(0))


def csv_text(rows: Iterable[Mapping[str, str]], columns: list[str] = COLUMNS, delimiter: str = ",") -> str:
    """Write rows as delimited text with a header."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def zip_of(members: Mapping[str, str | bytes]) -> bytes:
    """Pack a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def xml_user(number: int, **changes: str) -> str:
    """Write a ``<user>`` like ``person``; an empty change leaves the element out."""
    parts = {
        "primary_id": f"s{number}",
        "first_name": f"Firstname{number}",
        "last_name": f"Lastname{number}",
        "card": f"Card{number}",
        "more": "",
        **changes,
    }
    core = "".join(f"<{n}>{v}</{n}>" for n, v in parts.items() if v and n not in {"card", "more"})
    card = f"<id_type>BARCODE</id_type><value>{parts['card']}</value>"
    one = f"<user_identifier>{card}</user_identifier>"
    given = f"<user_identifiers>{one}</user_identifiers>" if parts["card"] else ""
    return f"<user>{core}{given}{parts['more']}</user>"


def xml_text(*users: str) -> str:
    """Write Alma's user XML."""
    return f"<users>{''.join(users)}</users>"


@dataclass
class House:
    """A store, a profile, and the run folders of a test. Every step happens a minute after the one before."""

    root: Path
    engine: Engine
    profile: Profile = field(default_factory=make_profile)
    minutes: int = 0
    tables: CodeTables = field(default_factory=CodeTables)
    as_of: date = AS_OF

    def now(self) -> datetime:
        self.minutes += 1
        return START + timedelta(minutes=self.minutes)

    def with_profile(self, profile: Profile) -> House:
        """Give the same house with another profile; it shares store and folders, and its clock goes on."""
        return replace(self, profile=profile, minutes=self.minutes + 100)

    def on(self, as_of: str) -> House:
        """Give the same house on another day."""
        return replace(self, as_of=date.fromisoformat(as_of), minutes=self.minutes + 100)

    def folder(self, run_id: str) -> RunFolder:
        return RunFolder(self.root / "runs" / run_id)

    # --- the steps of a run -----------------------------------------------------------------------

    def fetch(self, run_id: str, files: Mapping[str, str | bytes]) -> RunFolder:
        folder, extracts = self.folder(run_id), []
        for name, content in files.items():
            copy = folder.path("fetched", "copy")
            copy.write_bytes(content.encode() if isinstance(content, str) else content)
            extracts += keep(folder, copy, f"/in/{name}", 1_700_000_000, len(extracts), profile=self.profile)
            copy.unlink()
        folder.write_manifest(in_use(extracts, self.profile))
        return folder

    def plan(
        self, run_id: str, files: Mapping[str, str | bytes], mode: Any = "synchronize", *, dry_run: bool = False
    ) -> dict[str, int]:
        """Fetch, transform and plan."""
        folder = self.fetch(run_id, files)
        save_code_tables(self.engine, self.tables)
        known = known_to(self.engine, self.profile.code, mode, run_id)
        for extract in folder.extracts:
            if not extract.join:
                transform_extract(folder, extract, self.profile, self.as_of, self.tables, known=known)
        how = {"mode": mode, "run_id": run_id, "as_of": self.as_of.isoformat(), "dry_run": dry_run}
        return make_plan(folder, self.engine, self.profile, now=self.now(), **how)

    def judge(self, run_id: str) -> Judgement:
        return guard_plan(self.folder(run_id), self.engine, self.profile, now=self.now())

    def apply(self, run_id: str, withheld: Collection[str] = frozenset()) -> list[Deviation]:
        return apply_plan(self.folder(run_id), self.engine, now=self.now(), withheld=withheld)

    def receipt(self, run_id: str) -> Receipt:
        return make_receipt(self.folder(run_id), self.profile, now=self.now())

    def run(self, run_id: str, files: Mapping[str, str | bytes] | list[Row], mode: Any = "synchronize") -> Receipt:
        """Go the whole way with files by name, or with rows as one file ``people.csv``."""
        self.plan(run_id, files if isinstance(files, Mapping) else {"people.csv": csv_text(files)}, mode)
        self.apply(run_id)
        return self.receipt(run_id)

    # --- what came of it --------------------------------------------------------------------------

    def planned(self, run_id: str) -> list[PlanRow]:
        return list(read_plan(self.folder(run_id)))

    def rejected_file(self, run_id: str, name: str) -> bytes:
        return (self.folder(run_id).root / "rejections" / name).read_bytes()

    def rejected_rows(self, run_id: str, name: str = "people.rejected.csv") -> list[Row]:
        content = self.rejected_file(run_id, name).decode()
        return list(csv.DictReader(io.StringIO(content, newline="")))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Give a whole table, sorted by its key."""
        one = metadata.tables[table]
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(select(one).order_by(*one.primary_key))]

    def user_at(self, primary_id: str, version: int) -> dict[str, Any] | None:
        """Give a user as it was at a version."""
        with self.engine.connect() as connection:
            return user_at(connection, self.users()[primary_id]["id"], version)

    def users(self) -> dict[str, dict[str, Any]]:
        """Give the users by primary id."""
        return {row["primary_id"]: row for row in self.rows("users")}

    def identifiers(self) -> dict[str, tuple[str, str, int]]:
        """Give type, value and user id by identifier key."""
        return {row["value_key"]: (row["id_type"], row["value"], row["user_id"]) for row in self.rows("identifiers")}

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Give the content of all tables."""
        return {name: self.rows(name) for name in sorted(metadata.tables)}

    def people(self) -> dict[str, list[dict[str, Any]]]:
        """Give the content of the tables about people: what a run is there to change."""
        return {name: self.rows(name) for name in ("users", "identifiers", "history", "counters")}

    def sql(self, statement: str, **values: Any) -> None:
        """Change the store past the library, as another program would."""
        with writing(self.engine).begin() as connection:
            connection.execute(text(statement), values)

    def edit(self, primary_id: str, *, protected: dict[str, Any] | None = None, **changes: Any) -> None:
        """Change a user as a librarian would: document, version, time."""
        users = metadata.tables["users"]
        user = self.users()[primary_id]
        document = {name: value for name, value in {**user["document"], **changes}.items() if value is not None}
        values = {
            "document": document,
            "version": user["version"] + 1,
            "account_type": document["account_type"]["value"],
            "external_id": document.get("external_id"),
            "changed_at": self.now(),
            "changed_by_run": None,
            "protected": user["protected"] if protected is None else protected,
        }
        with writing(self.engine).begin() as connection:
            connection.execute(users.update().where(users.c.id == user["id"]).values(values))


@contextmanager
def open_house(url: str, root: Path, profile: Profile | None = None) -> Iterator[House]:
    """Open a house on an empty database."""
    make_store(url)
    engine = open_store(url)
    try:
        yield House(root, engine, profile or make_profile())
    finally:
        engine.dispose()


def essence(receipt: Receipt) -> dict[str, Any]:
    """Give of a receipt what must be the same when a run is repeated: all but times and the plan's hash."""
    told = receipt.as_dict()
    return {name: told[name] for name in told.keys() - {"started_at", "finished_at", "plan_sha256"}}


def total(**given: int) -> dict[str, int]:
    """Give counts as a receipt has them, zero where nothing is said."""
    words = ("created", "updated", "unchanged", "skipped", "rejected", "conflict", "failed")
    return {"processed": sum(given.values()), **{word: given.get(word, 0) for word in words}}


def reasons(receipt: Receipt) -> dict[tuple[str, str, str], int]:
    """Give how many rows have each outcome, code and field."""
    return {(one.outcome, one.code, one.field): one.rows for one in receipt.reasons}


def rendered(receipt: Receipt) -> str:
    """Give everything that is shown of a receipt to many people, in one text."""
    return "\n".join((render_json(receipt), render_html(receipt), render_markdown(receipt)))

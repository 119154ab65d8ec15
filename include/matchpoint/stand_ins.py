"""Who got a profile's default for a code that Alma lacks: told by a run, kept in the store until it is mended.

When Alma has the code, or the mapping gives another one, every row is read anew, for both are part of what the row
ledger goes by. So the next synchronize mends them all, and nobody has to be woken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, select

from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import CORE_BY_NAME
from matchpoint.chunks import chunks
from matchpoint.mapping.stand_ins import stand_ins_of
from matchpoint.plan import read_summary
from matchpoint.profile import Profile
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store.bulk import among, insert_or_update
from matchpoint.store.code_review_tables import missing_codes, stand_ins
from matchpoint.store.engine import writing
from matchpoint.store.tables import history
from matchpoint.used_codes import Used, used_codes

_AT_ONCE = 1_000


def note_stand_ins(folder: RunFolder, engine: Engine) -> int:
    """Note who got a default by an applied run, in place of what was noted of those it changed; give how many.

    Who was as the row says already is not noted: that user has the default of itself.
    """
    run_id = read_summary(folder)["run_id"]
    profile = read_summary(folder)["profile"]
    changed = select(history.c.user_id).where(history.c.run_id == run_id)
    noted = 0
    with writing(engine).begin() as connection:
        connection.execute(delete(stand_ins).where(stand_ins.c.user_id.in_(changed)))
        for extract in folder.extracts:
            for some in chunks(_told(folder, extract), _AT_ONCE):
                noted += _note(connection, run_id, profile, extract, some)
    return noted


def _told(folder: RunFolder, extract: Extract) -> Iterator[list[object]]:
    for kind in ("", ".woken"):
        yield from folder.read_lines(stand_ins_of(extract, kind))


def _note(connection: Connection, run_id: str, profile: str, extract: Extract, some: list[list[object]]) -> int:
    of_extract = and_(history.c.run_id == run_id, history.c.extract == extract.sha256)
    rows = among(connection, history.c.row, [int(str(row)) for row, *_ in some])
    found = connection.execute(select(history.c.row, history.c.user_id).where(of_extract, rows))
    users = {row: user_id for row, user_id in found}
    new = [
        {"user_id": users[row], "field": field, "profile": profile, "code": code}
        for row, field, code in some
        if row in users
    ]
    if new:
        written = insert_or_update(connection, stand_ins)
        changed = {name: written.excluded[name] for name in ("profile", "code")}
        connection.execute(written.on_conflict_do_update(index_elements=["user_id", "field"], set_=changed), new)
    return len(new)


def review_codes(engine: Engine, profile: Profile, tables: CodeTables, now: datetime) -> dict[Used, int]:
    """Bring the review list of a profile up to date: the codes that Alma lacks, with the people who got a default.

    Those are the codes that the mapping names (constants, crosswalks, defaults) and those that came in rows.
    """
    with writing(engine).begin() as connection:
        used = dict.fromkeys(used_codes(profile), 0) | _stood_in(connection, profile.code)
        lacking = {
            one: people for one, people in used.items() if tables.problem(one.table, one.code, profile.record_type)
        }
        columns = missing_codes.c
        listed = select(columns.field, columns.code).where(columns.profile == profile.code)
        known = {(field, code) for field, code in connection.execute(listed)}
        for field, code in known - {(one.field, one.code) for one in lacking}:
            connection.execute(delete(missing_codes).where(_is(profile.code, field, code)))
        for one, people in lacking.items():
            new = {"profile": profile.code, "field": one.field, "code": one.code, "table_name": one.table}
            written = insert_or_update(connection, missing_codes).values(**new, people=people, since=now)
            key = ["profile", "field", "code"]
            connection.execute(written.on_conflict_do_update(index_elements=key, set_={"people": people}))
    return lacking


def _is(profile: str, field: str, code: str) -> ColumnElement[bool]:
    columns = missing_codes.c
    return and_(columns.profile == profile, columns.field == field, columns.code == code)


def _stood_in(connection: Connection, profile: str) -> dict[Used, int]:
    columns = stand_ins.c
    by_code = select(columns.field, columns.code, func.count()).where(columns.profile == profile)
    found = connection.execute(by_code.group_by(columns.field, columns.code))
    return {Used(field, CORE_BY_NAME[field].table, code): people for field, code, people in found}

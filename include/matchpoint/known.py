"""What a profile loaded before, by the hashes of its rows and users: sorted columns, a million in 16 MiB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from matchpoint.alma.code_tables import CodeTables
from matchpoint.hashes import Hashes
from matchpoint.profile import Profile
from matchpoint.run_folder import Extract, RunFolder

RULES_VERSION = 1
"""Grows when a release maps or checks rows otherwise than the one before: then every row is looked at again."""
_NONE: Hashes = np.array([], dtype=np.int64)


@dataclass(frozen=True)
class Known:
    """Hashes in order, and to each the user it belongs to; ``epoch`` is the ledger's when it was asked."""

    hashes: Hashes
    user_ids: Hashes
    epoch: int = 0

    @classmethod
    def of(cls, hashes: Hashes, user_ids: Hashes, epoch: int = 0) -> Known:
        """Sort hashes with their users."""
        order = np.argsort(hashes)
        return cls(hashes[order], user_ids[order], epoch)

    @classmethod
    def nothing(cls) -> Known:
        """Know nothing: every row is then new."""
        return cls(_NONE, _NONE)

    def users(self, hashes: Hashes) -> Hashes:
        """Give the user of each hash, or -1."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, dtype=np.int64)
        places = np.searchsorted(self.hashes, hashes)
        places[places == len(self.hashes)] = 0
        return np.where(self.hashes[places] == hashes, self.user_ids[places], -1)


@dataclass(frozen=True)
class KnownRows:
    """Rows of an extract that need not be read: row number, user, and the hash by which each was recognised."""

    rows: Hashes
    user_ids: Hashes
    hashes: Hashes

    @classmethod
    def none(cls) -> KnownRows:
        """Know none."""
        return cls(_NONE, _NONE, _NONE)

    @classmethod
    def joined(cls, some: Sequence[KnownRows]) -> KnownRows:
        """Put rows together."""
        columns = zip(*((one.rows, one.user_ids, one.hashes) for one in some), strict=True)
        return cls(*(np.concatenate(parts) for parts in columns)) if some else cls.none()

    def but(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> KnownRows:
        """Leave some out."""
        return KnownRows(self.rows[~rows], self.user_ids[~rows], self.hashes[~rows])

    def write(self, folder: RunFolder, extract: Extract) -> None:
        """Write ``known/NNN.parquet``."""
        columns = {"row": self.rows, "user_id": self.user_ids, "hash": self.hashes}
        with folder.path("known", f"{extract.number:03}.parquet").open("wb") as file:
            pq.write_table(pa.table(columns), file, compression="none", use_dictionary=False)

    @classmethod
    def read(cls, folder: RunFolder, extract: Extract) -> KnownRows:
        """Read ``known/NNN.parquet``."""
        with folder.root.joinpath("known", f"{extract.number:03}.parquet").open("rb") as file:
            table = pq.read_table(file)
        return cls(*(table[name].to_numpy() for name in ("row", "user_id", "hash")))


_OF_MAPPING = {"code", "record_type", "format", "mapping", "crosswalks", "checks"}


def mapping_version(profile: Profile, tables: CodeTables, header: bytes) -> int:
    """Give a number for everything by which a raw row becomes a user.

    That is the profile's format, mapping, checks and defaults, the code tables, the header, and the rules of this
    release: under two of them two rows that look the same are not.
    """
    said = profile.model_dump_json(include=_OF_MAPPING | ({"defaults"} if profile.defaults else set()))
    codes = orjson.dumps(sorted(tables, key=repr))
    parts = [str(law_version(profile)).encode(), said.encode(), codes, header]
    return xxhash.xxh3_64_intdigest(b"\n".join(parts))


def law_version(profile: Profile) -> int:
    """Give a number for what decides, besides the two, what comes of a mapped user who meets a user of the store."""
    action = profile.actions.synchronize
    return 2 * RULES_VERSION + (action is not None and action.empty_special == "clear")

"""Flat dataclasses as Parquet: a column per field, written and read in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from matchpoint.chunks import chunks
from matchpoint.run_folder import AnyPath

T = TypeVar("T")
_TYPES = {"int": pa.int64(), "bool": pa.bool_()}


def schema_of(record: type[Any]) -> pa.Schema:
    """Give the columns of a dataclass by its annotations: whole numbers, truth values, and all else as text."""
    return pa.schema([(one.name, _TYPES.get(str(one.type).split(" |")[0], pa.string())) for one in fields(record)])


def write_records(
    path: AnyPath, record: type[T], records: Iterable[T], *, size: int, repeated: Sequence[str] = ()
) -> None:
    """Write records, ``size`` at a time; the values of ``repeated`` columns are kept once."""
    schema = schema_of(record)
    with path.open("wb") as file, pq.ParquetWriter(file, schema, use_dictionary=list(repeated) or True) as writer:
        for some in chunks(records, size):
            columns = {name: [getattr(one, name) for one in some] for name in schema.names}
            writer.write_table(pa.table(columns, schema=schema))


def read_records(path: AnyPath, record: type[T], *, size: int) -> Iterator[list[T]]:
    """Read records in batches; raises FileNotFoundError when there is no file."""
    with path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(size):
            yield list(map(record, *(column.to_pylist() for column in batch.columns)))

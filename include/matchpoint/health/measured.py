"""What a file of a run is like, in values that JSON takes, without a person's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One extract of a run.

    ``family`` is its name with every number as ``#``: by that it is compared with earlier ones. ``rows`` is None
    where the format does not tell. ``is_mended`` says that it is a rejections file that was put back, and so like no
    feed. ``encoding`` is as :class:`matchpoint.health.bytes.ByteSigns` gives it; ``accented`` and ``broken`` are the
    shares of ``sampled`` rows with letters beyond ASCII, and with letters that broke on the way. ``ends_whole`` tells
    whether the last line has its end, ``cut`` by what one sees that the file was cut off, "" for not at all.
    ``header`` are the columns in their order, None where there is none to trust, and ``columns`` is as
    :meth:`matchpoint.health.columns.Columns.told` gives it. ``control`` is what the control lines say, None where
    there are none; ``total`` the true sum, ``strange`` how many values of that column are no numbers.
    """

    number: int
    label: str
    join: str
    family: str
    sha256: str
    size: int
    modified: int
    is_mended: bool = False
    rows: int | None = None
    sampled: int = 0
    encoding: str = ""
    accented: float = 0.0
    broken: float = 0.0
    ends_whole: bool | None = None
    cut: str = ""
    header: list[str] | None = None
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    control: dict[str, str] | None = None
    total: str | None = None
    strange: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Measured:
        """Take it from JSON values; what another release noted beside is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

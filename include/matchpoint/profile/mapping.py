"""The mapping of an integration profile: per Alma field, where its value comes from.

The models are made from the tables in :mod:`matchpoint.alma.fields`, so a field that Alma has is a field that a
profile may fill, and nothing else is.
"""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    create_model,
    field_validator,
)

from matchpoint.alma.fields import (
    ADDRESSES,
    EMAILS,
    IDENTIFIERS,
    NOTES,
    PHONES,
    STATISTICS,
    Kind,
    OnSynchronize,
    Segment,
    mappable_core_fields,
)
from matchpoint.profile.converters import Converter
from matchpoint.profile.model import Model

MAPPED_SEGMENTS = (IDENTIFIERS, ADDRESSES, EMAILS, PHONES, NOTES, STATISTICS)
"""The segments that a mapping can fill. Blocks belong to the library; a SIS rarely sends them as columns."""


class Column(Model):
    """The value of a column."""

    column: str = Field(min_length=1)


class Constant(Model):
    """The same value for every row; converters leave it alone."""

    constant: str = Field(min_length=1)


class Template(Model):
    """Text with {COLUMN} places; it gives a value when every column in it has one."""

    template: str = Field(min_length=1)

    @field_validator("template")
    @classmethod
    def _names_columns(cls, value: str) -> str:
        try:
            parts = list(string.Formatter().parse(value))
        except ValueError as error:
            raise ValueError(f"found {value!r} ({error}); accepted is text with {{COLUMN}} places") from None
        places = [part for part in parts if part[1] is not None]
        if not places or any(not name or form or change for _, name, form, change in places):
            raise ValueError(
                f"found {value!r}; accepted is text with at least one {{COLUMN}}, nothing else in braces"
            )
        return value

    @property
    def columns(self) -> list[str]:
        """The columns it names."""
        return [name for _, name, _, _ in string.Formatter().parse(self.template) if name]


def _source_from_short(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | int) else value


def _source_tag(value: Any) -> str:
    if isinstance(value, dict):
        return str(next(iter(value), ""))
    return next(iter(type(value).model_fields), "column")


Source = Annotated[
    Annotated[
        Annotated[Column, Tag("column")]
        | Annotated[Constant, Tag("constant")]
        | Annotated[Template, Tag("template")],
        Discriminator(_source_tag),
    ],
    BeforeValidator(_source_from_short, json_schema_input_type=str | Column | Constant | Template),
]


class FieldRule(Model):
    """Where an Alma field gets its value: the first source that gives one wins, then the converters."""

    sources: list[Source] = Field(alias="from", min_length=1)
    convert: list[Converter] = Field(default_factory=list)
    required: bool = Field(False, description="A row without a value is rejected")
    bad: Literal["reject", "drop"] = Field(
        "reject", description="What a value that cannot be converted does: reject the row, or drop the value"
    )

    @property
    def columns(self) -> list[str]:
        """The columns that it takes its value from."""
        names: list[str] = []
        for source in self.sources:
            if isinstance(source, Column):
                names.append(source.column)
            elif isinstance(source, Template):
                names.extend(source.columns)
        return names

    @property
    def reads(self) -> list[str]:
        """The columns that it reads: its sources, and what its converters look at."""
        looked_at = (column for one in self.convert for column in (() if isinstance(one, str) else one.columns))
        return [*self.columns, *looked_at]


def _rule_from_short(value: Any) -> Any:
    if isinstance(value, str | int):
        return {"from": [value]}
    if isinstance(value, list):
        return {"from": value}
    if isinstance(value, dict) and value.keys() & {"column", "constant", "template"}:
        return {"from": [value]}
    if isinstance(value, dict) and not isinstance(value.get("from", []), list):
        return {**value, "from": [value["from"]]}
    return value


class _WrittenRule(Model):
    """How a rule may be written in full."""

    sources: Source | list[Source] = Field(alias="from")
    convert: list[Converter] = Field(default_factory=list)
    required: bool = False
    bad: Literal["reject", "drop"] = "reject"


Rule = Annotated[
    FieldRule,
    BeforeValidator(
        _rule_from_short,
        json_schema_input_type=str | list[Source] | Column | Constant | Template | _WrittenRule,
    ),
]


def _segment_model(segment: Segment) -> type[Model]:
    fields: dict[str, Any] = {}
    if segment.types:
        fields["types"] = (list[str], Field(description=f"Alma codes for {segment.types}", min_length=1))
    for flag in segment.flags:
        fields[flag] = (bool, False)
    for field in segment.fields:
        if field.on_synchronize is OnSynchronize.OUTPUT:
            continue
        needed = field.name in segment.mandatory
        if field.name in segment.literals:
            kind: Any = bool if field.kind is Kind.BOOLEAN else str
            fields[field.name] = (kind, ... if needed else False)
        else:
            fields[field.name] = (Rule, ...) if needed else (Rule | None, None)
    return create_model(f"{segment.name.title().replace('_', '')}Rule", __base__=Model, **fields)


SEGMENT_RULES = {segment.mapping: _segment_model(segment) for segment in MAPPED_SEGMENTS}

Mapping = create_model(  # type: ignore[call-overload]
    "Mapping",
    __base__=Model,
    __doc__="Per Alma field a rule, per kind of segment a list of them.",
    **{field.name: (Rule | None, None) for field in mappable_core_fields()},
    **{name: (list[model], Field(default_factory=list)) for name, model in SEGMENT_RULES.items()},  # type: ignore[valid-type]
)


def rules_of(mapping: BaseModel) -> list[tuple[str, FieldRule]]:
    """List every field rule of a mapping with its place, such as ``addresses[0].line1``."""
    rules: list[tuple[str, FieldRule]] = []
    for name in type(mapping).model_fields:
        value = getattr(mapping, name)
        if isinstance(value, FieldRule):
            rules.append((name, value))
        elif isinstance(value, list):
            for position, part in enumerate(value):
                if isinstance(part, BaseModel):
                    rules.extend((f"{name}[{position}].{inner}", rule) for inner, rule in rules_of(part))
    return rules

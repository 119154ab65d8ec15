"""The JSON Schema of integration profiles: current, and of one mind with what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from test_profiles import GOOD, MISTAKES, written

from matchpoint.profile import load_profile
from matchpoint.profile.load import _PlainLoader
from matchpoint.profile.schema import profile_schema

PROFILES = Path(__file__).resolve().parents[2] / "include" / "profiles"


def plain(text: str) -> Any:
    return yaml.load(text, Loader=_PlainLoader)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((PROFILES / "profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_current() -> None:
    published = (PROFILES / "profile.schema.json").read_text(encoding="utf-8")
    assert published == profile_schema(), "run: make schema"


@pytest.mark.parametrize("code", ["alma_xml", "staff", "students"])
def test_the_published_profiles_are_valid(code: str, validator: jsonschema.Draft202012Validator) -> None:
    path = PROFILES / f"{code}.yaml"
    assert load_profile(path).code == code
    assert path.read_text().startswith("# yaml-language-server: $schema=profile.schema.json\n")
    validator.validate(plain(path.read_text(encoding="utf-8")))


def test_the_good_profile_is_valid(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(plain(GOOD))


@pytest.mark.parametrize(
    "mistake",
    [
        "unknown key",
        "missing key",
        "wrong type",
        "code that is no name",
        "record type",
        "format",
        "unknown Alma field",
        "unknown converter",
        "unknown converter with options",
        "misspelt source",
        "segment without its type",
        "flag that a segment has not",
        "no match point",
        "unmatched",
        "crosswalk that is a list",
    ],
)
def test_a_broken_profile_is_not_valid(mistake: str, validator: jsonschema.Draft202012Validator) -> None:
    old, new, _ = MISTAKES[mistake]
    assert not validator.is_valid(plain(written((old, new))))

"""The JSON Schema of integration profiles: current, and of one mind with what reads them."""

from __future__ import annotations

import json
import re
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


class EditorLoader(_PlainLoader):
    """YAML as an editor reads it to check it against the schema: a whole number is one."""


EditorLoader.yaml_implicit_resolvers = {key: list(some) for key, some in _PlainLoader.yaml_implicit_resolvers.items()}
EditorLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(?:0|[1-9][0-9]*)$"), list("0123456789"))


def plain(text: str) -> Any:
    return yaml.load(text, Loader=EditorLoader)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((PROFILES / "profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_current() -> None:
    published = (PROFILES / "profile.schema.json").read_text(encoding="utf-8")
    assert published == profile_schema(), "run: make schema"


@pytest.mark.parametrize(
    "path", sorted(PROFILES.rglob("*.yaml")), ids=lambda path: path.relative_to(PROFILES).as_posix()
)
def test_the_published_profiles_are_valid(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    assert load_profile(path).code == path.stem
    up = "" if path.parent == PROFILES else "../"
    assert path.read_text().startswith(f"# yaml-language-server: $schema={up}profile.schema.json\n")
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

"""The engineer guide names all that a profile may say: every key, format, option and converter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from matchpoint.check_profile import find_profile
from matchpoint.profile import Affiliation, Join, Leavers, Profile, Protect
from matchpoint.profile.converters import TAGS as CONVERTERS
from matchpoint.profile.converters import (
    DateOptions,
    NamePartOptions,
    PhoneOptions,
    PostalCodeOptions,
    SimpleConverter,
)
from matchpoint.profile.destinations import AlmaApi, AlmaSftp, Destinations
from matchpoint.profile.formats import (
    FORMATS,
    AlmaXmlFormat,
    Blocks,
    CsvFormat,
    ExcelFormat,
    FixedColumn,
    FixedWidthFormat,
    JsonFormat,
)
from matchpoint.profile.guard import Guard, Limit
from matchpoint.profile.health import Health, Trailer
from matchpoint.profile.identity import Identity
from matchpoint.profile.mapping import SEGMENT_RULES
from matchpoint.profile.models import Check, ImportAction, Precedence, SynchronizeAction
from matchpoint.profile.notices import EmailNotice, Notices, Occasion, WebhookNotice
from matchpoint.profile.openpgp import Decrypt
from matchpoint.profile.privacy import Confidential, Retention

REPOSITORY = Path(__file__).resolve().parents[1]
GUIDE = (REPOSITORY / "docs" / "engineer-guide.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
CODE = [*FENCED.findall(GUIDE), *re.findall(r"`([^`]+)`", FENCED.sub("", GUIDE))]
WORDS = set(re.findall(r"[A-Za-z_]\w*", " ".join(CODE)))
"""All words that the guide has in code font."""
MODELS: list[type[BaseModel]] = [
    Profile, Join, Precedence, ImportAction, SynchronizeAction, CsvFormat, FixedWidthFormat, FixedColumn, Blocks,
    JsonFormat, ExcelFormat, AlmaXmlFormat, DateOptions, PhoneOptions, PostalCodeOptions, NamePartOptions,
    Guard, Limit,
    Health, Trailer,
    Leavers, Protect,
    Affiliation, Identity,
    Notices, EmailNotice, WebhookNotice, Retention, Confidential,
    Decrypt,
    Destinations, AlmaApi, AlmaSftp,
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_in_the_guide(model: Any) -> None:
    assert {field.alias or name for name, field in model.model_fields.items()} <= WORDS


def test_every_format_converter_and_check_is_in_the_guide() -> None:
    named = {one for one in CONVERTERS if re.fullmatch(r"\w+", one)}
    assert {
        *FORMATS,
        *get_args(SimpleConverter),
        *named,
        *get_args(Check),
        *get_args(Occasion),
        *SEGMENT_RULES,
    } <= WORDS


def test_every_example_is_in_the_guide() -> None:
    profiles = REPOSITORY / "include" / "profiles"
    examples = {path.stem for path in (profiles / "examples").glob("*.yaml")}
    assert examples <= WORDS
    assert all(find_profile(profiles, code).exists() for code in examples)


def test_the_yaml_of_the_guide_is_valid() -> None:
    values: dict[str, Any] = {}
    for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL):
        values |= yaml.safe_load(text)
    of_profile = {name: values.pop(name) for name in [*values] if name in Profile.model_fields}
    assert Identity.model_validate(of_profile.pop("identity")).looks_around
    assert Leavers.model_validate(values.pop("leavers")).policy == "deactivate"
    mail = {"types": ["work"], "email_address": values.pop("email_address")}
    phone = {"types": ["mobile"], "phone_number": values.pop("phone_number")}
    mapping = {**values, "emails": [mail], "phones": [phone]}
    profile = Profile.model_validate(
        {
            "code": "x", "name": "X", "sis_type": "X", "connection": "x", "format": {"type": "csv"},
            "mapping": mapping, "crosswalks": {"groups": {"A": "B"}}, "actions": {"import": {"path": "x"}},
            **of_profile,
        }
    )  # fmt: skip
    assert profile.joins["cards"].several == "numbered"
    assert (profile.guard.leave.count, profile.guard.terms[0].year) == (200, 2026)
    assert profile.health.row_count == "stop"


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    for document in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")):
        text = document.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (document.parent / link).exists(), f"{document.name}: {link}"

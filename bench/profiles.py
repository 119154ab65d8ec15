"""The integration profile of the benchmark."""

from __future__ import annotations

from pathlib import Path

import yaml

from matchpoint.profile import Profile

PATH = Path(__file__).with_name("profile.yaml")


def bench_profile() -> Profile:
    """Read it."""
    return Profile.model_validate(yaml.safe_load(PATH.read_text(encoding="utf-8")))

"""The JSON Schema of integration profiles, for editors. ``python -m matchpoint.profile.schema FILE`` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matchpoint.profile.models import Profile


def profile_schema() -> str:
    """Give the schema as JSON text, as it is published beside the profiles."""
    schema = Profile.model_json_schema(by_alias=True, mode="validation")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(profile_schema(), encoding="utf-8")

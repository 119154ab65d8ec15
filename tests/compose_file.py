"""docker-compose.yaml as Compose reads it: with the values of .env in their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
ENV_LINE = re.compile(r'^(?P<name>\w+)=(?:"(?P<quoted>[^"]*)"|(?P<plain>.*))$', re.MULTILINE)
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\})")

Json = dict[str, Any]


def read_env(text: str) -> dict[str, str]:
    """Read a .env file: ``NAME=value``, or a value in double quotes that may go over several lines."""
    return {m["name"]: m["plain"] if m["quoted"] is None else m["quoted"] for m in ENV_LINE.finditer(text)}


def strings(node: object) -> Iterator[str]:
    """Walk over every string value of a document."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from strings(child)


def interpolate(text: str, env: dict[str, str]) -> str:
    """Fill ``${VAR}``, ``${VAR:-default}`` and ``${VAR:?message}`` as Compose does; ``$$`` is a dollar."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        found = env.get(match["name"], "")
        if not found and match["how"] == ":?":
            raise ValueError(f"required variable {match['name']} is missing a value: {match['rest']}")
        return found or (match["rest"] or "" if match["how"] == ":-" else "")

    return VARIABLE.sub(value, text)


def resolve(node: Any, env: dict[str, str]) -> Any:
    """Interpolate a whole document."""
    if isinstance(node, dict):
        return {key: resolve(child, env) for key, child in node.items()}
    if isinstance(node, list):
        return [resolve(child, env) for child in node]
    return interpolate(node, env) if isinstance(node, str) else node


RAW: Json = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text("utf-8"))
"""The file as it stands."""
ENV = read_env((REPOSITORY / ".env.example").read_text("utf-8"))
"""The variables of .env.example."""

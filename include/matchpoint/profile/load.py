"""Reading integration profiles from YAML files, so that a mistake in one hides no other."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from matchpoint.errors import ProfileError
from matchpoint.profile.converters import TAGS
from matchpoint.profile.formats import FORMATS
from matchpoint.profile.models import Mode, Profile


class _PlainLoader(yaml.SafeLoader):
    """YAML in which only true, false and null are special: 007, NO and 2026-09-01 stay what was written."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 (the name and form are PyYAML's)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is given twice; plain YAML would silently drop the first."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"found the key {key.value!r} twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])


@dataclass(frozen=True)
class Profiles:
    """What a folder of profiles holds: the good ones, and the errors of the others."""

    good: list[Profile]
    errors: list[ProfileError]

    def with_active(self, mode: Mode) -> list[Profile]:
        """Give the profiles whose action for ``mode`` is active."""
        return [profile for profile in self.good if profile.action(mode)]


def load_profiles(folder: Path) -> Profiles:
    """Read every ``*.yaml`` of a folder. A broken one becomes an error and hides no other.

    So does one whose table of affiliations is not that of the profiles before it.
    """
    good: dict[str, Profile] = {}
    errors: list[ProfileError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            profile = load_profile(path)
        except ProfileError as error:
            errors.append(error)
        else:
            good[profile.code] = profile
    for code, why in _disagreeing(good.values()):
        errors.append(ProfileError(f"{folder / good.pop(code).code}.yaml: {why}"))
    return Profiles(list(good.values()), errors)


def _disagreeing(profiles: Iterable[Profile]) -> list[tuple[str, str]]:
    """List the codes of profiles whose table of affiliations is another than that of one before, and what is wrong.

    All profiles of a store that share people have the same: else it would depend on the run who comes first.
    """
    first: dict[tuple[str, str], Profile] = {}
    found = []
    for profile in profiles:
        table = profile.affiliation
        for shared in sorted(table.profiles) if table else ():
            other = first.setdefault((profile.store, shared), profile)
            if table and other.affiliation and other.affiliation.order != table.order:
                orders = (", ".join(one.order) for one in (table, other.affiliation))
                why = "affiliation.order: found {}; expected {}, as in the profile {}".format(*orders, other.code)
                found.append((profile.code, why))
                break
    return found


def load_profile(path: Path) -> Profile:
    """Read one profile.

    Raises :class:`ProfileError` that names the file, each wrong key, what was found and what is accepted. The
    file is named after the profile's code, so two profiles never share one.
    """
    try:
        written = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise ProfileError(f"{path}: found no such file; expected an integration profile") from None
    except OSError as error:
        raise ProfileError(f"{path}: found no readable file ({error.strerror}); expected a profile") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: found text that is not YAML: {_on_one_line(error)}") from error
    if not isinstance(written, dict):
        raise ProfileError(f"{path}: found {type(written).__name__}; expected keys and values, first of all code")
    try:
        profile = Profile.model_validate(written)
    except ValidationError as error:
        told = "\n".join(f"  {_tell(one)}" for one in error.errors())
        raise ProfileError(f"{path}: this integration profile cannot be used:\n{told}") from error
    if profile.code != path.stem:
        raise ProfileError(
            f"{path}: found code {profile.code!r}; expected {path.stem!r}, the name of the file. Rename one of them."
        )
    return profile


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _tell(error: ErrorDetails) -> str:
    """Say one mistake: key, what was found, what is accepted."""
    key = _key(error["loc"])
    if error["type"] == "value_error":
        said = error["msg"].removeprefix("Value error, ")
        return f"{key}: {said}" if key else said
    if error["type"] == "missing":
        return f"{key}: found nothing; this key is needed"
    if error["type"] == "extra_forbidden":
        return f"{key}: found a key that is not known; look for a typing mistake"
    if error["type"].startswith("union_tag"):
        accepted = error.get("ctx", {}).get("expected_tags", "")
        return f"{key}: found {_shown(error['input'])}; accepted are {accepted}"
    return f"{key}: found {_shown(error['input'])}; {error['msg'][0].lower()}{error['msg'][1:]}"


_TAGS = TAGS | {"column", "constant", "template", *FORMATS}


def _key(location: tuple[int | str, ...]) -> str:
    """Give the place as it is written in the file; the tags that tell kinds apart are no keys of their own."""
    text = ""
    before: int | str = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not (part in _TAGS and (isinstance(before, int) or before == "format")):
            text += f".{part}" if text else part
        before = part
    return text


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

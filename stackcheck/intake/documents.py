"""Parse TOML, JSON and YAML that somebody else wrote: plain values, bounded, a fault in one sentence."""

from __future__ import annotations

import json
import re
from typing import Any

import tomli

from stackcheck.model.errors import UsageError

_NOT_JSON = re.compile(r'"(?:\\.|[^"\\\n])*"|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:\\.|[^"\\\n])*"|(?P<comma>,)(?=\s*[}\]])')


def toml_of(text: str, shown: str) -> dict[str, Any]:
    """Return what a TOML file holds. Raises UsageError for what is not TOML."""
    try:
        return tomli.loads(text)
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise UsageError(f"{shown}: this is not TOML: {why}.") from None


def json_of(text: str, shown: str, *, comments: bool = False) -> Any:
    """Return what a JSON file holds; `comments`: as editors write it, with comments and a last comma.

    Raises UsageError for what is not JSON.
    """
    if comments:
        text = _NOT_JSON.sub(lambda match: _blank(match[0]) if match["comment"] else match[0], text)
        text = _LAST_COMMA.sub(lambda match: " " if match["comma"] else match[0], text)
    try:
        return json.loads(text)
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise UsageError(f"{shown}: this is not JSON: {why}.") from None


def _blank(comment: str) -> str:
    return "\n" * comment.count("\n") or " "


def table(value: Any, *keys: str) -> dict[str, Any]:
    """Return the table under some keys, an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: Any, *keys: str) -> list[Any]:
    """Return the list under some keys, an empty one where there is none."""
    found = table(value, *keys[:-1]).get(keys[-1]) if keys else value
    return found if isinstance(found, list) else []


def text_at(value: Any, key: str) -> str:
    """Return the text under a key, "" where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""

"""Take values out of parsed documents whose shape is not known; and JSON with comments."""

from __future__ import annotations

import re
from typing import Any

from stackcheck.storage.parsing import parse_json

_NOT_JSON = re.compile(r'"(?:\\.|[^"\\\n])*"|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:\\.|[^"\\\n])*"|(?P<comma>,)(?=\s*[}\]])')


def json_with_comments(text: str, shown: str) -> Any:
    """Return what JSON holds as editors write it, with comments and a last comma.

    Raises UsageError for what is not even that.
    """
    text = _NOT_JSON.sub(lambda match: _blank(match[0]) if match["comment"] else match[0], text)
    return parse_json(_LAST_COMMA.sub(lambda match: " " if match["comma"] else match[0], text), shown)


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


def texts(value: Any) -> list[str]:
    """Return the texts of a list, none where it is not one."""
    return [each for each in rows(value) if isinstance(each, str)]


def text_at(value: Any, key: str) -> str:
    """Return the text under a key, "" where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""

"""Parse a text that somebody else wrote into a document: TOML or JSON, one sentence for what is neither."""

from __future__ import annotations

import re
from typing import Any

import tomli

from stackcheck.model.errors import UsageError

MOST_DEEP = 100
"""Levels of tables and arrays in one another: what goes through a document afterwards is recursive."""
_LONG_NUMBER = re.compile(r"\d[\d_]{4000,}")


def parse_toml(text: str, shown: str) -> dict[str, Any]:
    """Return the document of a text in TOML.

    Raises UsageError, one sentence with `shown` and the line, for what is not TOML, is nested too deeply, or
    holds a number that is too long to be read.
    """
    try:
        document: dict[str, Any] = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise _refusal(shown, error.lineno, f"this is not TOML: {error.msg} (column {error.colno})") from None
    except (RecursionError, ValueError) as error:
        raise _too_much(text, shown, error) from None
    _refuse_deep(document, text, shown)
    return document


def parse_json(text: str, shown: str) -> Any:
    """Return the value of a text in JSON; raises UsageError as `parse_toml` does."""
    import json  # noqa: PLC0415 - most commands read none

    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _refusal(shown, error.lineno, f"this is not JSON: {error.msg} (column {error.colno})") from None
    except (RecursionError, ValueError) as error:
        raise _too_much(text, shown, error) from None
    _refuse_deep(document, text, shown)
    return document


def _refuse_deep(document: Any, text: str, shown: str) -> None:
    """Raise UsageError for a document that is too deep; it is gone through level by level."""
    level = [document]
    for _ in range(MOST_DEEP):
        level = [
            each
            for held in level
            if isinstance(held, (dict, list))
            for each in (held.values() if isinstance(held, dict) else held)
        ]
        if not level:
            return
    raise _too_much(text, shown, RecursionError())


def _too_much(text: str, shown: str, error: Exception) -> UsageError:
    if isinstance(error, RecursionError):
        return _refusal(shown, _deep_line(text), f"it is nested deeper than {MOST_DEEP} levels")
    number = _LONG_NUMBER.search(text)
    why = "it holds a number that is too long to be read" if number else f"it cannot be read: {error}"
    return _refusal(shown, _line(text, number.start()) if number else 0, why)


def _deep_line(text: str) -> int:
    """Return the line on which nesting goes too deep, 0 when it cannot be told."""
    depth = 0
    for match in re.finditer(r"[\[{\]}]", text):
        depth += 1 if match[0] in "[{" else -1
        if depth > MOST_DEEP:
            return _line(text, match.start())
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if line.count(".") >= MOST_DEEP), 0)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _refusal(shown: str, line: int, why: str) -> UsageError:
    return UsageError(f"{shown}:{line}: {why}." if line else f"{shown}: {why}.")

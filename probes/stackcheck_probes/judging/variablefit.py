"""Whether a row of knowledge on environment variables is about a value: the same for host and target."""

from __future__ import annotations


def speaks_of(value: str, when: str, unless: str) -> bool:
    """Tell whether a row is about `value`: `when` and `unless` are regular expressions of the whole value."""
    if not (when or unless):
        return True
    import re  # 8 ms, and most rows have none

    if unless and re.fullmatch(unless, value):
        return False
    return not when or re.fullmatch(when, value) is not None

"""Write changes into the text of a definition file, and show them as a unified diff; comments stay."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import tomlkit

from stackcheck.suggest.change import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.suggest.suggestion import Change


def edit_text(text: str, stack: str, changes: Iterable[Change]) -> str:
    """Return the text of a definition file with the changes made in the row of one stack.

    Raises KeyError for a stack that has no row of its own there (a member of a family with axes).
    """
    document = tomlkit.parse(text)
    rows = [row for row in document.unwrap().get("stack", []) if row.get("id") == stack and "axes" not in row]
    if len(rows) != 1:
        raise KeyError(stack)
    row = next(row for row in document["stack"] if row.get("id") == stack)
    for change in changes:
        _write(row, change)
    return tomlkit.dumps(document)


def _write(row: Any, change: Change) -> None:
    *heads, key = change.path
    for head in heads:
        if head not in row:
            row[head] = tomlkit.inline_table()
        row = row[head]
    key = _as_spelled(row, key)
    value = plain(change.after)
    if value is None:
        row.pop(key, None)
    elif isinstance(value, dict):
        _write_table(row, key, value)
    else:
        row[key] = value


def _as_spelled(row: Any, name: str) -> str:
    """Return the key that the file spells another way: Torch_Scatter, or with extras in brackets."""
    bare = {key: key.partition("[")[0].strip().lower() for key in row}
    same = (key for key in row if bare[key].replace("_", "-").replace(".", "-") == name)
    return name if name in row else next(same, name)


def _write_table(row: Any, key: str, value: dict[str, Any]) -> None:
    """Change the values of an inline table in place; write it anew where its keys change."""
    table = row.get(key)
    if not isinstance(table, dict) or set(table) != set(value):
        row[key] = tomlkit.value(_inline(value))
        return
    for each, stated in value.items():
        if table[each] != stated:
            table[each] = tomlkit.value(_inline(stated))


def _inline(value: Any) -> str:
    """Return a value as TOML on one line, with spaces inside the braces."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + " }"
    return str(tomlkit.item(value).as_string())


def unified(before: str, after: str, file: str) -> str:
    """Return the unified diff of a file, as `git apply` and `patch -p1` take it."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )

"""Changes to a definition: what an edit is, and the stack that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from stackcheck.intake.stack import Package, Stack

Path: TypeAlias = tuple[str, ...]
"""Where an entry of a definition stands: ("python",), ("packages", "torch") or ("image", "base")."""
Edit: TypeAlias = Mapping[Path, Any]
"""Entries and what they become; None takes an entry away. One entry counts as one change."""


def value_at(stack: Stack, path: Path) -> Any:
    """Return an entry of a stack; None when it is not stated."""
    head, *rest = path
    holder = getattr(stack, head)
    if not rest:
        return holder
    return holder.get(rest[0]) if isinstance(holder, dict) else getattr(holder, rest[0])


def apply(stack: Stack, edit: Edit) -> Stack:
    """Return the stack with an edit made; nothing is validated, because the edit holds parsed values."""
    fields: dict[str, Any] = {}
    for (head, *rest), value in edit.items():
        if not rest:
            fields[head] = value
            continue
        holder = fields.get(head, getattr(stack, head))
        if isinstance(holder, dict):
            kept = {name: each for name, each in holder.items() if value is not None or name != rest[0]}
            fields[head] = kept if value is None else {**kept, rest[0]: value}
        else:
            fields[head] = holder.model_copy(update={rest[0]: value})
    return stack.model_copy(update=fields)


def spell(value: Any) -> str:
    """Return an entry as a definition would state it: "2.5.0", or its inline table."""
    if value is None or value == ():
        return "not stated"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return f"[{', '.join(map(spell, value))}]"
    stated = plain(value)
    if isinstance(stated, str):
        return stated
    return "{ " + ", ".join(f"{key} = {_inline(each)}" for key, each in stated.items()) + " }"


def plain(value: Any) -> Any:
    """Return an entry as TOML holds it: text, a list of texts, or a table of them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return list(value)
    return _package_row(value)


def _package_row(package: Package) -> str | dict[str, Any]:
    row = package.model_dump(by_alias=True, exclude_defaults=True)
    return package.version if set(row) == {"version"} else row


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + " }"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'

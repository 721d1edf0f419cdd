"""Axes: one row of a definition file becomes one row per combination.

`[stack.axes] python = ["3.11", "3.12"]` sets the field `python`; an axis that is no field is a variable,
which text fields use as `{name}`. `exclude` drops combinations, `include` adds some.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

MOST_MEMBERS = 10_000
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")
_SHORT = {"python": "py", "cuda": "cu", "rocm": "rocm"}
"""How the default id names an axis; others by their own name."""


def expand(row: dict[str, Any], fields: frozenset[str]) -> list[dict[str, Any]]:
    """Return the rows of a family, each with `id`, `family` and `axes`; a row without axes as itself.

    The default id is `<family>-py311`; `id_format = "pytorch-py{py}-sm{sm}"` makes any other.
    Raises ValueError for axes that are no lists of text, or a placeholder that names no axis.
    """
    row = dict(row)
    axes = row.pop("axes", None)
    id_format = row.pop("id_format", None)
    exclude, include = row.pop("exclude", []), row.pop("include", [])
    if axes is None:
        if id_format or exclude or include:
            raise ValueError("id_format, exclude and include go with axes, which are not stated")
        name = row.get("id")
        return [{**row, "family": name if isinstance(name, str) else ""}]
    if not isinstance(row.get("id", ""), str):
        raise ValueError(  # noqa: TRY004 - one kind of error for a bad definition
            f"id: give the name as text, in quotes (found {row['id']!r})"
        )
    _require_sound(axes, exclude, include)
    if (count := math.prod(map(len, axes.values()))) > MOST_MEMBERS:
        raise ValueError(f"axes: {count:,} members are more than the {MOST_MEMBERS:,} that a family may have")
    cells = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    kept = [cell for cell in cells if not any(_matches(cell, each) for each in exclude)]
    return [_member(row, cell, id_format, fields) for cell in [*kept, *include]]


def _require_sound(axes: Any, exclude: list[dict[str, str]], include: list[dict[str, str]]) -> None:
    if not isinstance(axes, dict):
        raise ValueError("axes: give a table of lists")  # noqa: TRY004 - one kind of error for a bad definition
    for name, values in axes.items():
        if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
            raise ValueError(f'axes.{name}: give a list of texts, such as ["3.11", "3.12"]')
    for cell in exclude:
        if unknown := set(cell) - set(axes):
            raise ValueError(f"exclude names {min(unknown)!r}, which is not an axis")
    for cell in include:
        if set(cell) != set(axes):
            raise ValueError(f"include must give {', '.join(axes)}: {cell}")


def _matches(cell: dict[str, str], pattern: dict[str, str]) -> bool:
    return all(cell.get(name) == value for name, value in pattern.items())


def _member(
    row: dict[str, Any], cell: dict[str, str], id_format: str | None, fields: frozenset[str]
) -> dict[str, Any]:
    family = row.get("id", "")
    variables = cell | {f"{name}_digits": _UNSAFE.sub("", value) for name, value in cell.items()}
    parts = [f"{_SHORT.get(name, name)}{_UNSAFE.sub('', value)}" for name, value in cell.items()]
    name = _filled(id_format, variables) if id_format else "-".join([family, *parts])
    stated = {name: value for name, value in cell.items() if name in fields}
    return {**_filled(row, variables), **stated, "id": name, "family": family, "axes": cell}


def _filled(value: Any, variables: dict[str, str]) -> Any:
    """Replace `{axis}` in every text of a row."""
    if isinstance(value, str):
        return _replace(value, variables)
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    return value


def _replace(text: str, variables: dict[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name not in variables:
            raise ValueError(f"{text!r}: {{{name}}} is not an axis; axes: {', '.join(sorted(variables))}")
        return variables[name]

    return re.sub(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", value_of, text)

"""How the packages of a definition may be written: texts, tables, extras in the name, `name @ reference`."""

from __future__ import annotations

import re
from typing import Any

from stackcheck.model import references
from stackcheck.model.field_texts import version_text
from stackcheck.model.names import canonical_name


def _package(value: Any) -> Any:
    """Read a package that is one text: a version, a range, or a direct reference, with its marker."""
    if isinstance(value, float):
        return version_text(value)
    if not isinstance(value, str):
        return value
    # A URL may hold a semicolon, so that of its marker has a space before it (PEP 508).
    between = r"\s+;" if "://" in value else ";"
    text, marker = (*(each.strip() for each in re.split(between, value, maxsplit=1)), "")[:2]
    kind = references.kind_of(text)
    return {kind or "version": text, **({"marker": marker} if marker else {})}


_NAMED = re.compile(r"(?P<name>[^\[\]@]+)(?:\[(?P<extras>[^\[\]]*)\])?(?:\s*@\s+(?P<reference>.+))?")


def packages_as_written(value: Any) -> Any:
    """Read what names and texts say: `"ray[default]"` is ray with an extra, "x @ URL" names x once more."""
    if not isinstance(value, dict):
        return value
    found: dict[Any, Any] = {}
    for key, package in value.items():
        row = _package(_repeated(key, package))
        match = _NAMED.fullmatch(key) if isinstance(key, str) and "[" in key else None
        name = match["name"].strip() if match else key
        if name in found or (match and name in value):
            raise ValueError(f"{name} is stated twice, with extras and without: state it once")
        found[name] = _with_extras(match["extras"], row) if match else row
        _require_name(name, found[name])
    return found


def _repeated(key: Any, value: Any) -> Any:
    """Return what "name @ reference" says beyond the name, which is that of the package."""
    match = _NAMED.fullmatch(value) if isinstance(value, str) and "@ " in value else None
    if match is None or not match["reference"] or "://" in match["name"]:
        return value
    name = match["name"].strip()
    if canonical_name(name) != canonical_name(str(key).partition("[")[0].strip()):
        raise ValueError(f"{key} is stated as {name}, which is another name")
    row = _package(match["reference"])
    return _with_extras(match["extras"], row) if match["extras"] else row


def _with_extras(extras: str, row: Any) -> Any:
    named = [extra for each in extras.split(",") if (extra := each.strip())]
    return (
        {**row, "extras": list(dict.fromkeys([*named, *row.get("extras", ())]))}
        if isinstance(row, dict)
        else row
    )


def _require_name(name: Any, row: Any) -> None:
    """Refuse a file that is another distribution than the one that it is stated for."""
    if not isinstance(row, dict) or not isinstance(name, str):
        return
    for place in (row[key] for key in ("from", "url", "path") if isinstance(row.get(key), str)):
        wheel = references.wheel_name(place)
        if wheel and wheel.name != canonical_name(name):
            raise ValueError(
                f"{name} is stated as the file {references.file_name(place)}, which is {wheel.name}"
            )

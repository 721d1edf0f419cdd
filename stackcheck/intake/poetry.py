"""Read the dependencies of `[tool.poetry]`: its own operators become those of the packaging specifications.

Format: https://python-poetry.org/docs/dependency-specification/, checked 2026-11-30.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.intake.stated import Open, Stated, package

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.intake.tomllines import Lines


def poetry_statements(poetry: Mapping[str, Any], lines: Lines) -> Iterator[Stated | Open]:
    """Yield what the main dependencies state; groups of a project are for those who develop it."""
    sources = {
        row["name"]: row["url"]
        for row in _rows(poetry, "source")
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("url"), str)
    }
    rows = poetry.get("dependencies")
    for name, value in (rows if isinstance(rows, dict) else {}).items():
        place = lines.place(name)
        row = value if isinstance(value, dict) else {"version": value}
        if isinstance(value, list):
            yield Open(f"{name} has a version for each marker; none of them was read.", place)
            continue
        try:
            version = poetry_version(str(row.get("version", "*")))
        except ValueError as error:
            yield Open(f"{name}: {error}", place)
            continue
        if name.lower() == "python":
            exact = re.fullmatch(r"(?:==)?(\d+\.\d+)(?:\.\*)?", version)
            if exact:
                yield Stated("python", exact[1], place)
            else:
                yield Open(
                    f"Python {row.get('version')} is a range: say which one with --python.", place, "asked"
                )
            continue
        if row.get("optional"):
            continue
        yield package(
            name, place, version=version or None, extras=row.get("extras"), marker=row.get("markers"),
            index=sources.get(str(row.get("source"))), **_reference(row),
        )  # fmt: skip


def _reference(row: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(row.get("git"), str):
        revision = next((row[key] for key in ("rev", "tag", "branch") if isinstance(row.get(key), str)), "")
        return {"git": f"git+{row['git']}" + (f"@{revision}" if revision else "")}
    return {key: row[key] for key in ("url", "path") if isinstance(row.get(key), str)}


def poetry_version(text: str) -> str:
    """Return a constraint of Poetry as a specifier or a pin; "" for any version.

    Raises ValueError for one that is not sound.

    >>> poetry_version("^2.5"), poetry_version("~2.5.1"), poetry_version("2.5.1"), poetry_version("*")
    ('>=2.5,<3', '>=2.5.1,<2.6', '2.5.1', '')
    """
    parts = [part for part in (each.strip() for each in text.split(",")) if part and part != "*"]
    if "||" in text or " | " in text:
        raise ValueError(f"{text!r} states alternatives, which were not read.")
    if len(parts) == 1 and re.fullmatch(r"=?=?\s*\d[\w.+!-]*", parts[0]):
        return parts[0].lstrip("= ")
    wanted = ",".join(map(_specifier, parts))
    try:
        SpecifierSet(wanted)
    except InvalidSpecifier:
        raise ValueError(f"{text!r} is not a version constraint.") from None
    return wanted


def _specifier(part: str) -> str:
    if part[0] not in "^~" or part.startswith("~="):
        return f"=={part}" if part[0].isdigit() else part.replace(" ", "")
    try:
        low = Version(part[1:].strip())
    except InvalidVersion:
        raise ValueError(f"{part!r} is not a version constraint.") from None
    release = low.release
    kept = 2 if part[0] == "~" and len(release) > 1 else 1
    if part[0] == "^":  # the first number that is not zero may not change
        kept = next((i + 1 for i, number in enumerate(release) if number), len(release))
    high = [*release[: kept - 1], release[kept - 1] + 1]
    return f">={low},<{'.'.join(map(str, high))}"


def _rows(table: Mapping[str, Any], key: str) -> list[Any]:
    value = table.get(key)
    return value if isinstance(value, list) else []

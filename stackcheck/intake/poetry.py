"""Read the dependencies of `[tool.poetry]`: its own operators become those of the packaging specifications.

Format: https://python-poetry.org/docs/dependency-specification/.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.intake.documents import rows, table
from stackcheck.intake.stated import Open, Stated, package, python_asked
from stackcheck.model import markers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.intake.tomllines import Lines


def poetry_statements(poetry: Mapping[str, Any], lines: Lines) -> Iterator[Stated | Open]:
    """Yield what the main dependencies state; groups of a project are for those who develop it."""
    sources = {
        row["name"]: row["url"]
        for row in rows(poetry, "source")
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("url"), str)
    }
    for name, value in table(poetry, "dependencies").items():
        place = lines.place(name)
        row = value if isinstance(value, dict) else {"version": value}
        if isinstance(value, list):
            chosen, left = _on_linux(name, value)
            yield from (Open(text, place) for text in left)
            if chosen is None:
                continue
            row = chosen
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
                admits = python_asked(version, place).admits
                yield replace(python_asked(str(row.get("version")), place), admits=admits)
            continue
        if row.get("optional"):
            continue
        yield package(
            name, place, version=version or None, extras=row.get("extras"), marker=row.get("markers"),
            index=sources.get(str(row.get("source"))), **_reference(row),
        )  # fmt: skip


def _on_linux(name: str, rows: list[Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the alternative that holds on 64-bit Linux, and what is to be said where several may."""
    kept = []
    for row in (each for each in rows if isinstance(each, dict)):
        marker = " and ".join(f"({each})" for each in _markers(row))
        platform = str(row.get("platform", "linux"))
        holds = markers.holds(marker, python=None, platform="linux/amd64") if marker else True
        if holds is not False and platform == "linux":
            kept.append({**row, "markers": None if holds else marker})
    texts = {str(row.get("version") or row.get("url") or row.get("git")) for row in kept}
    if len(texts) < 2:
        return (kept[0] if kept else None), []
    named = " and ".join(sorted(texts))
    return kept[0], [f"{name} is {named}, as the Python decides: the first of them was taken."]


def _markers(row: Mapping[str, Any]) -> Iterator[str]:
    marker = row.get("markers")
    if isinstance(marker, str) and not markers.fault_of(marker):
        yield marker
    python = row.get("python")
    if isinstance(python, str):
        try:
            wanted = poetry_version(python)
        except ValueError:
            return
        for each in filter(None, wanted.split(",")):
            operator = re.match(r"[<>=!~]*", each)
            sign = operator[0] if operator and operator[0] else "=="
            yield f'python_version {sign} "{each.lstrip("<>=!~")}"'


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

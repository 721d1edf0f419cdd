"""Where single packages of a project come from, by `[tool.uv.sources]` and the indexes that have a name.

Format: https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources (read 2026-11-20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from stackcheck.intake.documents import table
from stackcheck.intake.merging import SOURCES
from stackcheck.intake.stated import Open, Stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from stackcheck.intake.tomllines import Lines
    from stackcheck.intake.workspaces import Workspace


class Sources:
    """The `[tool.uv.sources]` of a project: where single packages come from."""

    def __init__(self, uv: Mapping[str, Any], lines: Lines, space: Workspace | None = None) -> None:
        """Take those of the project, and of its workspace where the project has none of its own."""
        root = space.uv if space else {}
        self._indexes = {**_addresses(root), **_addresses(uv)}
        self._lines, self._space = lines, space
        self._rows = {
            canonicalize_name(name): row
            for each in (root, uv)
            for name, row in table(each, "sources").items()
        }
        self._used: set[str] = set()

    def member(self, each: Stated) -> str | None:
        """Return the project of the workspace that a statement asks for; None for any other package."""
        name = canonicalize_name(each.key.removeprefix("packages."))
        row = self._chosen(self._rows.get(name)) if each.key.startswith("packages.") else None
        return name if row and row.get("workspace") is True else None

    def folder(self, name: str) -> Path | None:
        """Return where a project of the workspace lies."""
        return self._space.members.get(name) if self._space else None

    def applied(self, each: Stated, member: str = "") -> Stated:
        """Return a statement of a package with the place that its source names.

        `member` is the set of packages that it is of, such as "extra gpu"; "" for what is always installed.
        """
        name = each.key.removeprefix("packages.")
        rows = self._rows.get(canonicalize_name(name)) if each.key != name else None
        row = self._chosen(rows, member)
        choices = [one for one in _choices(rows, member) if not one.get("workspace")]
        if (row is None and not choices) or (row and row.get("workspace")) or _is_placed(each):
            return each
        self._used.add(canonicalize_name(name))
        place = self._place_of(row) if row else {}
        told = [(one.get("marker"), self._place_of(one)) for one in choices]
        sources = {SOURCES: told} if any(marker for marker, _ in told) else {}
        return Stated(each.key, {**each.value, **place, **sources}, each.place)

    def _chosen(self, rows: Any, member: str = "") -> dict[str, Any] | None:
        """Return the source that holds on Linux for a set of packages: a list has one for each."""
        held = [row for row in _choices(rows, member) if _on_linux(row.get("marker"))]
        return next(iter(held), None)

    def _place_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(row.get("index"), str):
            url = self._indexes.get(row["index"])
            return {"index": url} if url else {}
        if isinstance(row.get("git"), str):
            address = row["git"] if row["git"].startswith("git+") else f"git+{row['git']}"
            revision = next(
                (row[key] for key in ("rev", "tag", "branch") if isinstance(row.get(key), str)), ""
            )
            return {"git": f"{address}@{revision}" if revision else address}
        return {key: row[key] for key in ("url", "path") if isinstance(row.get(key), str)}

    def open(self) -> Iterator[Open]:
        """Yield what the sources say and nobody takes: an index without an address."""
        for name, rows in self._rows.items():
            row = self._chosen(rows)
            if row is None or name not in self._used:
                continue
            if isinstance(row.get("index"), str) and row["index"] not in self._indexes:
                yield Open(
                    f"the index {row['index']!r} of {name} has no address here.", self._lines.place(name)
                )


def _choices(rows: Any, member: str) -> list[dict[str, Any]]:
    """Return the sources of a package that count for a set of packages, those for this set alone first."""
    every = [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)]
    return sorted((row for row in every if _set_of(row) in {"", member}), key=lambda row: not _set_of(row))


def _set_of(row: Mapping[str, Any]) -> str:
    """Return the set of packages that alone a source is for: "extra gpu"; "" for one of them all."""
    return next((f"{key} {row[key]}" for key in ("extra", "group") if isinstance(row.get(key), str)), "")


def _addresses(uv: Mapping[str, Any]) -> dict[str, str]:
    """Return the indexes that have a name, with their addresses."""
    rows = uv.get("index")
    return {
        row["name"]: row["url"]
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("url"), str)
    }


def _is_placed(each: Stated) -> bool:
    """Tell whether a package says where it comes from: a member's own source holds against the root's."""
    return bool({"index", "git", "url", "path"} & set(each.value))


def _on_linux(marker: Any) -> bool:
    if not isinstance(marker, str):
        return True
    try:
        parsed = Marker(marker)
    except InvalidMarker:
        return False
    return parsed.evaluate(
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    )

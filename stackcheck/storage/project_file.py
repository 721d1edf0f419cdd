"""The file in which a project states things once for all calls: found and parsed, and not judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.storage.reading import read_text
from stackcheck.storage.stack_files import project_folder

if TYPE_CHECKING:
    from pathlib import Path

OWN, SHARED = "stackcheck.toml", "pyproject.toml"


def stated() -> tuple[Any, Path] | None:
    """Return what the project around the working folder states, and the file; None for nothing.

    Raises UsageError for a file that cannot be read.
    """
    folder = project_folder()
    for name in (OWN, SHARED):
        path = folder / name
        if path.is_file() and (document := _document(path)) is not None:
            return document, path
    return None


def _document(path: Path) -> Any:
    """Return what a file states for stackcheck; None for a pyproject.toml that says nothing of it."""
    text = read_text(path)
    if path.name == SHARED and "stackcheck" not in text:
        return None
    from stackcheck.storage.parsing import parse_toml  # noqa: PLC0415 - few projects state anything

    document = parse_toml(text, str(path))
    tool = document.get("tool")
    return document if path.name == OWN else tool.get("stackcheck") if isinstance(tool, dict) else None


def stated_knowledge() -> tuple[tuple[Path, ...], int | None]:
    """Return the folders of knowledge that the project states, and after how many days they are old.

    What has another type is left to `stackcheck.intake.configuration`, which names it.
    """
    found = stated()
    document, path = found or ({}, None)
    if path is None or not isinstance(document, dict):
        return (), None
    folders, days = document.get("knowledge", []), document.get("knowledge_days")
    named = [folders] if isinstance(folders, str) else folders if isinstance(folders, list) else []
    texts = [each for each in named if isinstance(each, str)]
    return tuple(path.parent / each for each in texts), days if type(days) is int else None

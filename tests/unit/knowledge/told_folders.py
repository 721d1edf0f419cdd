"""Folders of knowledge for tests: what ships with one file changed, and a folder of one's own beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.knowledge.folders import MEASURED, SHIPPED, TOLD, Folder
from stackcheck.knowledge.told import Told

if TYPE_CHECKING:
    from pathlib import Path


def edited(folder: Path, stem: str, old: str, new: str, count: int = 1) -> Told:
    """Return what ships, read from a copy in which a text of one file is another one."""
    text = (SHIPPED / TOLD / f"{stem}.toml").read_text(encoding="utf-8")
    assert old in text
    return instead(folder, stem, text.replace(old, new, count))


def instead(folder: Path, stem: str, text: str) -> Told:
    """Return what ships, read from a copy in which one file has another text."""
    (folder / TOLD).mkdir()
    (folder / MEASURED).symlink_to(SHIPPED / MEASURED)
    for path in (SHIPPED / TOLD).glob("*.toml"):
        (folder / TOLD / path.name).symlink_to(path)
    path = folder / TOLD / f"{stem}.toml"
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    return Told((Folder(folder),))


def beside(folder: Path, stem: str, text: str) -> Told:
    """Return what ships, and after it a folder of one's own with this file."""
    (folder / TOLD).mkdir(exist_ok=True)
    (folder / TOLD / f"{stem}.toml").write_text(text, encoding="utf-8")
    return Told((Folder(SHIPPED), Folder(folder, own=True)))

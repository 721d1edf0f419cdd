"""Write new rows to a folder of knowledge: each at its place, and only once they are proven to load."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge import cuda, packages, torch
from stackcheck.knowledge.folders import SHIPPED, TOLD, VARIABLE, Folder
from stackcheck.knowledge.told import Told
from stackcheck.model.errors import TableError
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from stackcheck.knowledge.wheelrows import Addition

_NEWEST = re.compile(r"(\[\[newest\]\]\n)version = .*\n((?:(?!checked|\[\[|\n).*\n)*)(?:checked = .*\n)?")
"""The row of a package about its newest release: its version and its day are what a refresh changes."""


def extended(text: str, additions: Iterable[Addition], today: date) -> str:
    """Return the text of a package's file with new rows, each at its place in the order of versions."""
    for each in additions:
        if each.kind == "newest" and _NEWEST.search(text):
            text = _NEWEST.sub(rf'\g<1>version = "{each.version}"\n\g<2>checked = {today}\n', text)
            continue
        head = re.compile(rf'^\[\[{each.kind}\]\]\n(?:torch|version|since) = "([^"]+)"', re.MULTILINE)
        later = (match for match in head.finditer(text) if Version(match[1]) > each.version)
        match = next(later, None)
        at = match.start() if match else len(text)
        before, after = text[:at].rstrip("\n"), text[at:]
        text = f"{before}\n\n{each.text.strip()}\n" + (f"\n{after}" if after else "")
    return text


def write_own(additions: Iterable[Addition], own: Path, today: date) -> list[Path]:
    """Add rows to a folder of knowledge, once they are proven to load after ours; return the files.

    A file is whole or as it was. Raises TableError naming file, line and key when a new text is not valid,
    or when it cannot be written.
    """
    texts: dict[str, str] = {}
    try:
        for each in additions:
            path = own / TOLD / f"{each.package}.toml"
            before = texts.get(each.package) or (read_text(path) if path.exists() else f"checked = {today}\n")
            texts[each.package] = extended(before, [each], today)
        with tempfile.TemporaryDirectory() as candidate:
            _write(texts, Path(candidate) / TOLD)
            told = Told((Folder(SHIPPED), Folder(Path(candidate), own=True)))
            for module in (torch, cuda, packages):
                module.load(told)
        return _write(texts, own / TOLD)
    except OSError as error:
        says = f"this cannot be written ({error.strerror}); name another folder in {VARIABLE}"
        raise TableError(f"{own}: {says}.") from None


def _write(texts: Mapping[str, str], folder: Path) -> list[Path]:
    for name, text in texts.items():
        write_atomically(folder / f"{name}.toml", text.encode())
    return [folder / f"{name}.toml" for name in texts]

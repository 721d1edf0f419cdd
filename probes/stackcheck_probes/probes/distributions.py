"""Every installed distribution: what it says it is and needs.

The metadata is read here and not by `importlib.metadata`, whose imports alone take longer than this probe;
`re` would cost 8 ms, as much as the interpreter.
Formats: packaging.python.org/en/latest/specifications (core metadata, recording installed projects,
direct URL).
"""

from __future__ import annotations

import os
import sys

from stackcheck_probes.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.python import DirectUrl, Distribution, Distributions, Duplicate

NAME = "distributions"
GRADE = "static"
LOOKS_IN = "sys_path"

MAX_METADATA = 1 << 20
MAX_ROWS = 500
FIELDS = {"Name": "name", "Version": "version", "Requires-Python": "requires_python"}


def run(params: dict[str, Any]) -> Distributions:
    """Return the distributions in the order of sys.path: the first of a name is the one that counts.

    `duplicates`: names with more than one set of metadata in one folder.
    """
    infos = [info for folder in folders(params.get("sys_path")) for info in metadata(folder)]
    return told([row for row in map(read_metadata, infos) if row is not None])


def told(rows: list[Distribution]) -> Distributions:
    """Return the facts of the probe."""
    return {"distributions": rows, "duplicates": _duplicates(rows)}


def metadata(folder: str) -> list[str]:
    """Return the folders (or files) of metadata of the distributions in one folder, in a fixed order."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith((".dist-info", ".egg-info"))]


def canonical(name: str) -> str:
    """Return a project name as the index compares it (PEP 503)."""
    name = name.replace("_", "-").replace(".", "-").lower()
    while "--" in name:
        name = name.replace("--", "-")
    return name


def required(requirement: str) -> str:
    """Return the name that a Requires-Dist line begins with, as the index compares it."""
    end = (at for at, letter in enumerate(requirement) if not (letter.isalnum() or letter in "-_."))
    return canonical(requirement[: next(end, len(requirement))])


def folders(sys_path: list[str] | None) -> list[str]:
    """Return the folders that can hold metadata, each once: links to one folder are one folder."""
    seen, found = set(), []
    for path in sys.path if sys_path is None else sys_path:
        real = os.path.realpath(path)
        if path and real not in seen and os.path.isdir(real):
            seen.add(real)
            found.append(real)
    return found


def read_metadata(info: str) -> Distribution | None:
    """Return what the metadata at a path say; None for what is none."""
    inside = "METADATA" if info.endswith(".dist-info") else "PKG-INFO"
    text = read(os.path.join(info, inside) if os.path.isdir(info) else info, MAX_METADATA)
    if text is None:
        if not info.endswith(".dist-info"):
            return None
        text = ""  # a folder without metadata: what its name says is all there is
    row = described(text, info)
    row["installer"] = (read(os.path.join(info, "INSTALLER"), 100) or "").strip() or None
    row["tags"] = tags_in(read(os.path.join(info, "WHEEL"), 1 << 16) or "")
    row["direct_url"] = _direct_url(info)
    return row


def described(text: str, info: str) -> Distribution:
    """Return what the text of METADATA says; the name of its folder `info` serves where it does not."""
    fields: dict[str, str] = {}
    requires, extras = [], []
    for line in text.split("\n"):  # a folded licence may hold form feeds, and lines of spaces
        if not line.rstrip("\r"):
            break  # the headers end at the first empty line
        key, _, value = line.partition(": ")
        if key == "Requires-Dist":
            requires.append(value.strip())
        elif key == "Provides-Extra":
            extras.append(value.strip())
        elif key in FIELDS:
            fields.setdefault(FIELDS[key], value.strip())
    stem = os.path.basename(info).rsplit(".", 1)[0].split("-")
    row: Distribution = {
        "name": canonical(fields.get("name") or stem[0]),
        "version": fields.get("version", stem[1] if len(stem) > 1 else ""),
        "complete": "name" in fields and "version" in fields,
        "requires": requires,
        "extras": extras,
        "location": os.path.dirname(info),
        "metadata": os.path.basename(info),
        "installer": None,
        "tags": [],
        "direct_url": None,
    }
    if "requires_python" in fields:
        row["requires_python"] = fields["requires_python"]
    return row


def tags_in(text: str) -> list[str]:
    """Return the tags that the text of a WHEEL file states, 50 at most."""
    return [line[5:].strip() for line in text.splitlines() if line.startswith("Tag: ")][:50]


def _direct_url(info: str) -> DirectUrl | None:
    text = read(os.path.join(info, "direct_url.json"), 1 << 16)
    if text is None:
        return None
    import json

    from stackcheck_probes.credentials import without_credentials

    try:
        raw = json.loads(text or "null")
        if raw is None:
            return None
        editable = bool((raw.get("dir_info") or {}).get("editable"))
        return {"url": without_credentials(str(raw.get("url")))[:500], "editable": editable}
    except (ValueError, AttributeError, RecursionError):
        return None


def _duplicates(distributions: list[Distribution]) -> list[Duplicate]:
    seen: dict[tuple[str, str], list[str]] = {}
    for row in distributions:
        seen.setdefault((row["name"], row["location"]), []).append(row["metadata"])
    rows: list[Duplicate] = [
        {"name": n, "location": where, "metadata": m} for (n, where), m in seen.items() if len(m) > 1
    ]
    return rows[:MAX_ROWS]


def read(path: str, limit: int) -> str | None:
    """Return up to `limit` bytes of a file as text, None when it cannot be read."""
    found = files.content(path, limit)
    return None if found is None else found.decode("utf-8", "backslashreplace")

"""Every installed distribution: what it says it is and needs, and whose files lie on the disk.

The metadata is read here and not by `importlib.metadata`, whose imports alone take longer than this probe.
Formats: packaging.python.org/en/latest/specifications (core metadata, recording installed projects,
direct URL).
"""

from __future__ import annotations

import os
import re
import sys

from stackcheck_probes.credentials import without_credentials

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

NAME = "distributions"
GRADE = "static"

MAX_METADATA = 1 << 20
MAX_RECORD = 64 << 20
MAX_HASHED = 256 << 20
MAX_ROWS = 500
CODE = (".py", ".so", ".pyd", ".h", ".hpp", ".cuh")
FIELDS = {"Name": "name", "Version": "version", "Requires-Python": "requires_python"}


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Return the distributions in the order of sys.path: the first of a name is the one that counts.

    `shared_files`: files that two distributions recorded with different content, and whose content lies
    there (`on_disk`: names of owners, empty when it is neither's). `changed_files`: per distribution, how
    many of its recorded files of code are gone or have another size (data may change: certificates do).
    `duplicates`: names with more than one set of metadata in one folder.
    """
    distributions: list[dict[str, Any]] = []
    records: dict[str, dict[str, list[Claim]]] = {}
    for folder in _folders(params.get("sys_path")):
        found, claims = _read_folder(folder)
        distributions += found
        if claims:
            records[folder] = claims
    shared = [row for folder, claims in records.items() for row in _shared_files(folder, claims)]
    changed = [row for folder, claims in records.items() for row in _changed_files(folder, claims)]
    return {
        "distributions": distributions,
        "duplicates": _duplicates(distributions),
        "shared_files": shared[:MAX_ROWS],
        "shared_files_count": len(shared),
        "changed_files": changed[:MAX_ROWS],
    }


def canonical(name: str) -> str:
    """Return a project name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _folders(sys_path: list[str] | None) -> list[str]:
    """Return the folders that can hold metadata, each once: links to one folder are one folder."""
    seen, folders = set(), []
    for path in sys.path if sys_path is None else sys_path:
        real = os.path.realpath(path)
        if path and real not in seen and os.path.isdir(real):
            seen.add(real)
            folders.append(real)
    return folders


def _read_folder(folder: str) -> tuple[list[dict[str, Any]], dict[str, list[Claim]]]:
    distributions: list[dict[str, Any]] = []
    claims: dict[str, list[Claim]] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return [], {}
    for name in names:
        if not name.endswith((".dist-info", ".egg-info")):
            continue
        info = os.path.join(folder, name)
        row = _read_metadata(info)
        if row is not None:
            distributions.append(row)
            for path, size, digest in _record(info):
                claims.setdefault(path, []).append(Claim(row["name"], size, digest))
    return distributions, claims


class Claim:
    """One distribution's claim on a file: size in bytes and `sha256=...`, as its RECORD has them."""

    __slots__ = ("digest", "owner", "size")

    def __init__(self, owner: str, size: str, digest: str) -> None:
        self.owner, self.size, self.digest = owner, size, digest


def _read_metadata(info: str) -> dict[str, Any] | None:
    inside = "METADATA" if info.endswith(".dist-info") else "PKG-INFO"
    text = _read(os.path.join(info, inside) if os.path.isdir(info) else info, MAX_METADATA)
    if text is None:
        if not info.endswith(".dist-info"):
            return None
        text = ""  # a folder without metadata: what its name says is all there is
    row: dict[str, Any] = {"requires": [], "extras": []}
    for line in text.splitlines():
        if not line.strip():
            break  # the headers end at the first empty line
        key, _, value = line.partition(": ")
        if key == "Requires-Dist":
            row["requires"].append(value.strip())
        elif key == "Provides-Extra":
            row["extras"].append(value.strip())
        elif key in FIELDS:
            row.setdefault(FIELDS[key], value.strip())
    stem = os.path.basename(info).rsplit(".", 1)[0].split("-")
    row["complete"] = "name" in row and "version" in row
    row["name"] = canonical(row.get("name") or stem[0])
    row.setdefault("version", stem[1] if len(stem) > 1 else "")
    row["location"] = os.path.dirname(info)
    row["metadata"] = os.path.basename(info)
    row["installer"] = (_read(os.path.join(info, "INSTALLER"), 100) or "").strip() or None
    row["tags"] = _tags(info)
    row["direct_url"] = _direct_url(info)
    return row


def _tags(info: str) -> list[str]:
    text = _read(os.path.join(info, "WHEEL"), 1 << 16) or ""
    return [line[5:].strip() for line in text.splitlines() if line.startswith("Tag: ")][:50]


def _direct_url(info: str) -> dict[str, Any] | None:
    import json

    try:
        raw = json.loads(_read(os.path.join(info, "direct_url.json"), 1 << 16) or "null")
        if raw is None:
            return None
        editable = bool((raw.get("dir_info") or {}).get("editable"))
        return {"url": without_credentials(str(raw.get("url")))[:500], "editable": editable}
    except (ValueError, AttributeError, RecursionError):
        return None


def _record(info: str) -> list[tuple[str, str, str]]:
    """Return (path, size, hash) of the files that a distribution says are its own; caches and scripts not."""
    import csv

    text = _read(os.path.join(info, "RECORD"), MAX_RECORD)
    if text is None:
        return []
    rows = []
    for line in text.splitlines():
        parts = next(csv.reader([line]), []) if '"' in line else line.split(",")
        if len(parts) == 3 and parts[1] and not parts[0].startswith(("../", "/")):
            rows.append((os.path.normpath(parts[0]), parts[2], parts[1]))
    return rows


def _duplicates(distributions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: dict[tuple[str, str], list[str]] = {}
    for row in distributions:
        seen.setdefault((row["name"], row["location"]), []).append(row["metadata"])
    rows = [{"name": n, "location": where, "metadata": m} for (n, where), m in seen.items() if len(m) > 1]
    return rows[:MAX_ROWS]


def _shared_files(folder: str, claims: dict[str, list[Claim]]) -> list[dict[str, Any]]:
    rows = []
    for path, owners in claims.items():
        if len(owners) < 2 or len({(each.size, each.digest) for each in owners}) < 2:
            continue
        on_disk = _whose(os.path.join(folder, path), owners)
        named = sorted({each.owner for each in owners})
        if len(named) > 1:
            rows.append({"path": path, "location": folder, "owners": named, "on_disk": on_disk})
    return rows


def _changed_files(folder: str, claims: dict[str, list[Claim]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for path, owners in claims.items():
        if len(owners) > 1 or not _is_code(path):
            continue  # the first are in `shared_files`
        size = _size(os.path.join(folder, path))
        kind = "missing" if size < 0 else "resized"
        if size < 0 or owners[0].size not in ("", str(size)):
            fresh = {"name": owners[0].owner, "location": folder, "missing": 0, "resized": 0, "examples": []}
            row = rows.setdefault(owners[0].owner, fresh)
            row[kind] += 1
            row["examples"] = [*row["examples"], path][:5]
    return list(rows.values())


def _is_code(path: str) -> bool:
    if "/__pycache__/" in path:  # numpy's wheel ships some; Python writes them anew as it likes
        return False
    return path.endswith(CODE) or ".so." in path.rpartition("/")[2]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _whose(path: str, owners: list[Claim]) -> list[str] | None:
    """Return the owners whose recorded content lies at `path`; None when that was not looked at."""
    size = _size(path)
    fitting = [each for each in owners if each.size in ("", str(size))]
    if not fitting:
        return []
    if size > MAX_HASHED or any(not each.digest.startswith("sha256=") for each in fitting):
        return None
    digest = _sha256(path)
    return sorted({each.owner for each in fitting if each.digest == digest})


def _sha256(path: str) -> str:
    import base64
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")


def _read(path: str, limit: int) -> str | None:
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "backslashreplace")
    except OSError:
        return None

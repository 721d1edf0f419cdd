"""The files that distributions recorded as theirs: whose content lies there, and what is gone or changed.

Format: packaging.python.org/en/latest/specifications/recording-installed-packages. A torch stack records
24,000 files; they are looked at by size, and read only where two distributions claim one.
"""

from __future__ import annotations

import os

from stackcheck_probes.probes.distributions import canonical, folders, metadata, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from stackcheck_probes.facts.python import ChangedFiles, RecordedFiles, SharedFile

NAME = "recorded_files"
GRADE = "static"
LOOKS_IN = "sys_path"

MAX_RECORD = 64 << 20
MAX_HASHED = 256 << 20
MAX_ROWS = 500
CODE = (".py", ".so", ".pyd", ".h", ".hpp", ".cuh")


def run(params: dict[str, Any]) -> RecordedFiles:
    """Return what does not lie there as it was recorded.

    `shared_files`: files that two distributions recorded with different content, and whose content lies
    there (`on_disk`: names of owners, empty when it is neither's). `changed_files`: per distribution, how
    many of its recorded files of code, METADATA among them, are gone or have another size (data may change:
    certificates do).
    """
    shared: list[SharedFile] = []
    changed: list[ChangedFiles] = []
    for folder in folders(params.get("sys_path")):
        claims, contested = claimed(_records(folder))
        shared += _shared_files(folder, contested)
        changed += changed_files(folder, claims, contested)
    return told(shared, changed)


def told(shared: list[SharedFile], changed: list[ChangedFiles]) -> RecordedFiles:
    """Return the facts of the probe."""
    return {
        "shared_files": shared[:MAX_ROWS],
        "shared_files_count": len(shared),
        "changed_files": changed[:MAX_ROWS],
    }


class Claim:
    """One distribution's claim on a file: size in bytes and `sha256=...`, as its RECORD has them."""

    __slots__ = ("digest", "owner", "size")

    def __init__(self, owner: str, digest: str, size: str) -> None:
        self.owner, self.digest, self.size = owner, digest, size


def claimed(
    records: Iterable[tuple[str, Iterable[tuple[str, str, str]]]],
) -> tuple[dict[str, Claim], dict[str, list[Claim]]]:
    """Return who claims each file, and of those that several distributions claim, all claims.

    records: the name of each distribution, and the (path, hash, size) of its files.
    """
    claims: dict[str, Claim] = {}
    contested: dict[str, list[Claim]] = {}
    for owner, rows in records:
        for path, digest, size in rows:
            if path in claims:
                contested.setdefault(path, [claims[path]]).append(Claim(owner, digest, size))
            else:
                claims[path] = Claim(owner, digest, size)
    return claims, contested


def _records(folder: str) -> Iterator[tuple[str, Iterator[tuple[str, str, str]]]]:
    for info in metadata(folder):
        yield canonical(_name(info)), rows_of(read(os.path.join(info, "RECORD"), MAX_RECORD) or "")


def _name(info: str) -> str:
    """Return the name that the metadata states, else that of its folder."""
    head = (read(os.path.join(info, "METADATA"), 4096) or "").splitlines()
    stated = next((line[5:].strip() for line in head if line.startswith("Name:")), "")
    return stated or os.path.basename(info).rpartition(".")[0].split("-")[0]


def rows_of(record: str) -> Iterator[tuple[str, str, str]]:
    """Yield (path, hash, size) of the files that the text of a RECORD claims; caches and scripts not."""
    for line in record.splitlines():
        parts = _quoted(line) if '"' in line else line.split(",")
        if len(parts) != 3 or not parts[1] or parts[0].startswith(("../", "/")):
            continue
        path, digest, size = parts
        yield (os.path.normpath(path) if "./" in path or "//" in path else path), digest, size


def _quoted(line: str) -> list[str]:
    import csv

    return next(csv.reader([line]), [])


def _shared_files(folder: str, contested: dict[str, list[Claim]]) -> list[SharedFile]:
    rows: list[SharedFile] = []
    for path, owners in differing(contested):
        rows.append(shared_file(path, folder, owners, _whose(os.path.join(folder, path), owners)))
    return rows


def shared_file(path: str, folder: str, owners: list[Claim], on_disk: list[str] | None) -> SharedFile:
    """Return the row of a file that several distributions recorded."""
    named = sorted({each.owner for each in owners})
    return {"path": path, "location": folder, "owners": named, "on_disk": on_disk}


def differing(contested: dict[str, list[Claim]]) -> Iterator[tuple[str, list[Claim]]]:
    """Yield the files that several distributions recorded with different content."""
    for path, owners in contested.items():
        several = len({each.owner for each in owners}) > 1
        if several and len({(each.size, each.digest) for each in owners}) > 1:
            yield path, owners


def changed_files(
    folder: str,
    claims: dict[str, Claim],
    contested: dict[str, list[Claim]],
    size_of: Callable[[str], int] | None = None,
) -> list[ChangedFiles]:
    """Return of each distribution what code of it is gone or of another size; contested files aside.

    size_of: returns the bytes of a recorded path, -1 when it is not there; default: asks the disk.
    """
    rows: dict[str, ChangedFiles] = {}
    for path, claim in claims.items():
        if path in contested or not is_code(path):
            continue
        size = size_of(path) if size_of else _size(f"{folder}/{path}")
        if size < 0 or claim.size not in ("", str(size)):
            fresh: ChangedFiles = {
                "name": claim.owner,
                "location": folder,
                "missing": 0,
                "resized": 0,
                "examples": [],
            }
            row = rows.setdefault(claim.owner, fresh)
            row["missing" if size < 0 else "resized"] += 1
            row["examples"] = [*row["examples"], path][:5]
    return list(rows.values())


def is_code(path: str) -> bool:
    """Tell whether a file is code or the METADATA of a distribution, which nobody changes in place."""
    if path.endswith(".dist-info/METADATA"):
        return True
    if path.endswith(CODE) or ".so." in path.rpartition("/")[2]:
        return "/__pycache__/" not in path  # numpy's wheel ships some; Python writes them anew as it likes
    return False


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

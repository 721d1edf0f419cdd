"""A folder of knowledge as one file, and such files taken in the place of what ships, or beside it.

A bundle is a wheel with data alone, versioned by the day of what it holds: package indexes serve it, its
RECORD has the SHA-256 of every file, and nothing of it is run. `stackcheck-knowledge` takes the place of what
ships while it is the newer of the two; a bundle of another name is read after it.

Each bundle that was taken lies in a folder of its own version; `current` names the one that is read, and the
ones before it, newest last.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcheck.knowledge.checking import faults
from stackcheck.knowledge.dated import files_of, snapshot
from stackcheck.knowledge.folders import MEASURED, NAMES, SHIPPED, TOLD, Folder
from stackcheck.model.errors import StackcheckError, TableError, UsageError
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import as_named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

OURS = "stackcheck-knowledge"
FORMAT = 1
"""The form of the files; another one is for another stackcheck."""
MOST_BYTES = 64 << 20
_MOST_FILES = 5000
_MOST_SHOWN = 20
_MEMBER = re.compile(rf"(?P<root>\w+)/(?P<path>(?:{TOLD}|{MEASURED}|{NAMES})/[a-z0-9][a-z0-9-]*\.toml)")
_WHEEL = b"Wheel-Version: 1.0\nGenerator: stackcheck\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_DAMAGED = (InvalidWheelFilename, InvalidVersion, zipfile.BadZipFile, zlib.error)
_ENCRYPTED = (NotImplementedError, RuntimeError, OSError)
"""What `zipfile` raises for what is encrypted, or packed in a way that it does not know."""
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same files make the same bundle."""


class Bundle(msgspec.Struct, frozen=True):
    """What one file holds: path -> content, and of which name and version it is."""

    name: str
    version: Version
    files: Mapping[str, bytes]
    sha256: str


class Taken(msgspec.Struct, frozen=True):
    """One bundle that was taken: the version that is read now, and those before it."""

    name: str
    current: str
    before: tuple[str, ...] = ()


def pack(folder: Path, name: str, revision: int = 0) -> tuple[str, bytes]:
    """Return the file name and the bytes of a folder as a bundle, its version the day of its newest file.

    Raises TableError for a folder with faults, UsageError for one without files.
    """
    place = Folder(folder, own=folder != SHIPPED)
    _, days = snapshot((place,))
    if not days:
        raise UsageError(f"{folder}: there are no files of knowledge here, in {TOLD}/ or {MEASURED}/.")
    _refuse_faults(folder, max(days.values()))
    day = max(days.values())
    version = f"{day.year}.{day.month}.{day.day}" + (f".{revision}" if revision else "")
    root = canonicalize_name(name).replace("-", "_")
    files = {f"{root}/{path.parent.name}/{path.name}": path.read_bytes() for path in files_of(place)}
    files[f"{root}/__init__.py"] = b'"""Knowledge of stackcheck: data alone."""\n'
    files[f"{root}/bundle.json"] = json.dumps({"format": FORMAT, "name": name, "version": version}).encode()
    info = f"{root}-{version}.dist-info"
    summary = "Knowledge about PyTorch GPU stacks, for stackcheck"
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n".encode()
    )
    files[f"{info}/WHEEL"] = _WHEEL
    if canonicalize_name(name) != OURS:
        files[f"{info}/entry_points.txt"] = f"[stackcheck.knowledge]\n{root} = {root}\n".encode()
    record = "".join(f"{path},{_digest(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return f"{root}-{version}-py3-none-any.whl", packed.getvalue()


def read(content: bytes, filename: str, sha256: str = "") -> Bundle:
    """Return a bundle, verified: its own digest where one is known, and that of every file by its RECORD.

    Raises UsageError, naming the file, for what is not a bundle, is damaged, or is of another format.
    """
    digest = hashlib.sha256(content).hexdigest()
    if sha256 and digest != sha256.lower():
        raise UsageError(f"{filename}: its sha256 is {digest}, and {sha256} was promised; it was not taken.")
    try:
        name, version, _, _ = parse_wheel_filename(filename)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(archive)
    except (*_DAMAGED, *_ENCRYPTED) as error:
        raise UsageError(f"{filename}: this is not a bundle of knowledge: {error}.") from None
    except ValueError as error:
        raise UsageError(f"{filename}: {error}; it was not taken.") from None
    files, stated = {}, None
    for path, each in members.items():
        if match := _MEMBER.fullmatch(path):
            files[match["path"]] = each
        elif PurePosixPath(path).name == "bundle.json":
            stated = _stated(each)
    if stated != FORMAT or not files:
        other = f"it has the format {stated}, and this stackcheck reads {FORMAT}"
        says = other if files else "it holds no knowledge"
        raise UsageError(f"{filename}: {says}; it was not taken.")
    return Bundle(name, version, files, digest)


def take(bundle: Bundle, bundles: Path, today: date) -> Taken:
    """Put a bundle where it is read from now on; whole, or everything stays as it was.

    Raises TableError with all faults of what it holds, StackcheckError where it cannot be written.
    """
    home, version = bundles / bundle.name, str(bundle.version)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix=".") as folder:
            place = Path(folder) / "new"
            for path, content in bundle.files.items():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(content)
            _refuse_faults(place, today, whole=bundle.name == OURS)
            shutil.rmtree(home / version, ignore_errors=True)
            place.replace(home / version)
        taken = next((each for each in every(bundles) if each.name == bundle.name), Taken(bundle.name, ""))
        before = [each for each in (*taken.before, taken.current) if each and each != version]
        return _keep(bundles, Taken(bundle.name, version, tuple(before[-5:])))
    except OSError as error:
        raise StackcheckError(f"{home}: this cannot be written: {error.strerror}.") from None


def rollback(name: str, bundles: Path) -> Taken:
    """Read the version before the current one again, or what ships; return what is read now.

    Raises UsageError for a bundle that was never taken.
    """
    taken = next((each for each in every(bundles) if each.name == name), None)
    if taken is None or not taken.current:
        known = ", ".join(each.name for each in every(bundles) if each.current) or "none"
        raise UsageError(f"no bundle {name!r} is read; those that are: {known}.")
    *before, current = taken.before or ("",)
    return _keep(bundles, Taken(name, current, tuple(before)))


def every(bundles: Path) -> tuple[Taken, ...]:
    """Return the bundles that were taken, by name."""
    found = []
    for path in sorted(bundles.glob("*/current")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found.append(Taken(path.parent.name, lines[-1] if lines else "", tuple(lines[:-1])))
    return tuple(found)


def in_use(bundles: Path) -> tuple[Path, ...]:
    """Return the folder of ours, the newer of what ships and the bundle, and those of other bundles."""
    there = {each.name: bundles / each.name / each.current for each in every(bundles) if each.current}
    there = {
        name: path for name, path in there.items() if (path / TOLD).is_dir() or (path / MEASURED).is_dir()
    }
    ours = there.pop(OURS, None)
    return (ours if ours and _is_newer(ours) else SHIPPED, *there.values())


def _is_newer(ours: Path) -> bool:
    """Tell whether a bundle is as new as what ships: an upgrade of stackcheck may have overtaken it."""
    _, days = snapshot((Folder(ours),))
    _, shipped = snapshot((Folder(SHIPPED),))
    return bool(days) and max(days.values()) >= max(shipped.values())


def _refuse_faults(folder: Path, today: date, *, whole: bool = False) -> None:
    found = faults(folder, today, whole=whole)
    if found:
        shown = [each.replace(f"{as_named(folder)}/", "") for each in found[:_MOST_SHOWN]]
        more = [f"{len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
        raise TableError("\n".join(["this knowledge has faults, and was not taken:", *shown, *more]))


def _keep(bundles: Path, taken: Taken) -> Taken:
    text = "\n".join([*taken.before, taken.current]) + "\n"
    write_atomically(bundles / taken.name / "current", text.encode())
    for path in (bundles / taken.name).iterdir():
        if (
            path.is_dir()
            and path.name not in {taken.current, *taken.before}
            and not path.name.startswith(".")
        ):
            shutil.rmtree(path, ignore_errors=True)
    return taken


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return every member, held against RECORD; raise ValueError for what is too large or not as recorded."""
    infos = archive.infolist()
    if len(infos) > _MOST_FILES or sum(each.file_size for each in infos) > MOST_BYTES:
        raise ValueError("it holds more than a bundle may")
    members = {each.filename: archive.read(each) for each in infos if not each.is_dir()}
    records = [path for path in members if path.endswith(".dist-info/RECORD") and path.count("/") == 1]
    if len(records) != 1 or len(members) != len(infos):
        raise ValueError("it has no RECORD of its files")
    lines = [
        line.rsplit(",", 2) for line in members[records[0]].decode("utf-8", "replace").splitlines() if line
    ]
    recorded = {line[0]: line[1] for line in lines if len(line) == 3}
    for path, content in members.items():
        if path != records[0] and recorded.get(path) != _digest(content):
            raise ValueError(f"{path[:200]} is not what its RECORD says")
    return members


def _digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _stated(content: bytes) -> object:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document.get("format") if isinstance(document, dict) else None

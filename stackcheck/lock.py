"""Locks: PEP 751 files made of what uv resolved, with the definition they were made from on record.

The file is `locks/pylock.<id>.toml` beside the folder of the definition, dots of the id as `-`, because
PEP 751 allows none in the name. Source of the format: https://peps.python.org/pep-0751/, checked 2026-11-20.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcheck.cachedir import write_atomically
from stackcheck.errors import LockError
from stackcheck.redact import without_userinfo
from stackcheck.resolution import LockedPackage, Resolution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.definition import Stack

LOCK_VERSION = "1.0"
MOST_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file as it was read; `fingerprint` names the definition that it was made from."""

    path: str
    packages: tuple[LockedPackage, ...]
    stack: str
    fingerprint: str
    python: str
    platform: str
    text: str

    def version(self, name: str) -> Version | None:
        """Return the locked version of a distribution; None when it is not in the lock."""
        wanted = canonicalize_name(name)
        return next((package.version for package in self.packages if package.name == wanted), None)


def lock_path(stack: Stack, folder: Path | None = None) -> Path:
    """Return where the lock of a stack lies: in `folder`, else in `locks/` beside the definition's folder."""
    if folder is None:
        folder = (Path(stack.file).parent.parent if stack.file else Path()) / "locks"
    return folder / f"pylock.{re.sub(r'[^A-Za-z0-9_-]+', '-', stack.id)}.toml"


def fingerprint(stack: Stack) -> str:
    """Return the SHA-256 of what a resolution depends on: Python, platform, glibc, packages, indexes.

    Credentials in index URLs do not count, and neither does the order of packages.
    """
    packages = {
        name: {
            "version": str(package.exact or package.version),
            "index": without_userinfo(package.index or ""),
            "find_links": without_userinfo(package.find_links or ""),
            "origin": package.origin or "wheel",
        }
        for name, package in stack.packages.items()
    }
    index = json.loads(without_userinfo(stack.index.model_dump_json()))
    subject = [stack.python, stack.platform, stack.glibc, packages, index]
    return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()


def is_current(lock: Lock, stack: Stack) -> bool:
    """Tell whether a lock was made from this very definition."""
    return lock.fingerprint == fingerprint(stack)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a resolution says of one distribution beyond its files: its index, and what it drew in."""

    index: str = ""
    requires: tuple[str, ...] = ()


def render_lock(
    uv_text: str, origins: Mapping[str, Origin], stack: Stack, *, platform: str, uv_version: str
) -> str:
    """Return the text of a lock: uv's own, with index and dependencies of each package and our table.

    No time stands in it, so that the same resolution gives the same bytes.
    """
    head, _, body = uv_text.partition("\n[[packages]]\n")
    python = ".".join((stack.python or "").split(".")[:2])
    lines = [f'lock-version = "{LOCK_VERSION}"', 'created-by = "stackcheck"']
    lines += [f'requires-python = "=={python}.*"'] if python else re.findall(r"(?m)^requires-python.*$", head)
    blocks = [_with_origin(block, origins) for block in body.split("\n[[packages]]\n")] if body else []
    tail = [
        "[tool.stackcheck]",
        f"stack = {json.dumps(stack.id)}",
        f"fingerprint = {json.dumps(fingerprint(stack))}",
        f"python = {json.dumps(stack.python or '')}",
        f"platform = {json.dumps(platform)}",
        f"resolver = {json.dumps(f'uv {uv_version}')}",
    ]
    parts = ["\n".join(lines), *(f"[[packages]]\n{b.strip()}" for b in blocks), "\n".join(tail)]
    return without_userinfo("\n\n".join(parts) + "\n")


def _with_origin(block: str, origins: Mapping[str, Origin]) -> str:
    name = re.search(r'(?m)^name = "([^"]+)"$', block)
    origin = origins.get(name[1] if name else "")
    if origin is None:
        return block
    extra = []
    if origin.index.startswith(("http://", "https://")):
        extra.append(f"index = {json.dumps(origin.index)}")
    if origin.requires:
        extra.append(
            f"dependencies = [{', '.join(f'{{ name = {json.dumps(n)} }}' for n in origin.requires)}]"
        )
    lines = block.strip().splitlines()
    at = 1 + max(i for i, line in enumerate(lines) if re.match(r"(?:name|version|marker) = ", line))
    return "\n".join([*lines[:at], *extra, *lines[at:]])


def write_lock(resolution: Resolution, path: Path) -> Lock:
    """Write a lock, whole or not at all, and read it back.

    Raises LockError when the place cannot be written, or what was read back is not what was meant.
    """
    parse_lock(resolution.lock_text, path=str(path))
    _validate(resolution.lock_text, path)
    try:
        write_atomically(path, resolution.lock_text.encode())
    except OSError as error:
        raise LockError(
            f"{path}: the lock cannot be written ({error.strerror}); name another folder"
        ) from None
    lock = read_lock(path)
    if lock.text != resolution.lock_text:
        raise LockError(f"{path}: the lock that was read back is not the one that was written")
    return lock


def _validate(text: str, path: Path) -> None:
    """Have packaging's own reader of PEP 751 look at a lock, where it is new enough to have one (26.1)."""
    try:
        from packaging.pylock import Pylock, PylockValidationError  # noqa: PLC0415 - newer than our floor
    except ImportError:
        return
    try:
        Pylock.from_dict(tomllib.loads(text))
    except PylockValidationError as error:
        raise LockError(f"{path}: what was resolved makes no valid PEP 751 lock: {error}") from None


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises LockError for a file that cannot be read, is no PEP 751 lock, or names a file without a hash.
    """
    try:
        raw = path.read_bytes()[: MOST_BYTES + 1]
        text = raw.decode("utf-8")
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise LockError(f"{path}: this is no text in UTF-8; run `stackcheck lock` again") from None
    if len(raw) > MOST_BYTES:
        raise LockError(f"{path}: larger than any lock (16 MB); run `stackcheck lock` again")
    return parse_lock(text, path=str(path))


def parse_lock(text: str, *, path: str = "lock") -> Lock:
    """Parse the text of a lock; see `read_lock`."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LockError(
            f"{path}: this is not TOML ({str(error)[:100]}); run `stackcheck lock` again"
        ) from None
    if str(document.get("lock-version", "")).partition(".")[0] != "1":
        raise LockError(f"{path}: this is no PEP 751 lock of version {LOCK_VERSION}")
    own = document.get("tool", {}).get("stackcheck", {}) if isinstance(document.get("tool"), dict) else {}
    said = {key: str(own.get(key, "")) for key in ("stack", "fingerprint", "python", "platform")}
    rows = document.get("packages", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LockError(f"{path}: packages: a list of tables is expected; run `stackcheck lock` again")
    tags = supported_tags(said["python"], said["platform"])
    try:
        packages = tuple(_locked(row, tags) for row in rows)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidVersion) as error:
        raise LockError(f"{path}: {str(error)[:200]}; run `stackcheck lock` again") from None
    return Lock(path, packages, text=text, **said)


def _locked(row: Mapping[str, Any], tags: Mapping[Tag, int]) -> LockedPackage:
    name = canonicalize_name(str(row["name"]))
    files = [*row.get("wheels", []), *([row["sdist"]] if "sdist" in row else [])]
    if not files:
        raise ValueError(f"packages: {name} has neither a wheel nor an sdist")
    chosen = min(files, key=lambda each: _rank(filename_of(each), tags))
    digest = str(chosen.get("hashes", {}).get("sha256", ""))
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError(f"packages: {name}: {filename_of(chosen)} has no sha256")
    size, uploaded = chosen.get("size"), chosen.get("upload-time", "")
    return LockedPackage(
        name=name,
        version=Version(str(row["version"])),
        filename=filename_of(chosen),
        url=without_userinfo(str(chosen.get("url") or chosen.get("path") or "")),
        index=without_userinfo(str(row.get("index", ""))),
        sha256=digest,
        size=size if type(size) is int else None,
        uploaded=uploaded.isoformat() if hasattr(uploaded, "isoformat") else str(uploaded),
        requires=tuple(canonicalize_name(str(each["name"])) for each in row.get("dependencies", [])),
    )


def filename_of(file: Mapping[str, Any]) -> str:
    """Return the file name of a wheel or sdist entry: its name, else the last part of its URL or path."""
    place = str(file.get("name") or file.get("url") or file.get("path") or "")
    return unquote(urlsplit(place).path if "://" in place else place).rpartition("/")[2]


def _rank(filename: str, tags: Mapping[Tag, int]) -> tuple[int, str]:
    """Return how well a file fits, the lower the better: as an installer chooses among wheels."""
    try:
        offered = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return len(tags) + 1, filename
    return min((tags[tag] for tag in offered if tag in tags), default=len(tags)), filename


def supported_tags(python: str, platform: str) -> dict[Tag, int]:
    """Return the wheel tags of a CPython on a platform as uv names it, best first, with their rank.

    >>> Tag("cp311", "cp311", "manylinux_2_28_x86_64") in supported_tags("3.11", "x86_64-manylinux_2_28")
    True
    """
    parts = [int(part) for part in python.split(".")[:2] if part.isdigit()]
    if len(parts) < 2:
        return {}
    machines = list(_platforms(platform))
    digits = f"cp{parts[0]}{parts[1]}"
    ordered: Iterable[Tag] = (
        *cpython_tags(parts, platforms=machines),
        *compatible_tags(parts, digits, platforms=machines),
    )
    return {tag: rank for rank, tag in reversed(list(enumerate(ordered)))}


def _platforms(platform: str) -> Iterable[str]:
    machine, _, system = platform.partition("-")
    if match := re.fullmatch(r"manylinux_2_(\d+)", system):
        legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
        for minor in range(int(match[1]), 4, -1):
            yield f"manylinux_2_{minor}_{machine}"
            if minor in legacy:
                yield f"{legacy[minor]}_{machine}"
        yield f"linux_{machine}"
    elif "windows" in system:
        yield "win_amd64"
    elif "darwin" in system:
        yield from mac_platforms((14, 0), "arm64" if machine == "aarch64" else machine)

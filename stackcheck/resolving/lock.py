"""Locks: PEP 751 documents made of what uv resolved, with the definition they were made from. Pure.

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

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcheck.errors import LockError
from stackcheck.redact import without_userinfo
from stackcheck.resolving.resolution import LockedPackage
from stackcheck.resolving.wheeltags import supported_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.tags import Tag

    from stackcheck.definition import Stack

LOCK_VERSION = "1.0"


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


@dataclass(frozen=True, slots=True)
class BrokenLock:
    """A lock file that is there and cannot be used."""

    path: str
    message: str


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
            **({"extras": sorted(package.extras)} if package.extras else {}),
            **({"direct": package.direct} if package.direct else {}),
        }
        for name, package in stack.packages.items()
    }
    index = json.loads(without_userinfo(stack.index.model_dump_json()))
    subject = [stack.python, stack.platform, stack.glibc, packages, index]
    further = {
        "requires": stack.requires,
        "constraints": stack.constraints,
        "overrides": stack.overrides,
        "source_builds": stack.source_builds,
    }
    if stated := {name: value for name, value in further.items() if value}:
        subject.append(stated)
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


def parse_lock(text: str, *, path: str = "lock") -> Lock:
    """Parse the text of a lock.

    Raises LockError for what is no PEP 751 lock, or names a file without a hash.
    """
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

"""Render locks from what uv resolved, write them whole or not at all, and read them: PEP 751 documents.

`packaging` reads and validates them, and chooses the file of each package; `tomlkit` writes them.
Source of the format: https://peps.python.org/pep-0751/, checked 2026-11-20.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from packaging import pylock
from packaging.utils import canonicalize_name

from stackcheck.model.errors import LockError, UsageError
from stackcheck.model.lock import Lock, Origin, fingerprint
from stackcheck.model.redact import without_userinfo
from stackcheck.model.resolution import LockedPackage
from stackcheck.model.wheel_tags import supported_tags
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomlkit.items import Table

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution

_Distribution: TypeAlias = (
    pylock.PackageVcs
    | pylock.PackageDirectory
    | pylock.PackageArchive
    | pylock.PackageWheel
    | pylock.PackageSdist
)
LOCK_VERSION = "1.0"
MOST_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Made:
    """What a lock was resolved for and by; `python` is what was assumed where the stack states none."""

    platform: str
    uv_version: str
    python: str = ""


def render_lock(uv_text: str, origins: Mapping[str, Origin], stack: Stack, made: Made) -> str:
    """Return the text of a lock: uv's own, with index and dependencies of each package and our table.

    No time stands in it, so that the same resolution gives the same bytes. Stacks that resolve alike share
    the work: only their ids and fingerprints differ. Raises LockError when uv's text is not TOML.
    """
    text = _rendered(uv_text, tuple(origins.items()), stack.python or made.python, made)
    return text.replace(_ID, stack.id).replace(_FINGERPRINT, fingerprint(stack))


_ID, _FINGERPRINT = "@stack@", "@fingerprint@"
"""What stands for them in a lock that is rendered for every stack that resolves alike."""


def renamed(text: str, stack: str, other: str) -> str:
    """Return the lock of one stack as that of another one that resolves alike."""
    return text.replace(f'\nstack = "{stack}"\n', f'\nstack = "{other}"\n')


def packages_of(
    uv_text: str, origins: Mapping[str, Origin], python: str, made: Made
) -> tuple[LockedPackage, ...]:
    """Return the packages of the lock that uv's text makes; raises LockError as `parse_lock` does."""
    return _taken(uv_text, tuple(origins.items()), python or made.python, made.platform)


@lru_cache(maxsize=256)
def _taken(
    uv_text: str, origins: tuple[tuple[str, Origin], ...], python: str, platform: str
) -> tuple[LockedPackage, ...]:
    """Read what a lock will hold; its text is rendered where it is written: that takes ten times as long."""
    by_name = dict(origins)
    try:
        rows = parse_toml(uv_text, "uv's lock").get("packages", [])
    except UsageError as error:
        raise LockError(str(error)) from None
    document = {
        "lock-version": LOCK_VERSION,
        "created-by": "stackcheck",
        "packages": [{**_said_of(by_name.get(row["name"], Origin())), **row} for row in rows],
        "tool": {"stackcheck": {"python": python, "platform": platform}},
    }
    return _lock_of(document, path="what uv resolved").packages


def _said_of(origin: Origin) -> dict[str, Any]:
    """Return what a lock says of a package beyond what uv does: its index and what it requires."""
    said: dict[str, Any] = {}
    if origin.index.startswith(("http://", "https://")):
        said["index"] = origin.index
    if origin.requires:
        said["dependencies"] = [{"name": name} for name in origin.requires]
    return said


@lru_cache(maxsize=256)
def _rendered(uv_text: str, origins: tuple[tuple[str, Origin], ...], python: str, made: Made) -> str:
    import tomlkit  # noqa: PLC0415 - only where a lock is written

    by_name = dict(origins)
    try:
        said = tomlkit.parse(uv_text)
    except (ValueError, RecursionError) as error:
        raise LockError(f"uv's lock is not TOML ({str(error)[:100]}).") from None
    minor = ".".join(python.split(".")[:2])
    lock = tomlkit.document()
    lock.update({"lock-version": LOCK_VERSION, "created-by": "stackcheck"})
    if wanted := f"=={minor}.*" if python else said.get("requires-python"):
        lock["requires-python"] = wanted
    packages = tomlkit.aot()
    for row in said.get("packages", ()):
        packages.append(_with_origin(row, by_name.get(row["name"], Origin())))
    own = {
        "stack": _ID,
        "fingerprint": _FINGERPRINT,
        "python": python,
        "platform": made.platform,
        "resolver": f"uv {made.uv_version}",
    }
    lock.update({"packages": packages, "tool": {"stackcheck": own}})
    return without_userinfo(tomlkit.dumps(lock))


def _with_origin(row: Mapping[str, Any], origin: Origin) -> Table:
    """Return the table of a package, its index and dependencies before its files."""
    import tomlkit  # noqa: PLC0415 - likewise

    said = _said_of(origin)
    if origin.requires:
        # Parsed, so that the spaces are those of uv's own inline tables.
        said["dependencies"] = tomlkit.value(
            f"[{', '.join(f'{{ name = {json.dumps(name)} }}' for name in origin.requires)}]"
        )
    first = {key: row[key] for key in ("name", "version", "marker") if key in row}
    table = tomlkit.table()
    table.update({**first, **said, **{key: value for key, value in row.items() if key not in first}})
    return table


def parse_lock(text: str, *, path: str = "lock") -> Lock:
    """Parse the text of a lock, and choose of each package the file that its Python and platform install.

    Its markers were judged when it was made, for exactly one Python and one platform, and are not judged
    again. Raises LockError for what is not a PEP 751 lock of ours, or names a file without a SHA-256.
    """
    try:
        document = parse_toml(text, path)
    except UsageError as error:
        raise LockError(f"{error} Run `stackcheck lock` again.") from None
    return _lock_of(document, path=path, text=text)


def _lock_of(document: dict[str, Any], *, path: str, text: str = "") -> Lock:
    try:
        read = pylock.Pylock.from_dict(document)
    except pylock.PylockValidationError as error:
        raise LockError(
            f"{path}: this is not a valid PEP 751 lock ({str(error)[:200]}); run `stackcheck lock` again."
        ) from None
    table = (read.tool or {}).get("stackcheck")
    own = table if isinstance(table, dict) else {}
    said = {key: str(own.get(key, "")) for key in ("stack", "fingerprint", "python", "platform")}
    if not said["python"]:
        raise LockError(
            f"{path}: it does not say for which Python and platform it was made ([tool.stackcheck]); "
            "run `stackcheck lock` again."
        )
    tags = list(supported_tags(said["python"], said["platform"]))
    rows = [replace(each, marker=None, requires_python=None) for each in read.packages]
    unmarked = replace(read, requires_python=None, environments=None, packages=rows)
    try:
        packages = tuple(_locked(package, file) for package, file in unmarked.select(tags=tags))
    except (ValueError, pylock.PylockSelectError) as error:
        raise LockError(f"{path}: {str(error)[:200]}; run `stackcheck lock` again.") from None
    return Lock(path, packages, text=text, **said)


def _locked(package: pylock.Package, file: _Distribution) -> LockedPackage:
    if isinstance(file, pylock.PackageVcs | pylock.PackageDirectory):
        raise ValueError(f"packages: {package.name} is neither a wheel nor an archive with a hash")  # noqa: TRY004
    if package.version is None:
        raise ValueError(f"packages: {package.name} has no version")
    place = file.url or file.path or ""
    name = unquote(urlsplit(place).path).rpartition("/")[2]
    filename = name if isinstance(file, pylock.PackageArchive) else file.filename
    digest = file.hashes.get("sha256", "")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError(f"packages: {package.name}: {filename} has no sha256")
    return LockedPackage(
        name=package.name,
        version=package.version,
        filename=filename,
        url=without_userinfo(place),
        index=without_userinfo(package.index or ""),
        sha256=digest,
        size=file.size,
        uploaded=file.upload_time.isoformat() if file.upload_time else "",
        requires=tuple(canonicalize_name(str(each.get("name"))) for each in package.dependencies or ()),
    )


def write_lock(resolution: Resolution, path: Path) -> Lock:
    """Write a lock, whole or not at all, and read it back.

    Raises LockError when the place cannot be written, or what was read back is not what was meant.
    """
    parse_lock(resolution.lock_text, path=str(path))
    try:
        write_atomically(path, resolution.lock_text.encode())
    except OSError as error:
        raise LockError(
            f"{path}: the lock cannot be written ({error.strerror}); name another folder."
        ) from None
    lock = read_lock(path)
    if lock.text != resolution.lock_text:
        raise LockError(f"{path}: the lock that was read back is not the one that was written.")
    return lock


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises LockError for a file that cannot be read, is not a PEP 751 lock, or names a file without a hash.
    """
    try:
        text = read_text(path, MOST_BYTES)
    except UsageError as error:
        raise LockError(f"{error} Run `stackcheck lock` again.") from None
    return parse_lock(text, path=str(path))

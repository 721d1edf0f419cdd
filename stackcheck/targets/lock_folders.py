"""Folders that are made from a lock by uv: one for each lock, made once, and whole or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError
from stackcheck.report.wording import plural, size
from stackcheck.resolve.uvrun import find_uv
from stackcheck.storage.cache_entries import MARKER, size_of
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.writable import not_written
from stackcheck.targets.build_secrets import ca_bundle
from stackcheck.targets.process.build_lock import is_locked, once_at_a_time
from stackcheck.targets.process.build_log import BuildLog
from stackcheck.targets.process.signals import stop_signals_raise
from stackcheck.targets.process.subprocesses import run_logged
from stackcheck.targets.process.temp_dirs import temp_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from stackcheck.model.resolution import LockedPackage
    from stackcheck.targets.engine import BuildOptions, Progress


@dataclass(frozen=True, slots=True)
class Made:
    """A folder that is finished: its digest, its size in bytes, and the log where it was made just now."""

    folder: Path
    digest: str
    size_bytes: int
    log_file: str = ""


@dataclass(frozen=True, slots=True)
class Uv:
    """uv at work on one folder, its output in the log; `scratch` takes its input, and is removed."""

    scratch: Path
    environ: Mapping[str, str]
    log: BuildLog
    timeout_s: float
    what: str

    def run(self, *arguments: str, timeout_s: float = 0, what: str = "") -> None:
        """Run uv; raise what the log speaks of when it fails."""
        command, what = [str(find_uv()), *arguments, "--no-config", "--no-progress"], what or self.what
        if status := run_logged(command, self.environ, self.log, timeout_s or self.timeout_s, what):
            self.log.line(f"uv: step failed with status {status}")
            raise self.log.error(what)


@dataclass(frozen=True, slots=True)
class Work:
    """What a folder holds, `identity`; how it is filled; and `what` is said of it: "unpacking the wheels"."""

    identity: str
    what: str
    fill: Callable[[Path, Uv], None]
    packages: tuple[LockedPackage, ...] = ()
    """What is downloaded for it, unless uv has it in its cache."""

    @property
    def digest(self) -> str:
        """Return the digest of what the folder holds, which begins with its name."""
        return hashlib.sha256(self.identity.encode()).hexdigest()


class LockFolders:
    """The folders of one kind, `cache/name`; `kind` stands in the names of their locks and logs."""

    def __init__(self, cache: Path, name: str, kind: str) -> None:
        """Take the place; nothing is made yet."""
        self._cache, self._place, self._kind = cache, cache / name, kind

    def sweep(self) -> int:
        """Remove folders that were never finished and that nobody is making; return how many."""
        removed = 0
        for folder in sorted(self._place.glob("*")):
            if _finished(folder) is None and not is_locked(self._cache, f"{self._kind}-{folder.name}"):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed

    def place(self, identity: str) -> tuple[Path, str]:
        """Return the folder that is or would be made of what `identity` describes, and its digest."""
        digest = hashlib.sha256(identity.encode()).hexdigest()
        return self._place / digest[:16], digest

    def finished(self, identity: str) -> str:
        """Return the folder of what `identity` describes where it is finished, else ""."""
        folder, digest = self.place(identity)
        return str(folder) if _finished(folder, digest) is not None else ""

    def have(self, work: Work, options: BuildOptions, tell: Progress) -> Made:
        """Return the folder of a piece of work, filled unless it is finished already.

        Raise what filling it raises; the folder is then gone.
        """
        folder, digest = self.place(work.identity)
        name = f"{self._kind}-{folder.name}"
        log = BuildLog(options.log_folder / f"{name}.log", tell)
        with stop_signals_raise(), once_at_a_time(self._cache, name, tell):
            found = None if options.no_cache else _finished(folder, digest)
            if fresh := found is None:
                tell(to_download(work.what, work.packages))
                found = _fill(folder, work, log, options, tell)
            else:
                tell(f"nothing to build: {folder} is made from this lock")
                with suppress(OSError):  # a read-only cache serves as well
                    os.utime(folder / MARKER)
        return Made(folder, digest, found or 0, str(log.path) if fresh else "")


def to_download(what: str, packages: Sequence[LockedPackage]) -> str:
    """Say before a build how much it downloads at most, as far as the indexes state sizes."""
    sizes = [package.size for package in packages]
    known, unknown = sum(each or 0 for each in sizes), sizes.count(None)
    told = [f"{size(known)} to download at most"] if known else []
    told += [f"{unknown} of unknown size"] if unknown else []
    return f"{what}: {', '.join([plural(len(packages), 'package'), *told])}"


def _finished(folder: Path, digest: str = "") -> int | None:
    """Return the size in bytes of a folder that is finished; None for one that has to be filled.

    A marker that is damaged is none; nor is one of another content than is asked for.
    """
    try:
        row = json.loads((folder / MARKER).read_bytes())
        size_bytes, made = row["size_bytes"], row.get("digest", digest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    known = type(size_bytes) is int and 0 <= size_bytes < 1 << 63 and digest in ("", made)
    return size_bytes if known else None


def _fill(folder: Path, work: Work, log: BuildLog, options: BuildOptions, tell: Progress) -> int:
    """Fill the folder and return its size; the marker comes last, and what is not finished is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with temp_folder(options.cache) as scratch, log:
            bundle = ca_bundle(options, scratch, tell)
            trusted = {"SSL_CERT_FILE": str(bundle)} if bundle else {}
            environ = {**options.environ, "NO_COLOR": "1", **trusted}
            work.fill(folder, Uv(scratch, environ, log, options.timeout_s, work.what))
        size_bytes = size_of(folder)
        row = {"what": work.what, "digest": work.digest, "size_bytes": size_bytes}
        write_atomically(folder / MARKER, json.dumps(row).encode())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise EngineError(f"{work.what}: {not_written(folder, error)}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return size_bytes

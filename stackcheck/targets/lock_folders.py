"""Folders that are made from a lock by uv: one for each lock, made once, and whole or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError
from stackcheck.resolve.uvrun import find_uv
from stackcheck.storage.folders import write_atomically
from stackcheck.targets.build_secrets import ca_bundle
from stackcheck.targets.process.build_lock import is_locked, once_at_a_time
from stackcheck.targets.process.build_log import BuildLog
from stackcheck.targets.process.signals import stop_signals_raise
from stackcheck.targets.process.subprocesses import run_logged
from stackcheck.targets.process.temp_dirs import temp_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from stackcheck.targets.engine import BuildOptions, Progress

MARKER = "stackcheck.json"
"""Written last: a folder without it was never finished."""


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

    def have(self, work: Work, options: BuildOptions, tell: Progress) -> Made:
        """Return the folder of a piece of work, filled unless it is finished already.

        Raise what filling it raises; the folder is then gone.
        """
        folder, digest = self.place(work.identity)
        name = f"{self._kind}-{folder.name}"
        log = BuildLog(options.log_folder / f"{name}.log", tell)
        with stop_signals_raise(), once_at_a_time(self._cache, name, tell):
            size = None if options.no_cache else _finished(folder)
            fresh = size is None
            if size is None:
                size = _fill(folder, work, log, options, tell)
            else:
                tell(f"nothing to build: {folder} is made from this lock")
        return Made(folder, digest, size, str(log.path) if fresh else "")


def _finished(folder: Path) -> int | None:
    """Return the size in bytes that the marker of a folder states; None where it is missing or damaged."""
    try:
        size = json.loads((folder / MARKER).read_bytes())["size_bytes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return size if type(size) is int and size >= 0 else None


def _fill(folder: Path, work: Work, log: BuildLog, options: BuildOptions, tell: Progress) -> int:
    """Fill the folder, and return its size in bytes.

    The marker comes last, and what is not finished is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with temp_folder(options.cache) as scratch, log:
            bundle = ca_bundle(options, scratch, tell)
            trusted = {"SSL_CERT_FILE": str(bundle)} if bundle else {}
            environ = {**options.environ, "NO_COLOR": "1", **trusted}
            work.fill(folder, Uv(scratch, environ, log, options.timeout_s, work.what))
        size = sum(_size_of(folder))
        marker = json.dumps({"what": work.what, "size_bytes": size}).encode()
        write_atomically(folder / MARKER, marker)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise EngineError(
            f"{work.what}: {folder} cannot be written: {error.strerror}. "
            "Make room there, or name another folder in STACKCHECK_CACHE."
        ) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return size


def _size_of(folder: Path) -> Iterator[int]:
    """Yield the sizes of the files: 24,000 in a stack, for which `Path.rglob` takes three times as long."""
    for place, _, names in os.walk(folder):
        yield from (os.lstat(f"{place}/{name}").st_size for name in names)

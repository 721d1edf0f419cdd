"""Run the uv binary: the only place that starts it."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import ResolveError
from stackcheck.resolve.bound_start import bound_to_us
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.writable import not_written
from stackcheck_probes.processes import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MOST_MEMORY = 800 << 20
"""Bytes of memory that uv may use; the page of an index may be without end, or unpack to gigabytes."""
_TICK_S = 0.02


@dataclass(frozen=True, slots=True)
class UvAnswer:
    """What one run of uv gave; `seconds` is wall time."""

    code: int
    stdout: str
    stderr: str
    seconds: float


@lru_cache(maxsize=1)
def find_uv() -> Path:
    """Return the uv binary that the PyPI package brings.

    Raises ResolveError when it is not installed.
    """
    try:
        import uv  # noqa: PLC0415 - costs nothing unless something is resolved

        return Path(uv.find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise ResolveError(f"uv is not installed with stackcheck ({error}); run `pip install uv`") from None


@lru_cache(maxsize=8)
def uv_version(binary: Path) -> str:
    """Return the version of a uv binary, such as "0.13.8"; "unknown" when it does not say."""
    words = run_uv(binary, ["--version"], cwd=Path.cwd(), env={}, timeout_s=20).stdout.split()
    return words[1] if len(words) > 1 else "unknown"


def project_folder(cache: Path, project: str) -> Path:
    """Return a folder that holds this pyproject.toml; the same text gives the same folder.

    What lies there is compared: a file that a power loss or anybody has changed is written anew.
    """
    folder = cache / "resolve" / hashlib.sha256(project.encode()).hexdigest()[:20]
    path = folder / "pyproject.toml"
    try:
        if not _holds(path, project):
            write_atomically(path, project.encode(), mode=0o600)
    except OSError as error:
        raise ResolveError(not_written(folder, error)) from None
    return folder


def _holds(path: Path, project: str) -> bool:
    """Tell whether a file holds this text: its name promises that, and a damaged cache breaks promises."""
    try:
        return path.read_bytes() == project.encode()
    except FileNotFoundError:
        return False


def compile_args(args: Sequence[str], form: str) -> list[str]:
    """Return the whole argument list of one `uv pip compile` of the folder's project."""
    return ["pip", "compile", "pyproject.toml", "--python", sys.executable, "--format", form, *args]


def run_uv(
    binary: Path, args: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
) -> UvAnswer:
    """Run uv once.

    A run that takes longer than `timeout_s` or more memory than `MOST_MEMORY` is killed and gives code 124;
    none outlives this process. Raises ResolveError when uv cannot be started.
    """
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            bound_to_us([str(binary), *args], signal.SIGKILL),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise ResolveError(f"{binary}: uv cannot be started ({error.strerror}); reinstall uv.") from None
    with process:
        try:
            out, err = _watched(process, start + timeout_s)
        except _StoppedError as stopped:
            return UvAnswer(124, "", f"error: {stopped}", time.monotonic() - start)
        finally:
            process.kill()
    seconds = time.monotonic() - start
    return UvAnswer(
        process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), seconds
    )


class _StoppedError(Exception):
    """uv was killed; the text is for `derivation.read_failure`."""


def _watched(process: subprocess.Popen[bytes], end: float) -> tuple[bytes, bytes]:
    """Return what uv says; raise `_StoppedError` when it takes too much.

    The memory that is in use is looked at, because no limit of the kernel counts it: what uv's threads
    reserve is five times as much (1270 MB against 234 MB for vllm, ray[all] and transformers[all]).
    """
    while True:
        try:
            return process.communicate(timeout=_TICK_S)
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() > end:
            raise _StoppedError("operation timed out: uv did not finish in the time that it was given")
        if resident_bytes(process.pid) > MOST_MEMORY:
            raise _StoppedError(f"answer too large: uv needed more than {MOST_MEMORY >> 20} MB to read it")

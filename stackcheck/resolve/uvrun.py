"""Run the uv binary: the only place that starts it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import ResolveError
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.writable import not_written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
        if not _holds(path, project.encode()):
            write_atomically(path, project.encode(), mode=0o600)
    except OSError as error:
        raise ResolveError(not_written(folder, error)) from None
    return folder


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def compile_args(args: Sequence[str], form: str) -> list[str]:
    """Return the whole argument list of one `uv pip compile` of the folder's project."""
    return ["pip", "compile", "pyproject.toml", "--python", sys.executable, "--format", form, *args]


def run_uv(
    binary: Path, args: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
) -> UvAnswer:
    """Run uv once.

    A run longer than `timeout_s` is killed and gives code 124. Raises ResolveError when uv cannot be started.
    """
    start = time.monotonic()
    try:
        done = subprocess.run(
            [str(binary), *args],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        said = f"error: operation timed out: uv did not finish within {timeout_s:g} s"
        return UvAnswer(124, "", said, timeout_s)
    except OSError as error:
        raise ResolveError(f"{binary}: uv cannot be started ({error.strerror}); reinstall uv") from None
    out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return UvAnswer(done.returncode, out, err, time.monotonic() - start)

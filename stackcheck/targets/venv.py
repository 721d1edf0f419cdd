"""The venv engine: an isolated environment from the same lock, made by uv; or one that is there already."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from typing import TYPE_CHECKING

from stackcheck.model.errors import BuildFailedError, EngineError, NoPythonError, UsageError
from stackcheck.model.redact import without_secrets
from stackcheck.resolve.uvrun import find_uv
from stackcheck.targets.engine import Capabilities, Target
from stackcheck.targets.here import NO_GPUS, OfThisMachine, no_image
from stackcheck.targets.lock_folders import LockFolders, Uv, Work
from stackcheck.targets.registry import engines_that

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets.engine import BuildOptions, Progress

_FETCH_S = 900.0
_FIND_S = 120.0
_PYTHONS: dict[tuple[str, str, str], str | None] = {}
"""What uv said of interpreters: version and where it looked -> path, None for none."""
_KEPT = frozenset(("PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONUTF8"))
_KEPT_ABOUT = re.compile(
    r"(?:LC|CUDA|CUDNN|NVIDIA|NCCL|HIP|HSA|ROCR|ROCM|ROC|GPU|AMD|MIOPEN|OMP|GOMP|KMP|MKL|OPENBLAS|TORCH"
    r"|PYTORCH|TRITON|MALLOC)_.*"
)
"""What decides which libraries and devices a program gets. All else of the caller stays out, HOME and tokens
above all: what runs there is the stack's code."""


class VenvEngine(OfThisMachine):
    """Virtual environments under the cache folder, one for each lock and Python."""

    name = "venv"
    capabilities = Capabilities(builds=True, is_local=True, local_pythons=True, stamped=True)

    def __init__(self, cache: Path, existing: Path | None = None) -> None:
        """Sweep what was never finished; with `existing`, take that environment and make none."""
        super().__init__(cache)
        self._existing = existing
        self._folders = LockFolders(cache, "venvs", "venv")
        self.swept = self._folders.sweep()

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Have the environment of a stack: see `Engine.prepare`."""
        if self._existing:
            return _existing(self._existing, stack, options)
        if resolution is None:
            raise EngineError(f"{stack.title}: there is no lock to make an environment from")
        _check_possible(stack, resolution)
        work = Work(
            _identity(resolution),
            f"making the environment of {stack.id}",
            lambda folder, at: _make(folder, resolution, at, progress),
            resolution.packages,
        )
        made = self._folders.have(work, options, progress)
        folder = made.folder
        python = (str(folder / "bin" / "python"),)
        environ = inner_environ(folder, options.environ) | stack.env
        return Target(
            self.name, "venv", str(folder), made.digest, python, no_image("venv"),
            made.size_bytes, bool(made.log_file), gpus_note=_gpus_note(options), env=environ,
            log_file=made.log_file,
        )  # fmt: skip

    def foretold(self, stack: Stack, resolution: Resolution | None, options: BuildOptions) -> str:
        """Return the environment that is there: see `Foreteller`."""
        del stack
        if resolution is None or options.no_cache:
            return ""
        return self._folders.finished(_identity(resolution))


def _identity(resolution: Resolution) -> str:
    return f"{resolution.python}\n{resolution.lock_text}"


def find_python(version: str, environ: Mapping[str, str]) -> str | None:
    """Return the path of an interpreter of that version on this machine, or None; fetches nothing.

    The members of a family ask the same of each other, so uv is asked once a process; `_PYTHONS` forgets what
    a fetch may have changed.
    """
    asked = (version, environ.get("PATH", ""), environ.get("UV_PYTHON_INSTALL_DIR", ""))
    if asked not in _PYTHONS:
        _PYTHONS[asked] = _asked_of_uv(version, environ)
    return _PYTHONS[asked]


def _asked_of_uv(version: str, environ: Mapping[str, str]) -> str | None:
    command = ["python", "find", "--no-config", "--no-project", "--no-python-downloads", "--system", version]
    try:
        answer = subprocess.run(
            [str(find_uv()), *command],
            capture_output=True,
            text=True,
            check=False,
            env=dict(environ),
            timeout=_FIND_S,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"uv did not say within {_FIND_S:g} s whether Python {version} is here.") from None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def inner_environ(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what code of an environment gets of its caller's: paths, locale, libraries and devices.

    It states no HOME: whoever starts a program in it makes one.
    """
    known = {name: value for name, value in environ.items() if name in _KEPT or _KEPT_ABOUT.fullmatch(name)}
    kept = without_secrets(known)
    path = f"{folder / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}"
    return {**kept, "VIRTUAL_ENV": str(folder), "PATH": path}


def _existing(folder: Path, stack: Stack, options: BuildOptions) -> Target:
    python = folder / "bin" / "python"
    if not os.access(python, os.X_OK):
        raise UsageError(f"{folder} is not a virtual environment: there is no {python}.")
    environ = {**without_secrets(options.environ), "VIRTUAL_ENV": str(folder)}
    environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}"
    del stack  # what is there is what is seen: its environment variables are not set
    return Target(
        VenvEngine.name, "venv", str(folder), str(folder.absolute()), (str(python),),
        no_image("venv"), gpus_note=_gpus_note(options), env=environ,
    )  # fmt: skip


def _check_possible(stack: Stack, resolution: Resolution) -> None:
    here = platform_here()
    if stack.platform and stack.platform != here:
        raise EngineError(
            f"{stack.title}: the stack is for {stack.platform}, this machine is {here}. "
            f"Use an engine that has images: {', '.join(engines_that('images'))}."
        )
    sources = [package.filename for package in resolution.packages if not package.is_wheel]
    if sources:
        raise EngineError(
            f"{stack.title}: the venv engine installs wheels only, and the lock has source archives: "
            f"{', '.join(sources)}. Use one that builds them: {', '.join(engines_that('source_archives'))}."
        )


def platform_here() -> str:
    """Return the platform of this machine as stacks spell it: linux/amd64."""
    names = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    return f"{system}/{names.get(platform.machine(), platform.machine())}"


def _gpus_note(options: BuildOptions) -> str:
    return NO_GPUS if options.gpus == "none" else ""


def _make(folder: Path, resolution: Resolution, at: Uv, tell: Progress) -> None:
    lock = at.scratch / "pylock.toml"
    lock.write_text(resolution.lock_text, "utf-8")
    base = find_python(resolution.python, at.environ) or _fetch(resolution.python, at, tell)
    at.run("venv", "--no-project", "--python", base, str(folder))
    preview = ("--preview-features", "pylock", "--no-build")
    at.run("pip", "sync", *preview, "--python", str(folder / "bin" / "python"), str(lock))


def _fetch(version: str, at: Uv, tell: Progress) -> str:
    tell(f"there is no Python {version} on this machine; uv fetches one")
    try:
        at.run("python", "install", version, timeout_s=_FETCH_S, what=f"fetching Python {version}")
    except (BuildFailedError, EngineError):
        raise NoPythonError(
            f"there is no Python {version} on this machine, and uv cannot fetch one",
            f"Install it, or use an engine whose images bring theirs ({', '.join(engines_that('images'))}), "
            f"or take a variant of the stack for another Python.\n{at.log.tail}",
        ) from None
    _PYTHONS.clear()
    found = find_python(version, at.environ)
    if not found:
        raise EngineError(f"uv has fetched Python {version} and does not find it")
    return found

"""The wheels engine: the wheels of a lock, unpacked for the stack's Python and platform. Nothing is run.

uv takes them from its cache by hard links, so that a build from the same lock downloads nothing again. Any
machine can do it for any other: neither that Python nor that processor is needed.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError
from stackcheck.targets.engine import Capabilities, Target
from stackcheck.targets.here import OfThisMachine, no_image
from stackcheck.targets.lock_folders import LockFolders, Uv, Work

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets.engine import BuildOptions, Progress

_MADE = ("lib*/python*/*-packages", "local/lib*/python*/*-packages")
"""Where uv may put packages under a prefix: pure and native ones apart, or as Debian has them."""
_NOTHING_RUNS = "nothing is run of unpacked wheels"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""What the agent needs to start; any other variable says something of this machine, not of the target."""


class WheelsEngine(OfThisMachine):
    """Unpacked wheels under the cache folder, one folder for each set of wheels."""

    name = "wheels"
    capabilities = Capabilities(builds=True, files_only=True)

    def __init__(self, cache: Path) -> None:
        """Sweep what was never finished."""
        super().__init__(cache)
        self._folders = LockFolders(cache, "unpacked", "wheels")
        self.swept = self._folders.sweep()

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Have the wheels of a stack unpacked: see `Engine.prepare`. What is no wheel is left out."""
        if resolution is None:
            raise EngineError(f"{stack.title}: there is no lock to unpack the wheels of.")
        work = Work(
            _identity(resolution),
            f"unpacking the wheels of {stack.id}",
            lambda folder, at: _unpack(folder, resolution, at),
            tuple(package for package in resolution.packages if package.is_wheel),
        )
        made = self._folders.have(work, options, progress)
        target = self.place(resolution)
        return replace(target, size_bytes=made.size_bytes, built=bool(made.log_file), log_file=made.log_file)

    def place(self, resolution: Resolution) -> Target:
        """Return the target as it is or would be unpacked, its size not known; nothing is looked at."""
        folder, digest = self._folders.place(_identity(resolution))
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return Target(
            self.name, "wheels", str(folder), digest, (sys.executable,), no_image(self.name),
            0, built=False, gpus_note=_NOTHING_RUNS, env=kept,
            packages=(str(packages_of(folder, resolution)),),
        )  # fmt: skip


def _identity(resolution: Resolution) -> str:
    wheels = sorted(package.sha256 for package in resolution.packages if package.is_wheel)
    return "\n".join([resolution.python, resolution.platform, *wheels])


def packages_of(folder: Path, resolution: Resolution) -> Path:
    """Return where the packages lie in a folder of unpacked wheels, as they do in an environment."""
    return folder / "lib" / f"python{'.'.join(resolution.python.split('.')[:2])}" / "site-packages"


def _unpack(folder: Path, resolution: Resolution, at: Uv) -> None:
    lock = at.scratch / "pylock.toml"
    lock.write_text(wheels_alone(resolution), "utf-8")
    at.run(*arguments(folder, lock, resolution))
    packages = packages_of(folder, resolution)
    packages.parent.mkdir(parents=True, exist_ok=True)
    for pattern in _MADE:
        for made in folder.glob(pattern):  # uv calls it by the interpreter that it was given
            _move(made, packages)
    packages.mkdir(exist_ok=True)


def _move(made: Path, place: Path) -> None:
    """Move a folder to a place, into the one that is there."""
    if not place.exists():
        made.rename(place)
    elif made != place and made.is_dir() and place.is_dir():
        for each in made.iterdir():
            _move(each, place / each.name)


def arguments(folder: Path, lock: Path, resolution: Resolution) -> tuple[str, ...]:
    """Return what uv is told. It asks for an interpreter, so it gets this one, and runs nothing with it.

    A prefix and not a target folder: there headers and data of wheels would lie among the packages, as they
    do in no environment.
    """
    return (
        "pip", "install", "--prefix", str(folder), "--no-deps", "--only-binary", ":all:",
        "--python", sys.executable, "--python-version", resolution.python,
        "--python-platform", resolution.platform, "--no-python-downloads",
        "--link-mode", "hardlink", "--preview-features", "pylock", "--requirements", str(lock),
    )  # fmt: skip


def wheels_alone(resolution: Resolution) -> str:
    """Return the lock without its source archives, and without the Python that it requires.

    uv holds `requires-python` against the interpreter that it is given, and not against `--python-version`
    (uv 0.13.9, seen 2026-11-30).
    """
    import tomlkit  # noqa: PLC0415 - 30 ms that only unpacking pays

    lock = tomlkit.parse(resolution.lock_text)
    lock.pop("requires-python", None)
    built = {package.name for package in resolution.built}
    kept = tomlkit.aot()
    for row in lock.get("packages", ()):
        if row["name"] not in built:
            kept.append(row)
    lock["packages"] = kept
    return tomlkit.dumps(lock)

"""What the tables know about one version, with sources and the age of that knowledge, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion

from stackcheck.model.versions import parse_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from packaging.version import Version

    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import Toolkit
    from stackcheck.knowledge.reading import Row
    from stackcheck.knowledge.torch import Companion, Release


def view(text: str, known: Tables, today: date) -> str | None:
    """Return what is known about a version of torch, torchvision, torchaudio or CUDA; None for nothing.

    torch and torchaudio share numbers: then both are shown.
    """
    try:
        version = parse_version(text)
    except InvalidVersion:
        return None
    lines: list[str] = []
    release, toolkit = known.torch.release(version), known.cuda.toolkit(version)
    if release is not None:
        lines += _torch(release, known, today)
    for name in ("torchvision", "torchaudio"):
        companion = known.torch.companion(name, version)
        if companion is not None:
            lines += _companion(companion, known, today)
    if toolkit is not None and release is None:
        lines += _toolkit(toolkit, known, today)
    return "\n".join(lines) + "\n" if lines else None


def _torch(row: Release, known: Tables, today: date) -> Iterator[str]:
    yield f"torch {row.torch}" + (f", released {row.uploaded}" if row.uploaded else "")
    doubt = " (not verified)" if row.cuda_unverified else ""
    yield f"  CUDA builds: {_words(row.cuda) or 'not known'}{doubt}"
    yield f"  ROCm builds: {_words(row.rocm) or 'not known'}"
    for platform, pythons in row.python.items():
        yield f"  on PyPI for {platform}: {_flavor(row.pypi.get(platform))}, Python {' '.join(pythons)}"
    yield f"  Linux wheels need glibc {row.glibc}"
    for name in ("torchvision", "torchaudio"):
        fitting = known.torch.companions_for(name, row.torch)
        yield f"  {name}: {_words([each.version for each in fitting]) or 'none was released'}"
    yield from _note(row, today)
    for build in known.torch.builds_of(row.torch):
        yield f"  {build.title}: {build.listed or 'arch list not known'}"
        yield from (f"  {line}" for line in _note(build, today))


def _companion(row: Companion, known: Tables, today: date) -> Iterator[str]:
    yield f"{row.name} {row.version}" + (f", withdrawn: {row.yanked}" if row.yanked else "")
    yield f"  requires torch{row.torch}" if row.torch is not None else "  requires no particular torch"
    fitting = [each.torch for each in known.torch.releases_for(row)]
    yield f"  fits torch {_words(fitting)}"
    for platform, pythons in row.python.items():
        yield f"  on PyPI for {platform}: Python {' '.join(pythons)}"
    yield from _note(row, today)


def _toolkit(row: Toolkit, known: Tables, today: date) -> Iterator[str]:
    yield f"CUDA {row.version}"
    yield f"  nvcc knows {row.listed}" + (" (not verified)" if row.sm_unverified else "")
    windows = row.driver_windows or "not known"
    yield f"  came with driver {row.driver_linux or 'not known'} (Linux), {windows} (Windows)"
    family = known.cuda.family(row.version.major)
    if family is not None:
        yield f"  runs on any Linux driver from {family.floor_linux} on (minor-version compatibility)"
    yield f"  gcc up to {row.gcc_max or 'not known'}"
    yield from _note(row, today)


def _note(row: Row, today: date) -> Iterator[str]:
    if row.note:
        yield f"  note: {row.note}"
    days = (today - row.checked).days
    age = f"{days} days ago" if days != 1 else "1 day ago"
    yield f"  source: {row.source}"
    yield f"  checked {row.checked}, {age}" + (", not verified" if row.unverified else "")


def _words(versions: tuple[Version, ...] | list[Version]) -> str:
    return " ".join(map(str, versions))


def _flavor(flavor: str | None) -> str:
    return "CPU build" if flavor == "cpu" else f"CUDA {flavor} build" if flavor else "build not known"

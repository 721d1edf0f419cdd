"""What a library belongs to: the distribution that recorded it, else the package that its path names."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from stackcheck_probes.judging.packagecover import package_of, short_path
from stackcheck_probes.probes.distributions import canonical, metadata, read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from stackcheck_probes.facts.python import Distribution

_MAX_RECORD = 64 << 20


class Package(NamedTuple):
    """A distribution with its version, or with an empty version the package or folder that a path names."""

    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name

    def called(self, name: str) -> bool:
        """Tell whether a user who writes `name` means it (PEP 503: `flash_attn` is `flash-attn`)."""
        return canonical(name) == canonical(self.name)


def package_at(path: str) -> Package:
    """Return the package that a path names; a file outside the package folders belongs to its folder."""
    short = short_path(path)
    if short.startswith("/"):
        return Package(posixpath.dirname(short))
    return Package(package_of(short) if "/" in short else short)


def of_file(path: str) -> Package:
    """Return what a file that was named alone belongs to: its package, else itself."""
    short = short_path(path)
    return package_at(path) if short != path and "/" in short else Package(posixpath.basename(path))


def recorded(roots: Sequence[str], wanted: Collection[str]) -> dict[str, Package]:
    """Return who recorded each of the `wanted` files (paths below one of the roots) as its own."""
    owners: dict[str, Package] = {}
    for root in roots:
        for info in metadata(root):
            if info.endswith(".dist-info"):
                owner = of_metadata(info.rpartition("/")[2])
                owners.update((path, owner) for path in _record(info) if path in wanted)
    return owners


def of_metadata(folder: str) -> Package:
    """Return the distribution that a folder of metadata is named after: `torch-2.5.0.dist-info`."""
    name, _, version = folder.removesuffix(".dist-info").partition("-")
    return Package(canonical(name), version)


def _record(info: str) -> Iterator[str]:
    import csv  # noqa: PLC0415 - a file or wheel has no record to read

    for line in (read(f"{info}/RECORD", _MAX_RECORD) or "").splitlines():
        yield next(csv.reader([line]), [""])[0] if line.startswith('"') else line.partition(",")[0]


def of_package(file: str, members: Iterable[str]) -> Package | None:
    """Return the distribution of a wheel by its folder of metadata, of a .conda by its name; else None."""
    for member in members:
        folder, slash, _ = member.partition("/")
        if slash and folder.endswith(".dist-info"):
            return of_metadata(folder)
    parts = posixpath.basename(file).removesuffix(".conda").rsplit("-", 2)
    return Package(parts[0], parts[1]) if file.endswith(".conda") and len(parts) == 3 else None


def installed(paths: Iterable[str], distributions: Iterable[Distribution]) -> Mapping[str, Package]:
    """Return the distributions that libraries belong to, where the package's name is the distribution's."""
    known = {row["name"]: Package(row["name"], row["version"]) for row in distributions}
    found = ((path, known.get(canonical(package_at(path).name))) for path in paths)
    return {path: owner for path, owner in found if owner}

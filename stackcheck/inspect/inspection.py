"""What is in a target: the GPU code of every library; no GPU, no toolkit, no import, nothing unpacked."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stackcheck.inspect.loading_groups import packages_of
from stackcheck.inspect.owners import of_file, of_wheel, package_at, recorded
from stackcheck.model.errors import UsageError
from stackcheck_probes.binaries import archives, libraryfile, zipmembers
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.gpucode import GpuCode, from_json
from stackcheck_probes.probes import libraries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from stackcheck.inspect.owners import Package
    from stackcheck.model.verdict import Verdict
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import LibraryCode

    Tell = Callable[[str], None]


BIG = 300_000_000
"""Bytes from which on a wheel takes so long that progress is told."""
TELL_EVERY_S = 2.0


def _silent(_line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a target: the GPU code of each library, and what stands in the way of knowing all.

    `unreadable` is (path, reason); `skipped` are parts of the target that were not looked at; `binaries` is
    how many were read; `loading` says whether they will load, which only an environment can be asked.
    `owners` has the package of the paths of which that was recorded; `roots` are the folders on this machine
    that paths start from.
    `left_out` are sentences on what was passed over because it is of a kind that is not read (Windows
    binaries, packages inside the target, another platform's image): it is counted, and alone fails nothing.
    """

    name: str
    kind: str
    libraries: tuple[tuple[str, GpuCode], ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    binaries: int = 0
    loading: tuple[Verdict, ...] = ()
    owners: Mapping[str, Package] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def owner(self, path: str) -> Package:
        """Return what a file belongs to: as it was recorded, else as its path says."""
        return self.owners.get(path) or package_at(path)

    def short(self, path: str) -> str:
        """Return a path from the root that it lies in."""
        root = next((root for root in self.roots if path.startswith(f"{root}/")), "")
        return path[len(root) + 1 :] if root else path


def read_target(path: Path, *, deep: bool = False, tell: Tell = _silent) -> Contents:
    """Read a file, a folder, an environment, a wheel, or an image as an archive or OCI layout.

    `deep` searches for GPU code that no section lists. `tell` takes lines of progress, where reading may take
    more than a moment. Raises UsageError for what is not there or is none of these, or is an archive too
    damaged to be read.
    """
    name = str(path)
    if path.is_dir():
        tell(f"reading {name}")
        return _layout(path, deep=deep) if _is_layout(path) else _folder(path, deep=deep)
    if not path.is_file():
        raise UsageError(
            f"{name}: there is no such file or folder (an image is named with its tag, or by --image)"
        )
    try:
        source = FileSource(name)
        try:
            start = source.pread(0, 512)
            if start.startswith(b"PK\x03\x04"):
                return _wheel(name, source, deep=deep, tell=tell)
            if start[257:262] == b"ustar" or start.startswith(b"\x1f\x8b"):
                tell(f"reading {name} ({source.size / 1e6:.0f} MB)")
                return _archive(name, source, deep=deep)
            facts = libraryfile.read_source(source, name, deep=deep)
        finally:
            source.close()
    except (SourceError, OSError) as error:
        raise UsageError(f"{name}: {error}") from None
    if facts is None:
        raise UsageError(f"{name}: this is no library, wheel or image archive")
    return replace(contents_of(name, "file", [facts]), owners={name: of_file(name)})


def _wheel(name: str, source: ByteSource, *, deep: bool, tell: Tell) -> Contents:
    if source.size > BIG:
        tell(f"reading {name} ({source.size / 1e6:.0f} MB)")
    facts = list(_counted(archives.read_zip(source, deep=deep), tell))
    contents = contents_of(name, "wheel", facts)
    owner = of_wheel(member.name for member in zipmembers.zip_members(source))
    return replace(contents, owners={row["path"]: owner for row in facts} if owner else {})


def _counted(facts: Iterable[LibraryCode], tell: Tell) -> Iterator[LibraryCode]:
    """Pass the facts on, and tell every few seconds how many came."""
    told = time.monotonic()
    for number, row in enumerate(facts, 1):
        if time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            tell(f"{number} binaries read, the last one {row['path']}")
        yield row


def _archive(name: str, source: ByteSource, *, deep: bool) -> Contents:
    from stackcheck.inspect.imagearchive import read_image_archive  # noqa: PLC0415 - for such a target alone

    return contents_of(name, "image archive", read_image_archive(source, deep=deep))


def _is_layout(path: Path) -> bool:
    from stackcheck.inspect.imagearchive import is_layout  # noqa: PLC0415 - a file or wheel needs none of it

    return is_layout(path)


def _layout(path: Path, *, deep: bool) -> Contents:
    from stackcheck.inspect.imagearchive import read_image_layout  # noqa: PLC0415 - for such a target alone

    try:
        return contents_of(str(path), "image layout", read_image_layout(path, deep=deep))
    except (SourceError, OSError) as error:
        raise UsageError(f"{path}: {error}") from None


def _folder(path: Path, *, deep: bool) -> Contents:
    is_venv = (path / "pyvenv.cfg").is_file()
    found = sorted(path.glob("lib*/python*/site-packages")) if is_venv else []
    # lib64 of an environment is a link to lib: its packages count once, under lib.
    roots = list({root.resolve(): str(root) for root in reversed(found)}.values()) or [str(path)]
    facts = libraries.run({"roots": roots, "deep": deep})
    contents = contents_of(
        str(path), "environment" if is_venv else "folder", facts["libraries"], facts["skipped"]
    )
    alone = not is_venv and not any(path.glob("*.dist-info"))
    contents = replace(
        _shortened(replace(contents, roots=tuple(roots))),
        binaries=facts["binaries"],
        loading=() if alone else _loading(roots),
    )
    return contents if alone else replace(contents, owners=recorded(roots, named(contents)))


def _loading(roots: list[str]) -> tuple[Verdict, ...]:
    from stackcheck.inspect import loadability  # noqa: PLC0415 - a file or wheel needs none of the rules

    return loadability.judged(loadability.look(roots))


def named(contents: Contents) -> frozenset[str]:
    """Return the paths of which somebody may want to know the owner."""
    named = {path for verdict in contents.loading for path, _ in packages_of(contents, verdict)}
    return frozenset(named.union(dict(contents.libraries), dict(contents.unreadable)))


def _shortened(contents: Contents) -> Contents:
    return replace(
        contents,
        libraries=tuple((contents.short(path), code) for path, code in contents.libraries),
        unreadable=tuple((contents.short(path), reason) for path, reason in contents.unreadable),
    )


def contents_of(name: str, kind: str, facts: Iterable[LibraryCode], skipped: Iterable[str] = ()) -> Contents:
    """Make the value of the facts that the `libraries` probe reports."""
    every = list(facts)
    return Contents(
        name,
        kind,
        tuple((row["path"], from_json(row)) for row in every if "error" not in row and len(row) > 1),
        tuple((row["path"], row["error"]) for row in every if "error" in row),
        tuple(skipped),
        len(every),
    )

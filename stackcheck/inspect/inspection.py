"""What is in a target: the GPU code of every library; no GPU, no toolkit, no import, nothing unpacked."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.inspect.filekinds import is_archive, is_environment, is_layout, is_package, not_a_file
from stackcheck.inspect.loading_groups import packages_of
from stackcheck.inspect.owners import installed, of_file, of_package, package_at, recorded
from stackcheck.inspect.progress import BIG, silent, told
from stackcheck.model.errors import UsageError
from stackcheck_probes.binaries import libraryfile
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.gpucode import GpuCode, from_json
from stackcheck_probes.binaries.zipmembers import zip_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from stackcheck.inspect.imagearchive import Archived
    from stackcheck.inspect.owners import Package
    from stackcheck.inspect.progress import Tell
    from stackcheck.model.verdict import Verdict
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import LibraryCode


class Contents(NamedTuple):
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
    owners: Mapping[str, Package] = MappingProxyType({})
    roots: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def owner(self, path: str) -> Package:
        """Return what a file belongs to: as it was recorded, else as its path says."""
        return self.owners.get(path) or package_at(path)

    def short(self, path: str) -> str:
        """Return a path from the root that it lies in."""
        root = next((root for root in self.roots if path.startswith(f"{root}/")), "")
        return path[len(root) + 1 :] if root else path


def read_target(path: Path, *, deep: bool = False, tell: Tell = silent) -> Contents:
    """Read a file, a folder, an environment, a package, or an image as an archive or OCI layout.

    `deep` searches for GPU code that no section lists. `tell` takes lines of progress, where reading may take
    more than a moment. Raises UsageError for what is not there or is none of these, or is an archive too
    damaged to be read.
    """
    name = str(path)
    if path.is_dir():
        with told(tell, f"reading {name}"):
            return _layout(path, deep=deep) if is_layout(path) else _folder(path, deep=deep)
    if not path.is_file():
        raise UsageError(f"{name}: {not_a_file(path)}")
    try:
        source = FileSource(name)
        try:
            start = source.pread(0, 512)
            if is_package(start) or is_archive(start):
                big = source.size > BIG
                with told(tell if big else silent, f"reading {name} ({source.size / 1e6:.0f} MB)"):
                    return _packed(name, source, deep=deep)
            facts = libraryfile.read_source(source, name, deep=deep)
        finally:
            source.close()
    except (SourceError, OSError) as error:
        raise UsageError(f"{name}: {error}") from None
    if facts is None:
        raise UsageError(f"{name}: this is not a library, a package or an archive that can be read.")
    return contents_of(name, "file", [facts])._replace(owners={name: of_file(name)})


def _layout(path: Path, *, deep: bool) -> Contents:
    from stackcheck.inspect.imagearchive import read_image_layout  # noqa: PLC0415 - a file needs none of it

    try:
        return of_archive(str(path), read_image_layout(path, deep=deep))
    except (SourceError, OSError) as error:
        raise UsageError(f"{path}: {error}") from None


def _packed(name: str, source: ByteSource, *, deep: bool) -> Contents:
    from stackcheck.inspect.imagearchive import read_archive  # noqa: PLC0415 - a file needs neither
    from stackcheck.inspect.packagefiles import read_package  # noqa: PLC0415

    if not is_package(source.pread(0, 4)):
        return of_archive(name, read_archive(source, deep=deep))
    contents = of_archive(name, read_package(source, deep=deep))
    owner = of_package(name, (member.name for member in zip_members(source)))
    return contents._replace(owners=dict.fromkeys(named(contents), owner) if owner else {})


def of_archive(name: str, found: Archived) -> Contents:
    """Return what an archive holds as the contents of a target."""
    contents = contents_of(name, found.kind, found.libraries, found.skipped)
    contents = contents._replace(binaries=found.binaries, left_out=found.left_out)
    return contents if found.loading is None else with_loading(contents, found.loading)


def with_loading(contents: Contents, seen: Mapping[str, Any]) -> Contents:
    """Judge loading by what the probes saw, and name the distributions that they saw as owners."""
    from stackcheck.inspect import loadability  # noqa: PLC0415 - a file or wheel needs none of the rules

    contents = contents._replace(loading=loadability.judged(seen))
    packages = seen.get("distributions")
    rows = packages["distributions"] if isinstance(packages, dict) else ()
    return contents._replace(owners=installed(named(contents), rows))


def _folder(path: Path, *, deep: bool) -> Contents:
    from stackcheck_probes.probes import libraries  # noqa: PLC0415 - a file is not walked

    is_venv = (path / "pyvenv.cfg").is_file()
    found = sorted(path.glob("lib*/python*/site-packages")) if is_venv else []
    # lib64 of an environment is a link to lib: its packages count once, under lib.
    roots = list({root.resolve(): str(root) for root in reversed(found)}.values()) or [str(path)]
    facts = libraries.run({"roots": roots, "deep": deep})
    contents = contents_of(
        str(path), "environment" if is_venv else "folder", facts["libraries"], facts["skipped"]
    )
    contents = _shortened(
        contents._replace(
            binaries=facts["binaries"],
            left_out=tuple(facts.get("left_out", ())),
            roots=tuple(roots),
        )
    )
    if is_venv or is_environment(path):
        from stackcheck.inspect import loadability  # noqa: PLC0415 - a lone wheel needs none of the rules

        contents = contents._replace(loading=loadability.judged(loadability.look(roots)))
    return contents._replace(owners=recorded(roots, named(contents)))


def named(contents: Contents) -> frozenset[str]:
    """Return the paths of which somebody may want to know the owner."""
    named = {path for verdict in contents.loading for path, _ in packages_of(contents, verdict)}
    return frozenset(named.union(dict(contents.libraries), dict(contents.unreadable)))


def _shortened(contents: Contents) -> Contents:
    return contents._replace(
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

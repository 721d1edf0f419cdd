"""Which GPUs can every library of a target serve: no GPU, no CUDA toolkit, no import, nothing unpacked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.model.verdict import Outcome
from stackcheck_probes.binaries import libraryfile
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.capability import NATIVE, NO, PTX, RUNS
from stackcheck_probes.binaries.gpucode import GpuCode, from_json
from stackcheck_probes.judging.coverage import NONE, UNKNOWN, library_coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.model.verdict import Verdict
    from stackcheck_probes.facts.binaries import LibraryCode

HOWS = (NO, UNKNOWN, PTX, RUNS, NATIVE, NONE)
"""How a library serves a GPU, worst first; `none`: it holds no code for that maker's GPUs at all."""
COMMON = ("T4", "A100", "L4", "H100", "B200", "RTX 5090")
"""The GPUs of the table when the user names none: one of each capability that is common in 2026."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a target: the GPU code of each library, and what stands in the way of knowing all.

    `unreadable` is (path, reason); `skipped` are parts of the target that were not looked at; `binaries` is
    how many were read; `loading` says whether they will load, which only an environment can be asked.
    """

    name: str
    kind: str
    libraries: tuple[tuple[str, GpuCode], ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    binaries: int = 0
    loading: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """How one library serves one GPU: a word of `HOWS`, by which code, and why, in a sentence."""

    how: str
    reason: str
    by: str = ""
    needs_driver: str = ""
    partial: bool = False
    unseen: bool = False
    """Code may be there that was not seen: what was seen may be less, or serve better, than all of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One library against every GPU, in the order of the GPUs."""

    path: str
    cells: tuple[Cell, ...]

    @property
    def worst(self) -> Cell:
        """Return the cell that says most against the library."""
        return min(self.cells, key=lambda cell: (HOWS.index(cell.how), not cell.partial))


def read_target(path: Path, *, deep: bool = False) -> Contents:
    """Read a file, a folder, an environment, a wheel, or an image as an archive or OCI layout.

    `deep` searches for GPU code that no section lists. Raises UsageError for what is not there or is none of
    these, or is an archive too damaged to be read.
    """
    name = str(path)
    if path.is_dir():
        from stackcheck.inspect.imagearchive import is_layout  # noqa: PLC0415 - a library needs none of it

        return _layout(path, deep=deep) if is_layout(path) else _folder(path, deep=deep)
    if not path.is_file():
        raise UsageError(
            f"{name}: there is no such file or folder (an image is named with its tag, or by --image)"
        )
    try:
        source = FileSource(name)
        try:
            start = source.pread(0, 512)
            if start.startswith(b"PK\x03\x04"):
                from stackcheck_probes.binaries import archives  # noqa: PLC0415

                return contents_of(name, "wheel", archives.read_zip(source, deep=deep))
            if start[257:262] == b"ustar" or start.startswith(b"\x1f\x8b"):
                from stackcheck.inspect.imagearchive import read_image_archive  # noqa: PLC0415

                return contents_of(name, "image archive", read_image_archive(source, deep=deep))
            facts = libraryfile.read_source(source, name, deep=deep)
        finally:
            source.close()
    except (SourceError, OSError) as error:
        raise UsageError(f"{name}: {error}") from None
    if facts is None:
        raise UsageError(f"{name}: this is no library, wheel or image archive")
    return contents_of(name, "file", [facts])


def _layout(path: Path, *, deep: bool) -> Contents:
    from stackcheck.inspect.imagearchive import read_image_layout  # noqa: PLC0415

    try:
        return contents_of(str(path), "image layout", read_image_layout(path, deep=deep))
    except (SourceError, OSError) as error:
        raise UsageError(f"{path}: {error}") from None


def _folder(path: Path, *, deep: bool) -> Contents:
    from stackcheck.inspect import loadability  # noqa: PLC0415
    from stackcheck_probes.probes import libraries  # noqa: PLC0415

    is_venv = (path / "pyvenv.cfg").is_file()
    found = sorted(path.glob("lib*/python*/site-packages")) if is_venv else []
    # lib64 of an environment is a link to lib: its packages count once, under lib.
    roots = list({root.resolve(): str(root) for root in reversed(found)}.values()) or [str(path)]
    facts = libraries.run({"roots": roots, "deep": deep})
    contents = contents_of(
        str(path), "environment" if is_venv else "folder", facts["libraries"], facts["skipped"]
    )
    contents = _shortened(contents, roots)
    alone = not is_venv and not loadability.is_environment(path)
    loading = () if alone else loadability.judged(loadability.look(roots))
    return replace(contents, binaries=facts["binaries"], loading=loading)


def _shortened(contents: Contents, roots: Sequence[str]) -> Contents:
    def short(path: str) -> str:
        root = next((root for root in roots if path.startswith(f"{root}/")), "")
        return path[len(root) + 1 :] if root else path

    return replace(
        contents,
        libraries=tuple((short(path), code) for path, code in contents.libraries),
        unreadable=tuple((short(path), reason) for path, reason in contents.unreadable),
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


def judge(
    contents: Contents, gpus: Sequence[Gpu], driver_cuda: tuple[int, int] | None = None
) -> tuple[Row, ...]:
    """Return a row for each library with code for any of the GPUs' makers, the worst first."""
    rows = [
        Row(path, tuple(cell(code, gpu, driver_cuda) for gpu in gpus)) for path, code in contents.libraries
    ]
    concerned = [row for row in rows if any(each.how != NONE for each in row.cells)]
    return tuple(
        sorted(concerned, key=lambda row: ([HOWS.index(each.how) for each in _ranked(row)], row.path))
    )


def _ranked(row: Row) -> list[Cell]:
    return sorted(row.cells, key=lambda each: HOWS.index(each.how))


def cell(code: GpuCode, gpu: Gpu, driver_cuda: tuple[int, int] | None = None) -> Cell:
    """Say how a library serves one GPU. ROCm: a code object serves exactly its own gfx target."""
    if gpu.gfx:
        return _hip_cell(code, gpu.gfx)
    assert gpu.capability is not None  # noqa: S101 - a Gpu has one of the two
    found = library_coverage(code, gpu.capability, driver_cuda=driver_cuda)
    by = str(found.coverage.by) if found.coverage.by else ""
    unseen = bool(code.unread) and found.how not in (UNKNOWN, NONE)
    return Cell(found.how, found.reason, by, found.coverage.needs_driver or "", found.partial, unseen)


def _hip_cell(code: GpuCode, gfx: str) -> Cell:
    names = [target for target, _bundles, _size in code.targets]
    own = [name for name in names if name.partition(":")[0] == gfx]
    if own:
        return Cell(NATIVE, f"{own[0]}: built for it", own[0])
    if any("bundles" in reason for reason in code.unread):
        return Cell(UNKNOWN, code.unread[0])
    if not names:
        return Cell(NONE, "no HIP code")
    return Cell(NO, f"no code object for {gfx}; it holds {' '.join(names)}")


def sizes(contents: Contents) -> list[tuple[str, int, int]]:
    """Return (target, images, bytes in the files) over all libraries, the largest first."""
    found: dict[str, list[int]] = {}
    for _path, code in contents.libraries:
        for row in code.images:
            name = str(row.kind.code) if row.kind.code else "other"
            _add(found, name, row.images, row.bytes)
        for name, bundles, size in code.targets:
            _add(found, name, bundles, size)
    return sorted(((name, *row) for name, row in found.items()), key=lambda row: (-row[2], row[0]))  # type: ignore[misc]


def _add(found: dict[str, list[int]], name: str, images: int, size: int) -> None:
    row = found.setdefault(name, [0, 0])
    row[0] += images
    row[1] += size


def exit_code(contents: Contents, rows: Sequence[Row], *, asked: bool, strict: bool = False) -> int:
    """Return the exit code: 1 when a library does not serve a GPU that was asked for by name, or cannot load.

    3 when nothing could be inspected, when something could not be read, and with `strict` when it is unknown
    whether a library serves a GPU, or a verdict on loading is no plain pass.
    """
    words = {each.how for row in rows for each in row.cells}
    outcomes = {verdict.outcome for verdict in contents.loading}
    if (asked and NO in words) or Outcome.FAIL in outcomes:
        return EXIT_FAIL
    doubt = UNKNOWN in words or outcomes & {Outcome.WARN, Outcome.SKIP}
    unread = not contents.binaries or contents.unreadable or contents.skipped or Outcome.ERROR in outcomes
    return EXIT_UNCHECKED if unread or (strict and doubt) else EXIT_OK

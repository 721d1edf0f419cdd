"""Probe: the GPU code of every binary under some folders, read from headers; nothing is imported or run."""

from __future__ import annotations

from stackcheck_probes.binaries.binaryfiles import site_packages, walk, within
from stackcheck_probes.binaries.libraryfile import MAX_LIBRARIES, read_executable, read_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from stackcheck_probes.binaries.leftout import LeftOut
    from stackcheck_probes.facts.binaries import CodeFacts, Libraries, LibraryCode

NAME = "libraries"
GRADE = "static"
LOOKS_IN = "roots"

AS_ASKED = "hidden"
"""How deep the host asks, unless a stack says otherwise: hidden fatbins where code is known to hide."""
HIDDEN = "hidden code"
"""How `GpuCode.unread` begins where code is known to lie outside the sections."""


def run(params: dict[str, Any]) -> Libraries:
    """Return what GPU code the binaries hold.

    params: `roots` (folders or files; default: this interpreter's sys.path folders named site-packages or
    dist-packages), `packages` (names of folders in the roots: read these alone), `deep` (search hidden
    fatbins: True in all, "hidden" where code is known to hide), `all` (list binaries without GPU code too).
    Result: `roots`; `libraries`, a list of `path` with the fields of `gpucode.to_json`, or with `error`;
    `binaries`, how many were read; `without_gpu_code`; `skipped`, why the walk is not complete, if it is not;
    `left_out`, sentences on files of kinds that are not read.
    """
    roots = list(params.get("roots") or site_packages())
    deep, everything = params.get("deep"), bool(params.get("all"))
    skipped: list[str] = []
    walked = walk(within(roots, params.get("packages"), skipped))
    skipped += walked.skipped
    readers = [(path, read_library) for path in walked.paths]
    readers += [(path, read_executable) for path in sorted(walked.others)]

    def read_all() -> Iterator[LibraryCode]:
        for path, read in readers:
            document = as_deep(lambda whole, path=path, read=read: read(path, deep=whole), deep)  # type: ignore[misc]
            if document is not None:
                yield document

    return listed(read_all(), roots, skipped, walked.left_out, everything=everything)


def as_deep(read: Callable[[bool], LibraryCode | None], deep: object) -> LibraryCode | None:
    """Read one binary as deep as was asked for: `read` takes whether hidden fatbins are searched."""
    document = read(deep is True)
    again = deep == AS_ASKED and document is not None and hides_code(document)
    return read(again) if again else document


def hides_code(document: CodeFacts) -> bool:
    """Tell whether code is known to lie where only a deep search finds it."""
    return any(HIDDEN in why for why in document.get("unread", ()))


def listed(
    documents: Iterable[LibraryCode],
    roots: list[str],
    skipped: list[str],
    left_out: LeftOut,
    *,
    everything: bool = False,
) -> Libraries:
    """Return the facts of the probe for binaries that were read; those without GPU code are only counted."""
    libraries: list[LibraryCode] = []
    binaries = without = 0
    for document in documents:
        binaries += 1
        if len(document) == 1:
            without += 1
            if not everything:
                continue
        if len(libraries) >= MAX_LIBRARIES:
            skipped.append(f"more than {MAX_LIBRARIES} libraries: the rest is not listed")
            break
        libraries.append(document)
    return {
        "roots": roots,
        "libraries": libraries,
        "binaries": binaries,
        "without_gpu_code": without,
        "skipped": skipped,
        "left_out": left_out.shortened(roots).sentences(),
    }

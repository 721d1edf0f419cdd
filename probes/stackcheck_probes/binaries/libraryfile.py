"""The GPU code of one file as JSON-able facts, or why it could not be read."""

from __future__ import annotations

import os

from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.gpucode import to_json
from stackcheck_probes.binaries.gpureader import PTX_SUFFIX, GpuCodeError, read_gpu_code
from stackcheck_probes.binaries.magic import STARTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import LibraryCode

MAX_LIBRARIES = 20_000


def read_library(path: str, *, deep: bool = False) -> LibraryCode | None:
    """Return the facts of one binary, or None when the file's first bytes are not those of a binary."""
    try:
        source = FileSource(path)
    except SourceError:
        return None
    except OSError as error:
        return {"path": path, "error": f"cannot be opened: {error.strerror}"}
    try:
        source.random_access()
        return read_source(source, path, deep=deep)
    finally:
        source.close()


def read_source(source: ByteSource, path: str, *, deep: bool = False) -> LibraryCode | None:
    """Return the facts of one binary called `path`, or None when its first bytes are not those of one."""
    try:
        if not _is_binary(source, path):
            return None
        gpu = read_gpu_code(source, os.path.basename(path), deep=deep)
    except (GpuCodeError, SourceError) as error:
        return {"path": path, "error": str(error)}
    facts: LibraryCode = {"path": path}
    facts.update(to_json(gpu))  # type: ignore[typeddict-item]  # its keys are among these
    return facts


def _is_binary(source: ByteSource, path: str) -> bool:
    if source.pread(0, 24).startswith(STARTS):
        return True
    if not path.endswith(PTX_SUFFIX):
        return False
    from stackcheck_probes.binaries.ptxfile import is_ptx

    return is_ptx(source)

"""A part of a stream as a source that can be read back and forth: in memory, or in a file without a name."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.bytesource import BytesSource, FileSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource

_CHUNK = 1 << 20
_IN_MEMORY = 8 << 20


@contextmanager
def settled(content: ByteSource) -> Iterator[ByteSource]:
    """Give a member of a stream that is read from front to back as one that readers of libraries can use."""
    pieces = (content.pread(at, _CHUNK) for at in range(0, content.size, _CHUNK))
    if content.size <= _IN_MEMORY:
        yield BytesSource(b"".join(pieces))
        return
    with tempfile.TemporaryFile() as file:
        file.writelines(pieces)
        file.flush()
        source = FileSource(f"/dev/fd/{file.fileno()}")
        try:
            yield source
        finally:
            source.close()

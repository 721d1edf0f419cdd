"""Random access to bytes that stay where they are: a file, a buffer, a range of either.

Every reader of binaries in this package takes a `ByteSource` and asks it for small ranges, so that a library
of 900 MB costs its headers. `archives` adds members of wheels and image layers.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

READ_LIMIT = 64 << 20
"""The most bytes one `pread` returns: no size field of a hostile file can ask for more."""


OPENING = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""How a file is opened: a pipe that nobody writes to must not wait, and on Windows no byte is another."""


def _seek_and_read(fd: int, size: int, offset: int) -> bytes:
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, size)


pread = getattr(os, "pread", _seek_and_read)
"""Reads `size` bytes of a descriptor from an offset; Windows has no such call, and its files one reader."""


class SourceError(ValueError):
    """The bytes cannot be had: not a regular file, a member that does not inflate, a read past a bound."""


class ByteSource:
    """Bytes with a size. `pread` past the end returns what there is, as the system call does."""

    __slots__ = ("size",)

    size: int

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer, or none, past the end. Raise `SourceError`."""
        raise NotImplementedError

    def positional(self) -> tuple[Callable[[Any, int, int], bytes], object]:
        """Return a function (handle, size, offset) -> bytes and its handle, for loops over 10,000 headers.

        For a file it is `os.pread` itself: no bounds are checked, an OSError is the caller's.
        """
        return (lambda _, size, offset: self.pread(offset, size)), None

    def close(self) -> None:
        """Give back what the source holds; reading afterwards is an error of the caller."""


class FileSource(ByteSource):
    """A regular file by descriptor; raise `SourceError` for a pipe, a device or a directory.

    Read-ahead is switched off: on a cold libtorch_cuda.so it made 255 MB of 9 MB (measured 2026-11-20).
    """

    __slots__ = ("fd", "path", "size")

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = os.open(path, OPENING)
        status = os.fstat(self.fd)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise SourceError(f"{path}: not a regular file")
        self.size = status.st_size

    def random_access(self) -> None:
        """Tell the kernel that reads will be small and scattered."""
        try:
            os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_RANDOM)
        except (OSError, AttributeError):  # a file system without advice, or not Linux: only slower
            return

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        if not 0 <= offset < self.size or size <= 0:
            return b""
        try:
            data: bytes = pread(self.fd, min(size, READ_LIMIT), offset)
        except OSError as error:
            raise SourceError(f"{self.path}: {error.strerror} at offset {offset}") from error
        return data

    def positional(self) -> tuple[Callable[[Any, int, int], bytes], object]:
        """Return `os.pread` and the descriptor."""
        return pread, self.fd

    def close(self) -> None:
        """Close the descriptor, once."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class BytesSource(ByteSource):
    """Bytes already in memory."""

    __slots__ = ("content", "size")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        if offset < 0 or size <= 0:
            return b""
        return self.content[offset : offset + min(size, READ_LIMIT)]


class Slice(ByteSource):
    """A range of another source: a stored zip member, a tar member, an object in a static library."""

    __slots__ = ("size", "source", "start")

    def __init__(self, source: ByteSource, start: int, size: int) -> None:
        if start < 0 or size < 0:
            raise SourceError(f"range {start}+{size} is not inside a file")
        self.source = source
        self.start = start
        self.size = max(0, min(size, source.size - start))

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` of the range."""
        if not 0 <= offset < self.size or size <= 0:
            return b""
        return self.source.pread(self.start + offset, min(size, self.size - offset))

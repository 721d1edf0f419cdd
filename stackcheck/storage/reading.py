"""Read a file that somebody else wrote: a regular file, of a size that is known first, as text.

A pipe would wait for ever, a device has no end, and bytes that are not text are named before they are parsed.
"""

from __future__ import annotations

import codecs
import os
import stat
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST = 32 << 20
"""Bytes of a text that are read: a lock file of thousands of packages has a few million."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of UTF-32 begins as that of UTF-16 does, so it comes first."""


_INSTEAD: ContextVar[Mapping[Path, bytes]] = ContextVar("instead", default={})  # noqa: B039 - never changed


@contextmanager
def read_instead(contents: Mapping[Path, bytes]) -> Iterator[None]:
    """Let these contents be read in the place of files: what an edit would leave, before it is written.

    The paths are whole (`Path.resolve`). It holds in this thread alone.
    """
    token = _INSTEAD.set({**_INSTEAD.get(), **contents})
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def read_bytes(path: Path, most: int = MOST) -> bytes:
    """Return what a regular file holds.

    Raises UsageError, one sentence with the path, for what is not there, is not a regular file, is larger
    than `most` bytes, or may not be read.
    """
    if (instead := _INSTEAD.get()) and (content := instead.get(path.resolve())) is not None:
        return content
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {_reason(path, error)}.") from None
    try:
        state = os.fstat(handle)
        if kind := next((name for test, name in _KINDS if test(state.st_mode)), ""):
            raise UsageError(f"{path}: this is {kind}, not a file that can be read.")
        if state.st_size > most:
            raise UsageError(
                f"{path}: {state.st_size:,} bytes are more than the {most >> 20} MiB that are read."
            )
        data = _read(handle, most)
    except OSError as error:
        raise UsageError(f"{path}: {_reason(path, error)}.") from None
    finally:
        os.close(handle)
    if len(data) > most:
        raise UsageError(f"{path}: it has more than the {most >> 20} MiB that are read.")
    return data


def _read(handle: int, most: int) -> bytes:
    """Read to the end, or one byte more than `most`: files of /proc state no size, others may grow."""
    pieces, left = [], most + 1
    while left > 0 and (piece := os.read(handle, min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def read_text(path: Path, most: int = MOST) -> str:
    """Return a file as text: UTF-8, or what its byte order mark says; line ends become newlines.

    Raises UsageError as `read_bytes` does, and for bytes that are not text.
    """
    data = read_bytes(path, most)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}:{line}: byte {error.start} (0x{data[error.start]:02x}) is not {encoding.upper()}; "
            "save the file as UTF-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reason(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return "this is not the name of a file"
    if isinstance(error, FileNotFoundError):
        return "it is a link to nothing" if path.is_symlink() else "there is no such file"
    return f"it cannot be read: {error.strerror}"

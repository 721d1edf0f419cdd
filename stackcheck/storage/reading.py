"""Read a file that somebody else wrote: a regular file, of a size that is known first, as text.

A pipe would wait for ever, a device has no end, and bytes that are not text are named before they are parsed.
Whatever a call or a definition names is read here; `stackcheck.storage.parsing` makes documents of it.
"""

from __future__ import annotations

import codecs
import os
import stat
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from stackcheck.model.errors import UsageError
from stackcheck.storage.confinement import real_path, refuse_outside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 32 << 20
"""Bytes of a text that are read: a lock file of thousands of packages has a few million."""

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of UTF-32 begins as that of UTF-16 does, so it comes first."""


def stands(path: Path) -> bool:
    """Tell whether something has this name, be it a link to nothing or what cannot be looked at.

    What stands there is read, and reading it says what is wrong; `Path.exists` would call it absent.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return True


def as_named(path: Path) -> str:
    """Name a file as the user would: relative to where they stand when it lies below."""
    try:
        return str(real_path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def is_folder(path: Path) -> bool:
    """Tell whether a folder has this name; what cannot be looked at is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def files_in(folder: Path, suffix: str) -> list[Path]:
    """Return what lies in a folder under names that end so, sorted, whatever kind of thing each is.

    Raises UsageError, one sentence with the path, for a folder that cannot be listed.
    """
    try:
        return sorted(each for each in folder.iterdir() if each.name.endswith(suffix))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: {_reason(folder, error)}.") from None


def open_file(path: Path) -> BinaryIO:
    """Open a regular file of any size for reading.

    Raises UsageError, one sentence with the path, for what is not there, is not a regular file, may not be
    read, or lies outside of where files may lie (`storage.confinement`).
    """
    refuse_outside(path)
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open has no opener
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {_reason(path, error)}.") from None
    mode = os.fstat(file.fileno()).st_mode
    if kind := next((name for test, name in _KINDS if test(mode)), ""):
        file.close()
        raise UsageError(f"{path}: this is {kind}, not a file that can be read.")
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; without O_NONBLOCK, opening a pipe that nobody writes to would never return."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


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

    Raises UsageError as `open_file` does, and for a file that is larger than `most` bytes.
    """
    if (instead := _INSTEAD.get()) and (content := instead.get(real_path(path))) is not None:
        return content
    with open_file(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            data = _read(file, most) if size <= most else b""
        except OSError as error:
            raise UsageError(f"{path}: {_reason(path, error)}.") from None
    if size > most:
        raise UsageError(f"{path}: {size:,} bytes are more than the {most >> 20} MiB that are read.")
    if len(data) > most:
        raise UsageError(f"{path}: it has more than the {most >> 20} MiB that are read.")
    return data


def _read(file: BinaryIO, most: int) -> bytes:
    """Read to the end, or one byte more than `most`: files of /proc state no size, others may grow."""
    pieces, left = [], most + 1
    while left > 0 and (piece := file.read(min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def read_text(path: Path, most: int = MOST, errors: Literal["strict", "replace"] = "strict") -> str:
    """Return a file as text: UTF-8, or what its byte order mark says; line ends become newlines.

    With errors="replace" a byte that is not text becomes U+FFFD: tools that build take a Latin-1 comment.
    Raises UsageError as `read_bytes` does, and for bytes that are not text.
    """
    return decode(read_bytes(path, most), str(path), errors)


def read_certificates(path: Path) -> str:
    """Return a file of CA certificates in PEM form; raises UsageError as `read_text` does, or for none."""
    text = read_text(path)
    if "-----BEGIN " not in text:
        raise UsageError(f"{path}: it holds no certificate in PEM form; name a file that does.")
    return text


def decode(data: bytes, shown: str, errors: Literal["strict", "replace"] = "strict") -> str:
    """Return bytes as text, as `read_text` does; `shown` is what a message calls them."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding, errors)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{shown}:{line}: byte {error.start} (0x{data[error.start]:02x}) is not {encoding.upper()}; "
            "save the file as UTF-8."
        ) from None
    if (at := text.find("\0")) >= 0:
        raise UsageError(
            f"{shown}:{text.count(chr(10), 0, at) + 1}: this is not text, it holds a zero byte; "
            "save the file as UTF-8."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reason(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return "this is not the name of a file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not a file that can be read"
    if isinstance(error, FileNotFoundError):
        return "it is a link to nothing" if path.is_symlink() else "there is no such file"
    return f"it cannot be read: {error.strerror}"

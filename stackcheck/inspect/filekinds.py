"""What a target is, by its first bytes or by what lies there: cheap, for every call asks."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from stackcheck_probes.binaries import zipmembers
from stackcheck_probes.binaries.tarmembers import is_tar

if TYPE_CHECKING:
    from pathlib import Path

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0")
"""gzip, zstd, bzip2, xz."""
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def is_package(start: bytes) -> bool:
    """Tell whether a file that begins so is a zip file: a wheel, a .conda."""
    return start.startswith(zipmembers.MAGIC)


def is_archive(start: bytes) -> bool:
    """Tell whether a file that begins so (512 bytes) is a tar archive, or packed as such are."""
    return is_tar(start) or start.startswith(_PACKED)


def is_layout(folder: Path) -> bool:
    """Tell whether a folder is an OCI image layout."""
    return (folder / "oci-layout").is_file() and (folder / "index.json").is_file()


def is_environment(folder: Path) -> bool:
    """Tell whether a folder is one that packages were installed into, and not one wheel that was unpacked.

    What installs writes INSTALLER beside METADATA; a wheel by itself says nothing of what it will lie beside.
    """
    found = list(folder.glob("*.dist-info"))
    return len(found) > 1 or any((each / "INSTALLER").is_file() for each in found)


def not_a_file(path: Path) -> str:
    """Return why a path is neither a file nor a folder that can be inspected."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink():
            return f"this is a link to {path.readlink()}, which leads to no file"
        if isinstance(error, FileNotFoundError):
            return "there is no such file or folder (an image is named with its tag, or by --image)"
        return str(error.strerror)
    kind = next((name for test, name in _KINDS if test(mode)), "not a file or folder")
    return f"this is {kind}; a file, a folder or an image can be inspected"

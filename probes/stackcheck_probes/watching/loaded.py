"""Which shared libraries this process has mapped, and what version the libraries say they are.

Linux only (`/proc/self/maps`, proc(5)); elsewhere nothing is known and the lists are empty.
"""

from __future__ import annotations

import ctypes
import os
import re

_SHARED = re.compile(r"\.so(\.[0-9.]+)?$")


def mapped_files() -> list[str]:
    """Return the paths of all mapped shared libraries, sorted, each once."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="backslashreplace") as maps:
            paths = {line.split(None, 5)[-1].strip() for line in maps if "/" in line}
    except OSError:
        return []
    return sorted(path for path in paths if path.startswith("/") and _SHARED.search(path))


def mapped(stem: str, files: list[str] | None = None) -> list[str]:
    """Return the mapped libraries whose file name starts with `stem` and ends the stem there.

    `libcudnn` finds libcudnn.so.9 and the renamed libcudnn-1a2b3c4d.so.9, not libcudnn_graph.so.9.
    """
    name = re.compile(re.escape(stem) + r"(-[0-9a-f]+)?\.so")
    paths = mapped_files() if files is None else files
    return [path for path in paths if name.match(os.path.basename(path))]


def version_call(path: str, function: str) -> int | None:
    """Call `int function(int *version)` of a library that is mapped already; None when it cannot be had.

    cudaRuntimeGetVersion and ncclGetVersion have this form; neither needs a device.
    """
    number = ctypes.c_int(0)
    try:
        status = getattr(ctypes.CDLL(path), function)(ctypes.byref(number))
    except (OSError, AttributeError):
        return None
    return number.value if status == 0 else None

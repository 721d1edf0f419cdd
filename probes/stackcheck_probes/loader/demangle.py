"""C++ symbol names as people write them, by the C++ runtime that is here (`__cxa_demangle`)."""

from __future__ import annotations

import ctypes

MAX_NAME = 1024  # a name is untrusted, and the runtime's parser is recursive

_state: dict[str, object] = {}


def demangle(name: str) -> str:
    """Return the C++ name of a mangled one; the name itself where it is none or no C++ runtime is here."""
    if not name.startswith("_Z") or len(name) > MAX_NAME or not name.isascii():
        return name
    runtime = _runtime()
    if runtime is None:
        return name
    status = ctypes.c_int(-1)
    text = runtime.__cxa_demangle(name.encode("ascii"), None, None, ctypes.byref(status))
    if not text:
        return name
    try:
        return ctypes.string_at(text).decode("utf-8", "backslashreplace") if status.value == 0 else name
    finally:
        runtime.free(ctypes.c_void_p(text))


def _runtime() -> ctypes.CDLL | None:
    if "library" not in _state:
        try:
            library = ctypes.CDLL("libstdc++.so.6")
            library.__cxa_demangle.restype = ctypes.c_void_p
            library.free.restype = None
            _state["library"] = library
        except (OSError, AttributeError):
            _state["library"] = None
    found = _state["library"]
    return found if isinstance(found, ctypes.CDLL) else None

"""The few calls of NVIDIA's management library that the probes need, by ctypes.

Names and numbers: docs.nvidia.com/deploy/nvml-api (checked 2026-11-20). It needs no CUDA context and no
toolkit; a missing library or driver is an answer, not an error.
"""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.machine import Nvml, NvmlDevice

SONAME = "libnvidia-ml.so.1"
SUCCESS, NOT_SUPPORTED = 0, 3
ERRORS = {
    2: "invalid argument",
    3: "not supported",
    4: "no permission",
    6: "not found",
    9: "driver not loaded",
    12: "library not found",
    15: "GPU is lost",
    17: "reset required",
    18: "driver/library version mismatch",
    999: "unknown error",
}
MAX_DEVICES = 256
MAX_MIG_DEVICES = 64


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def read(soname: str = SONAME) -> Nvml:
    """Return what the library says: `error` (text or None), `driver`, `cuda` and `devices`."""
    facts: Nvml = {"library": soname, "error": None, "code": 0, "driver": None, "cuda": None, "devices": []}
    try:
        library = ctypes.CDLL(soname)
        status = library.nvmlInit_v2()
    except (OSError, AttributeError) as error:
        facts["error"] = str(error)[:500]
        return facts
    if status != SUCCESS:
        facts["error"], facts["code"] = ERRORS.get(status, "NVML error %d" % status), status
        return facts
    try:
        facts["driver"] = _text(library, "nvmlSystemGetDriverVersion")
        facts["cuda"] = _cuda_version(library)
        count = ctypes.c_uint()
        if _call(library, "nvmlDeviceGetCount_v2", ctypes.byref(count)) == SUCCESS:
            facts["devices"] = [_device(library, number) for number in range(min(count.value, MAX_DEVICES))]
    finally:
        library.nvmlShutdown()
    return facts


def _call(library: Any, name: str, *arguments: Any) -> int:
    """Return the status of a call; "not supported" for a function that an old library lacks."""
    try:
        return int(getattr(library, name)(*arguments))
    except AttributeError:
        return NOT_SUPPORTED


def _text(library: Any, name: str, *handle: Any) -> str | None:
    buffer = ctypes.create_string_buffer(128)
    if _call(library, name, *handle, buffer, ctypes.c_uint(128)) != SUCCESS:
        return None
    return buffer.value.decode("utf-8", "backslashreplace")


def _cuda_version(library: Any) -> str | None:
    """Return the newest CUDA version that the driver serves: NVML codes 12.4 as 12040."""
    number = ctypes.c_int()
    if _call(library, "nvmlSystemGetCudaDriverVersion_v2", ctypes.byref(number)) != SUCCESS:
        return None
    return "%d.%d" % (number.value // 1000, number.value % 1000 // 10)


def _device(library: Any, number: int) -> NvmlDevice:
    handle = ctypes.c_void_p()
    status = _call(library, "nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(number), ctypes.byref(handle))
    if status != SUCCESS:
        return {"index": number, "error": ERRORS.get(status, "NVML error %d" % status)}
    major, minor, mode, pending = ctypes.c_int(), ctypes.c_int(), ctypes.c_uint(), ctypes.c_uint()
    memory = _Memory()
    name = "nvmlDeviceGetCudaComputeCapability"
    known = _call(library, name, handle, ctypes.byref(major), ctypes.byref(minor)) == SUCCESS
    sized = _call(library, "nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory)) == SUCCESS
    mig = _call(library, "nvmlDeviceGetMigMode", handle, ctypes.byref(mode), ctypes.byref(pending)) == SUCCESS
    return {
        "index": number,
        "name": _text(library, "nvmlDeviceGetName", handle),
        "capability": "%d.%d" % (major.value, minor.value) if known else None,
        "memory_bytes": int(memory.total) if sized else None,
        "mig": bool(mode.value) if mig else None,
        "uuid": _text(library, "nvmlDeviceGetUUID", handle),
        "mig_devices": _mig_devices(library, handle) if mig and mode.value else [],
    }


def _mig_devices(library: Any, handle: Any) -> list[str | None] | None:
    """Return the UUIDs of the MIG devices that are visible here; None when the library does not say."""
    count = ctypes.c_uint()
    if _call(library, "nvmlDeviceGetMaxMigDeviceCount", handle, ctypes.byref(count)) != SUCCESS:
        return None
    found = []
    for number in range(min(count.value, MAX_MIG_DEVICES)):
        part = ctypes.c_void_p()
        name = "nvmlDeviceGetMigDeviceHandleByIndex"
        if _call(library, name, handle, ctypes.c_uint(number), ctypes.byref(part)) == SUCCESS:
            found.append(_text(library, "nvmlDeviceGetUUID", part))
    return found

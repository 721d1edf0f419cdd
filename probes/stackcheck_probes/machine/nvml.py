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
    1: "uninitialized",
    2: "invalid argument",
    3: "not supported",
    4: "no permission",
    5: "already initialized",
    6: "not found",
    7: "insufficient size",
    8: "insufficient external power",
    9: "the driver is not loaded",
    10: "timed out",
    11: "the kernel found an interrupt fault",
    12: "a library was not found",
    13: "a function was not found",
    14: "the infoROM is corrupted",
    15: "GPU is lost",
    16: "a reset is required",
    17: "the operating system blocks the GPU",
    18: "driver/library version mismatch",
    19: "in use",
    20: "insufficient memory",
    21: "no data",
    23: "insufficient resources",
    25: "argument version mismatch",
    27: "not ready",
    28: "GPU not found",
    29: "invalid state",
    999: "unknown error",
}
"""What nvml.h says of nvmlReturn_t (CUDA 13; read 2026-11-30)."""
NO_PERMISSION = 4
MAX_DEVICES = 256
MAX_MIG_DEVICES = 64


class _Fabric(ctypes.Structure):
    """nvmlGpuFabricInfo_t of nvml.h."""

    _fields_ = (
        ("cluster", ctypes.c_ubyte * 16),
        ("status", ctypes.c_uint),
        ("clique", ctypes.c_uint),
        ("state", ctypes.c_ubyte),
        ("spare", ctypes.c_ubyte * 39),
    )


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def read(soname: str = SONAME) -> Nvml:
    """Return what the library says: `error` (text or None), `driver`, `cuda` and `devices`.

    `absent` stands where there is no such library: that is another thing than one that fails.
    """
    facts: Nvml = {"library": soname, "error": None, "code": 0, "driver": None, "cuda": None, "devices": []}
    try:
        library = ctypes.CDLL(soname)
        status = library.nvmlInit_v2()
    except (OSError, AttributeError) as error:
        text = str(error)
        facts["error"] = text[:500]
        # glibc names the file first, musl says "Error loading shared library NAME".
        named = text.startswith((soname + ":", "Error loading shared library " + soname))
        facts["absent"] = named and "No such file" in text
        return facts
    if status != SUCCESS:
        return _failed(facts, status)
    try:
        facts["driver"] = _text(library, "nvmlSystemGetDriverVersion")
        facts["cuda"] = _cuda_version(library)
        count = ctypes.c_uint()
        status = _call(library, "nvmlDeviceGetCount_v2", ctypes.byref(count))
        if status != SUCCESS:
            return _failed(facts, status)
        facts["devices"] = [_device(library, number) for number in range(min(count.value, MAX_DEVICES))]
    finally:
        library.nvmlShutdown()
    return facts


def _failed(facts: Nvml, status: int) -> Nvml:
    facts["error"], facts["code"] = _error(status), status
    return facts


def _error(status: int) -> str:
    return ERRORS.get(status, "NVML error %d" % status)


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
        return {"index": number, "error": _error(status), "code": status}
    major, minor, mode, pending = ctypes.c_int(), ctypes.c_int(), ctypes.c_uint(), ctypes.c_uint()
    memory = _Memory()
    name = "nvmlDeviceGetCudaComputeCapability"
    status = _call(library, name, handle, ctypes.byref(major), ctypes.byref(minor))
    known = status == SUCCESS
    sized = _call(library, "nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory)) == SUCCESS
    mig = _call(library, "nvmlDeviceGetMigMode", handle, ctypes.byref(mode), ctypes.byref(pending)) == SUCCESS
    facts: NvmlDevice = {
        "index": number,
        "name": _text(library, "nvmlDeviceGetName", handle),
        "capability": "%d.%d" % (major.value, minor.value) if known else None,
        "memory_bytes": int(memory.total) if sized else None,
        "mig": bool(mode.value) if mig else None,
        "uuid": _text(library, "nvmlDeviceGetUUID", handle),
        "mig_devices": _mig_devices(library, handle) if mig and mode.value else [],
        "fabric": _fabric(library, handle),
    }
    if status not in (SUCCESS, NOT_SUPPORTED):
        facts["error"], facts["code"] = _error(status), status
    return facts


def _fabric(library: Any, handle: Any) -> int | None:
    """Return the state of the NVLink fabric (1 not started, 2 in progress, 3 ready); None without one."""
    found = _Fabric()
    if _call(library, "nvmlDeviceGetGpuFabricInfo", handle, ctypes.byref(found)) != SUCCESS:
        return None
    return int(found.state) or None


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

"""How the parts of NVIDIA's driver fit each other, and a process: pure, on what was seen.

`seen` is what the probe `nvidia_driver` reports. The host's rules and the start of a container judge by these
same functions. Sources: docs.nvidia.com/deploy/cuda-compatibility; nvidia-docker issues 1256 and 1168;
nvidia-container-toolkit issue 668 (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, PASS, SKIP, WARN, Judgement, release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.facts.machine import DriverInUse, Libcuda

LIBRARY_MISMATCH = 18  # NVML_ERROR_LIB_RM_VERSION_MISMATCH


def driver_version(seen: DriverInUse) -> str | None:
    """Return the version of the driver that runs: the kernel module's, else what the library says."""
    module, library = seen["kernel_module"], seen["nvml"]
    return (module["version"] if module else None) or (library.get("driver") if library else None)


def libcuda_fits(seen: DriverInUse) -> Judgement:
    """Judge whether the libcuda that is loaded is the kernel module's, or one that may stand in for it."""
    version = driver_version(seen)
    library = seen["nvml"]
    if library and library["code"] == LIBRARY_MISMATCH:
        return Judgement(
            FAIL,
            f"NVML refuses to start: {library['error']}",
            f"libnvidia-ml of the kernel module {version or '(version not known)'}",
            "a libnvidia-ml of another driver",
            "reboot the host after a driver update; remove driver libraries from the image",
        )
    if version is None and not seen["device_nodes"]:
        return Judgement(
            SKIP,
            "no NVIDIA driver here: neither a kernel module nor a device node",
            hint="probe on a GPU node; in a container use --gpus all",
        )
    if not seen["libcuda"]:
        return Judgement(
            FAIL,
            f"the driver {version or '(version not known)'} is loaded, and no libcuda.so.1 can be found",
            "libcuda.so.1 of the driver",
            "none",
            "start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        )
    return _compare(seen["libcuda"][0], version, seen)


def _compare(loaded: Libcuda, version: str | None, seen: DriverInUse) -> Judgement:
    if loaded["version"] is None or version is None:
        text = f"libcuda and the kernel module were not compared: {loaded['file']} names no version"
        return Judgement(SKIP, text)
    if loaded["version"] == version:
        return Judgement(PASS, f"libcuda and the kernel module are both {version}", version, version)
    if loaded["compat"]:
        return _compat(loaded, loaded["version"], version, seen)
    return Judgement(
        FAIL,
        f"libcuda is of driver {loaded['version']}, the kernel module of {version}: error 803",
        version,
        loaded["version"],
        f"remove {loaded['file']} from the image, or reload the driver on the host",
    )


def _compat(loaded: Libcuda, own: str, version: str, seen: DriverInUse) -> Judgement:
    """Judge a libcuda of forward compatibility: newer than the module, and for data centre GPUs only."""
    names = [device.get("name") or "" for device in (seen["nvml"]["devices"] if seen["nvml"] else [])]
    consumer = [name for name in names if "GeForce" in name]
    hint = f"take {loaded['path'].rpartition('/')[0]} off the library path"
    if release(own) < release(version):
        outcome = FAIL
        text = f"libcuda {own} of forward compatibility is older than the driver {version}: "
        text += "error 803"
    elif consumer:
        outcome = FAIL
        text = f"forward compatibility is used on {consumer[0]}, where it is not supported: error 804"
    else:
        outcome = WARN
        text = f"libcuda {own} of forward compatibility is used over the driver {version}; "
        text += "that works on data centre GPUs only"
    return Judgement(outcome, text, version, own, hint)


def first_is_stub(seen: DriverInUse) -> Judgement | None:
    """Judge whether the libcuda that is found first is the toolkit's, which does nothing; None when not."""
    first = seen["libcuda"][:1]
    if not first or not first[0]["stub"]:
        return None
    text = f"the libcuda.so.1 that is found first is the toolkit's stub {first[0]['file']}"
    hint = "take the stubs folder off the library path"
    return Judgement(FAIL, text, "the driver's libcuda", "a stub", hint)


def asks_for_compute(value: str | None) -> Judgement | None:
    """Judge NVIDIA_DRIVER_CAPABILITIES; None when it is not set."""
    if value is None:
        return None
    if {part.strip() for part in value.split(",")} & {"all", "compute"}:
        return Judgement(PASS, f"NVIDIA_DRIVER_CAPABILITIES={value} holds compute")
    return Judgement(
        FAIL,
        f"NVIDIA_DRIVER_CAPABILITIES={value} leaves out compute: libcuda will not be mounted",
        "compute,utility or all",
        value,
        "ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility",
    )


def visible_exist(value: str | None, count: int) -> Judgement | None:
    """Judge CUDA_VISIBLE_DEVICES by the number of devices; None when it is not set or there are none."""
    if value is None or not count:
        return None
    wanted = [part.strip() for part in value.split(",")]
    beyond = [part for part in wanted if part.lstrip("-").isdigit() and not 0 <= int(part) < count]
    if value.strip() and not beyond:
        return Judgement(PASS, f"CUDA_VISIBLE_DEVICES={value} names devices that exist", found=value)
    what = f"names {', '.join(beyond)}, and there are {count} devices" if beyond else "hides every device"
    return Judgement(
        FAIL,
        f"CUDA_VISIBLE_DEVICES={value!r} {what}",
        f"indices from 0 to {count - 1}",
        repr(value),
        "correct it or unset it",
    )

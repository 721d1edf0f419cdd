"""Rules about the NVIDIA driver that the target sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.evidence import Evidence, Level
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, told, warned
from stackcheck_probes.judging.devices import NO_PERMISSION, fabric_waits, visible
from stackcheck_probes.judging.driverfit import (
    asks_for_compute,
    driver_version,
    first_is_stub,
    libcuda_fits,
    missing_node,
    needed_nodes,
    other_cards,
)
from stackcheck_probes.judging.nodefit import closed, has_gpu

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.machine import Environment, NvidiaDriver


def _concerns_nvidia(facts: Facts) -> bool:
    """The stack wants CUDA, or (when it does not say) there is something of NVIDIA's driver."""
    seen, wanted = facts.get("nvidia_driver"), wanted_accelerator(facts["stack"])
    if wanted is not None:
        return bool(wanted == "cuda")
    return isinstance(seen, Mapping) and bool(
        seen["kernel_module"] or seen["device_nodes"] or seen["libcuda"]
    )


@rule("DRIVER301", when=_concerns_nvidia)
def libcuda_fits_the_kernel_module(nvidia_driver: NvidiaDriver) -> Finding:
    """The libcuda that a process loads is the kernel module's, and NVML starts.

    The user-space half of the driver (libcuda.so.1, libnvidia-ml.so.1) comes from the host. One of another
    version fails with error 803 or "Driver/library version mismatch"; none at all means that the container
    was started without the `compute` capability.

    Source: docs.nvidia.com/deploy/cuda-compatibility (checked 2026-11-20);
    github.com/NVIDIA/nvidia-docker/issues/1256 and 1168.
    Example: a libcuda.so.535.129.03 inside the image over a kernel module 550.54.15.
    Fix: keep driver libraries out of the image; reload the module (or reboot) after a driver update.
    """
    judged = libcuda_fits(nvidia_driver)
    found = nvidia_driver["libcuda"][:1]
    compared = judged.expected and judged.found not in {"", "none"} and found
    rows = [Evidence(f"{row['path']} -> {row['file']} (by {row['via']})", "nvidia_driver") for row in found]
    said = told(judged, *(rows if compared else ()))
    return said._replace(level=Level.GPU) if not _is_here(nvidia_driver) else said


def _is_here(seen: NvidiaDriver) -> bool:
    """Tell whether there is a driver or a device to look at: without one, this machine cannot answer."""
    return driver_version(seen) is not None or bool(seen["device_nodes"])


@rule("DRIVER302", when=states("driver"))
def driver_is_the_stack_s(stack: Stack, nvidia_driver: NvidiaDriver) -> Finding:
    """The driver of this machine is within what the stack states for its hosts.

    What a stack can run is decided for the driver that it states; an older one may refuse it.

    Source: /proc/driver/nvidia/version, NVML.
    Example: the stack states driver >=550.54.15, this host has 535.129.03.
    Fix: update the driver of this host, or state what the hosts really have.
    """
    found, stated = driver_version(nvidia_driver), str(stack.driver)
    if found is None:
        said = skipped(f"the driver {stated} of the stack was not compared: no NVIDIA driver here")
        return said._replace(level=Level.GPU)
    exact = stated.removeprefix("==").strip()
    try:
        accepted = SpecifierSet(stated if stated[:1] in "<>=!~" else f"=={exact}")
        version = Version(found)
    except (InvalidVersion, ValueError):
        return skipped(f"the driver {found} was not compared with {stated!r}: one of them is not a version")
    both = {"expected": stated, "found": found}
    if accepted.contains(version, prereleases=True):
        return passed(f"the driver is {found}, within the stack's {stated}", **both)
    newer = stated[:1] not in "<>!~" and version > Version(exact)
    make = warned if newer else failed
    hint = "state the driver that the hosts have" if newer else "update the driver of this host"
    return make(f"the driver is {found}, the stack states {stated}", **both, hint=hint)


@rule("DRIVER303", when=_concerns_nvidia, about="file")
def no_stub_is_loaded(nvidia_driver: NvidiaDriver) -> list[Finding]:
    """No toolkit stub stands where libcuda is looked for.

    The toolkit ships a libcuda for linking that does nothing: CUDA error 34, "CUDA driver is a stub library".
    It has no place on the library path of a run.

    Source: github.com/NVIDIA/nvidia-container-toolkit/issues/668; github.com/NVIDIA/warp/issues/219.
    Example: ENV LD_LIBRARY_PATH=/usr/local/cuda/lib64/stubs kept from the build stage.
    Fix: take the stubs folder off LD_LIBRARY_PATH and out of /etc/ld.so.conf.d; link with -L instead.
    """
    judged = first_is_stub(nvidia_driver)
    if judged is not None:
        row = nvidia_driver["libcuda"][0]
        by = Evidence(f"{row['path']} (by {row['via']})", "nvidia_driver")
        return [told(judged, by, about=row["path"])]
    stubs = [row for row in nvidia_driver["stub_folders"] if row["kind"] == "stubs" and row["libcuda"]]
    return [
        warned(
            f"{row['path']} is on the library path ({row['via']}) and holds the stub {row['libcuda'][0]}",
            expected="no stubs on the library path",
            found=row["path"],
            hint="take it off: what opens libcuda.so by that name gets the stub",
            about=row["path"],
        )
        for row in stubs
    ] or [passed("no stub of libcuda is on the library path")]


def _in_a_container(facts: Facts) -> bool:
    system = facts.get("system")
    inside = isinstance(system, Mapping) and system["container"] is not None
    return inside and _concerns_nvidia(facts)


@rule("DRIVER304", when=_in_a_container, about="package")
def image_brings_no_driver(nvidia_driver: NvidiaDriver) -> Finding:
    """The image brings no driver libraries of its own.

    They are the host's, mounted when the container starts; a copy in the image is of another version on every
    host but one.

    Source: github.com/NVIDIA/nvidia-container-toolkit/issues/394 (checked 2026-11-20).
    Example: `apt-get install nvidia-utils-535` in a Dockerfile draws in libnvidia-compute-535.
    Fix: remove the package from the Dockerfile.
    """
    brought = [name for name in nvidia_driver["driver_packages"] if not name.startswith("cuda-compat-")]
    if not brought:
        return passed("no package of the image brings driver libraries")
    return warned(
        f"the image brings driver libraries of its own: {', '.join(brought[:5])}",
        expected="driver libraries of the host only",
        found=brought[0],
        hint="remove them from the image; the container runtime mounts the host's",
        about=brought,
    )


@rule("DRIVER305", when=_in_a_container)
def compute_capability_is_asked_for(environment: Environment) -> Finding | None:
    """The container asks the runtime for the `compute` part of the driver.

    With NVIDIA_DRIVER_CAPABILITIES=utility, nvidia-smi works and CUDA does not: libcuda is not mounted.

    Source: docs.nvidia.com/datacenter/cloud-native/container-toolkit (checked 2026-11-20).
    Example: an image with ENV NVIDIA_DRIVER_CAPABILITIES=utility.
    Fix: NVIDIA_DRIVER_CAPABILITIES=compute,utility (or all), or leave it unset.
    """
    judged = asks_for_compute(environment["variables"].get("NVIDIA_DRIVER_CAPABILITIES"))
    return told(judged) if judged else None


@rule("DRIVER306", when=_concerns_nvidia)
def visible_devices_exist(nvidia_driver: NvidiaDriver, environment: Environment) -> Finding | None:
    """CUDA_VISIBLE_DEVICES names devices that exist.

    CUDA stops reading at the first word that names none. An empty value, a UUID that is not here and a device
    that is named twice hide every device: "No CUDA GPUs are available".

    Source: docs.nvidia.com/cuda/cuda-c-programming-guide, CUDA environment variables (checked 2026-11-20);
    torch/cuda/__init__.py, `_parse_visible_devices` (read 2026-11-30).
    Example: CUDA_VISIBLE_DEVICES=2 on a machine with one GPU.
    Fix: correct the value, or unset it.
    """
    library, variables = nvidia_driver["nvml"], environment["variables"]
    value, order = variables.get("CUDA_VISIBLE_DEVICES"), variables.get("CUDA_DEVICE_ORDER")
    judged = visible(library["devices"] if library else [], value, order)[2]
    return told(judged) if judged else None


def _sees_a_card(facts: Facts) -> bool:
    seen = facts.get("nvidia_driver")
    return isinstance(seen, Mapping) and _concerns_nvidia(facts) and has_gpu(seen["device_nodes"])


@rule("DRIVER307", when=_sees_a_card)
def device_nodes_open(nvidia_driver: NvidiaDriver) -> Finding:
    """The device nodes that CUDA needs are there, and open for this user.

    Beside the card's own these are /dev/nvidiactl and /dev/nvidia-uvm. Without the latter nvidia-smi works,
    and CUDA ends with "unknown error". A node whose mode grants access, and that is refused all the same, is
    kept from the container by its device cgroup: it has lost its GPUs.

    Source: NVIDIA/nvidia-docker issue 1085; NVIDIA/nvidia-container-toolkit issue 48 (read 2026-11-30).
    Example: a container that was started before `nvidia-modprobe -c 0 -u` was run on its host.
    Fix: nvidia-modprobe -c 0 -u on the host, then restart the container.
    """
    uid, groups = nvidia_driver.get("uid", 0), nvidia_driver.get("groups", [])
    judged = closed(needed_nodes(nvidia_driver), uid, groups, "") or missing_node(nvidia_driver)
    judged = judged or other_cards(nvidia_driver)
    return told(judged) if judged else passed("the device nodes that CUDA needs are there and open.")


@rule("DRIVER308", when=_sees_a_card, about="GPU")
def gpus_answer(nvidia_driver: NvidiaDriver) -> list[Finding]:
    """Every GPU answers the management library, and the NVLink fabric of machines with NVSwitch is ready.

    A GPU that is lost or waits for a reset spoils CUDA for all. Until the fabric manager has set the fabric
    up, cuInit answers 802, "system not yet initialized"; NVML tells of the fabric from Hopper on.

    Source: nvml.h, nvmlReturn_t and nvmlGpuFabricState_t; huggingface/huggingface_hub pull request 4134
    (read 2026-11-30).
    Example: `Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost`.
    Fix: reset the GPU or reboot the host; systemctl start nvidia-fabricmanager.
    """
    library = nvidia_driver["nvml"]
    devices = library["devices"] if library and not library["error"] else []
    if not devices:
        return []
    lost = [row for row in devices if row.get("error")]
    findings = [
        failed(
            f"GPU {row['index']}: {row.get('error')}.",
            expected="a GPU that answers",
            found=str(row.get("error")),
            hint="reset the GPU (nvidia-smi --gpu-reset) or reboot the host",
            about=f"GPU {row['index']}",
        )
        for row in lost
        if row.get("code") != NO_PERMISSION
    ]
    waiting = fabric_waits(devices)
    findings += [told(waiting, about="fabric")] if waiting else []
    return findings or [passed(f"{len(devices) - len(lost)} GPU(s) answer NVML.")]

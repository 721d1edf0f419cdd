"""How the parts of NVIDIA's driver fit each other, and a process: pure, on what was seen.

`seen` is what the probe `nvidia_driver` reports. The host's rules and the start of a container judge by these
same functions. Sources: docs.nvidia.com/deploy/cuda-compatibility; nvidia-docker issues 1256 and 1168;
nvidia-container-toolkit issue 668 (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging import advice, nodefit
from stackcheck_probes.judging.judgement import FAIL, PASS, SKIP, WARN, Judgement, release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.facts.machine import DeviceNode, DriverInUse, Libcuda

NOT_LOADED, LOST, RESET, LIBRARY_MISMATCH = 9, 15, 16, 18  # of nvmlReturn_t in nvml.h


def driver_version(seen: DriverInUse) -> str | None:
    """Return the version of the driver that runs: the kernel module's, else what the library says."""
    module, library = seen["kernel_module"], seen["nvml"]
    return (module["version"] if module else None) or (library.get("driver") if library else None)


def needed_nodes(seen: DriverInUse) -> list[DeviceNode]:
    """Return the nodes without which no process reaches a GPU; what belongs to others may be closed.

    Of several cards one that opens is enough: Slurm and its likes close those of other jobs.
    """
    nodes = [node for node in seen["device_nodes"] if not nodefit.name(node).startswith("nvidia-caps/")]
    if nodefit.is_tegra(nodes):
        return [node for node in nodes if not nodefit.name(node).startswith("nvidia")]
    cards = [node for node in nodes if nodefit.is_card(node)]
    some_open = any(node["accessible"] for node in cards)
    return [node for node in nodes if node["accessible"] or not (some_open and nodefit.is_card(node))]


def other_cards(seen: DriverInUse) -> Judgement | None:
    """Say that some cards do not open while others do; None where all are alike."""
    cards = [node for node in seen["device_nodes"] if nodefit.is_card(node)]
    shut = [node for node in cards if not node["accessible"]]
    if not shut or len(shut) == len(cards):
        return None
    text = f"{len(shut)} of {len(cards)} GPUs cannot be opened here and were left aside: "
    return Judgement(SKIP, f"{text}they are another job's or container's, as it seems.")


def missing_node(seen: DriverInUse, by: str = "") -> Judgement | None:
    """Judge whether the nodes are there that CUDA needs beside the card's own; None when they are.

    WSL and Jetson have other nodes. Source: NVIDIA/nvidia-docker issue 1085; pytorch/pytorch issue 49081.
    """
    nodes = seen["device_nodes"]
    names = {nodefit.name(node) for node in nodes}
    if not any(map(nodefit.is_card, nodes)) or nodefit.is_tegra(nodes) or nodefit.is_wsl(nodes):
        return None
    for name in ("nvidiactl", "nvidia-uvm"):
        if name not in names:
            module = "-c 0 -u" if name == "nvidia-uvm" else ""
            then = "start it again" if by == advice.HOST else "restart the container"
            return Judgement(
                FAIL,
                f"there is no /dev/{name}: "
                + ("nvidia-smi works and CUDA does not." if module else "NVML and CUDA need it."),
                f"/dev/{name}",
                "none",
                f"{' '.join(filter(None, ('nvidia-modprobe', module)))} on the host, then {then}",
            )
    return None


def nvml_fails(seen: DriverInUse, by: str = "") -> Judgement | None:
    """Judge a management library that is there and fails; None when it works or is not there at all."""
    library = seen["nvml"]
    if not library or not library["error"] or library.get("absent", not library["code"]):
        return None
    code = library["code"]
    if code == LIBRARY_MISMATCH:
        version = driver_version(seen) or "(version not known)"
        expected, found = f"libnvidia-ml of the kernel module {version}", "a libnvidia-ml of another driver"
        hint = "reboot the host after a driver update; remove driver libraries from the image"
        return Judgement(FAIL, f"NVML refuses to start: {library['error']}", expected, found, hint)
    if not code:
        text = f"NVML cannot be loaded: {library['error']}"
        hint = "remove that file from the image, so that the driver's own is mounted"
        return Judgement(FAIL, text, "a libnvidia-ml that loads", "one that does not", hint)
    hint = advice.again(by)
    if code == NOT_LOADED:
        hint = "load the driver on the host (modprobe nvidia, or reboot after an update), then restart"
    elif code in {LOST, RESET}:
        hint = "reset the GPU or reboot the host; `dmesg | grep Xid` there tells what happened"
    return Judgement(FAIL, f"NVML refuses to start: {library['error']}", "NVML starts", f"code {code}", hint)


def libcuda_fits(seen: DriverInUse, by: str = "", capabilities: str | None = None) -> Judgement:
    """Judge whether the libcuda that is loaded is the kernel module's, or one that may stand in for it.

    by: who started the process, for advice that fits; capabilities: NVIDIA_DRIVER_CAPABILITIES as it is set.
    """
    version = driver_version(seen)
    failing = nvml_fails(seen, by)
    if failing is not None and (version is not None or seen["device_nodes"]):
        return failing
    if version is None and not seen["device_nodes"]:
        return Judgement(
            SKIP,
            "no NVIDIA driver here: neither a kernel module nor a device node",
            hint="probe on a GPU node; in a container use --gpus all",
        )
    if not seen["libcuda"]:
        return _without(seen, version, by, capabilities)
    first = seen["libcuda"][0]
    if not first.get("elf", True):
        kind = "is empty" if not first.get("size", 1) else "is not a library"
        return Judgement(
            FAIL,
            f"the libcuda.so.1 that is found first {kind}: {first['file']} (by {first['via']}).",
            "the driver's libcuda",
            kind,
            "remove it from the image: a container that was committed while it ran leaves such files",
        )
    if nodefit.is_tegra(seen["device_nodes"]):
        text = f"this is a Jetson: its driver ({version or 'no version'}) counts in a series of its own, "
        return Judgement(SKIP, f"{text}and was held against nothing.")
    return _compare(first, version, seen)


def _without(seen: DriverInUse, version: str | None, by: str, capabilities: str | None) -> Judgement:
    text = f"the driver {version or '(version not known)'} is loaded, and no libcuda.so.1 can be found"
    elsewhere: list[str] = seen.get("elsewhere") or []  # type: ignore[assignment]
    hint = advice.compute(by, capabilities)
    if nodefit.is_tegra(seen["device_nodes"]):
        hint = "docker run --runtime nvidia: on a Jetson the libraries are the host's"
    elif elsewhere:
        text += f": it lies in {', '.join(elsewhere)}, where no loader looks"
        hint = f"put it on the path: {advice.variable(by, 'LD_LIBRARY_PATH', elsewhere[0])}"
    return Judgement(FAIL, text, "libcuda.so.1 of the driver", "none", hint)


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
    row = first[0]
    text = f"the libcuda.so.1 that is found first is the toolkit's stub {row['file']}"
    hint = "take the stubs folder off the library path"
    if "stubs" not in row["file"].split("/"):
        text += f": {row.get('size', 0) // 1024} KB, and a driver's has tens of MB"
        hint = "remove it from the image: it is for linking alone"
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

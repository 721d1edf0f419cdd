"""Judge the GPUs of a container with a CUDA stack, after its driver: pure."""

from __future__ import annotations

from stackcheck_probes.binaries.capability import NO, parse_capability
from stackcheck_probes.binaries.gpucode import GpuCode, from_json
from stackcheck_probes.judging import advice, devices, driverfit, loadfit, nodefit, packagecover
from stackcheck_probes.judging.coverage import UNKNOWN, library_coverage
from stackcheck_probes.judging.judgement import FAIL, SKIP, WARN, Judgement, release
from stackcheck_probes.judging.visible import allowed
from stackcheck_probes.start import startdriver
from stackcheck_probes.start.causes import ERROR, Cause
from stackcheck_probes.start.startlook import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from stackcheck_probes.binaries.capability import Capability
    from stackcheck_probes.facts.machine import DriverAtStart, NamedGpu

    Facts = Mapping[str, Any]

SHOWN = 4
UPDATE = "update the driver"
RESET = "reset the GPU (nvidia-smi --gpu-reset) or reboot the host; replace it if that comes again"


def judge(expected: Facts, seen: Facts, cpu_allowed: bool) -> list[Cause]:
    """Return the causes; of a machine without a GPU one, and nothing of GPUs that cannot be known."""
    driver, environ, by = seen["driver"], seen["environ"], seen["by"]
    if not nodefit.has_gpu(driver["device_nodes"]):
        return [startdriver.no_gpu(driver, environ, by, cpu_allowed=cpu_allowed)]
    hidden = _hidden_on_purpose(driver, environ) if cpu_allowed else None
    if hidden is not None:
        return [hidden]
    causes = list(startdriver.judge(expected, driver, environ, by))
    if any(cause.judgement.outcome == FAIL for cause in causes):
        return causes
    found, causes_of_devices = _devices(expected, driver, environ, by)
    causes += causes_of_devices
    return [*causes, *_served(expected, seen, found)]


def _hidden_on_purpose(driver: DriverAtStart, environ: Facts) -> Cause | None:
    """Return the note that every device is hidden where the CPU is allowed; None where one is left."""
    value = environ.get("CUDA_VISIBLE_DEVICES")
    there = _there(driver, {})
    if value is None:
        return None
    chosen, _, judged = devices.visible(there or [{"index": 0}], value, None)
    if chosen or judged is None or judged.outcome != FAIL:
        return None
    return Cause("devices", allowed(judged))


def _there(driver: DriverAtStart, products: Mapping[str, str]) -> list[Any]:
    """Return the devices as NVML lists them; by name where there is no NVML."""
    library = driver["nvml"]
    if library and not library["error"]:
        return list(library["devices"])
    return _by_name(driver["named"], products)


def _devices(
    expected: Facts, driver: DriverAtStart, environ: Facts, by: str
) -> tuple[list[tuple[Facts, Capability, bool]], list[Cause]]:
    """Return the visible devices with capability and whether they are surely used, and what is wrong."""
    there = _there(driver, expected["devices"]["products"])
    if not there:
        return [], [_none_listed(driver, environ, by)]
    value, order = environ.get("CUDA_VISIBLE_DEVICES"), environ.get("CUDA_DEVICE_ORDER")
    chosen, certain, judged = devices.visible(there, value, order)
    causes = [Cause("devices", each) for each in (judged, devices.without_instance(chosen)) if each]
    causes += [Cause("devices", _fault(row, chosen)) for row in there if row.get("error")]
    causes += [Cause("devices", each) for each in (devices.fabric_waits(chosen),) if each]
    known = []
    for row in chosen:
        if row.get("error"):
            continue
        if row.get("capability"):
            known.append((row, parse_capability(row["capability"]), certain))
        else:
            text = f"GPU {row['index']} ({row.get('name')}): its compute capability is not known."
            outcome, hint = (SKIP, "") if nodefit.is_tegra(driver["device_nodes"]) else (ERROR, UPDATE)
            causes.append(Cause("devices", Judgement(outcome, text, hint=hint)))
    if not nodefit.is_tegra(driver["device_nodes"]):
        causes += _generations(expected["devices"], known, driverfit.driver_version(driver))
    return known, causes


def _none_listed(driver: DriverAtStart, environ: Facts, by: str) -> Cause:
    """Return the cause that nobody names a GPU: a fault, or what could not be checked."""
    library = driver["nvml"]
    if nodefit.is_tegra(driver["device_nodes"]):
        text = "this is a Jetson, and nothing here names its GPU: code was held against none."
        return Cause("devices", Judgement(SKIP, text))
    if library and not library["error"] and driver["named"]:
        text = f"NVML lists no GPU, and the kernel module has {len(driver['named'])}"
        return Cause("devices", Judgement(FAIL, f"{text}.", "a GPU", "none", advice.again(by)))
    says = (library and library["error"]) or "that there are none"
    hint = advice.utility(by, environ.get("NVIDIA_DRIVER_CAPABILITIES"))
    if library and not library["error"]:
        hint = f"look at `nvidia-smi -L` on the host; {advice.a_gpu(by)}"
    return Cause("devices", Judgement(ERROR, f"the GPUs were not checked: NVML says {says}.", hint=hint))


def _fault(row: Facts, chosen: Sequence[Facts]) -> Judgement:
    """Judge the error of one device: grave where it is used, and where no other one works."""
    text = f"GPU {row['index']}: {row['error']}"
    works = any(not each.get("error") for each in chosen)
    if row.get("code") == devices.NO_PERMISSION and works:
        return Judgement(SKIP, f"{text}: it is another job's or container's, as it seems.")
    used = any(each is row for each in chosen)
    return Judgement(FAIL if used or not works else WARN, f"{text}.", "a GPU that answers", text, RESET)


def _by_name(named: list[NamedGpu], products: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"index": number, **row, "capability": devices.capability_of_name(row["name"], products)}
        for number, row in enumerate(named)
    ]


def _generations(
    table: Facts, known: list[tuple[Facts, Capability, bool]], version: str | None
) -> list[Cause]:
    """Judge whether the driver drives the devices at all."""
    causes = []
    for row, capability, _ in known if version else []:
        least, last = table["least"].get(str(capability)), table["last_branch"].get(str(capability))
        here = release(version or "")
        title = f"{row.get('name')} ({capability})"
        if least and here < release(least):
            text = f"{title} needs a driver >= {least}, and this host has {version}"
            judged = Judgement(
                FAIL, text, f"driver >= {least}", f"driver {version}", "update the host's driver"
            )
            causes.append(Cause("driver-too-old", judged))
        elif last and here[0] > last:
            text = f"R{last} is the last driver branch for {title}, and this host has {version}"
            hint = f"install a driver of branch R{last} on this host"
            causes.append(
                Cause("driver-too-old", Judgement(WARN, text, f"R{last}", f"driver {version}", hint))
            )
    return causes


def libraries(expected: Facts, seen: Facts) -> dict[str, list[tuple[str, GpuCode]]]:
    """Return the libraries with GPU code by package, most code first: as recorded, or as read anew."""
    codes: dict[int, GpuCode] = {}
    found: dict[str, list[tuple[str, GpuCode]]] = {}
    gone, fresh = set(seen["gone"]), {**seen["changed"], **seen["new"]}
    rows = [(place(row[0], expected), row[3]) for row in expected["libraries"]]
    rows += [(path, -1) for path in seen["new"]]
    for path, code in rows:
        if path in fresh:
            gpu = from_json({} if "error" in fresh[path] else fresh[path])
        elif code < 0 or path in gone:
            continue
        else:
            if code not in codes:
                codes[code] = from_json(expected["codes"][code])
            gpu = codes[code]
        short = packagecover.short_path(path)
        found.setdefault(packagecover.package_of(short), []).append((short, gpu))
    return found


def _served(expected: Facts, seen: Facts, known: list[tuple[Facts, Capability, bool]]) -> list[Cause]:
    """Judge each kind of visible device once: unlike devices can be served unlike."""
    library = seen["driver"]["nvml"] or {}
    driver_cuda = _pair(library.get("cuda"))
    packages = libraries(expected, seen) if known else {}
    kinds: dict[Capability, tuple[Facts, bool]] = {}
    for row, capability, certain in known:
        kinds.setdefault(capability, (row, certain))
    causes = []
    for capability, (row, certain) in kinds.items():
        title = f"{row.get('name')} ({capability})"
        if len(kinds) > 1:
            title = f"GPU {row['index']}, {title}"
        lacking = list(_lacking(expected, packages, capability, driver_cuda))
        causes += [_unserved(title, each, certain, several=len(kinds) > 1) for each in lacking]
        causes += _unseen(title, packages, capability, driver_cuda)
        causes += _not_named(expected["gpus"], title, capability, good=not lacking)
    return causes


def _pair(text: str | None) -> tuple[int, int] | None:
    major, _, minor = (text or "").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _lacking(
    expected: Facts, packages: Mapping[str, Any], device: Capability, driver_cuda: tuple[int, int] | None
) -> Iterator[tuple[str, str, bool, bool]]:
    """Yield package, library with reason, whether it has most of the code, whether it is the stack's own."""
    own = frozenset(expected["own"])
    for package, rows in sorted(packages.items()):
        for each in packagecover.judged(rows, device, driver_cuda):
            if each.coverage.how == NO and not each.spared:
                text = f"{each.path} has no code for it: {each.coverage.reason}"
                yield package, text, each.most, loadfit.top_folder(each.path) in own


def _unserved(title: str, lacking: tuple[str, str, bool, bool], certain: bool, several: bool) -> Cause:
    package, text, most, own = lacking
    if most and own and certain:
        hint = f"run on a GPU that it was built for, or install a build of {package} for this one"
        if several:
            hint = f"hide this GPU with CUDA_VISIBLE_DEVICES, or install a build of {package} for it"
        return Cause("gpu-code", Judgement(FAIL, f"{title}: {text}", "code that runs there", "none", hint))
    hint = f"what this library of {package} brings will not work there"
    if not certain:
        hint = "set CUDA_DEVICE_ORDER=PCI_BUS_ID, so that it is known which GPU CUDA_VISIBLE_DEVICES names"
    return Cause("gpu-code", Judgement(WARN, f"{title}: {text}", "code that runs there", "none", hint))


def _unseen(
    title: str, packages: Mapping[str, Any], device: Capability, driver_cuda: tuple[int, int] | None
) -> list[Cause]:
    hidden = [
        path
        for rows in packages.values()
        for path, code in rows
        if library_coverage(code, device, driver_cuda=driver_cuda).how == UNKNOWN
    ]
    causes = [
        Cause("gpu-code", Judgement(SKIP, f"{title}: {package} {packagecover.UNTOLD}"))
        for package, rows in sorted(packages.items())
        if any(each.coverage.how == UNKNOWN for each in packagecover.judged(rows, device, driver_cuda))
    ]
    if not hidden:
        return causes
    more = f" and {len(hidden) - SHOWN} more" if len(hidden) > SHOWN else ""
    text = f"{title}: what was read of {', '.join(hidden[:SHOWN])}{more} does not serve it, "
    return [*causes, Cause("gpu-code", Judgement(SKIP, f"{text}and more code may be there unseen"))]


def _not_named(gpus: list[Facts], title: str, capability: Capability, good: bool) -> list[Cause]:
    named = [row for row in gpus if row.get("capability")]
    if not named or not good or str(capability) in {row["capability"] for row in named}:
        return []
    names = ", ".join(f"{row['name']} ({row['capability']})" for row in named)
    text = f"{title} is not one of the GPUs that the stack states ({names}); the libraries have code for it"
    return [Cause("gpu-code", Judgement(SKIP, text))]

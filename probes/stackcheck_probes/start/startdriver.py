"""Judge the NVIDIA driver of a container that starts: pure."""

from __future__ import annotations

from stackcheck_probes.judging import advice, driverfit, nodefit
from stackcheck_probes.judging.judgement import FAIL, SKIP, Judgement, release
from stackcheck_probes.start.causes import Cause

HIDING = ("", "none", "void")
"""Values of NVIDIA_VISIBLE_DEVICES with which the container toolkit gives no GPU (its documentation,
"Specialized configurations with Docker", read 2026-11-30)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from stackcheck_probes.facts.machine import DriverAtStart, DriverInUse

    Facts = Mapping[str, Any]


def no_gpu(driver: DriverInUse, environ: Facts, by: str, *, cpu_allowed: bool) -> Cause:
    """Return the cause that there is no node of a GPU, with what the host has all the same."""
    version = driverfit.driver_version(driver)
    nodes = driver["device_nodes"]
    text = "no GPU is here: no device node of NVIDIA's driver"
    if nodes:
        text = "no GPU is here: of NVIDIA's driver there are the control nodes alone"
    elif version:
        text += f", although the host has driver {version}: the container was started without a GPU"
    hint = advice.a_gpu(by)
    wanted = environ.get("NVIDIA_VISIBLE_DEVICES")
    if wanted in HIDING:
        text += f"; NVIDIA_VISIBLE_DEVICES={wanted!r} asks for none"
        hint = f"{advice.variable(by, 'NVIDIA_VISIBLE_DEVICES', 'all')}; or {hint}"
    if cpu_allowed:
        return Cause(
            "no-gpu", Judgement(SKIP, f"{text}; nothing about GPUs was checked, the CPU is allowed.")
        )
    hint += " (STACKCHECK_CPU=allow to run on the CPU)"
    return Cause("no-gpu", Judgement(FAIL, f"{text}.", "a GPU", "none", hint))


def judge(expected: Facts, driver: DriverAtStart, environ: Facts, by: str) -> Iterator[Cause]:
    """Yield the causes: device nodes, libcuda and its place, NVML, and the version of the driver.

    A node that does not open, or is not there, explains what libraries say after it: then it stands alone.
    """
    needed = driverfit.needed_nodes(driver)
    shut = nodefit.closed(needed, driver["uid"], driver["groups"], by) or driverfit.missing_node(driver, by)
    if shut is not None:
        yield Cause("driver", shut)
        return
    others = driverfit.other_cards(driver)
    if others is not None:
        yield Cause("devices", others)
    capabilities = environ.get("NVIDIA_DRIVER_CAPABILITIES")
    asked = driverfit.asks_for_compute(capabilities)
    if asked is not None and asked.outcome == FAIL and not driver["libcuda"] and not driver["elsewhere"]:
        hint = advice.variable(by, "NVIDIA_DRIVER_CAPABILITIES", "compute,utility")
        yield Cause("driver", Judgement(FAIL, asked.message, asked.expected, asked.found, hint))
        return
    stub = driverfit.first_is_stub(driver)
    yield Cause("driver", stub or driverfit.libcuda_fits(driver, by, capabilities))
    if not nodefit.is_tegra(driver["device_nodes"]):
        yield from _floor(expected["cuda"], driver)


def _floor(cuda: Facts | None, driver: DriverInUse) -> Iterator[Cause]:
    """Judge the driver by the CUDA version that runs; a libcuda of forward compatibility counts as newer."""
    version = driverfit.driver_version(driver)
    if cuda is None:
        return
    if version is None:
        text = f"the version of the driver is not known, so it was not held against CUDA {cuda['version']}"
        yield Cause("driver-too-old", Judgement(SKIP, text))
        return
    first = driver["libcuda"][0] if driver["libcuda"] else None
    here = (first["version"] if first and first["compat"] else None) or version
    floor, own = cuda.get("floor"), cuda.get("own")
    if floor and release(here) < release(floor):
        yield Cause(
            "driver-too-old",
            Judgement(
                FAIL,
                f"CUDA {cuda['version']} ({cuda['by']}) needs a driver >= {floor}, and this host has {here}",
                f"driver >= {floor}",
                f"driver {here}",
                f"update the host's driver to {own or floor} or later, "
                "or start an image for an older CUDA major version on this host",
            ),
        )
    elif own and release(here) < release(own):
        text = f"driver {here} runs CUDA {cuda['version']} by minor-version compatibility: "
        text += f"machine code runs, PTX of {cuda['version']} does not (that needs {own})"
        yield Cause("driver-too-old", Judgement(SKIP, text))

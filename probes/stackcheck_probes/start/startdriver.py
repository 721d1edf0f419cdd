"""Judge the NVIDIA driver of a container that starts: pure."""

from __future__ import annotations

from stackcheck_probes.judging import driverfit
from stackcheck_probes.judging.judgement import FAIL, SKIP, Judgement, release
from stackcheck_probes.start.causes import Cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from stackcheck_probes.facts.machine import DriverInUse

    Facts = Mapping[str, Any]

SHOWN = 4


def no_gpu(driver: DriverInUse, cpu_allowed: bool) -> Cause:
    """Return the cause that there is no device node, with what the host has all the same."""
    version = driverfit.driver_version(driver)
    text = "no GPU is here: no device node of NVIDIA's driver"
    if version:
        text += f", although the host has driver {version}: the container was started without a GPU"
    if cpu_allowed:
        return Cause("no-gpu", Judgement(SKIP, f"{text}; nothing about GPUs was checked, the CPU is allowed"))
    hint = "docker run --gpus all (STACKCHECK_CPU=allow to run on the CPU)"
    return Cause("no-gpu", Judgement(FAIL, text, "a GPU", "none", hint))


def judge(expected: Facts, driver: DriverInUse, environ: Facts) -> Iterator[Cause]:
    """Yield the causes: libcuda and its place, device nodes, and the version of the driver."""
    asked = driverfit.asks_for_compute(environ.get("NVIDIA_DRIVER_CAPABILITIES"))
    if asked is not None and asked.outcome == FAIL and not driver["libcuda"]:
        yield Cause("driver", asked)
        return
    stub = driverfit.first_is_stub(driver)
    yield Cause("driver", stub or driverfit.libcuda_fits(driver))
    closed = [node["path"] for node in driver["device_nodes"] if not node["accessible"]]
    if closed:
        text = f"{', '.join(closed[:SHOWN])} cannot be opened by this user"
        hint = "give the user the group of the device nodes, or run as root"
        yield Cause("driver", Judgement(FAIL, text, "device nodes that open", closed[0], hint))
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

"""Which GPUs a target is held against when nobody names any, and which a driver does not drive at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.inspect.serving import makers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.inspect.inspection import Contents
    from stackcheck.knowledge.gpus import Gpu

COMMON = {
    "CUDA": ("T4", "A100", "L4", "H100", "B200", "RTX 5090"),
    "HIP": ("MI250X", "MI300X", "MI355X", "RX 7900 XTX", "RX 9070 XT"),
}
"""The GPUs of the table when the user names none: one of each target that is common in 2026."""


def usual(*targets: Contents) -> list[Gpu]:
    """Return the common GPUs of the makers whose code is in the targets; NVIDIA's where there is none."""
    from stackcheck.knowledge.gpus import find_gpu  # noqa: PLC0415 - a file without GPU code needs no table

    held = frozenset().union(*(makers(code) for each in targets for _, code in each.libraries)) or {"CUDA"}
    return [find_gpu(name) for maker, names in COMMON.items() if maker in held for name in names]


def undriven(gpus: Iterable[Gpu], driver_cuda: tuple[int, int] | None) -> dict[Gpu, str]:
    """Return the GPUs that no driver whose newest CUDA is `driver_cuda` drives, and why.

    A driver of one CUDA release is older than the first driver of the next one. So a GPU that needs a driver
    at least as new as that one cannot be driven; and where the least driver is not known, nothing is said.
    Nor is a GPU driven that the branch of the release's own first driver has left behind.
    """
    if driver_cuda is None:
        return {}
    from stackcheck.knowledge import cuda  # noqa: PLC0415 - this option alone asks it

    table = cuda.load()
    shown = f"{driver_cuda[0]}.{driver_cuda[1]}"
    drivers = [
        ((row.version.major, row.version.minor), row.driver_linux)
        for row in table.toolkits
        if row.driver_linux is not None
    ]
    later = next((driver for version, driver in drivers if version > driver_cuda), None)
    own = next((driver for version, driver in drivers if version == driver_cuda), None)
    found = {}
    for gpu in gpus:
        if gpu.capability is None:
            continue
        row = table.device_driver(gpu.capability)
        least = row.driver if row and not row.unverified else None
        generation = table.generation(gpu.capability)
        last = generation.last_branch if generation else None
        if later is not None and least is not None and least >= later:
            found[gpu] = f"no driver of CUDA {shown} drives {gpu.capability}: it needs {least} or later"
        elif own is not None and last is not None and own.major > last:
            found[gpu] = f"no driver of CUDA {shown} drives {gpu.capability}: the last branch was {last}"
    return found

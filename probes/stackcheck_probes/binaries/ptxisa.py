"""PTX ISA versions: the CUDA release that introduced each, and that release's driver.

A driver loads PTX of its own CUDA release and earlier. Sources, checked 2026-11-20:
- ISA to CUDA: NVIDIA PTX ISA documentation, "Release Notes", table "PTX Release History"
  (docs.nvidia.com/cuda/parallel-thread-execution); up to 9.1 also in NVIDIA/cuda-python
  `cuda.bindings.utils.get_minimal_required_cuda_ver_from_ptx_ver`. 9.2 and 9.3 follow the series
  9.1 = 13.1, 9.4 = 13.4; 9.5 is what nvcc 13.5.37 writes.
- CUDA to driver (Linux): NVIDIA CUDA Toolkit 13.2 Update 2 Release Notes, table 3, "Toolkit Driver Version"
  of each first release. CUDA 12.7 was never a public release: its row has the driver of 12.8.
"""

from __future__ import annotations

# PTX ISA, CUDA that introduced it, Linux driver of that CUDA (None: no source)
RELEASES = (
    ((6, 0), (9, 0), None),
    ((6, 1), (9, 1), None),
    ((6, 2), (9, 2), None),
    ((6, 3), (10, 0), None),
    ((6, 4), (10, 1), None),
    ((6, 5), (10, 2), None),
    ((7, 0), (11, 0), "450.51.05"),
    ((7, 1), (11, 1), "455.23"),
    ((7, 2), (11, 2), "460.27.03"),
    ((7, 3), (11, 3), "465.19.01"),
    ((7, 4), (11, 4), "470.42.01"),
    ((7, 5), (11, 5), "495.29.05"),
    ((7, 6), (11, 6), "510.39.01"),
    ((7, 7), (11, 7), "515.43.04"),
    ((7, 8), (11, 8), "520.61.05"),
    ((8, 0), (12, 0), "525.60.13"),
    ((8, 1), (12, 1), "530.30.02"),
    ((8, 2), (12, 2), "535.54.03"),
    ((8, 3), (12, 3), "545.23.06"),
    ((8, 4), (12, 4), "550.54.14"),
    ((8, 5), (12, 5), "555.42.02"),
    ((8, 6), (12, 7), "570.26"),
    ((8, 7), (12, 8), "570.26"),
    ((8, 8), (12, 9), "575.51.03"),
    ((9, 0), (13, 0), "580.65.06"),
    ((9, 1), (13, 1), "590.44.01"),
    ((9, 2), (13, 2), "595.45.04"),
    ((9, 3), (13, 3), "610.43.02"),
    ((9, 4), (13, 4), None),
    ((9, 5), (13, 5), None),
)


def cuda_for(isa: tuple[int, int]) -> tuple[int, int] | None:
    """Return the lowest CUDA release whose driver loads PTX of this ISA version, or None if unknown."""
    return next((cuda for known, cuda, _ in RELEASES if known >= isa), None)


def driver_for(isa: tuple[int, int]) -> str | None:
    """Return the Linux driver version that PTX of this ISA version needs at least, or None if unknown."""
    return next((driver for known, _, driver in RELEASES if known >= isa), None)

"""Bytes for each architecture, and which of them some GPUs would not miss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.inspect.inspection import contents_of
from stackcheck.inspect.sizes import Size, library_sizes, sizes
from tests.unit.inspect.inspect_cases import code, gpus, hip

if TYPE_CHECKING:
    from stackcheck_probes.binaries.gpucode import GpuCode
    from stackcheck_probes.facts.binaries import LibraryCode


def test_sizes_add_up_over_libraries_largest_first() -> None:
    row: LibraryCode = {"path": "a", "images": [{"code": "sm_80", "images": 2, "bytes": 10}], "fatbins": 1}
    other: LibraryCode = {"path": "b", "images": [{"code": "sm_80", "images": 1, "bytes": 5},
            {"code": "sm_90", "images": 1, "bytes": 99}],
            "targets": [{"target": "gfx90a", "bundles": 1, "bytes": 700}]}  # fmt: skip
    found = contents_of("t", "file", [row, other])
    assert sizes(code for _, code in found.libraries) == [
        Size("sm_90", 1, 99, 1),
        Size("sm_80", 3, 15, 2),
        Size("gfx90a", 1, 700, 1, unpacked=True),
    ]


def unused(made: GpuCode, *names: str) -> dict[str, int]:
    return {row.code: row.unused for row in library_sizes(made, gpus(*names)) if row.unused}


def test_code_that_no_gpu_takes_is_unused() -> None:
    made = code("sm_50", "sm_80", "sm_86", "sm_90", "compute_90:8.4", size=10)
    assert unused(made, "L4") == {"sm_50": 10, "sm_80": 10, "sm_90": 10, "compute_90": 10}
    assert unused(made, "L4", "A100") == {"sm_50": 10, "sm_90": 10, "compute_90": 10}
    assert unused(made, "L4", "B200") == {"sm_50": 10, "sm_80": 10, "sm_90": 10}
    assert unused(made) == {}


def test_what_a_linker_takes_is_not_called_unused() -> None:
    assert unused(code("sm_89", "lto_80", size=10), "L4") == {}


def test_hip_code_for_others_is_unused() -> None:
    assert unused(hip("gfx942 gfx90a gfx9-4-generic"), "MI300X") == {"gfx90a": 100}
    assert unused(hip("gfx942"), "L4") == {"gfx942": 100}

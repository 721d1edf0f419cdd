"""Make calls on the CPU that cross from spconv's extension into cumm's types, and check their results.

A half-upgraded pair imports and fails here: "incompatible function arguments" (traveller59/spconv#591).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, measure, sparse

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check
    from stackcheck_probes.facts.spconv import SpconvCpu

NAME = "spconv_cpu"
GRADE = "import"
PRELOAD = "torch"


def run(params: dict[str, Any]) -> SpconvCpu:
    """Return the results of Point2VoxelCPU3d and of a native submanifold convolution on the CPU."""
    del params
    torch, spconv, beside = importing.load_beside_torch("spconv.pytorch")
    facts = cast("SpconvCpu", beside)
    if torch is not None and spconv is not None:
        facts["checks"] = {
            "voxels": measure.attempt(_voxels, torch),
            "submanifold": measure.attempt(_native, torch, spconv),
        }
    return facts


def _voxels(torch: Any) -> Check:
    """Sort four points into cubes of edge 1: two are in (z, y, x) = (0, 0, 0), two in (2, 1, 3)."""
    import numpy as np
    from cumm import tensorview
    from spconv.utils import Point2VoxelCPU3d

    points = [[0.2, 0.3, 0.4, 1.0], [3.5, 1.5, 2.5, 2.0], [0.7, 0.1, 0.9, 3.0], [3.1, 1.9, 2.2, 4.0]]
    maker = Point2VoxelCPU3d(
        vsize_xyz=[1, 1, 1],
        coors_range_xyz=[0, 0, 0, 4, 4, 4],
        num_point_features=4,
        max_num_voxels=8,
        max_num_points_per_voxel=4,
    )
    voxels, cubes, counts = maker.point_to_voxel(tensorview.from_numpy(np.array(points, dtype=np.float32)))
    cubes, counts, sums = cubes.numpy(), counts.numpy(), voxels.numpy().sum(axis=1)
    found = sorted(
        [*map(float, cube), float(count), float(last)] for cube, count, last in zip(cubes, counts, sums[:, 3])
    )
    wanted = [[0.0, 0.0, 0.0, 2.0, 4.0], [2.0, 1.0, 3.0, 2.0, 6.0]]
    return measure.error_facts(torch.tensor(found), torch.tensor(wanted), 0.0)


def _native(torch: Any, spconv: Any) -> Check:
    from spconv.core import ConvAlgo

    return sparse.submanifold(torch, spconv, "cpu", "float32", algo=ConvAlgo.Native)

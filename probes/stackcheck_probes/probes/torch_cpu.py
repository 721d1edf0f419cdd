"""Compute a few things with torch on the CPU and compare them with pure Python.

The inputs are small integers, so that products and sums are exact in float32 whatever the order of the
summation, and the tolerance of matmul and conv2d is zero. FFT and solve round; their tolerance is 1e-5, some
hundred times the error of float32 at this size.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Bridge, Check
    from stackcheck_probes.facts.torch import TorchCpu

NAME = "torch_cpu"
GRADE = "import"
PRELOAD = "torch"

SIZE = 48


def run(params: dict[str, Any]) -> TorchCpu:
    """Return the errors of matmul, conv2d, fft, solve and of the NumPy bridge, each with its tolerance."""
    del params
    torch, imported = importing.load("torch")
    facts = cast("TorchCpu", imported)
    if torch is not None:
        checks = {"matmul": _matmul, "conv2d": _conv2d, "fft": _fft, "solve": _solve}
        facts["checks"] = {name: measure.attempt(check, torch) for name, check in checks.items()}
        facts["numpy_bridge"] = measure.attempt(numpy_bridge, torch)
        facts["threads"] = torch.get_num_threads()
    return facts


def _grid(rows: int, columns: int, step: int) -> list[list[float]]:
    """Return a matrix of integers from -5 to 5 without a simple pattern."""
    return [
        [float((row * 7 + column * step + row * column) % 11 - 5) for column in range(columns)]
        for row in range(rows)
    ]


def _matmul(torch: Any) -> Check:
    left, right = _grid(SIZE, SIZE, 3), _grid(SIZE, SIZE, 5)
    columns = list(zip(*right))
    product = [[sum(map(float.__mul__, row, column)) for column in columns] for row in left]
    found = torch.tensor(left) @ torch.tensor(right)
    return measure.error_facts(found, torch.tensor(product, dtype=torch.float64), 0.0)


def _conv2d(torch: Any) -> Check:
    image, kernel = _grid(20, 24, 3), _grid(3, 3, 5)
    expected = [
        [sum(kernel[i][j] * image[y + i][x + j] for i in range(3) for j in range(3)) for x in range(22)]
        for y in range(18)
    ]
    found = torch.nn.functional.conv2d(torch.tensor(image)[None, None], torch.tensor(kernel)[None, None])
    return measure.error_facts(found[0, 0], torch.tensor(expected, dtype=torch.float64), 0.0)


def _fft(torch: Any) -> Check:
    signal = _grid(1, 60, 3)[0]
    expected = [
        sum(value * cmath.exp(-2j * math.pi * bin_ * at / 60) for at, value in enumerate(signal))
        for bin_ in range(31)
    ]
    found = torch.view_as_real(torch.fft.rfft(torch.tensor(signal)))
    reference = torch.tensor([[value.real, value.imag] for value in expected], dtype=torch.float64)
    return measure.error_facts(found, reference, 1e-5)


def _solve(torch: Any) -> Check:
    """Solve A x = b for a diagonally dominant A and a known x (LAPACK)."""
    matrix = torch.tensor(_grid(12, 12, 3)) + 100 * torch.eye(12)
    wanted = torch.arange(12.0)
    found = torch.linalg.solve(matrix, matrix @ wanted)
    return measure.error_facts(found, wanted, 1e-5)


def numpy_bridge(torch: Any) -> Bridge:
    """Pass an array to torch and back; the two must share memory (torch.from_numpy documents it)."""
    import numpy as np

    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = torch.from_numpy(array)
    tensor[1, 2] = 42.0
    back = tensor.numpy()
    return {"shares_memory": float(array[1, 2]) == 42.0, "equal": bool((back == array).all())}

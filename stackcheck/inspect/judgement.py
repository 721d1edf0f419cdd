"""A target, held against GPUs: every row, every answer; what the documents are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck.inspect.answer import Answer, Gate, answers
from stackcheck.inspect.columns import undriven
from stackcheck.inspect.serving import Row, judge

if TYPE_CHECKING:
    from stackcheck.inspect.inspection import Contents
    from stackcheck.knowledge.gpus import Gpu


class Judged(NamedTuple):
    """A target against GPUs. asked: they were named, so that one which is not served fails."""

    contents: Contents
    gpus: tuple[Gpu, ...]
    rows: tuple[Row, ...]
    answers: tuple[Answer, ...]
    gate: Gate
    asked: bool = False


def judged(
    contents: Contents,
    gpus: tuple[Gpu, ...],
    gate: Gate | None = None,
    driver_cuda: tuple[int, int] | None = None,
    *,
    asked: bool = True,
) -> Judged:
    """Hold a target against GPUs; `driver_cuda` is the newest CUDA release that the driver knows."""
    gate = gate or Gate()
    not_driven = undriven(gpus, driver_cuda)
    rows = judge(contents, gpus, driver_cuda, not_driven)
    return Judged(contents, gpus, rows, answers(rows, gpus, gate, not_driven), gate, asked)

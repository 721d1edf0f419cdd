"""Fold reports of real runs into a matrix: a cell says the strongest that is known, and from when. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow, cell_of, stronger
from stackcheck.matrix.hosts import is_known
from stackcheck.model.verdict import Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.model.report import Report


def folded(matrix: Matrix, reports: Iterable[Report]) -> Matrix:
    """Return the matrix in which reports of the same stack on the same GPU count where they saw more.

    A report counts for a GPU that its probes saw. One of level `run` or below, made on another machine, says
    the same of every host, so its failures count for all of them, and what it passed says nothing of a GPU.
    """
    by_stack: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        by_stack[report.stack].append(report)
    rows = tuple(_row(row, matrix.hosts, by_stack.get(row.stack, [])) for row in matrix.rows)
    return Matrix(matrix.hosts, rows)


def _row(row: MatrixRow, hosts: tuple[Host, ...], reports: list[Report]) -> MatrixRow:
    if row.torch or not reports:
        return row
    cells = []
    for host, cell in zip(hosts, row.cells, strict=True):
        found = cell
        for seen in _on_host(host, reports):
            found = stronger(found, seen)
        cells.append(found)
    return replace(row, cells=tuple(cells))


def _on_host(host: Host, reports: Iterable[Report]) -> Iterator[Cell]:
    for report in reports:
        seen = [find_gpu(name) for name in gpus_seen(report)]
        if any(same_gpu(find_gpu(host.gpu), gpu) for gpu in seen) and _same_driver(host, report):
            yield cell_of(report.verdicts, report.started)
        elif not seen:
            failed = [v for v in report.verdicts if v.level >= Level.BYTES and v.outcome is Outcome.FAIL]
            if any(verdict.counts for verdict in failed):
                yield cell_of([verdict for verdict in failed if verdict.counts], report.started)


def same_gpu(wanted: Gpu, seen: Gpu) -> bool:
    """Tell whether a GPU is the one that is asked for; a bare capability means every product that has it."""
    if wanted.product and seen.product:
        return wanted.product == seen.product
    return wanted.capability is not None and wanted.capability == seen.capability


def gpus_seen(report: Report) -> list[str]:
    """Return the names of the NVIDIA GPUs that the probes of a report saw, those that are known."""
    devices = _nvml(report).get("devices")
    rows = devices if isinstance(devices, list) else []
    names = [str(row.get("name", "")) for row in rows if isinstance(row, dict)]
    return [name for name in names if is_known(name)]


def _same_driver(host: Host, report: Report) -> bool:
    version = str(_nvml(report).get("driver") or "")
    return not host.driver or version == host.driver or version.startswith(f"{host.driver}.")


def _nvml(report: Report) -> Mapping[str, Any]:
    """Return what the management library said in a report; nothing of it is trusted to be there."""
    found: Any = report.observation or {}
    for key in ("probes", "nvidia_driver", "facts", "nvml"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}

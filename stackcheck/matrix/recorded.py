"""Fold reports of real runs into a matrix: a cell says the strongest that is known, and from when. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import reduce
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow, cell_of, stronger
from stackcheck.matrix.hosts import is_known
from stackcheck.matrix.libraries import gpus_of, joined_rows, library_rows
from stackcheck.model.verdict import Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.matrix.libraries import LibraryRow
    from stackcheck.model.report import Report


def folded(matrix: Matrix, reports: Iterable[Report]) -> Matrix:
    """Return the matrix in which reports of the same stack on the same GPU count where they saw more.

    A report counts for a GPU that its probes saw. One of level `run` or below, made on another machine, says
    the same of every host, so its failures count for all of them, and what it passed says nothing of a GPU.
    """
    by_stack: dict[str, list[Report]] = defaultdict(list)
    for report in sorted(reports, key=lambda report: report.started):
        by_stack[report.stack].append(report)
    rows = tuple(_row(row, matrix.hosts, by_stack.get(row.stack, [])) for row in matrix.rows)
    gpus, known = gpus_of(matrix.hosts), {stack for row in matrix.libraries for stack in row.stacks}
    more = [
        each
        for row in matrix.rows
        if not row.torch and row.title not in known
        for each in _libraries(row.title, by_stack.get(row.stack, ()), gpus)
    ]
    return replace(matrix, rows=rows, libraries=joined_rows((*matrix.libraries, *more)))


def _libraries(title: str, reports: Sequence[Report], gpus: Sequence[str]) -> tuple[LibraryRow, ...]:
    """Return the libraries of the newest report that looked at any."""
    found = (library_rows(title, _facts(report), gpus) for report in reversed(reports))
    return next(filter(None, found), ())


def _row(row: MatrixRow, hosts: tuple[Host, ...], reports: list[Report]) -> MatrixRow:
    if row.torch or not reports:
        return row
    cells = (_cell(cell, [*_on_host(host, reports)]) for host, cell in zip(hosts, row.cells, strict=True))
    return replace(row, cells=tuple(cells))


def _cell(cell: Cell, seen: Sequence[Cell]) -> Cell:
    """Return the strongest of a cell and of what runs have shown, the oldest run first."""
    found = reduce(stronger, seen, cell)
    return (
        replace(found, fails_since=_fails_since(cell, seen) or found.since)
        if found.state == "fails"
        else found
    )


def _fails_since(before: Cell, seen: Sequence[Cell]) -> str:
    """Return the first run that fails since the last good one, or what is known of before."""
    known = [cell for cell in seen if cell.state != "unknown"]
    stretch = [*takewhile(lambda cell: cell.state == "fails", reversed(known))]
    good = max((cell.since for cell in known[: len(known) - len(stretch)]), default="")
    began = [cell.since for cell in stretch[-1:]]
    return min(
        filter(None, [*began, *([before.fails_since] if before.fails_since > good else [])]), default=""
    )


def _on_host(host: Host, reports: Iterable[Report]) -> Iterator[Cell]:
    wanted = find_gpu(host.gpu) if is_known(host.gpu) else None
    for report in reports:
        seen = [find_gpu(name) for name in gpus_seen(report)]
        if wanted and any(same_gpu(wanted, gpu) for gpu in seen) and _same_driver(host, report):
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
    found = _facts(report).get("nvidia_driver")
    nvml = found.get("nvml") if isinstance(found, dict) else None
    return nvml if isinstance(nvml, dict) else {}


def _facts(report: Report) -> dict[str, Any]:
    """Return what each probe of a report saw, by its name; nothing of it is trusted to be there."""
    probes = (report.observation or {}).get("probes")
    rows = probes.items() if isinstance(probes, dict) else ()
    return {name: row.get("facts") for name, row in rows if isinstance(row, dict)}

"""What was collected: problems, tasks and reports, and the one matrix that they make. Values alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import STATES, Cell, Host, Matrix, MatrixRow, cell_of, stronger
from stackcheck.matrix.hosts import is_known
from stackcheck.matrix.recorded import folded, gpus_seen
from stackcheck.matrix.site import NO_RUN
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stackcheck.model.report import Report

_ORDER = (*STATES,)


class Problem(NamedTuple):
    """What could not be taken: where it was, what it is about, and why; each is a clause."""

    source: str
    subject: str
    why: str
    task: tuple[str, str, int] | None = None
    """The task of which this is a try."""
    counts: bool = True
    """False for what is worth knowing and leaves nothing unchecked: a try that another one has made good."""

    def __str__(self) -> str:
        """Return it as one sentence."""
        subject = f"{self.subject}: " if self.subject else ""
        return f"{one_line(self.source, 200)}: {subject}{one_line(self.why, 400).rstrip('.')}."


class Ran(NamedTuple):
    """One task: its stack, the GPU that was seen, else the one that was asked for, its node, how it went."""

    stack: str
    gpu: str
    node: str
    cell: Cell
    report: Report | None = None


@dataclass(slots=True)
class Collected:
    """All that came back; `reports` came as files or as the output of commands, `drifts` say from where.

    `write` takes each report and drift document as it is made, a name of a file and its text: what is kept
    here is what the matrix needs.
    """

    write: Callable[[str, str], None]
    ran: list[Ran] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    drifts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    expected: dict[tuple[str, str, int], Ran] = field(default_factory=dict)
    """Tasks that were rendered, by run, GPU and index, each as a cell that is not known."""
    left_alone: int = 0
    """Files without a frame that are not JSON: the script, an empty log."""
    names: set[str] = field(default_factory=set)
    """Of the files that were written."""
    on_cpu: frozenset[str] = frozenset()
    """Stacks that say that they use no GPU."""

    def keep(self, stem: str, text: str) -> None:
        """Write a file under a name that no other one has."""
        name, number = f"{stem}.json", 1
        while name in self.names:
            number += 1
            name = f"{stem}-{number}.json"
        self.names.add(name)
        self.write(name, text)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of ours was in all of it."""
        return not (self.ran or self.reports or self.drifts or self.problems)


def matrix_of(made: Collected) -> Matrix:
    """Return one matrix of it all: stacks down, the kinds of GPUs that were asked for or seen across.

    What was judged where no GPU was seen has a column of its own, for stacks of which nothing else came.
    """
    gpus = dict.fromkeys(ran.gpu for ran in made.ran)
    known = {find_gpu(gpu).product for gpu in gpus if is_known(gpu)}
    with_gpu, without = {ran.stack for ran in made.ran}, dict[str, Cell]()
    for report in sorted(made.reports, key=lambda report: report.started):
        seen = gpu_seen(report)
        if not seen and report.stack:
            without[report.stack] = _without_gpu(report, on_cpu=report.stack in made.on_cpu)
        elif seen:
            with_gpu.add(report.stack)
            if find_gpu(seen).product not in known:
                gpus.setdefault(seen)
                known.add(find_gpu(seen).product)
    stacks = sorted({*with_gpu, *without} - {""})
    by_place: dict[tuple[str, str], list[Ran]] = defaultdict(list)
    for ran in made.ran:
        by_place[ran.stack, ran.gpu].append(ran)
    hosts, alone = [*map(Host, gpus)], without.keys() - with_gpu
    rows = [[_cell(by_place.get((stack, gpu), [])) for gpu in gpus] for stack in stacks]
    if alone:
        hosts.append(Host("no GPU"))
        rows = [
            [*row, without[stack] if stack in alone else NO_RUN]
            for stack, row in zip(stacks, rows, strict=True)
        ]
    made_rows = (MatrixRow(stack, tuple(row)) for stack, row in zip(stacks, rows, strict=True))
    return folded(Matrix(tuple(hosts), tuple(made_rows)), made.reports)


def _without_gpu(report: Report, *, on_cpu: bool) -> Cell:
    cell = cell_of(report.verdicts, report.started, on_cpu=on_cpu)
    open_ = cell.state == "unknown" and not cell.code
    return replace(cell, cause="it was judged where no GPU is.") if open_ else cell


def _cell(ran: Iterable[Ran]) -> Cell:
    """Return the cell of one stack on one kind of GPU: the strongest of each node, the worst of all nodes.

    A node that is broken is told, not outvoted.
    """
    by_node: dict[str, Cell] = {}
    for each in ran:
        kept = by_node.get(each.node)
        by_node[each.node] = stronger(kept, each.cell) if kept else each.cell
    if not by_node:
        return NO_RUN
    # A try that was lost, and made good on another node, is a problem of that node and not of the stack.
    known = {node: cell for node, cell in by_node.items() if cell.state != "unknown"}
    node, cell = max((known or by_node).items(), key=lambda item: _ORDER.index(item[1].state))
    if len(by_node) > 1 and cell.cause:
        return replace(cell, cause=f"on node {one_line(node, 80)}: {cell.cause}")
    return cell


def gpu_seen(report: Report) -> str:
    """Return the product that the probes saw first; "" where none is known."""
    found = [find_gpu(name) for name in gpus_seen(report)[:1]]
    return next((gpu.product or gpu.name for gpu in found), "")

"""Does the target serve each GPU: one answer a GPU over the libraries that count, and the exit code."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.inspect.loading_groups import packages_of
from stackcheck.inspect.serving import SERVES, makers
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.model.evidence import Outcome
from stackcheck_probes.binaries.capability import NATIVE, PTX, RUNS
from stackcheck_probes.judging.coverage import NONE, UNKNOWN
from stackcheck_probes.judging.judgement import release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.inspect.inspection import Contents
    from stackcheck.inspect.owners import Package
    from stackcheck.inspect.serving import Cell, Row
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.model.verdict import Verdict

SERVED, NOT_SERVED, WEAK, NOT_TOLD, NO_CODE = "served", "not served", "too weak", "not told", "no GPU code"
"""What is said of a GPU; `too weak`: each library serves it, and one of them less than `Gate.at_least`."""
AT_LEAST = (NATIVE, RUNS)
WAIVED = "left out by --package or --ignore"
ALL_LEFT_OUT = "every library with GPU code is left out"


class Gate(NamedTuple):
    """What has to serve a GPU, and how well.

    at_least: `native` or `runs`; "" is satisfied by PTX too. packages: these count alone, where any is named.
    ignored: patterns (`fnmatch`) of packages, paths and file names that do not count.
    """

    at_least: str = ""
    packages: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def counts(self, path: str, package: Package) -> bool:
        """Tell whether a file of a package counts."""
        if self.packages and not any(package.called(name) for name in self.packages):
            return False
        return not any(self.ignores(pattern, path, package) for pattern in self.ignored)

    @staticmethod
    def ignores(pattern: str, path: str, package: Package) -> bool:
        """Tell whether a pattern names the file or its package."""
        names = (package.name, path, path.rpartition("/")[2])
        return package.called(pattern) or any(fnmatchcase(name, pattern) for name in names)

    def enough(self, cell: Cell) -> bool:
        """Tell whether a library that serves does so as well as was asked for."""
        return not self.at_least or SERVES.index(cell.how) >= SERVES.index(self.at_least)


class Answer(NamedTuple):
    """Whether the libraries that count serve one GPU.

    missed: those that do not; spared: those that do not and need not; weak: those that do, less well than
    asked. serving: how many serve it well enough or not, by_ptx of them by compilation in the driver, which
    then has to be `needs_driver` (Linux) at least. untold: those of which it is not known. without: how many
    hold no code for its maker's GPUs. reason: why nothing serves it or nothing is told, where that is so.
    """

    gpu: Gpu
    word: str
    missed: tuple[tuple[Row, Cell], ...] = ()
    spared: tuple[tuple[Row, Cell], ...] = ()
    weak: tuple[tuple[Row, Cell], ...] = ()
    serving: int = 0
    by_ptx: int = 0
    needs_driver: str = ""
    untold: tuple[Row, ...] = ()
    without: int = 0
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Tell whether somebody who asked for this GPU has to be told no."""
        return self.word in (NOT_SERVED, WEAK)


def answers(
    rows: Sequence[Row], gpus: Sequence[Gpu], gate: Gate, undriven: Mapping[Gpu, str] | None = None
) -> tuple[Answer, ...]:
    """Return the answer for each GPU; the rows' cells are in the order of the GPUs."""
    counted = [row for row in rows if gate.counts(row.path, row.package)]
    if rows and not counted:
        return tuple(Answer(gpu, NOT_TOLD, reason=ALL_LEFT_OUT) for gpu in gpus)
    return tuple(
        _answer(gpu, [(row, row.cells[number]) for row in counted], gate, (undriven or {}).get(gpu, ""))
        for number, gpu in enumerate(gpus)
    )


def _answer(gpu: Gpu, pairs: Sequence[tuple[Row, Cell]], gate: Gate, undriven: str) -> Answer:
    serving = [(row, cell) for row, cell in pairs if cell.how in SERVES]
    missed = tuple((row, cell) for row, cell in pairs if cell.missed)
    spared = tuple((row, cell) for row, cell in pairs if cell.spared)
    weak = tuple((row, cell) for row, cell in serving if not gate.enough(cell))
    untold = tuple(row for row, cell in pairs if cell.how == UNKNOWN)
    word, reason = _word(gpu, pairs, serves=bool(serving), untold=bool(untold))
    if missed:
        word, reason = NOT_SERVED, undriven
    elif weak:
        word = WEAK
    return Answer(
        gpu,
        word,
        missed,
        spared,
        weak,
        len(serving),
        sum(cell.how == PTX for _, cell in serving),
        max((cell.needs_driver for _, cell in serving if cell.how == PTX), key=release, default=""),
        untold,
        sum(cell.how == NONE for _, cell in pairs),
        reason,
    )


def _word(gpu: Gpu, pairs: Sequence[tuple[Row, Cell]], *, serves: bool, untold: bool) -> tuple[str, str]:
    """Return what is said where no library says no, and why nothing serves, if that is so."""
    if serves:
        return SERVED, ""
    if untold:
        return NOT_TOLD, ""
    if any(row.code.relocatable for row, _ in pairs) and not gpu.gfx:
        return NOT_SERVED, "the code in it still has to be linked"
    held = frozenset().union(*(makers(row.code) for row, _ in pairs if row.code.groups or row.code.targets))
    other = held - {"HIP" if gpu.gfx else "CUDA"}
    return (NOT_SERVED, f"the target has {' and '.join(other)} code only") if other else (NO_CODE, "")


def exit_code(
    contents: Contents, found: Sequence[Answer], gate: Gate, *, asked: bool, strict: bool = False
) -> int:
    """Return 1 when a GPU that was asked for is not served (well enough), or a library cannot load.

    3 when nothing could be inspected, when something could not be read, and when nothing can be told of a
    GPU that was asked for; with `strict` also when it is unknown whether a library serves a GPU, or a verdict
    on loading is no plain pass.
    """
    outcomes = {verdict.outcome for verdict in gated(contents, gate).loading if verdict.counts}
    if (asked and any(each.fails for each in found)) or Outcome.FAIL in outcomes:
        return EXIT_FAIL
    unread = [path for path, _ in contents.unreadable if gate.counts(path, contents.owner(path))]
    untold = asked and any(each.word == NOT_TOLD for each in found)
    if not contents.binaries or unread or contents.skipped or untold or Outcome.ERROR in outcomes:
        return EXIT_UNCHECKED
    doubt = any(each.untold for each in found) or outcomes & {Outcome.WARN, Outcome.SKIP}
    return EXIT_UNCHECKED if strict and doubt else EXIT_OK


def gated(contents: Contents, gate: Gate) -> Contents:
    """Return the contents with the verdicts on loading waived that are about what does not count alone."""
    if not contents.loading:
        return contents
    from dataclasses import replace  # noqa: PLC0415 - a file or wheel has no verdicts

    return contents._replace(
        loading=tuple(
            verdict if _concerns(contents, verdict, gate) else replace(verdict, waived=WAIVED)
            for verdict in contents.loading
        )
    )


def _concerns(contents: Contents, verdict: Verdict, gate: Gate) -> bool:
    """Tell whether a verdict on loading counts: it names no library, or one that counts."""
    named = packages_of(contents, verdict)
    return not named or any(gate.counts(path, package) for path, package in named)

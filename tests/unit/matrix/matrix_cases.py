"""Matrices that the tests of the page share."""

from __future__ import annotations

from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.chart import Night, Result
from stackcheck.matrix.libraries import LibraryRow
from stackcheck.matrix.page import MOST_FILES, Beside, Course, Listed
from tests.unit.report.report_cases import HOSTILE

HOSTS = (Host("T4"), Host("H100", "550"))
NIGHT = "2026-11-30T10:00:00+00:00"
NO_CODE = Cell(
    "fails",
    "stated",
    "ARCH101",
    "torch 2.5.0 has no code for T4.",
    evidence="the wheel's arch list [https://download.pytorch.org/whl/cu124/]",
    fails_since="2026-11-28T10:00:00+00:00",
)
MIXED = Matrix(
    HOSTS,
    (
        MatrixRow("old", (NO_CODE, Cell("works", "gpu", since=NIGHT))),
        MatrixRow("new", (Cell("ptx", "bytes", "ARCH101", "by PTX"), Cell("warned", "run", "PIN101", "x"))),
        MatrixRow("old", (Cell("unknown", "", "", "no row says it."), Cell("cpu", "stated")), "2.8", ("so",)),
    ),
    (
        LibraryRow("torch", "2.5.0", ("libtorch_cuda.so",), ("no", "native"), ("old",)),
        LibraryRow("cudnn", "", ("a.so", "b.so", "c.so"), ("ptx?", "runs"), ("old", "new")),
        LibraryRow("hip", "", ("x.so",), ("none", "unknown"), ("new",)),
    ),
)
_REPORTS = (
    Listed("reports/old.html", "old", "PASS", "gpu", NIGHT),
    Listed("reports/new.html", "new", "WARN", "run (imports)", NIGHT),
)
_COURSES = (
    Course(
        "old",
        tuple(
            Result(f"2026-11-{day:02}T01:00:00+00:00", "FAIL" if day < 9 else "PASS") for day in range(1, 20)
        ),
        (
            Night("2026-11-01T02:00:00+00:00", {"breaks-next-build": 1, "benign": 4}),
            Night("2026-11-02T02:00:00+00:00", {"changes-behaviour": 2}),
        ),
    ),
)
BESIDE = Beside(reports=_REPORTS, runs=_REPORTS, courses=_COURSES)
BAD = HOSTILE + "</script><script>document.title='owned'</script>\" onload=\"document.title='owned'"
HOSTILE_MATRIX = Matrix(
    (Host("T4", BAD, BAD), Host("T4", BAD + "2", BAD)),
    tuple(
        MatrixRow(name, (Cell("fails", BAD, BAD, BAD, BAD, BAD), Cell("works", BAD, since=BAD)), BAD, (BAD,))
        for name in (BAD, BAD.upper(), "", "..", "filter", "why-1", "x--y")
    ),
    (LibraryRow(BAD, BAD, (BAD, BAD, BAD), ("no",), (BAD, BAD)),),
)
_HOSTILE_REPORTS = (Listed("reports/x.html", BAD, BAD, BAD, BAD),)
_HOSTILE_COURSES = (
    Course(
        BAD,
        (Result(BAD, "FAIL"), Result(BAD, "PASS"), Result(BAD, BAD)),
        (Night(BAD, {"benign": 1, BAD: 2}),),
    ),
)
HOSTILE_BESIDE = Beside(BAD, _HOSTILE_REPORTS, _HOSTILE_REPORTS, _HOSTILE_COURSES)


_HOWS = ("native", "runs", "ptx", "no", "native?", "native", "native", "no")


def many(count: int) -> Matrix:
    """Return stacks on eight GPUs: each third row fails, with a cause of its own in each cell; and libraries."""
    hosts = tuple(Host(gpu) for gpu in ("T4", "A10", "A100", "L4", "L40S", "H100", "H200", "B200"))
    names = [f"stack-{number}" for number in range(count)]
    libraries = tuple(
        LibraryRow(
            f"package-{number}", "2.5.0+cu124", tuple(f"lib{part}.so" for part in range(9)), _HOWS, (*names,)
        )
        for number in range(min(count, MOST_FILES))
    )
    return Matrix(hosts, tuple(_row(number, hosts) for number in range(count)), libraries)


def _row(number: int, hosts: tuple[Host, ...]) -> MatrixRow:
    return MatrixRow(
        f"stack-{number}-torch2{number % 10}-cuda12", tuple(_cell(number, host) for host in hosts)
    )


def _cell(number: int, host: Host) -> Cell:
    if number % 3 == 1:
        return Cell("ptx", "bytes", "ARCH101", f"torch of stack {number % 40} runs by PTX.")
    if number % 3 == 2:
        return Cell("works", "stated")
    cause = (
        f"torch 2.{number % 10}.0+cu124 of stack {number} has code for 5.0, 6.0, 7.0, 7.5, 8.0, 8.6 and 9.0, "
        f"and none that {host.gpu} can run or compile, so that every kernel fails."
    )
    seen = "the arch list of the wheel [https://download.pytorch.org/whl/cu124/torch/]"
    return Cell("fails", "stated", "ARCH101", cause, evidence=seen)

"""A matrix as one page: read without a script, searched with a small one; every cell has an address. Pure.

No text of a cell, a stack or a report is trusted: it is bounded, escaped by the template, and an id is made
of letters, digits, dots, underscores and single hyphens alone.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from stackcheck import __version__, rules
from stackcheck.matrix.cells import STATES, Cell
from stackcheck.matrix.chart import RANKS, drift_chart, results_chart
from stackcheck.matrix.libraries import MEANINGS, WORDS, gpus_of
from stackcheck.model.escape import one_line
from stackcheck.report.html import environment
from stackcheck.report.rulebook import explanation
from stackcheck.report.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.matrix.cells import Matrix, MatrixRow
    from stackcheck.matrix.chart import Night, Result
    from stackcheck.matrix.comparing import Move
    from stackcheck.report.document import Explanation

SHORT = {"works": "works", "ptx": "PTX", "warned": "warned", "cpu": "CPU", "fails": "FAILS", "unknown": "?"}
"""What stands in a cell of a table; a code that decides stands behind it."""
MOST_CAUSES = 500
MOST_FILES = 400
"""So many rows of libraries stand on the page."""
MOST_DRAWN = 24
"""So many stacks have their history on one page."""
_MOST_NAMED = 12
_SERVES = {"native": "w", "runs": "w", "ptx": "p", "unknown": "u", "no": "f", "none": ""}
"""The style of a cell by how a library serves its GPU."""
_SLUG = 60


class Listed(NamedTuple):
    """A report that a site has a page of: where that is, and what stands in a list of reports."""

    href: str
    stack: str
    result: str
    reach: str
    started: str
    history: str = ""
    """Where the page of its stack's history is; empty where there is none."""


class Course(NamedTuple):
    """How a stack went over time: results of its reports, and nights of drift runs, the oldest first."""

    stack: str
    results: Sequence[Result] = ()
    nights: Sequence[Night] = ()

    @property
    def good(self) -> bool:
        """Tell whether its last report and its last night are nothing to look at first."""
        words = {each.word for each in self.results[-1:]}
        ranks = {rank for night in self.nights[-1:] for rank, count in night.counts.items() if count}
        return words <= {"PASS", "WARN"} and not ranks & {*RANKS[:2]}


class Square(NamedTuple):
    """A cell as the page shows it; `why` is the number of its cause, 0 for none that has one."""

    id: str
    cell: Cell
    why: int
    href: str


class Line(NamedTuple):
    """A row as the page shows it."""

    id: str
    row: MatrixRow
    squares: Sequence[Square]


class Cause(NamedTuple):
    """A cause that several cells share; `cells` are the first of the `held`, with their ids."""

    number: int
    cell: Cell
    held: int
    cells: Sequence[tuple[str, str]]


class Names:
    """Makes ids and file names of untrusted text, each once, whatever a file system thinks of capitals."""

    def __init__(self) -> None:
        """Begin with none taken."""
        self._taken: set[str] = set()

    def slug(self, text: str) -> str:
        """Return letters, digits, dots, underscores and single hyphens; a number tells equals apart."""
        plain = re.sub(r"[^A-Za-z0-9._]+", "-", text)[:_SLUG].strip("-.") or "x"
        found, number = plain, 1
        while found.casefold() in self._taken:
            number += 1
            found = f"{plain}-{number}"
        self._taken.add(found.casefold())
        return found


class Beside(NamedTuple):
    """What a page of a site has beside its matrix."""

    title: str = ""
    reports: Sequence[Listed] = ()
    """Those that are listed, in this order."""
    runs: Sequence[Listed] = ()
    """Those that a cell may lead to."""
    courses: Sequence[Course] = ()
    """Histories; the first of them are drawn."""
    above: str = ""
    """The address of the page that lists this one."""


ALONE = Beside()


def page(matrix: Matrix, moved: Sequence[Move] | None = None, beside: Beside = ALONE) -> str:
    """Return the page, whole: nothing is loaded, and its policy allows its own script alone."""
    made = environment().get_template("matrix.html.j2").render(**_shown(matrix, beside), moved=moved)
    script = re.search(r"<script>(.*?)</script>", made, re.DOTALL)
    assert script is not None  # noqa: S101 - it stands in the template, whatever is rendered
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    return made.replace("SCRIPT-HASH", digest, 1) + "\n"


def _shown(matrix: Matrix, beside: Beside) -> dict[str, Any]:
    """Return what the template is told."""
    hosts, lines = _placed(matrix, {(each.stack, each.started): each.href for each in beside.runs})
    causes, more = _causes(matrix, lines)
    numbers = {_key(cause.cell): cause.number for cause in causes}
    title = f"{plural(len(matrix.rows), 'stack')} on {plural(len(matrix.hosts), 'host')}"
    drawn = beside.courses[:MOST_DRAWN]
    return {
        "matrix": matrix,
        "title": beside.title or title,
        "counted": counted(matrix),
        "levels": _levels(matrix),
        "hosts": list(zip(hosts, matrix.hosts, strict=True)),
        "lines": [_numbered(line, numbers) for line in lines],
        "causes": [each for each in causes if each.cell.state != "unknown"],
        "unknown": [each for each in causes if each.cell.state == "unknown"],
        "more": more,
        "libraries": matrix.libraries[:MOST_FILES],
        "unlisted": max(len(matrix.libraries) - MOST_FILES, 0),
        "gpus": gpus_of(matrix.hosts),
        "hows": WORDS,
        "meanings": MEANINGS,
        "serves": _SERVES,
        "explained": _explained(matrix),
        "reports": beside.reports,
        "histories": any(each.history for each in beside.reports),
        "charts": [(each.stack, results_chart(each.results), drift_chart(each.nights)) for each in drawn],
        "undrawn": len(beside.courses) - len(drawn),
        "above": beside.above,
        "words": SHORT,
        "ranks": RANKS,
        "states": STATES,
        "script_hash": "SCRIPT-HASH",
        "version": __version__,
    }


def _numbered(line: Line, numbers: Mapping[tuple[str, str, str, str], int]) -> Line:
    return line._replace(squares=[one._replace(why=numbers.get(_key(one.cell), 0)) for one in line.squares])


def counted(matrix: Matrix) -> str:
    """Return "12 cells: works 8, fails 3, not known 1"."""
    parts = [f"{STATES[state]} {count}" for state, count in matrix.counts.items() if count]
    return f"{plural(sum(matrix.counts.values()), 'cell')}: {', '.join(parts) or 'nothing was judged'}"


def _placed(matrix: Matrix, pages: Mapping[tuple[str, str], str]) -> tuple[list[str], list[Line]]:
    """Return the ids of hosts, and the rows with an id for each and for each cell: `stack--gpu`."""
    across, down = Names(), Names()
    hosts = [across.slug(host.title) for host in matrix.hosts]
    lines = []
    for row in matrix.rows:
        name = down.slug(row.title)
        squares = [
            Square(f"{name}--{host}", cell, 0, pages.get((row.stack, cell.since), "") if cell.since else "")
            for host, cell in zip(hosts, row.cells, strict=True)
        ]
        lines.append(Line(f"stack-{name}", row, squares))
    return hosts, lines


def _key(cell: Cell) -> tuple[str, str, str, str]:
    return (cell.state, cell.code, cell.cause, cell.evidence)


def _causes(matrix: Matrix, lines: Iterable[Line]) -> tuple[list[Cause], int]:
    """Return each cause once, what fails first, then by how many cells have it; and how many are left out."""
    found: dict[tuple[str, str, str, str], list[tuple[str, str]]] = {}
    cells: dict[tuple[str, str, str, str], Cell] = {}
    for line in lines:
        for host, square in zip(matrix.hosts, line.squares, strict=True):
            if square.cell.cause:
                cells[_key(square.cell)] = square.cell
                found.setdefault(_key(square.cell), []).append(
                    (square.id, f"{line.row.title} on {host.title}")
                )
    order = [*STATES][::-1]
    ranked = sorted(found, key=lambda key: (order.index(cells[key].state), -len(found[key])))
    shown = [
        Cause(number, cells[key], len(found[key]), found[key][:_MOST_NAMED])
        for number, key in enumerate(ranked[:MOST_CAUSES], 1)
    ]
    return shown, max(len(ranked) - MOST_CAUSES, 0)


def _levels(matrix: Matrix) -> str:
    """Return "stated 30, gpu 2, not judged 1": how well the cells are known."""
    counts = Counter(cell.level or "not judged" for row in matrix.rows for cell in row.cells)
    return ", ".join(f"{one_line(level, 20)} {count}" for level, count in counts.most_common(8))


def _explained(matrix: Matrix) -> dict[str, Explanation]:
    """Return what the rules say whose codes stand in cells."""
    codes = sorted({cell.code for row in matrix.rows for cell in row.cells if cell.code})
    known = ((code, rules.find(code)) for code in codes)
    return {code: explanation(rule) for code, rule in known if rule}

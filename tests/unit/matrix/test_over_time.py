"""Since when a cell is red: by reports, by an earlier matrix, by nights of drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stackcheck.matrix import comparing, rendering, site
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.chart import Night, broken_since
from stackcheck.matrix.page import page
from stackcheck.matrix.recorded import folded
from stackcheck.model.verdict import Outcome
from tests.unit.matrix.test_rendering import report

if TYPE_CHECKING:
    from stackcheck.model.report import Report

NOW, BEFORE = "2026-11-30T03:00:00+00:00", "2026-11-29T03:00:00+00:00"
FAILS = Cell("fails", "stated", "ARCH101", "no code.")
WORKS = Cell("works", "stated")


def on_h100(cell: Cell, started: str = NOW) -> Matrix:
    return Matrix((Host("H100"),), (MatrixRow("one", (cell,)),), started=started)


def nightly(*outcomes: Outcome | None) -> list[Report]:
    """Return a report a night from the first of November on; None is a night in which nothing was found out."""
    return [
        replace(
            report(Outcome.ERROR if outcome is None else outcome), started=f"2026-11-{day:02}T03:00:00+00:00"
        )
        for day, outcome in enumerate(outcomes, 1)
    ]


def since(matrix: Matrix) -> str:
    return matrix.rows[0].cells[0].fails_since


F, P = Outcome.FAIL, Outcome.PASS


@pytest.mark.parametrize(
    ("nights", "first"),
    [
        ((F,), "2026-11-01"),
        ((P, F, F), "2026-11-02"),
        ((F, P, F), "2026-11-03"),
        ((P, F, None, F), "2026-11-02"),
        ((F, F, P), ""),
    ],
)
def test_the_first_run_of_those_that_fail(nights: tuple[Outcome | None, ...], first: str) -> None:
    found = folded(on_h100(WORKS), reversed(nightly(*nights)))
    assert since(found)[:10] == first


def test_what_the_matrix_knew_counts_unless_a_run_was_good_since() -> None:
    known = replace(FAILS, fails_since="2026-10-20T03:00:00+00:00")
    assert since(folded(on_h100(known), nightly(F, F)))[:10] == "2026-10-20"
    assert since(folded(on_h100(known), nightly(P, F)))[:10] == "2026-11-02"


def test_an_earlier_matrix_says_since_when() -> None:
    told = replace(FAILS, fails_since="2026-11-02T03:00:00+00:00")
    assert since(comparing.carried(on_h100(told, BEFORE), on_h100(FAILS))) == told.fails_since
    assert since(comparing.carried(on_h100(FAILS, BEFORE), on_h100(FAILS))) == BEFORE
    assert since(comparing.carried(on_h100(WORKS, BEFORE), on_h100(FAILS))) == NOW
    assert since(comparing.carried(on_h100(told, BEFORE), on_h100(WORKS))) == ""
    other = Matrix((Host("T4"),), (MatrixRow("one", (told,)),), started=BEFORE)
    assert since(comparing.carried(other, on_h100(FAILS))) == NOW


def test_the_page_and_json_and_csv_say_it() -> None:
    told = on_h100(replace(FAILS, fails_since=NOW))
    assert "<small>stated, since 2026-11-30</small>" in page(told)
    assert rendering.shown(told.rows[0].cells[0]) == "FAILS ARCH101 (stated, since 2026-11-30)"
    assert rendering.matrix_of(rendering.data(told), "x") == told
    assert rendering.as_csv(told).splitlines()[1].endswith(f",{NOW}")


def test_a_row_of_a_site_says_since_when_drift_breaks_it() -> None:
    nights = [
        Night("2026-11-26T03:00:00+00:00", {"breaks-running": 1}),
        Night("2026-11-27T03:00:00+00:00", {"benign": 1}),
        Night("2026-11-28T03:00:00+00:00", {"breaks-next-build": 1}),
        Night("2026-11-29T03:00:00+00:00", {"breaks-running": 1, "benign": 2}),
    ]
    assert broken_since(nights)[:10] == "2026-11-28"
    assert broken_since(nights[:2]) == ""
    every = nightly(P)
    index = dict(site.files(every, site.unjudged(every, ()), {"one": nights}))["index.html"]
    assert "<small>drift: broken since 2026-11-28</small>" in index

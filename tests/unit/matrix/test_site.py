"""The files of a site: relative addresses that exist, whatever reports are called."""

from __future__ import annotations

from dataclasses import replace
from posixpath import dirname, join, normpath

from stackcheck.matrix import site
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.chart import Night
from stackcheck.model.verdict import Outcome
from tests.unit.matrix.test_page import Read
from tests.unit.matrix.test_rendering import report
from tests.unit.report.report_cases import MIXED, hostile

NIGHTS = [
    replace(report(Outcome.FAIL), started="2026-11-28T10:00:00+00:00"),
    replace(report(Outcome.PASS), started="2026-11-29T10:00:00+00:00"),
    replace(report(Outcome.PASS), started="2026-11-29T22:00:00+00:00"),
]


def built(**nights: list[Night]) -> dict[str, str]:
    every = [*NIGHTS, MIXED]
    return dict(site.files(every, site.unjudged(every, ()), nights))


def test_a_report_has_a_page_and_the_index_leads_to_it() -> None:
    files = built()
    assert [*files] == [
        "reports/cuda124-torch25-py311-2026-11-20.html",
        "reports/one-2026-11-28.html",
        "reports/one-2026-11-29.html",
        "reports/one-2026-11-29-2.html",
        "index.html",
        ".nojekyll",
    ]
    assert "CUMM101" in files["reports/cuda124-torch25-py311-2026-11-20.html"]


def test_every_address_is_relative_and_there() -> None:
    hostiles = [hostile(), replace(hostile(), stack="../../up"), *NIGHTS]
    for files in (built(), dict(site.files(hostiles, site.unjudged(hostiles, ["T4"]), {}))):
        for place, text in files.items():
            for href in Read(text).of("href"):
                if not href.startswith(("#", "https://")):
                    assert normpath(join(dirname(place), href.partition("#")[0])) in files


def test_the_strongest_and_newest_run_stands_in_the_matrix() -> None:
    text = built()["index.html"]
    cell = text[text.index('<td id="one--') :].partition("</td>")[0]
    assert "works" in cell
    assert 'href="reports/one-2026-11-29-2.html"' in cell


def test_what_no_report_saw_is_not_known() -> None:
    matrix = site.unjudged(NIGHTS, ["T4"])
    assert matrix.rows == (MatrixRow("one", (site.NO_RUN,)),)
    assert matrix.counts["unknown"] == 1


def test_stacks_that_only_reports_have_stand_below_those_of_a_matrix() -> None:
    start = Matrix((Host("H100"),), (MatrixRow("zero", (Cell("works", "stated"),)),))
    assert [row.stack for row in site.joined(start, NIGHTS).rows] == ["zero", "one"]


def test_history_is_drawn_of_reports_and_of_drift() -> None:
    nights = [Night("2026-11-28T10:00:00+00:00", {"breaks-running": 2})]
    text = built(**{"cuda124-torch25-py311": nights})["index.html"]
    assert text.count("<svg") == 2
    assert "3 reports: PASS 2, FAIL 1; the last one says PASS." in text
    assert "breaks-running 2" in text

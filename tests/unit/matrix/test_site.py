"""The files of a site: relative addresses that exist, whatever reports are called."""

from __future__ import annotations

from dataclasses import replace
from posixpath import dirname, join, normpath

from stackcheck.matrix import site
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.chart import Night
from stackcheck.matrix.page import MOST_DRAWN
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
        "history/one.html",
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


def test_the_index_lists_the_newest_report_of_a_stack_and_its_history_has_all() -> None:
    files = built()
    index, history = files["index.html"], files["history/one.html"]
    assert '<h1 id="top">4 reports of 2 stacks</h1>' in index
    table = index[index.index('id="reports"') :]
    assert "one-2026-11-29-2.html" in table
    assert "one-2026-11-28.html" not in table
    assert '<a href="history/one.html">history of one</a>' in table
    places = [
        history.index(f"../reports/one-2026-11-{day}.html", history.index('id="reports"'))
        for day in ("29-2", "29", "28")
    ]
    assert places == sorted(places)
    assert "cells" not in history


def test_many_nights_of_many_stacks_stay_one_page_of_a_size() -> None:
    every = [
        replace(NIGHTS[0], stack=f"s{stack}", started=f"2026-10-{night:02}T01:00:00+00:00")
        for stack in range(60)
        for night in range(1, 9)
    ]
    files = dict(site.files(every, site.unjudged(every, ()), {}))
    assert files["index.html"].count("<svg") == MOST_DRAWN
    assert f"{60 - MOST_DRAWN} more have one" in files["index.html"]
    assert sum(name.startswith("history/") for name in files) == 60

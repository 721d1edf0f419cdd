"""A matrix in every format, read again, folded with reports, and against another one."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from stackcheck.matrix import comparing, rendering
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.recorded import folded, gpus_seen
from stackcheck.model.errors import ReportError
from stackcheck.model.report import Report
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.report import FORMATS, render_document
from stackcheck.rules.questions import SERVES_GPUS

HOSTS = (Host("T4"), Host("H100", "550", "node<1>"))
NO_CODE = Cell("fails", "stated", "ARCH101", "no code for <T4>")
MATRIX = Matrix(
    HOSTS,
    (
        MatrixRow("one", (NO_CODE, Cell("works", "stated"))),
        MatrixRow(
            "two", (Cell("unknown", "", "", "=cmd()"), Cell("ptx", "bytes", "ARCH101", "by PTX")), "2.8"
        ),
    ),
)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_it(form: str) -> None:
    said = render_document(rendering.document(MATRIX), form)
    assert said
    if form == "html":
        assert "node<1>" not in said


def test_the_text_has_a_table_and_says_why() -> None:
    said = render_document(rendering.document(MATRIX), "text")
    assert said.startswith(
        "FAIL  2 stacks on 2 hosts: 4 cells: works 1, works by PTX 1, not known 1, fails 1"
    )
    assert "FAILS ARCH101 (stated)" in said
    assert "ARCH101: no code for <T4> (one on T4)" in " ".join(said.split())


def test_it_is_read_again() -> None:
    document = json.loads(render_document(rendering.document(MATRIX), "json"))
    assert rendering.matrix_of(document, "m.json") == MATRIX


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 9},
        {"hosts": 3},
        {"hosts": [{"gpu": "T4", "what": "x"}]},
        {"matrix": [{"stack": "one"}]},
        {"matrix": [{"stack": "one", "torch": "", "notes": [], "cells": []}]},
        {
            "matrix": [
                {"stack": "s", "torch": "", "notes": [], "cells": [{"state": "fine"}, {"state": "fine"}]}
            ]
        },
    ],
)
def test_what_is_no_matrix_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ReportError, match=r"m\.json: this is not a matrix"):
        rendering.matrix_of({**rendering.data(MATRIX), **change}, "m.json")


def test_a_spreadsheet_computes_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(rendering.as_csv(MATRIX))))
    assert [row["state"] for row in rows] == ["fails", "works", "unknown", "ptx"]
    assert rows[2]["cause"] == "'=cmd()"


def test_what_moved_is_told_worse_first() -> None:
    before = Matrix(HOSTS, (MatrixRow("one", (Cell("works"), NO_CODE)),))
    found = comparing.moves(before, Matrix(HOSTS, MATRIX.rows[:1]))
    assert [(str(move), move.worse) for move in found] == [
        ("one on T4: works -> fails", True),
        ("one on node<1> (H100, driver 550): fails -> works", False),
    ]
    assert comparing.moves(MATRIX, MATRIX) == ()
    said = render_document(rendering.document(MATRIX, found), "text")
    assert said.index("WORSE") < said.index("Better")


def report(outcome: Outcome, gpu: str = "NVIDIA H100 80GB HBM3", **fields: Any) -> Report:
    verdict = Verdict(
        code="TORCH401",
        title="t",
        outcome=outcome,
        message="seen on the GPU",
        level=Level.GPU,
        question=SERVES_GPUS,
        subject="torch",
    )
    devices = [{"name": gpu, "capability": "9.0"}] if gpu else []
    facts = {"nvml": {"driver": "550.54.15", "devices": devices}}
    seen = {"probes": {"nvidia_driver": {"status": "ok", "facts": facts}}}
    return Report("one", (verdict,), observation=seen, started="2026-11-30T10:00:00+00:00", **fields)


def test_a_run_on_that_gpu_counts_more_than_the_tables() -> None:
    found = folded(MATRIX, [report(Outcome.FAIL)]).rows[0].cells
    assert found[0] == NO_CODE
    assert (found[1].state, found[1].level, found[1].since) == ("fails", "gpu", "2026-11-30T10:00:00+00:00")


def test_a_run_on_another_gpu_or_driver_says_nothing_of_this_one() -> None:
    assert folded(MATRIX, [report(Outcome.FAIL, "NVIDIA L4")]) == MATRIX
    other = Matrix((Host("H100", "580"),), (MatrixRow("one", (Cell("works", "stated"),)),))
    assert folded(other, [report(Outcome.FAIL)]) == other


@pytest.mark.parametrize("facts", [None, {}, {"probes": 3}, {"probes": {"nvidia_driver": {"facts": []}}}])
def test_an_observation_of_another_form_names_no_gpu(facts: Any) -> None:
    assert gpus_seen(Report("one", (), observation=facts)) == []

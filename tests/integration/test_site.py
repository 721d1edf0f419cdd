"""`stackcheck site` as its users have it: a folder in, a folder out, errors that say what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from stackcheck.matrix.rendering import data
from stackcheck.report import render
from tests.unit.matrix.matrix_cases import MIXED as MATRIX
from tests.unit.report.report_cases import MIXED

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "HOME": str(folder), "STACKCHECK_STATE": f"{folder}/state"}
    command = [sys.executable, "-m", "stackcheck", *args]
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "a.json").write_text(render([MIXED], "json"))
    (tmp_path / "reports" / "other.json").write_text('{"what": "is not a report"}')
    return tmp_path


def test_a_folder_of_reports_becomes_a_site(folder: Path) -> None:
    done = run(folder, "site", "reports", "-o", "public", "--gpu", "L4")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "public: 3 files, begin with index.html.\n"
    assert (folder / "public" / ".nojekyll").read_text() == ""
    index = (folder / "public" / "index.html").read_text()
    assert 'href="reports/cuda124-torch25-py311-2026-11-20.html"' in index
    page = (folder / "public" / "reports" / "cuda124-torch25-py311-2026-11-20.html").read_text()
    assert '<a href="../index.html">All stacks</a>' in page
    assert str(folder) not in index + page


def test_drift_runs_that_are_kept_are_drawn(folder: Path) -> None:
    assert run(folder, "history", "cuda124-torch25-py311").returncode == 0
    (folder / "state").mkdir(exist_ok=True)
    from stackcheck.drift.history import _TABLES  # noqa: PLC0415 - the tables as they are kept

    with closing(sqlite3.connect(folder / "state" / "history.sqlite3")) as db, db:
        db.executescript(f"{_TABLES} PRAGMA user_version = 1;")
        db.execute("INSERT INTO run VALUES (1, ?, '2026-11-21T02:00:00+00:00', 1.0, 1, '')", (MIXED.stack,))
        db.execute("INSERT INTO change VALUES (1, 'index', 'torch', 'x', 'breaks-next-build', 'w', 'a', 'b')")
    assert run(folder, "site", "reports", "--quiet").returncode == 0
    assert (
        "1 drift run; the last one saw breaks-next-build 1." in (folder / "site" / "index.html").read_text()
    )


def test_reports_are_folded_into_a_matrix(folder: Path) -> None:
    import json  # noqa: PLC0415

    (folder / "m.json").write_text(json.dumps(data(MATRIX)))
    assert run(folder, "site", "reports", "--matrix", "m.json").returncode == 0
    index = (folder / "site" / "index.html").read_text()
    assert 'id="old--T4"' in index
    assert 'id="cuda124-torch25-py311--T4"' in index


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere: this is not a folder."),
        (("empty",), "empty: no report lies in it; "),
        (("reports", "-o", "reports/a.json"), "-o reports/a.json: this is not a folder"),
        (("reports", "--gpu", "H1000"), "--gpu H1000: "),
        (("reports", "--matrix", "reports/other.json"), "reports/other.json: this is not a matrix"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, words: tuple[str, ...], said: str) -> None:
    (folder / "empty").mkdir()
    done = run(folder, "site", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"stackcheck: error: {said}")


def test_every_copy_of_a_matrix_is_in_its_format(folder: Path) -> None:
    done = run(folder, "matrix", "--gpu", "L4", "--also", "html=m.html", "--also", "csv=m.csv", "--quiet")
    assert done.returncode in (0, 1)
    assert '<table id="grid"' in (folder / "m.html").read_text()
    assert (folder / "m.csv").read_text().startswith("stack,torch,gpu")

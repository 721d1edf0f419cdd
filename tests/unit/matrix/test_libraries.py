"""Libraries against GPUs: rows that many stacks share, from reports and from JSON, and on the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackcheck.matrix import rendering
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.libraries import LibraryRow, gpus_of, joined_rows, library_rows
from stackcheck.matrix.page import MOST_FILES, page
from stackcheck.matrix.recorded import folded
from stackcheck.model.errors import ReportError
from stackcheck.model.report import Report
from tests.unit.matrix.matrix_cases import BAD

SITE = "/opt/venv/lib/python3.12/site-packages"
GPUS = ("T4", "H100", "B200", "MI300X")


def library(path: str, *codes: str, **more: Any) -> dict[str, Any]:
    images = [{"code": code, "images": 1, "bytes": 8} for code in codes]
    return {
        "path": f"{SITE}/{path}",
        "images": images,
        "fatbins": 1,
        "groups": [{"codes": [*codes], "fatbins": 1}],
        **more,
    }


PROBES = {
    "libraries": {
        "libraries": [
            library("torch/lib/libtorch_cuda.so", "sm_75", "sm_90"),
            library("torch/lib/libtorch_cuda_linalg.so", "sm_75", "sm_90"),
            library("spconv/core_cc.so", "sm_75", "compute_75"),
            library("hidden/libhidden.so", "sm_75", unread=["a data section"]),
            {"path": f"{SITE}/broken/libbroken.so", "error": "it is cut off"},
        ]
    },
    "distributions": {
        "distributions": [
            {"name": "torch", "version": "2.5.0+cu124"},
            {"name": "spconv-cu124", "version": "2.3.8"},
        ]
    },
}
HOSTS = (Host("T4"), Host("T4", "550"), Host("H100"))
MATRIX = Matrix(HOSTS, (MatrixRow("one", (Cell("works", "stated"),) * 3),))


def test_files_of_a_package_that_serve_alike_are_one_row() -> None:
    rows = {row.title: row for row in library_rows("one", PROBES, GPUS)}
    assert rows["torch 2.5.0+cu124"].files == ("libtorch_cuda.so", "libtorch_cuda_linalg.so")
    assert rows["torch 2.5.0+cu124"].hows == ("native", "native", "no", "none")
    assert rows["spconv-cu124 2.3.8"].hows == ("native", "ptx", "ptx", "none")
    assert rows["hidden"].hows[0] == "native?"
    assert rows["broken"].hows == ("unknown",) * 4, "what could not be read is not called good"


def test_a_driver_makes_no_column() -> None:
    assert gpus_of(HOSTS) == ("T4", "H100")


def test_a_row_that_stacks_share_is_told_once_and_the_worst_first() -> None:
    rows = joined_rows([*library_rows("one", PROBES, GPUS[:3]), *library_rows("two", PROBES, GPUS[:3])])
    assert rows[0].title == "torch 2.5.0+cu124"
    assert rows[0].hows == ("native", "native", "no")
    assert {row.stacks for row in rows} == {("one", "two")}


@pytest.mark.parametrize(
    "probes",
    [
        {},
        {"libraries": None},
        {"libraries": {"libraries": 3}},
        {"libraries": {"libraries": [3, {}, {"path": 4}]}},
    ],
)
def test_what_no_probe_said_makes_no_row(probes: dict[str, Any]) -> None:
    assert library_rows("one", probes, GPUS) == ()


def test_code_of_another_shape_is_not_read() -> None:
    odd = {"libraries": {"libraries": [{"path": "/x/torch/a.so", "images": [{"code": 3}]}]}}
    assert library_rows("one", odd, GPUS[:1])[0].hows == ("unknown",)


def test_the_newest_report_says_what_its_files_hold() -> None:
    seen = {"probes": {name: {"status": "ok", "facts": facts} for name, facts in PROBES.items()}}
    reports = [
        Report("one", (), observation=seen, started="2026-11-29T03:00:00+00:00"),
        Report("one", (), observation={"probes": {}}, started="2026-11-30T03:00:00+00:00"),
        Report("other", (), observation=seen, started="2026-11-30T03:00:00+00:00"),
    ]
    found = folded(MATRIX, reports)
    assert {row.stacks for row in found.libraries} == {("one",)}
    told = rendering.data(found)
    assert rendering.matrix_of(told, "x") == found
    (torch,) = [row for row in told["libraries"] if row["package"] == "torch"]
    assert torch["gpus"] == {"T4": "native", "H100": "native"}
    torch["gpus"]["T4"] = "splendid"
    with pytest.raises(ReportError, match="unknown word 'splendid'"):
        rendering.matrix_of(told, "x")


def test_the_page_has_a_table_of_libraries() -> None:
    text = page(replace(MATRIX, libraries=library_rows("one", PROBES, ("T4", "H100"))))
    table = text[text.index('<table id="served"') :].partition("</table>")[0]
    assert table.count("<tr>") == 1 + 4
    assert '<td class="p"><b>PTX</b></td>' in table
    assert '<td class="w"><b>native</b>?</td>' in table
    assert '<li><a href="#libraries">Libraries</a></li>' in text
    assert 'id="libraries"' not in page(MATRIX)


def test_hostile_names_of_libraries_stay_text() -> None:
    row = LibraryRow(BAD, BAD, (BAD, BAD + "2", BAD + "3"), ("no", "ptx?"), (BAD, "x"))
    text = page(replace(MATRIX, libraries=(row,)))
    assert "<script>document" not in text
    assert text.count("<script>") == 1


def test_what_does_not_fit_the_page_is_counted() -> None:
    rows = tuple(
        LibraryRow(f"package-{number}", "", ("a.so",), ("no", "no"), ("x",))
        for number in range(MOST_FILES + 10)
    )
    assert "10 more rows are left out, all served better" in page(replace(MATRIX, libraries=rows))

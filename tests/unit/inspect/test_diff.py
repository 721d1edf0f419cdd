"""What one target gained and lost against another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.inspect.diff import Difference, compare, stem
from stackcheck.inspect.diff_section import diff_data, diff_section
from stackcheck.inspect.judgement import judged
from stackcheck.report import render_document
from stackcheck.report.document import Document
from tests.unit.inspect.inspect_cases import code, contents, gpus

if TYPE_CHECKING:
    from stackcheck_probes.binaries.gpucode import GpuCode


def difference(before: dict[str, GpuCode], after: dict[str, GpuCode], *names: str) -> Difference:
    wanted = gpus(*names)
    return compare(judged(contents(before), wanted), judged(contents(after), wanted))


OLD = {
    "faiss/a.so": code("sm_70", "sm_80", size=1000),
    "faiss/same.so": code("sm_70", "sm_80"),
    "faiss.libs/libnvjpeg.02b6d700.so.12": code("sm_70", "compute_70:7.0"),
    "gone/x.so": code("sm_80", size=10),
}
NEW = {
    "faiss/a.so": code("sm_80", "sm_100", size=2000),
    "faiss/same.so": code("sm_70", "sm_80"),
    "faiss.libs/libnvjpeg.11223344.so.13": code("sm_70", "compute_70:7.0"),
    "new/y.so": code("sm_100", size=10),
}


def test_what_was_lost_comes_first() -> None:
    """An upgrade that drops sm_70 is the commonest surprise of faiss and torch."""
    section = diff_section(difference(OLD, NEW, "V100", "B200"), details=False)
    assert (
        render_document(Document((section,)), "text", width=100)
        == """\
Compared with folder t: 1 lost, 1 changed, 1 gained, 2 same

V100: not served before, not served now; lost: faiss (a.so).
B200: not served before, not served now; gained: faiss (a.so).

LOST
      x.so of gone: V100 no, B200 no, 10 B.

CHANGED
      a.so of faiss: V100 native > no, B200 no > native, 2.0 kB > 4.0 kB.

GAINED
      y.so of new: V100 no, B200 native, 10 B.

code    before     now
------  ------  ------
sm_100       -  2.0 kB
sm_70   1.0 kB       -
sm_80   1.0 kB  2.0 kB
"""
    )


def test_the_same_is_said_to_be_the_same() -> None:
    section = diff_section(difference(OLD, OLD, "A100"), details=False)
    text = render_document(Document((section,)), "text")
    assert (
        text == "Compared with folder t: 0 lost, 0 changed, 0 gained, 4 same\n\nNothing changed for a GPU.\n"
    )
    assert "same.so" in render_document(
        Document((diff_section(difference(OLD, OLD, "A100"), details=True),)), "text"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nvidia/cublas/lib/libcublas.so.12", "nvidia/cublas/lib/libcublas.so.13"),
        ("x/_C.cpython-311-x86_64-linux-gnu.so", "x/_C.cpython-312-x86_64-linux-gnu.so"),
        ("x/_C.abi3.so", "x/_C.so"),
    ],
)
def test_a_library_of_another_version_is_the_same_library(before: str, after: str) -> None:
    rest = {"rest/z.so": code("sm_80")}
    found = difference({before: code("sm_80"), **rest}, {after: code("sm_80"), **rest}, "A100")
    assert [pair.change for pair in found.pairs] == ["same", "same"]


def test_names_that_are_not_unique_are_not_matched() -> None:
    many = {f"x/{tag}/k.so": code("sm_80") for tag in ("a", "b")}
    found = difference({"x/k.so": code("sm_80"), "x/j.so": code("sm_80")}, many, "A100")
    assert sorted(pair.change for pair in found.pairs) == ["gained", "gained", "lost", "lost"]


def test_two_lone_files_are_one_library() -> None:
    found = difference({"old.so": code("sm_70")}, {"renamed.so": code("sm_80")}, "A100")
    assert [pair.change for pair in found.pairs] == ["changed"]
    assert found.answers == (("not served", "served"),)


def test_stems() -> None:
    assert stem("libtorch_cuda.so") == "libtorch_cuda"
    assert stem("sm_86.cubin") == "sm_86.cubin"


def test_the_difference_for_programs() -> None:
    document: dict[str, Any] = diff_data(difference(OLD, NEW, "V100"))
    assert document["against"] == {"kind": "folder", "name": "t"}
    assert document["gpus"] == [{"name": "V100", "before": "not served", "after": "not served"}]
    lost, changed, *_ = document["libraries"]
    assert (lost["path"], lost["change"]) == ("gone/x.so", "lost")
    assert changed == {
        "path": "faiss/a.so",
        "path_before": "faiss/a.so",
        "package": "faiss",
        "change": "changed",
        "serves": {"V100": {"before": "native", "after": "no"}},
        "bytes_before": 2000,
        "bytes_after": 4000,
    }
    assert document["sizes"][0] == {"code": "sm_100", "before": 0, "after": 2010}

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stackcheck.knowledge.gpus import find_gpu
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS, render_document
from stackcheck.wheels import fitdocument
from stackcheck.wheels.facts import LibraryFacts
from stackcheck.wheels.fitdocument import Told
from stackcheck.wheels.fits import Subject, judge
from stackcheck.wheels.torches import Asked
from tests.unit.wheels.fits_cases import MOVED, NEW, STABLE, exports, library, subject

if TYPE_CHECKING:
    from stackcheck_probes.facts.binaries import CodeFacts

FITS_ONE = subject(library(undefined=(NEW, MOVED)), requires=("torch==2.8.0",))


def told(what: Subject, asked: str | None = None) -> Told:
    return Told(judge(what, exports()), Asked(asked) if asked else None)


@pytest.mark.parametrize(
    ("what", "asked", "outcome"),
    [
        (FITS_ONE, None, Outcome.PASS),
        (FITS_ONE, "2.8", Outcome.PASS),
        (FITS_ONE, "2.8,2.11", Outcome.FAIL),
        (FITS_ONE, "all", Outcome.FAIL),
        (FITS_ONE, "2.8,2.9", None),
        (FITS_ONE, "2.8.0+cu118", None),
        (FITS_ONE, "2.9", None),
        (subject(library(undefined=("_ZN2at4lostEv",))), None, Outcome.FAIL),
        (subject(library(error="cut off")), None, None),
        (subject(library(undefined=(STABLE,)), tags=("cp314-cp314-linux_x86_64",)), "2.5,2.11", Outcome.PASS),
        (subject(library(undefined=(STABLE,)), tags=("cp314-cp314-linux_x86_64",)), "2.5", Outcome.FAIL),
        (subject(library(needed=("libc.so.6",))), "2.5", Outcome.PASS),
        (subject(library(undefined=(STABLE,)), left_out=("m/large.so: not asked for",)), "2.8", None),
        (subject(LibraryFacts("m/kernel.cubin", machine="cuda")), "2.8", None),
        (subject(), None, None),
    ],
)
def test_every_torch_that_was_asked_for_must_load_it(
    what: Subject, asked: str | None, outcome: Outcome | None
) -> None:
    assert told(what, asked).outcome == outcome


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (("cp312-cp312-macosx_10_9_x86_64",), "for macos/amd64 torch 2.2.0 - 2.2.2 has wheels"),
        (("cp313-cp313-macosx_10_9_x86_64",), "no torch has a wheel for macos/amd64 and a Python of it"),
        (("py3-none-any",), ""),
    ],
)
def test_a_wheel_for_intel_macs_is_told_which_torch_has_wheels_there(
    tags: tuple[str, ...], said: str
) -> None:
    text = render_document(fitdocument.document([told(subject(tags=tags))], exports()), "text")
    headline = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    unread = f", and others are not read; {said}" if said else ""
    assert headline.endswith(f"no library for Linux on x86_64 or aarch64 is in it{unread}")


def test_a_reader_sees_the_releases_the_reasons_and_the_first_symbols() -> None:
    text = render_document(fitdocument.document([told(FITS_ONE)], exports()), "text")
    lines = text.splitlines()
    assert lines[0] == f"PASS  {FITS_ONE.name}: can be loaded with torch 2.8.0"
    assert "METADATA asks for torch ==2.8.0" in lines
    assert "2.5.0   cu124  cannot" in lines
    assert "          at::narrow(long, long, long)" in lines
    assert "there is no data" in text


def test_what_was_asked_for_and_is_refused_leads() -> None:
    text = render_document(fitdocument.document([told(FITS_ONE, ">=2.8")], exports()), "text")
    assert text.splitlines()[0].endswith("cannot be loaded with torch 2.11.0; can be loaded with torch 2.8.0")


def test_a_wheel_that_links_no_torch_says_so() -> None:
    plain = subject(library(needed=("libc.so.6",)))
    text = render_document(fitdocument.document([told(plain)], exports()), "text")
    assert text.splitlines()[0] == f"PASS  {plain.name}: links no torch (1 library): whichever is installed"


def test_programs_get_every_build_with_its_reasons() -> None:
    data = json.loads(render_document(fitdocument.document([told(FITS_ONE, "2.5")], exports()), "json"))
    [found] = data["subjects"]
    assert (data["schema_version"], data["measured"], found["result"]) == (1, "2026-11-30", "FAIL")
    assert (found["torch"], found["metadata_torch"]) == ("2.8.0", "==2.8.0")
    assert [(row["torch"], row["build"], row["answer"]) for row in found["fits"]] == [
        ("2.5.0", "cu124", "no"),
        ("2.8.0", "cu124", "yes"),
        ("2.11.0", "cu130", "no"),
    ]
    assert found["fits"][2]["reasons"][0]["symbols"] == [
        {"name": MOVED, "demangled": "at::narrow(long, long, long)"}
    ]


def test_a_table_has_a_line_for_each_subject() -> None:
    rows = [told(FITS_ONE, "2.11"), told(subject(library(needed=("libc.so.6",))), "2.11")]
    text = render_document(fitdocument.matrix(rows, exports()), "md")
    assert "| version | answer | torch | CUDA | Python | glibc | METADATA |" in text
    assert "| cannot | 2\\.8.0 |" in text
    assert "| can be loaded | any: links no torch |" in text


@pytest.mark.parametrize("form", FORMATS)
def test_text_from_a_wheel_is_made_harmless(form: str) -> None:
    hostile = subject(
        library("m/\x1b[31m<b>\n.so", undefined=("_ZN2at\x1b[31m<script>alert",)),
        requires=("torch==\x1b[1m",),
    )
    text = render_document(fitdocument.document([told(hostile, "2.8")], exports()), form)
    assert "\x1b" not in text
    assert form != "html" or "<script>alert" not in text


def test_a_caution_stands_beside_what_can_be_loaded() -> None:
    held = library("small.libs/libcudart-0123abcd.so.12", soname="libcudart-0123abcd.so.12", needed=())
    module = library(undefined=(STABLE,), needed=("libcudart-0123abcd.so.12",))
    found = told(subject(module, held))
    assert found.outcome is Outcome.PASS
    text = render_document(fitdocument.document([found], exports()), "text")
    assert (
        "      the wheel brings libraries of CUDA 12 of its own; this torch is for CUDA 13"
        in text.splitlines()
    )


def test_a_build_for_another_cuda_that_exports_all_is_named() -> None:
    found = told(subject(library(undefined=(STABLE,), needed=("libcudart.so.12",))))
    text = render_document(fitdocument.document([found], exports()), "text")
    assert (
        "torch 2.11.0 exports all that it wants; a build of it for CUDA 12 may load it: no data"
        in text.splitlines()
    )


def test_the_gpus_that_are_asked_for_have_a_line_each() -> None:
    code: CodeFacts = {"fatbins": 1, "groups": [{"codes": ["sm_80", "compute_80"], "fatbins": 1}]}
    what = subject(
        library("m/_C.so", undefined=(STABLE,), code=code), library("m/_P.so", undefined=(STABLE,))
    )
    found = Told(judge(what, exports()), None, tuple(map(find_gpu, ("T4", "L4", "MI300X", "H100"))))
    lines = render_document(fitdocument.document([found], exports()), "text").splitlines()
    assert "T4: no code for it (_C.so)" in lines
    assert "L4: runs (_C.so)" in lines
    assert "H100: compiled by the driver (PTX) (_C.so)" in lines
    assert "MI300X: not asked, fits reads CUDA code alone; stackcheck inspect tells" in lines

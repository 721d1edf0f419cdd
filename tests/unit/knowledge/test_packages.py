"""The tables of packages, images, ROCm and variables: they load, they are asked, and damage is named."""

from __future__ import annotations

import re
import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge import environment, images, packages, reading, rocm, sparse, unstated, wheels
from stackcheck.model.errors import TableError
from stackcheck_probes.judging.gfx import akin, gfx_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOAD: dict[str, Callable[[Path], Any]] = {
    "packages": packages.load,
    "wheels": wheels.load,
    "sparse": sparse.load,
    "images": images.load,
    "rocm": rocm.load,
    "environment": environment.load,
    "unstated": unstated.load,
}


@pytest.mark.parametrize("name", LOAD)
def test_every_row_has_a_source_with_an_address_or_a_path(name: str) -> None:
    table = reading.read_table(name)
    rows = [row for key, value in table.items() if isinstance(value, list) for row in value]
    assert len(rows) >= 10
    for row in (row for row in rows if not row.get("unverified")):
        keys = row["source"] if isinstance(row["source"], list) else [row["source"]]
        for key in keys:
            assert re.search(
                r"[/.`]|pip |METADATA|wheel|version|package|reproduced", table["sources"].get(key, key)
            ), row
    assert table["checked"] <= date(2026, 12, 31)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("wheels", 'tag = "cu121"', 'tags = "cu121"', r"mmcv_page\[\d+\]: tags: unknown key"),
        ("wheels", 'package = "spconv"', 'package = "spconv"\nodd = 1', r"named_cuda\[1\]: odd: unknown key"),
        ("wheels", "(?P<cuda>", "(?P<digits>", r"named_cuda\[1\]: pattern: it needs a group named cuda"),
        ("packages", 'versions = ["0.0.16"]', 'versions = ["0.0.20"]', r"declared\[\d+\]: versions: xformers 0.0.20 stands in"),
        ("images", 'instead = "cudnn"\n', 'instead = "cudnn8"\n', r"cudnn_tag\[1\]: instead: cudnn8 is listed as gone"),
        ("rocm", 'claims = "gfx1030"', 'claims = "gfx1031"', r"override\[1\]: claims: 10.3.0 makes gfx1030"),
        ("rocm", 'rocm = ["5.1.1", "5.2"]', 'rocm = ["5.2", "5.1.1"]', r"torch_rocm\[1\]: rocm: versions are sorted as numbers"),
        ("environment", "when = '0|1'", "when = '('", r"variable\[\d+\]: when: not a regular expression"),
        ("environment", 'outcome = "warn"', 'outcome = "maybe"', r"variable\[1\]: outcome: this must be one of 'warn', 'fail'"),
        ("environment", "[[variable]]", "[[variables]]", r"environment\.toml: variable: this table needs|variables: unknown key"),
    ],
)  # fmt: skip
def test_a_damaged_table_names_file_row_and_key(
    name: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = (reading.FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    shutil.copy(reading.FOLDER / f"{name}.toml", tmp_path)
    count = -1 if new == "[[variables]]" else 1
    (tmp_path / f"{name}.toml").write_text(text.replace(old, new, count), encoding="utf-8")
    with pytest.raises(TableError, match=message):
        LOAD[name](tmp_path)


def test_declared_requirements_by_pin_and_by_range() -> None:
    table = packages.load()
    ((version, row),) = table.declared("xformers", SpecifierSet("==0.0.28.post2"))
    assert (version, row.needs["torch"]) == (Version("0.0.28.post2"), SpecifierSet("==2.5.0"))
    assert len(table.declared("xformers", SpecifierSet(">=0.0.28"))) > 10
    assert table.declared("xformers", SpecifierSet("==99")) == ()
    assert table.declared("no-such-thing", SpecifierSet()) == ()


@pytest.mark.parametrize(
    ("dist", "digits", "must_match"),
    [("spconv-cu124", "124", True), ("cumm-cu118", "118", True), ("nvidia-cuda-runtime-cu12", "12", False), ("cupy-cuda12x", "12", False)],
)  # fmt: skip
def test_cuda_in_names(dist: str, digits: str, must_match: bool) -> None:
    hit = wheels.load().named_cuda(dist)
    assert hit is not None
    assert (hit[1], hit[0].must_match) == (digits, must_match)


@pytest.mark.parametrize("dist", ["spconv", "numpy", "nvidia-ml-py", "nvidia-cublas"])
def test_names_without_cuda(dist: str) -> None:
    assert wheels.load().named_cuda(dist) is None


def test_images_and_distributions() -> None:
    table = images.load()
    assert [table.nvidia_pytorch(tag) is not None for tag in ("25.02", "25.2", "19.01")] == [
        True,
        True,
        False,
    ]
    ubuntu = table.distribution("nvidia/cuda:12.4.1-devel-ubuntu22.04")
    assert ubuntu is not None
    assert ubuntu.python == "3.10"
    assert table.distribution("registry.example.com/team/base:7") is None


def test_a_nightly_has_what_was_there_on_its_day() -> None:
    row = rocm.load().row(Version("2.10.0.dev20250929+rocm7.0"))
    assert row is not None
    assert "gfx1151" not in row.targets(Version("7.0"), date(2025, 9, 29))
    assert "gfx1151" in row.targets(Version("7.0"))


@pytest.mark.parametrize(
    ("value", "gfx"),
    [("10.3.0", "gfx1030"), ("9.0.10", "gfx90a"), ("8.0.3", "gfx803"), ("10.3", None), ("gfx1030", None), ("64.0.0", None), ("10.-3.0", None), ("", None)],
)  # fmt: skip
def test_override_values(value: str, gfx: str | None) -> None:
    assert gfx_of(value) == gfx


def test_the_known_overrides_claim_what_their_value_makes() -> None:
    table = rocm.load()
    for row in table.overrides:
        assert gfx_of(row.value) == row.claims
        for real in row.real:
            assert akin(real, row.claims) is (row.until is None)
            assert (table.override(real) is None) == (row.until is not None)

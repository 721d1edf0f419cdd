"""What is told of packages, images, ROCm and variables: it is asked, and damage is named."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge import environment, images, packages, rocm, wheels
from stackcheck.model.errors import TableError
from stackcheck_probes.judging.gfx import akin, gfx_of
from tests.unit.knowledge.told_folders import edited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackcheck.knowledge.told import Told

LOAD: dict[str, Callable[[Told], Any]] = {
    "places": wheels.load,
    "mmcv": wheels.load,
    "images": images.load,
    "rocm": rocm.load,
    "variables": environment.load,
}


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("mmcv", 'tag = "cu121"', 'tags = "cu121"', r"mmcv\.toml:\d+: mmcv_page: tags: unknown key"),
        ("places", 'package = "spconv"', 'package = "spconv"\nodd = 1', "named_cuda: odd: unknown key"),
        ("places", "(?P<cuda>", "(?P<digits>", "named_cuda: pattern: it needs a group named cuda"),
        ("images", 'instead = "cudnn"\n', 'instead = "cudnn8"\n', "cudnn_tag: instead: cudnn8 is listed as gone"),
        ("rocm", 'claims = "gfx1030"', 'claims = "gfx1031"', "override: claims: 10.3.0 makes gfx1030"),
        ("rocm", 'rocm = ["5.1.1", "5.2"]', 'rocm = ["5.2", "5.1.1"]', "torch_rocm: rocm: versions are sorted as numbers"),
        ("variables", "when = '0|1'", "when = '('", "variable: when: not a regular expression"),
        ("variables", 'outcome = "warn"', 'outcome = "maybe"', "variable: outcome: this must be one of 'warn', 'fail'"),
        ("variables", "[[variable]]", "[[variables]]", r"variables: unknown kind of row; did you mean 'variable'\?"),
    ],
)  # fmt: skip
def test_a_damaged_file_names_file_line_and_key(
    name: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    told = edited(tmp_path, name, old, new, -1 if new == "[[variables]]" else 1)
    with pytest.raises(TableError, match=message):
        LOAD[name](told)


def test_a_version_stands_in_one_row_of_a_package(tmp_path: Path) -> None:
    table = packages.load(edited(tmp_path, "xformers", 'versions = ["0.0.16"]', 'versions = ["0.0.20"]'))
    with pytest.raises(
        TableError, match=r"xformers\.toml:\d+: declared: versions: 0\.0\.20 stands in .*/xformers"
    ):
        table.declared("xformers", SpecifierSet("==0.0.20"))


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


def test_nvidia_s_containers() -> None:
    table = images.load()
    assert [table.nvidia_pytorch(tag) is not None for tag in ("25.02", "25.2", "19.01")] == [
        True,
        True,
        False,
    ]


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

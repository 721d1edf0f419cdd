"""What METADATA of new versions declares, as rows: wheels made in memory, an index made of literals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge import packages
from stackcheck.knowledge.declaredrows import bounds, newer_wheels
from stackcheck.knowledge.extending import extended
from stackcheck.knowledge.folders import SHIPPED, TOLD
from stackcheck.knowledge.matters import Matters
from stackcheck.knowledge.refresh import refresh_declared
from tests.unit.knowledge.test_refresh import TODAY, Index, Link, wheel
from tests.unit.knowledge.told_folders import instead

if TYPE_CHECKING:
    from pathlib import Path

MATTERS = frozenset({"torch", "triton", "numpy", "nvidia-cublas-cu12"})
WHEEL = "exllamav3-99.0-py3-none-any.whl"
METADATA = (
    "Name: exllamav3\nRequires-Dist: torch>=2.9\nRequires-Dist: torch<3\nRequires-Dist: requests>=2\nRequires-Dist: triton>=3; sys_platform == 'linux'\n"
    "Requires-Dist: flash-attn>=3; extra == 'fa'\nRequires-Dist: Torchvision\nRequires-Dist: not a name\n"
)


def index(name: str) -> Index:
    links: dict[str, list[Link]] = {dist: [] for dist in packages.load().declared_dists}
    links = {**links, "exllamav3": [Link(name), Link("exllamav3-98.0.tar.gz")]}
    return Index(links, {WHEEL: wheel({"exllamav3-99.0.dist-info/METADATA": METADATA})})


def test_a_version_after_the_last_that_is_told_becomes_a_row(tmp_path: Path) -> None:
    found = refresh_declared(index(WHEEL), packages.load(), MATTERS, TODAY)
    (row,) = found.additions
    assert found.unread == ()
    assert row.text == (
        '[[declared]]\nversions = ["99.0"]\nneeds = { torch = "<3,>=2.9" }\n'
        'conditional = ["triton>=3; sys_platform == \'linux\'"]\nmade = "stackcheck tables refresh"\n'
        f'checked = 2027-01-02\nsource = "METADATA of {WHEEL}, https://pypi.org/project/exllamav3/99.0/"'
    )
    shipped = (SHIPPED / TOLD / "exllamav3.toml").read_text(encoding="utf-8")
    table = packages.load(instead(tmp_path, "exllamav3", extended(shipped, found.additions, TODAY)))
    told = table.declared_by("exllamav3", Version("99.0"))
    assert told is not None
    assert str(told.needs["torch"]) == "<3,>=2.9"
    assert [str(wanted) for _, wanted in told.asked("3.12", "linux/amd64")] == ["<3,>=2.9", ">=3"]
    assert [str(wanted) for _, wanted in told.asked("3.12", "windows/amd64")] == ["<3,>=2.9"]
    assert refresh_declared(index(WHEEL), table, MATTERS, TODAY).additions == ()


def test_a_wheel_without_metadata_is_not_read() -> None:
    empty = Index(index(WHEEL).links, {WHEEL: wheel({"a": ""})})
    assert refresh_declared(empty, packages.load(), MATTERS, TODAY).unread == (
        f"exllamav3 99.0: {WHEEL} has no METADATA",
    )


def test_a_row_read_from_metadata_holds_every_bound_on_what_matters() -> None:
    lines = [
        "",
        "torch",
        "torch>=2; python_version > '3'",
        "Torch<3",
        "torch!=2.1",
        "numpy<3",
        "numpy>=2; extra == 'new'",
        "requests>=2",
        'nvidia-cublas-cu12==12.1; sys_platform == "linux"',
    ]
    found = bounds(lines, MATTERS)
    assert found.needs == {"numpy": "<3", "torch": "!=2.1,<3"}
    assert found.conditional == (
        "nvidia-cublas-cu12==12.1; sys_platform == 'linux'",
        "torch>=2; python_version > '3'",
    )


@pytest.mark.parametrize("name", ["sglang", "torch-tensorrt", "vllm", "unsloth", "xformers"])
def test_shipped_rows_and_measured_ones_say_the_same_of_every_version(name: str) -> None:
    """Both are read from METADATA: a bound in one that the other lacks was left out by somebody."""
    tables, held = knowledge.load(), 0
    matters = Matters(tables)
    measured = tables.measured.package(name)
    for row in measured.rows if measured else ():
        told = tables.packages.declared_by(name, row.version)
        if not row.wheel or told is None:
            continue
        held += 1
        said = bounds([each for each in row.requires if "extra" not in each], matters)
        assert {key: str(wanted) for key, wanted in told.needs.items()} == said.needs, row.version
        assert set(told.conditional) == set(said.conditional), row.version
    assert held or measured is None


def test_what_matters_follows_from_what_the_tables_hold() -> None:
    matters = Matters(knowledge.load())
    for name in (
        "torch",
        "tensorrt",
        "tensorrt-cu13",
        "transformers",
        "numpy",
        "cuda-bindings",
        "nvidia-cufft",
    ):
        assert name in matters
    assert all(name in matters for name in packages.load().declared_dists)
    for name in ("requests", "nvidia-sphinx-theme", "drivers", "gpus"):
        assert name not in matters


def test_withdrawn_and_early_wheels_make_no_rows() -> None:
    links = [
        Link("a-2.0-py3-none-any.whl"),
        Link("a-3.0rc1-py3-none-any.whl"),
        Link("a-4.0-py3-none-any.whl", "x"),
    ]
    assert list(newer_wheels(links, "a", Version("1.0"))) == [Version("2.0")]
    assert newer_wheels(links, "a", Version("2.0")) == {}

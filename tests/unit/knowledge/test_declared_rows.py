"""What METADATA of new versions declares, as rows: wheels made in memory, an index made of literals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge import packages
from stackcheck.knowledge.declaredrows import needs, newer_wheels
from stackcheck.knowledge.extending import extended
from stackcheck.knowledge.folders import SHIPPED, TOLD
from stackcheck.knowledge.refresh import refresh_declared
from tests.unit.knowledge.test_refresh import TODAY, Index, Link, wheel
from tests.unit.knowledge.told_folders import instead

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "exllamav3-99.0-py3-none-any.whl"
METADATA = (
    "Name: exllamav3\nRequires-Dist: torch>=2.9\nRequires-Dist: triton>=3; sys_platform == 'linux'\n"
    "Requires-Dist: flash-attn>=3; extra == 'fa'\nRequires-Dist: Torchvision\nRequires-Dist: not a name\n"
)


def index(name: str) -> Index:
    links: dict[str, list[Link]] = {dist: [] for dist in packages.load().declared_dists}
    links = {**links, "exllamav3": [Link(name), Link("exllamav3-98.0.tar.gz")]}
    return Index(links, {WHEEL: wheel({"exllamav3-99.0.dist-info/METADATA": METADATA})})


def test_a_version_after_the_last_that_is_told_becomes_a_row(tmp_path: Path) -> None:
    found = refresh_declared(index(WHEEL), packages.load(), TODAY)
    (row,) = found.additions
    assert found.unread == ()
    assert row.text == (
        '[[declared]]\nversions = ["99.0"]\nneeds = { torch = ">=2.9" }\nmade = "stackcheck tables refresh"\n'
        f'checked = 2027-01-02\nsource = "METADATA of {WHEEL}, https://pypi.org/project/exllamav3/99.0/"'
    )
    shipped = (SHIPPED / TOLD / "exllamav3.toml").read_text(encoding="utf-8")
    table = packages.load(instead(tmp_path, "exllamav3", extended(shipped, found.additions, TODAY)))
    told = table.declared_by("exllamav3", Version("99.0"))
    assert told is not None
    assert str(told.needs["torch"]) == ">=2.9"
    assert refresh_declared(index(WHEEL), table, TODAY).additions == ()


def test_a_wheel_without_metadata_is_not_read() -> None:
    empty = Index(index(WHEEL).links, {WHEEL: wheel({"a": ""})})
    assert refresh_declared(empty, packages.load(), TODAY).unread == (
        f"exllamav3 99.0: {WHEEL} has no METADATA",
    )


def test_what_is_left_out_of_requirements_and_of_pages() -> None:
    assert needs(
        ["", "torch", "torch>=2; python_version > '3'", "numpy<3"], frozenset({"torch", "numpy"})
    ) == {"numpy": "<3"}
    links = [
        Link("a-2.0-py3-none-any.whl"),
        Link("a-3.0rc1-py3-none-any.whl"),
        Link("a-4.0-py3-none-any.whl", "x"),
    ]
    assert list(newer_wheels(links, "a", Version("1.0"))) == [Version("2.0")]
    assert newer_wheels(links, "a", Version("2.0")) == {}

"""What the wheels of packages say, as rows: how they are asked, what ships, and which files are refused."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge import measured
from stackcheck.knowledge.folders import SHIPPED as FOLDER
from stackcheck.knowledge.folders import Folder
from stackcheck.knowledge.measured import MeasuredTable, tag_groups
from stackcheck.model.errors import TableError
from stackcheck.model.wheel_tags import python_pairs, stack_platforms
from stackcheck.wheels import exports

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = knowledge.load().measured
HEAD = 'checked = 2026-11-30\nindex = "https://pypi.example/simple"\ntorch = "2.5.0 2.5.1 2.6.0"\n'
ROW = """[[version]]
version = "1.0"
tags = ["cp311-cp311 cp313-cp313t: manylinux_2_28_x86_64 win_amd64", "cp39-abi3: manylinux_2_28_aarch64"]
wheel = "fast-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
sha256 = "00"
torch = "2.5.0..2.5.1"
source = "fast at https://pypi.example/simple"
"""


def table(folder: Path, text: str, name: str = "fast") -> MeasuredTable:
    (folder / "measured").mkdir(exist_ok=True)
    (folder / "measured" / f"{name}.toml").write_text(text, encoding="utf-8")
    return MeasuredTable((Folder(folder),))


@pytest.mark.parametrize(
    ("python", "platform", "served"),
    [
        ("3.11", "linux/amd64", True),
        ("3.11", "windows/amd64", True),
        ("3.12", "linux/amd64", False),
        ("3.13t", "linux/amd64", True),
        ("3.13", "linux/amd64", False),
        ("3.9", "linux/arm64", True),
        ("3.15", "linux/arm64", True),
        ("3.8", "linux/arm64", False),
        ("3.13t", "linux/arm64", False),
        ("3.11", "macos/arm64", False),
        ("3.20", None, True),
    ],
)
def test_a_python_is_served_by_the_rules_of_wheel_tags(
    tmp_path: Path, python: str, platform: str | None, *, served: bool
) -> None:
    row = table(tmp_path, HEAD + ROW).row("fast", Version("1.0+cu124"))
    assert row is not None
    assert row.serves(python, platform) is served


def test_pythons_are_said_in_words(tmp_path: Path) -> None:
    row = table(
        tmp_path, HEAD + ROW.replace("aarch64", "aarch64 any").replace("cp311-cp311", "py3-none cp311-cp311")
    ).row("fast", Version("1.0"))
    assert row is not None
    assert row.pythons("linux/amd64") == ("every Python 3", "3.9 and later", "3.11", "3.13t")


def test_a_torch_is_compared_only_where_its_symbols_were_known(tmp_path: Path) -> None:
    package = table(tmp_path, HEAD + ROW).package("fast")
    assert package is not None
    row = package.row(Version("1.0"))
    assert row is not None
    asked = ("2.5", "2.5.1+cu121", "2.6.0", "2.7.0", "2.4.0")
    assert [package.fits(row, Version(each)) for each in asked] == [True, True, False, None, None]
    best = package.best_for(Version("2.5.1"), "linux/amd64")
    assert best is row
    assert package.best_for(Version("2.6.0"), "linux/amd64") is None
    assert package.best_for(Version("2.5.1"), "macos/arm64") is None


def test_a_version_or_a_package_without_a_row_is_no_data(tmp_path: Path) -> None:
    known = table(tmp_path, HEAD + ROW)
    assert known.row("fast", Version("1.1")) is None
    assert known.package("slow") is None
    assert known.package("../measured/fast") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cp311-cp311 cp313-cp313t: manylinux_2_28_x86_64 win_amd64", "cp311: win_amd64", "tags: 'cp311: win_amd64' is not like"),
        ("cp39-abi3: manylinux_2_28_aarch64", "cp39-abi3:", "tags: 'cp39-abi3:' is not like"),
        ('wheel = "fast-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"\n', "", "wheel: what was read names its wheel"),
        ('torch = "2.5.0..2.5.1"', 'requires = ["a b"]', "requires: 'a b' is not a requirement"),
        ('torch = "2.5.0..2.5.1"', 'torhc = ""', "torhc: unknown key; known: "),
        ('version = "1.0"', 'version = "one"', "version: Invalid version: 'one'"),
        ("source = ", "surce = ", "surce: unknown key"),
    ],
)  # fmt: skip
def test_a_broken_row_is_refused_with_file_row_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in ROW
    with pytest.raises(TableError, match=r"/measured/fast\.toml:\d+: version: ") as raised:
        table(tmp_path, HEAD + ROW.replace(old, new)).package("fast")
    assert message in str(raised.value)


def test_two_rows_of_one_version_and_releases_that_are_none_are_refused(tmp_path: Path) -> None:
    twice = table(tmp_path, HEAD + ROW + ROW.replace('"1.0"', '"1.0.0"'))
    with pytest.raises(
        TableError, match=r"fast\.toml:12: version: version: 1 stands in .*/fast\.toml:4 already\."
    ):
        twice.row("fast", Version("1.0"))
    with pytest.raises(TableError, match=r"/fast\.toml:1: torch: Invalid version: 'two'\."):
        table(tmp_path, HEAD.replace("2.6.0", "two") + ROW).package("fast")


def test_a_users_own_file_is_read_with_ours_and_alone(tmp_path: Path) -> None:
    own, ours = tmp_path / "own", tmp_path / "ours"
    own.mkdir()
    ours.mkdir()
    table(ours, HEAD + ROW)
    newer = HEAD.replace("11-30", "12-24").replace("2.6.0", "2.6.0 2.7.0")
    table(own, newer + ROW.replace("..2.5.1", "..2.7.0") + ROW.replace('"1.0"', '"1.1"'))
    table(own, HEAD + ROW, "house")
    both = MeasuredTable((Folder(ours), Folder(own, own=True)))
    assert both.names == {"fast", "house"}
    package = both.package("fast")
    assert package is not None
    assert [(str(row.version), row.torch, row.checked) for row in package.rows] == [
        ("1.1", ("2.5.0..2.5.1",), date(2026, 12, 24)),
        ("1.0", ("2.5.0..2.7.0",), date(2026, 12, 24)),
    ]
    assert package.compared[-1] == Version("2.7.0")
    assert both.row("house", Version("1.0")) is not None


def test_a_file_that_no_package_is_called_by_is_refused(tmp_path: Path) -> None:
    table(tmp_path, HEAD + ROW, "Fast_One")
    with pytest.raises(TableError, match=r"not the canonical name of a package; rename it to fast-one\.toml"):
        measured.files((Folder(tmp_path),))


def test_tags_are_grouped_by_the_pythons_that_platforms_share() -> None:
    from packaging.tags import parse_tag  # noqa: PLC0415 - for this test alone

    names = (
        "cp310-cp310-manylinux1_x86_64",
        "cp39-cp39-manylinux1_x86_64",
        "cp39-cp39-win_amd64",
        "py2.py3-none-any",
    )
    tags = [tag for name in names for tag in parse_tag(name)]
    assert tag_groups(tags) == (
        "py2-none py3-none: any",
        "cp39-cp39 cp310-cp310: manylinux1_x86_64",
        "cp39-cp39: win_amd64",
    )


@pytest.mark.parametrize(
    ("python", "taken", "refused"),
    [
        ("3.7", "cp37-cp37m cp36-abi3 py3-none", "cp37-cp37 cp38-abi3"),
        ("3.14", "cp314-cp314 cp314-abi3 cp38-abi3 py314-none cp314-none", "cp314-cp314t cp315-abi3 cp313-none"),
        ("3.14t", "cp314-cp314t py3-none", "cp314-cp314 cp38-abi3"),
        ("3", "", "py3-none"),
    ],
)  # fmt: skip
def test_what_a_python_takes(python: str, taken: str, refused: str) -> None:
    pairs = python_pairs(python)
    assert pairs >= set(taken.split())
    assert pairs.isdisjoint(refused.split())


def test_platforms_of_tags() -> None:
    named = ("any", "win_amd64", "win32", "linux_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64", "macosx_10_9_x86_64", "macosx_11_0_universal2", "manylinux2014_ppc64le")  # fmt: skip
    assert [" ".join(stack_platforms(each)) for each in named] == [
        "any", "windows/amd64", "", "linux/amd64", "linux/arm64", "", "macos/amd64", "macos/arm64 macos/amd64", ""
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(SHIPPED.names))
def test_what_ships_loads_and_is_held_against_every_torch_whose_symbols_ship(name: str) -> None:
    package = SHIPPED.package(name)
    assert package is not None
    known = {Version(each.torch) for each in exports.read().builds if each.platform == "linux/amd64"}
    assert (package.index, set(package.compared)) == ("https://pypi.org/simple", known)
    assert package.rows
    for row in package.rows:
        assert row.tags
        assert (len(row.sha256) == 64) is bool(row.wheel)
        assert row.source.startswith(
            (f"{row.wheel} of https://pypi.org/simple/{name}/", "the names of the files of ")
        )


def test_every_torch_that_metadata_pins_is_one_that_exports_what_the_wheel_needs() -> None:
    held, differing = 0, []
    for name in sorted(SHIPPED.names):
        package = SHIPPED.package(name)
        for row in package.rows if package else ():
            pins = [
                part.version
                for each in row.required("torch")
                for part in each.specifier
                if part.operator == "==" and not part.version.endswith(".*")
            ]
            if package and row.torch and pins and package.fits(row, Version(pins[0])) is not None:
                held += 1
                if not package.fits(row, Version(pins[0])):
                    differing.append(f"{name} {row.version}: {row.torch}, pins {pins[0]}")
    assert differing == []
    assert held >= 100


def test_the_pins_of_torch_are_those_of_its_metadata() -> None:
    row = SHIPPED.row("torch", Version("2.5.0+cu124"))
    assert row is not None
    pins = SHIPPED.pins(row, "linux/amd64")
    found = [str(pins[name].version) for name in ("nvidia-cudnn-cu12", "nvidia-nccl-cu12")]
    assert (found, len(pins)) == (["9.1.0.70", "2.21.5"], 12)
    assert SHIPPED.pins(row, "windows/amd64") == {}


def test_pins_that_come_through_extras_of_a_meta_package_are_those_of_its_metadata() -> None:
    row = SHIPPED.row("torch", Version("2.13.0"))
    assert row is not None
    pins = SHIPPED.pins(row, "linux/amd64")
    assert (str(pins["cuda-toolkit"].version), str(pins["nvidia-cublas"].version)) == ("13.0.3", "13.1.1.3")
    assert pins["nvidia-cublas"].says == "cuda-toolkit[...]==13.0.3, which requires nvidia-cublas==13.1.1.3.*"
    assert "nvidia-npp" not in pins  # torch asks for no extra with it
    assert SHIPPED.pins(row, "windows/amd64") == {}


def test_what_ships_is_no_larger_than_a_package_may_be() -> None:
    every = [path for name in ("measured", "names", "told") for path in (FOLDER / name).iterdir()]
    assert sum(path.stat().st_size for path in every) < 6_000_000
    files = list((FOLDER / "measured").glob("*.toml"))
    assert len(files) >= 45
    assert all("checked" in tomllib.loads(path.read_text("utf-8")) for path in files)


@pytest.mark.parametrize("major", [11, 12, 13])
def test_the_least_code_in_wheels_of_cudnn_is_what_is_told_of_them(major: int) -> None:
    tables = knowledge.load()
    package = tables.measured.package(f"nvidia-cudnn-cu{major}")
    assert package is not None
    read = [row for row in package.rows if row.arch]
    for row in read:
        least = min(int(code[3:].rstrip("af")) for code in row.arch if code.startswith("sm_"))
        told = tables.cuda.cudnn_for(row.version, major)
        assert told is not None
        assert (row.version, told.first.sm) == (row.version, least)
    assert read or major == 11, "at least one wheel was opened"

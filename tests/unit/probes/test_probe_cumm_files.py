"""The probe `cumm_files` over small trees."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from stackcheck_probes.probes import cumm_files, spconv_build

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck_probes.facts.spconv import CummFiles, CummHeaders


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages with cumm, its headers and spconv, alone on sys.path."""
    for name in cumm_files.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    site = tmp_path / "site-packages"
    (site / "cumm/include/tensorview/core").mkdir(parents=True)
    (site / "cumm/include/tensorview/core/all.h").touch()
    (site / "spconv").mkdir()
    for package in ("cumm", "spconv"):
        (site / package / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(site)])
    return site


def facts() -> CummFiles:
    return cumm_files.run({})


def headers_of(found: CummFiles) -> CummHeaders:
    assert found["headers"] is not None
    return found["headers"]


def test_a_clean_install(site: Path) -> None:
    found = facts()
    assert found["folders"] == {"cumm": [str(site / "cumm")], "spconv": [str(site / "spconv")]}
    assert found["headers"] == {
        "directory": str(site / "cumm/include"),
        "by": "cumm/include",
        "exists": True,
        "all_h": True,
        "own_all_h": True,
        "either_exists": True,
    }
    assert found["stray"] == []
    assert found["environment"] == {}


def test_a_stray_include_directory_wins_as_it_does_in_cumm(site: Path) -> None:
    (site / "include").mkdir()
    headers = headers_of(facts())
    assert (headers["directory"], headers["by"]) == (str(site / "include"), "site-packages/include")
    assert (headers["all_h"], headers["own_all_h"]) == (False, True)


def test_the_variable_wins_over_both(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "include").mkdir()
    monkeypatch.setenv("CUMM_INCLUDE_PATH", str(site / "nowhere"))
    headers = headers_of(facts())
    assert (headers["by"], headers["exists"], headers["all_h"]) == ("CUMM_INCLUDE_PATH", False, False)


def test_removed_headers(site: Path) -> None:
    (site / "cumm/include/tensorview/core/all.h").unlink()
    assert headers_of(facts())["all_h"] is False
    assert headers_of(facts())["either_exists"] is True


@pytest.mark.parametrize("name", ["setup.py", ".gitignore"])
def test_strays_beside_the_package(site: Path, name: str) -> None:
    (site / name).touch()
    assert facts()["stray"] == [str(site / name)]


def test_owners_and_the_cumm_that_spconv_requires(site: Path) -> None:
    for name, version, requires in (
        ("spconv_cu124", "2.3.8", "Requires-Dist: cumm-cu124<0.8.0,>=0.7.11\n"),
        ("cumm_cu124", "0.7.11", ""),
        ("cummerbund", "1.0", ""),
    ):
        folder = site / f"{name}-{version}.dist-info"
        folder.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n{requires}"
        (folder / "METADATA").write_text(text)
    assert facts()["owners"] == {
        "cumm": [{"name": "cumm-cu124", "version": "0.7.11", "requires_cumm": ""}],
        "spconv": [
            {"name": "spconv-cu124", "version": "2.3.8", "requires_cumm": "cumm-cu124<0.8.0,>=0.7.11"}
        ],
    }


def test_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = facts()
    assert found["folders"] == {"cumm": [], "spconv": []}
    assert (found["headers"], found["stray"]) == (None, [])


def test_pybind11_strings_are_read_from_the_file(site: Path) -> None:
    string = b"__pybind11_internals_v4_gcc_libstdcpp_cxxabi1018__"
    (site / "cumm" / "core_cc.cpython-311-x86_64-linux-gnu.so").write_bytes(
        b"\x7fELF\0" + string + b"\0" + string
    )
    assert spconv_build.internals("cumm") == [string.decode()]
    assert spconv_build.internals("spconv") == []

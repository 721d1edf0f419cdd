"""`tables check`: every fault of a folder at once, with its line; what ships has none."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from stackcheck.knowledge import folders
from stackcheck.knowledge.checking import can_be_found, faults

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 30)
BAD = """checked = 2031-01-01
[sources]
never = "https://git.acme.example/"

[[requirement]]
versions = "==1.*"
other = "TorchVision"
accepts = "==2.9.*"
effect = "it breaks"
source = "our wiki"

[[requirement]]
versions = "==1.2"
other = "torchvision"
accepts = "==2.8.*"
effect = "it breaks"
source = "https://git.acme.example/"

[[kernels]]
versions = ">=1"
least = "9.9"
says = "it serves some"
source = "https://git.acme.example/"
odd = 1

[[kernels]]
versions = ">=1"
least = "9.9"
says = "it serves some"
source = "https://git.acme.example/"

[[kernel]]
"""


def test_what_ships_has_no_fault() -> None:
    assert faults(folders.SHIPPED, TODAY) == []


def test_a_file_that_is_not_toml_is_named_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "our-ops.toml").write_text("checked = 2026-11-30\n<<<<<<<\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (found,) = faults(tmp_path, TODAY)
    assert found.startswith("told/our-ops.toml:2: this is not TOML")


def test_every_fault_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "told").mkdir()
    (tmp_path / "measured").mkdir()
    (tmp_path / "told" / "our-ops.toml").write_text(BAD, encoding="utf-8")
    (tmp_path / "told" / "Our_Other.toml").write_text("checked = 2026-11-30\n", encoding="utf-8")
    (tmp_path / "told" / "torch.toml").write_text("checked = 2026-11-30\n[[release", encoding="utf-8")
    (tmp_path / "measured" / "fast.toml").write_text("checked = 2026-11-30\nodd = 1\n", encoding="utf-8")
    (tmp_path / "loose.toml").write_text("", encoding="utf-8")
    told = [each.removeprefix(f"{tmp_path}/") for each in faults(tmp_path, TODAY)]
    assert told == [
        "loose.toml:1: files of knowledge lie in told/ and measured/; move it there.",
        "measured/fast.toml:1: odd: unknown key; known: checked, index, sources, torch, version.",
        "told/Our_Other.toml:1: this is not the canonical name of a package; rename it to our-other.toml.",
        "told/our-ops.toml:1: checked: 2031-01-01 is in the future.",
        "told/our-ops.toml:1: sources: no row cites 'never'; remove it.",
        "told/our-ops.toml:5: requirement: checked: 2031-01-01 is in the future.",
        "told/our-ops.toml:7: requirement: other: TorchVision is not canonical: write torchvision.",
        "told/our-ops.toml:10: requirement: source: a stranger cannot find 'our wiki': name an address, or a file and its version.",
        "told/our-ops.toml:12: requirement: checked: 2031-01-01 is in the future.",
        f"told/our-ops.toml:13: requirement: versions: this row contradicts {tmp_path}/told/our-ops.toml:5 (dist our-ops, other torchvision, built , use ).",
        "told/our-ops.toml:24: kernels: odd: unknown key; known: checked, dist, last_major, least, made, note, overrides, says, source, unverified, versions.",
        "told/our-ops.toml:26: kernels: checked: 2031-01-01 is in the future.",
        "told/our-ops.toml:28: kernels: least: there is no compute capability 9.9.",
        "told/our-ops.toml:32: kernel: unknown kind of row; did you mean 'kernels'?",
        "told/torch.toml:2: this is not TOML: Expected ']]' at the end of an array declaration (column 10).",
    ]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("https://github.com/ROCm/rocBLAS/issues/1339", True),
        ("pypi.org/project/torch/2.5.0", True),
        ("rusty1s/pytorch_scatter README.md @648dda3", True),
        ("setup.py of mamba-ssm 2.2.4", True),
        ("our wiki", False),
        ("setup.py of mamba-ssm", False),
        ("METADATA of the wheels on PyPI, read with pip", False),
        ("reproduced with torch 2.5.0", False),
        ("no primary source found", False),
    ],
)
def test_a_source_is_one_that_a_stranger_can_find(source: str, found: bool) -> None:
    assert can_be_found(source) is found

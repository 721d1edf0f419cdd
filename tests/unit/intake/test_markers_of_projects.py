"""Rows of one package with markers that exclude each other: one counts, and none takes back another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.specifiers import SpecifierSet

from stackcheck.intake.project import Taken, take

if TYPE_CHECKING:
    from pathlib import Path

BY_PYTHON = "numpy==1.22.0; python_version<='3.10'\nnumpy==1.24.3; python_version>'3.10'\ntorch==2.1.0\n"


def taken(folder: Path, text: str, python: str = "") -> Taken:
    (folder / "requirements.txt").write_text(text, encoding="utf-8")
    (one,) = take([folder], {"python": python} if python else {})
    return one


@pytest.mark.parametrize(("python", "version"), [("3.10", "1.22.0"), ("3.11", "1.24.3")])
def test_the_row_for_the_stack_s_python_counts(tmp_path: Path, python: str, version: str) -> None:
    one = taken(tmp_path, BY_PYTHON, python)
    assert one.stack.packages["numpy"].version == version
    assert (one.stack.contradictions, one.stack.unsettled) == ((), ())


@pytest.mark.parametrize("order", [1, -1])
def test_without_a_python_the_row_for_the_newest_counts_and_the_question_is_said(
    tmp_path: Path, order: int
) -> None:
    one = taken(tmp_path, "\n".join(BY_PYTHON.split("\n")[::order]))
    assert one.stack.packages["numpy"].version == "1.24.3"
    assert one.stack.contradictions == ()
    (asked,) = one.stack.unsettled
    assert asked.endswith("which numpy is meant hangs on the Python: say which one with --python.")


@pytest.mark.parametrize("order", [1, -1])
def test_a_wheel_for_another_system_takes_no_place(tmp_path: Path, order: int) -> None:
    rows = [
        "bitsandbytes==0.41.1; platform_system != 'Windows'",
        "https://example.org/bitsandbytes-0.41.1-py3-none-win_amd64.whl; platform_system == 'Windows'",
    ]
    one = taken(tmp_path, "\n".join(rows[::order]))
    assert one.stack.packages["bitsandbytes"].version == "0.41.1"
    assert (one.stack.contradictions, one.stack.packages["bitsandbytes"].url) == ((), None)


def test_a_row_for_another_system_asks_for_no_python(tmp_path: Path) -> None:
    one = taken(
        tmp_path, "torch==2.8.0+cpu; platform_machine=='x86_64'\ntorch==2.8.0; platform_system=='Darwin'\n"
    )
    assert (one.stack.packages["torch"].version, one.stack.unsettled) == ("2.8.0+cpu", ())


def test_two_rows_that_one_python_takes_still_disagree(tmp_path: Path) -> None:
    one = taken(tmp_path, "numpy==1.22.0; python_version<'3.12'\nnumpy==1.24.3; python_version>'3.8'\n")
    assert len(one.stack.contradictions) == 1


def test_in_an_image_the_row_for_its_python_counts(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(BY_PYTHON, encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(
        "FROM debian\nCOPY r.txt /r.txt\nRUN python3.10 -m pip install -r /r.txt\n", encoding="utf-8"
    )
    (one,) = take([tmp_path / "Dockerfile"])
    assert (one.stack.packages["numpy"].version, one.stack.contradictions) == ("1.22.0", ())


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("pyproject.toml", '[project]\nrequires-python = ">=3.10,<3.13"\ndependencies = ["torch"]', "3.11"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"\ntorch = "*"', "3.11"),
        ("environment.yml", "dependencies:\n  - python>=3.9\n  - pytorch\n", "3.11"),
    ],
)
def test_the_range_of_pythons_is_kept_and_asked(tmp_path: Path, name: str, text: str, wanted: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (one,) = take([tmp_path])
    assert "is a range: say which one with --python" in one.stack.unsettled[0]
    assert wanted in SpecifierSet(one.stack.python_range)
    assert "3.8" not in SpecifierSet(one.stack.python_range)
    (settled,) = take([tmp_path], {"python": "3.11"})
    assert (settled.stack.python_range, settled.stack.unsettled) == ("", ())


BY_SYSTEM = """
[project]
name = "app"
requires-python = ">=3.11,<3.12"
dependencies = ["torch==2.2.2"]
[tool.uv.sources]
torch = [
  { index = "pytorch-cpu", marker = "platform_system == 'Windows'" },
  { index = "pytorch-cu121", marker = "sys_platform == 'linux'" },
]
[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "pytorch-cu121"
url = "https://download.pytorch.org/whl/cu121"
explicit = true
"""


@pytest.mark.parametrize(
    ("platform", "index"),
    [
        (None, "https://download.pytorch.org/whl/cu121"),
        ("windows/amd64", "https://download.pytorch.org/whl/cpu"),
        ("macos/amd64", None),
    ],
)
def test_the_source_of_uv_that_holds_on_the_platform_counts(
    tmp_path: Path, platform: str | None, index: str | None
) -> None:
    (tmp_path / "pyproject.toml").write_text(BY_SYSTEM, encoding="utf-8")
    (one,) = take([tmp_path], {"platform": platform})
    assert one.stack.packages["torch"].index == index


def test_the_row_of_a_uv_lock_that_holds_on_the_platform_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(BY_SYSTEM.partition("[tool")[0], encoding="utf-8")
    rows = (("2.2.2", "platform_machine == 'x86_64'"), ("2.5.1", "platform_machine != 'x86_64'"))
    lock = "".join(
        f'[[package]]\nname = "torch"\nversion = "{version}"\n'
        f"resolution-markers = [\"sys_platform == 'darwin' and {marker}\"]\n"
        for version, marker in rows
    )
    (tmp_path / "uv.lock").write_text(f'version = 1\nrequires-python = "==3.11.*"\n{lock}', encoding="utf-8")
    text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8").replace("torch==2.2.2", "torch>=2")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    for platform, version in (("macos/amd64", "2.2.2"), ("macos/arm64", "2.5.1")):
        (one,) = take([tmp_path], {"platform": platform})
        assert one.stack.packages["torch"].version == version

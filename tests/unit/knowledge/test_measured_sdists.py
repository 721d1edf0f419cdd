"""tools/measure_sdists.py, which makes the `sdist_only` rows: what it takes for source alone, and what it says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.model.index_pages import File

_SPEC = importlib.util.spec_from_file_location(
    "measure_sdists", Path(__file__).parents[3] / "tools" / "measure_sdists.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
script = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(script)


def files(*names: str, yanked: str | None = None) -> list[File]:
    return [File(name, f"https://e.org/{name}", yanked=yanked) for name in names]


def test_a_version_is_source_alone_where_no_linux_machine_could_take_a_wheel() -> None:
    listed = files(
        "a-1.0.tar.gz",
        "a-1.1.tar.gz", "a-1.1-cp311-cp311-win_amd64.whl",
        "a-1.2.tar.gz", "a-1.2-cp311-cp311-manylinux_2_28_x86_64.whl",
        "a-1.3.tar.gz", "a-1.3-py3-none-any.whl",
        "a-1.4-4.tar.gz",
    )  # fmt: skip
    found = script.by_version("a", [*listed, *files("a-1.5.tar.gz", yanked="broken")])
    assert script.source_alone(found) == [Version("1.0"), Version("1.1")]


@pytest.mark.parametrize(
    ("alone", "others", "text"),
    [
        ("1.0 1.1", "", "<=1.1"),
        ("1.0 1.2", "1.1", "!=1.1,<=1.2"),
        ("1.0 1.1", "1.2", "<=1.1"),
        ("2.0", " ".join(f"1.{n}" for n in range(9)), ">1.8,<=2.0"),
        ("0.1", " ".join(f"1.{n}" for n in range(9)), ""),
    ],
)
def test_the_specifier_holds_these_and_no_later_one(alone: str, others: str, text: str) -> None:
    these, rest = (list(map(Version, each.split())) for each in (alone, others))
    assert script.specifier(these, [*these, *rest]) == text
    if text:
        accepted = SpecifierSet(text)
        assert all(each in accepted for each in these)
        assert not any(each in accepted for each in (*rest, Version("9")))


@pytest.mark.parametrize(
    ("setup", "imports"),
    [
        ("import os\nfrom torch.utils import cpp_extension", True),
        ("import torch.version as v", True),
        ("try:\n    import torch\nexcept ImportError:\n    pass", False),
        ("def build():\n    import torch", False),
        ("import torchvision\nfrom .torch import x", False),
    ],
)
def test_only_an_import_at_the_top_ends_an_isolated_build(setup: str, imports: bool) -> None:
    assert script.imports_torch(setup) is imports


def test_a_build_that_asks_for_torch_gets_one() -> None:
    assert script.asks_for_torch('[build-system]\nrequires = ["setuptools", "torch>=2"]')
    assert not script.asks_for_torch('[build-system]\nrequires = ["setuptools", "torchvision", "=="]')
    assert not script.asks_for_torch("")

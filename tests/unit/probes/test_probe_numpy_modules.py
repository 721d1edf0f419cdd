"""What the probe reads of modules that were compiled with NumPy, and what the rule says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck_probes.probes.numpy_modules import NEW, OLD, run
from tests.unit.probes.numpy_fixtures import install, module
from tests.unit.rules.harness import seen_said

if TYPE_CHECKING:
    from pathlib import Path

OF_310 = "odd/a.cpython-310-x86_64-linux-gnu.so"


@pytest.mark.parametrize(
    ("requires", "modules", "expected"),
    [
        ("numpy>=1.17.3", {"odd/a.so": module(OLD[1])}, (1, True)),
        ("numpy<2 ; python_version < '3.12'", {"odd/a.so": module(OLD[0])}, (1, True)),
        ("numpy", {"odd/a.so": module(NEW[0], OLD[0])}, (2, True)),  # NumPy 2's headers name both places
        ("numpy (>=1.20)", {"odd/a.so": module(NEW[1]), "odd/b.so": module(OLD[0])}, (1, True)),
        ("numpy ; extra == 'test'", {"odd/a.so": module(OLD[0])}, (1, False)),
        ("numpydoc", {"odd/a.so": module(OLD[0])}, (1, False)),
        ("numpy", {"odd/a.so": module()}, None),
        ("numpy", {"odd/a.so": module(b"numpy.core.multiarray")}, None),  # pybind11, which finds either
        ("numpy", {"odd/a.so": b"#!/bin/sh " + OLD[0]}, None),
        ("numpy", {"odd/a.py": OLD[0]}, None),
        ("numpy", {OF_310: module(OLD[0])}, None),
    ],
)
def test_the_numpy_of_a_module_stands_in_its_bytes(
    tmp_path: Path, requires: str, modules: dict[str, bytes], expected: tuple[int, bool] | None
) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    install(site, "numpy", (), {}, version="2.2.6")
    install(site, "odd", (requires,), modules)
    found = run({"sys_path": [str(site)]})
    assert found["numpy"] == "2.2.6"
    assert [(each["api"], each["required"]) for each in found["modules"]] == ([expected] if expected else [])


def test_beside_numpy_1_or_none_nothing_is_read(tmp_path: Path) -> None:
    install(tmp_path, "odd", ("numpy",), {"odd/a.so": module(OLD[0])})
    found = run({"sys_path": [str(tmp_path)]})
    assert (found["numpy"], found["modules"]) == ("", [])
    install(tmp_path, "numpy", (), {}, version="1.26.4")
    found = run({"sys_path": [str(tmp_path)]})
    assert (found["numpy"], found["modules"]) == ("1.26.4", [])


def test_a_module_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    install(tmp_path, "numpy", (), {}, version="2.2.6")
    install(tmp_path, "odd", ("numpy",), {"odd/a.so": module(OLD[0])})
    (tmp_path / "odd" / "a.so").unlink()
    assert run({"sys_path": [str(tmp_path)]})["modules"] == []


SKLEARN = {
    "distribution": "scikit-learn",
    "version": "1.2.2",
    "required": True,
    "file": "sklearn/_isotonic.so",
    "api": 1,
}
TORCH = {"distribution": "torch", "version": "2.2.0", "required": False, "file": "torch/lib/x.so", "api": 1}


def seen(*modules: dict[str, Any], numpy: str = "2.2.6") -> list[tuple[str, str]]:
    return seen_said("NUMPY301", {"numpy_modules": {"numpy": numpy, "modules": list(modules)}})


def test_a_module_of_numpy_1_beside_numpy_2_fails_by_its_bytes_and_without_torch() -> None:
    assert seen(SKLEARN) == [
        (
            "FAIL",
            "scikit-learn 1.2.2 was compiled with NumPy 1, and NumPy 2.2.6 is installed: "
            "sklearn/_isotonic.so fails to load.",
        )
    ]


def test_a_package_that_does_not_require_numpy_lives_on_without() -> None:
    assert seen(TORCH, {**SKLEARN, "api": 2}) == [
        (
            "WARN",
            "torch 2.2.0 was compiled with NumPy 1, and NumPy 2.2.6 is installed: what of it uses NumPy does not "
            "work; it does not require NumPy, and may import without.",
        )
    ]


def test_modules_of_numpy_2_pass_and_without_any_there_is_nothing_to_say() -> None:
    modules = [{**SKLEARN, "api": 2, "distribution": f"d{number}"} for number in range(6)]
    assert seen(*modules) == [
        (
            "PASS",
            "The compiled modules of d0, d1, d2, d3, d4 and 1 more were built with NumPy 2, as NumPy 2.2.6 needs.",
        )
    ]
    assert seen(numpy="1.26.4") == []

"""What the probe reads of modules that were compiled with NumPy, and what the rule says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck_probes.probes.numpy_abi import NEW, OLD, compiled
from tests.unit.rules.harness import recorded, seen_said

if TYPE_CHECKING:
    from pathlib import Path


def install(folder: Path, name: str, requires: str, modules: dict[str, bytes]) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in modules))
    for path, data in modules.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(b"\x7fELF.." + data + b"..")


@pytest.mark.parametrize(
    ("requires", "modules", "api"),
    [
        ("numpy>=1.17.3", {"odd/a.so": OLD[1]}, 1),
        ("numpy", {"odd/a.so": NEW[0] + OLD[0]}, 2),  # NumPy 2's headers name both places
        ("numpy (>=1.20)", {"odd/a.so": NEW[1], "odd/b.so": OLD[0]}, 1),
        ("numpy ; extra == 'test'", {"odd/a.so": OLD[0]}, None),
        ("numpydoc", {"odd/a.so": OLD[0]}, None),
        ("numpy", {"odd/a.so": b"nothing of it"}, None),
        ("numpy", {"odd/a.py": OLD[0]}, None),
    ],
)
def test_the_api_stands_in_the_bytes(
    tmp_path: Path, requires: str, modules: dict[str, bytes], api: int | None
) -> None:
    install(tmp_path, "odd", requires, modules)
    assert [each["api"] for each in compiled([str(tmp_path)])] == ([api] if api else [])


def test_a_module_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    install(tmp_path, "odd", "numpy", {"odd/a.so": OLD[0]})
    (tmp_path / "odd" / "a.so").unlink()
    assert compiled([str(tmp_path)]) == []


SKLEARN = {"distribution": "scikit-learn", "version": "1.2.2", "file": "sklearn/_isotonic.so", "api": 1}


def seen(version: str, **changed: Any) -> list[tuple[str, str]]:
    facts = {
        **recorded("cuda124-torch25-no-gpu")["numpy_abi"],
        "version": version,
        "compiled": [SKLEARN],
        **changed,
    }
    return seen_said("NUMPY301", {"numpy_abi": facts})


def test_a_module_of_numpy_1_beside_numpy_2_fails_without_torch() -> None:
    alone = {"modules": {"torch": {"installed": False, "import_error": None}}, "bridge": None}
    assert seen("2.2.6", **alone) == [
        (
            "FAIL",
            "scikit-learn 1.2.2 was compiled with NumPy 1, and NumPy 2.2.6 is installed: "
            "sklearn/_isotonic.so fails to load.",
        )
    ]
    assert seen("1.26.4", **alone) == [
        ("PASS", "NumPy 1.26.4 is the one that the modules beside it were compiled for.")
    ]

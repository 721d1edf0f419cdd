"""What travels runs on Python 3.8 and takes nothing along: syntax, imports, and grades that can be read."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import stackcheck_probes
from stackcheck_probes.carried import every_probe, grade_of

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(stackcheck_probes.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LOADED_WHERE_THEY_ARE = {
    "torch",
    "torchvision",
    "torchaudio",
    "torch_geometric",
    "mmcv",
    "numpy",
    "spconv",
    "cumm",
}

STANDARD = sys.stdlib_module_names | {"compression"}  # compression.zstd is new in 3.14


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the top-level packages that these statements import, relative ones aside."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_that_travels_is_python_3_8_and_imports_only_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 8))
    assert imported(tree.body) - STANDARD <= {"stackcheck_probes"}
    in_functions = set() if grade_of(path.stem) == "static" else LOADED_WHERE_THEY_ARE
    assert imported(ast.walk(tree)) - STANDARD - in_functions <= {"stackcheck_probes"}


@pytest.mark.parametrize("name", every_probe())
def test_a_probe_names_itself_and_no_real_module(name: str) -> None:
    tree = ast.parse((ROOT / "probes" / f"{name}.py").read_text("utf-8"))
    constants = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if node.targets[0].id in {"NAME", "GRADE"}
    }
    assert constants == {"NAME": name, "GRADE": grade_of(name)}
    assert name not in sys.stdlib_module_names
    assert any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body)

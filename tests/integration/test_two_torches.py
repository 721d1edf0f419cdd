"""Two torches in one process: the crash, for real on the CPU, and the rule that finds them before it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stackcheck import rules
from stackcheck.model.verdict import Outcome
from stackcheck.rules.registry import RULES, judge_one

rules.load_all()
PROBES = Path(__file__).parents[2] / "probes"
PROBE = (
    "import json; from stackcheck_probes.probes import interpreter; print(json.dumps(interpreter.run({})))"
)
CRASH = """
import sys
import torch, torch.distributed.rpc
checkout = sys.argv[1]
# What PYTHONPATH, a .pth file or the working directory do when another part of the program looks again:
for name in [name for name in sys.modules if name.startswith("torch.distributed.rpc")]:
    del sys.modules[name]
torch.distributed.__path__.insert(0, checkout + "/torch/distributed")
import torch.distributed.rpc
"""


@pytest.fixture(scope="module")
def python() -> str:
    found = os.environ.get("STACKCHECK_TORCH_PYTHON")
    if not found:
        pytest.skip("set STACKCHECK_TORCH_PYTHON to an interpreter that has torch")
    return found


@pytest.fixture
def checkout(python: str, tmp_path: Path) -> Path:
    """Return a source tree like /pytorch: torch's Python files, a setup.py, nothing compiled."""
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    tree = tmp_path / "pytorch"
    shutil.copytree(f"{where}/torch/distributed", tree / "torch/distributed")
    for name in ("__init__.py", "version.py"):
        shutil.copy(f"{where}/torch/{name}", tree / "torch" / name)
    (tree / "torch/csrc").mkdir()
    (tree / "setup.py").write_text("")
    return tree


@pytest.mark.slow
def test_two_torches_crash_in_rpc_backend_options(python: str, checkout: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [python, "-c", CRASH, str(checkout)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ended.returncode != 0
    said = 'generic_type: cannot initialize type "RpcBackendOptions": an object with that name is already'
    assert f"{said} defined" in ended.stderr


def _judged(python: str, **environ: str) -> list[Any]:
    path = os.pathsep.join([str(PROBES), *filter(None, [environ.pop("PYTHONPATH", "")])])
    seen = subprocess.run(
        [python, "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={**os.environ, **environ, "PYTHONPATH": path},
    ).stdout
    return judge_one(RULES["PYTHON304"], {"interpreter": json.loads(seen)})


@pytest.mark.slow
def test_the_checkout_is_found_before_anything_is_imported(python: str, checkout: Path) -> None:
    (alone,) = _judged(python)
    assert (alone.outcome, alone.found) == (Outcome.PASS, "one torch")
    verdict = _judged(python, PYTHONPATH=str(checkout))[0]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        f"`import torch` takes the source tree {checkout}/torch (from pythonpath), "
        "which holds no compiled torch._C."
    )
    assert verdict.hint == "take its folder off PYTHONPATH"


def test_a_source_tree_is_found_without_any_torch_installed(tmp_path: Path) -> None:
    (tmp_path / "pytorch/torch/csrc").mkdir(parents=True)
    (tmp_path / "pytorch/setup.py").write_text("")
    (tmp_path / "pytorch/torch/__init__.py").write_text("")
    (tmp_path / "pytorch/torch/version.py").write_text("__version__ = '2.6.0a0'\n")
    verdict = _judged(sys.executable, PYTHONPATH=str(tmp_path / "pytorch"))[0]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        f"`import torch` takes the source tree {tmp_path}/pytorch/torch (from pythonpath), "
        "which holds no compiled torch._C."
    )

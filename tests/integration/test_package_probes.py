"""The package probes by the real agent, over packages that do not import or are not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Missing
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one

PROBES = Path(__file__).parents[2] / "probes"
NAMES = (
    "torch_build",
    "torch_cpu",
    "torchvision_ops",
    "torchaudio_ops",
    "pyg_ops",
    "mmcv_ops",
    "numpy_abi",
    "cumm_files",
    "spconv_build",
    "spconv_cpu",
)
load_all()


def observed(site: Path) -> dict[str, Any]:
    """Run the probes with `site` before everything else, in an interpreter that has no other packages."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "stackcheck_probes", json.dumps({"probes": NAMES})],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{site}{os.pathsep}{PROBES}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    probes = json.loads(done.stdout)["probes"]
    return {
        name: entry["facts"] if entry["status"] == "ok" else Missing(entry["error"]["message"])
        for name, entry in probes.items()
    }


def said(code: str, facts: dict[str, Any], **packages: str) -> list[tuple[str, str]]:
    stack = Stack.model_validate({"id": "case", "accelerator": "cuda", "cuda": "12.4", "packages": packages})
    return [(v.outcome.name, v.message) for v in judge_one(RULES[code], {"stack": stack, **facts})]


def test_nothing_installed_fails_what_is_stated_and_nothing_else(tmp_path: Path) -> None:
    facts = observed(tmp_path)
    assert {name for name, each in facts.items() if isinstance(each, Missing)} == set()
    stated = {"torch": "2.5.0", "torchvision": "0.20.0", "torch-geometric": "2.6.1", "spconv-cu124": "2.3.8"}
    seen = [
        code
        for code, rule in RULES.items()
        if rule.of_target
        and rule.module.split(".")[2] in {"torch", "spconv", "mmcv", "pyg", "numpy"}
        and set(rule.needs) <= {"stack", *facts}
    ]
    failed = {code for code in seen for outcome, _ in said(code, facts, **stated) if outcome == "FAIL"}
    assert failed == {"TORCH301", "VISION301", "PYG301", "SPCONV301", "SPCONV302"}
    passed = {code for code in seen for outcome, _ in said(code, facts, **stated) if outcome == "PASS"}
    assert passed == set()
    assert [line for code in seen for line in said(code, facts)] == []


def test_a_torch_that_does_not_import_is_told_once_and_the_rest_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    message = "libcudnn.so.9: cannot open shared object file: No such file or directory"
    (tmp_path / "torch/__init__.py").write_text(f"raise ImportError({message!r})\n")
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text("import torch\n")
    facts = observed(tmp_path)
    assert said("TORCH301", facts, torch="2.5.0") == [
        ("FAIL", f"torch is installed and does not import: ImportError: {message}.")
    ]
    for code in ("TORCH302", "TORCH303", "TORCH306"):
        assert [outcome for outcome, _ in said(code, facts, torch="2.5.0")] == ["SKIP"]
    assert said("VISION301", facts, torchvision="0.20.0") == [
        ("SKIP", "torch does not import, so torchvision was not tried.")
    ]


@pytest.mark.parametrize("name", ["torch", "spconv"])
def test_a_bare_directory_of_that_name_is_not_taken_for_the_package(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    facts = observed(tmp_path)
    assert facts["torch_build"]["installed"] is False
    assert facts["spconv_build"]["installed"] is False

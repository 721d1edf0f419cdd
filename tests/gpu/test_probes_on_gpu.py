"""The GPU probes on a real NVIDIA device, by the agent, as `stackcheck probe --here` runs them.

The interpreter that holds torch is STACKCHECK_TEST_PYTHON, else the one that runs pytest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one

pytestmark = pytest.mark.gpu

PYTHON = os.environ.get("STACKCHECK_TEST_PYTHON", sys.executable)
PROBES = Path(__file__).parents[2] / "probes"
PACKAGES = {"torch": "latest", "torchvision": "latest", "spconv-cu126": "2.3.8", "cumm-cu126": "0.7.11"}
PROBES_ON_GPU = ("torch_gpu", "spconv_gpu", "nccl_pair", "compile_triton")
load_all()


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    request = {"probes": [*PROBES_ON_GPU, "torch_build", "torchvision_ops", "cumm_files"]}
    path = os.pathsep.join(filter(None, (str(PROBES), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [PYTHON, "-m", "stackcheck_probes", json.dumps(request)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    probes = json.loads(done.stdout)["probes"]
    assert {name: entry for name, entry in probes.items() if entry["status"] != "ok"} == {}
    return {name: entry["facts"] for name, entry in probes.items()}


def outcomes(code: str, facts: dict[str, Any]) -> list[tuple[str, str]]:
    stack = Stack.model_validate({"id": "gpu", "accelerator": "cuda", "packages": PACKAGES})
    return [(v.outcome.name, v.message) for v in judge_one(RULES[code], {"stack": stack, **facts})]


@pytest.mark.parametrize("code", ["TORCH401", "TORCH402", "TORCH403", "VISION401"])
def test_torch_computes_on_the_device(code: str, facts: dict[str, Any]) -> None:
    found = outcomes(code, facts)
    assert found
    assert [each for each in found if each[0] != "PASS"] == []


@pytest.mark.parametrize("code", ["SPCONV401", "SPCONV402"])
def test_spconv_computes_there_and_compiles_nothing(code: str, facts: dict[str, Any]) -> None:
    if not facts["spconv_gpu"]["installed"]:
        pytest.skip(f"spconv is not installed beside {PYTHON}")
    found = outcomes(code, facts)
    assert found
    assert [each for each in found if each[0] != "PASS"] == []


def test_the_errors_are_those_of_the_arithmetic_and_not_of_tf32(facts: dict[str, Any]) -> None:
    for device in facts["torch_gpu"]["devices"]:
        assert 0 < device["checks"]["matmul_float32"]["max_rel_error"] < 1e-5
        assert 1e-5 < device["checks"]["matmul_float16"]["max_rel_error"] < 5e-3


def test_the_gpus_sum_together_and_one_is_no_pair(facts: dict[str, Any]) -> None:
    found = outcomes("TORCH405", facts)
    count = len(facts["torch_gpu"]["devices"])
    assert facts["nccl_pair"]["world"] == min(2, count)
    assert [each[0] for each in found] == (["SKIP"] if count == 1 else ["PASS"] * (1 + (count > 2))), found


def test_what_is_compiled_equals_the_eager_function(facts: dict[str, Any]) -> None:
    found = outcomes("TORCH406", facts)
    lacking = [each for each in found if each[0] == "SKIP"]
    if lacking:
        pytest.skip(lacking[0][1])
    assert [each for each in found if each[0] != "PASS"] == []
    assert facts["compile_triton"]["devices"][0]["kernels"] != 0

"""TORCH4xx: what torch does on GPUs. Facts: literal, in the shape of the probe `torch_gpu`."""

from typing import Any

import pytest

from stackcheck.model.facts import Missing
from tests.unit.rules.harness import changed, complete, seen_said, seen_verdicts, stack


def check(error: float, tolerance: float) -> dict[str, Any]:
    return {
        "error": None,
        "shape": [2, 2],
        "expected_shape": [2, 2],
        "tolerance": tolerance,
        "max_abs_error": error,
        "max_rel_error": error,
        "finite": True,
    }


H200 = {
    "installed": True,
    "import_error": None,
    "version": "2.11.0+cu130",
    "cuda": "13.0",
    "hip": None,
    "available": True,
    "reason": None,
    "tf32": {"allowed": False, "environment": {}},
    "arch_list": ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"],
    "devices": [
        {
            "index": 0,
            "error": None,
            "name": "NVIDIA H200",
            "capability": "9.0",
            "gfx": None,
            "checks": {
                "matmul_float32": check(8e-7, 1e-5),
                "conv2d_float32": check(1.1e-6, 5e-5),
                "matmul_float16": check(4.4e-4, 5e-3),
                "conv2d_float16": check(4.8e-4, 5e-3),
            },
        }
    ],
}
BLIND = {**H200, "available": False, "devices": []}


def of(code: str, facts: Any, **fields: Any) -> list[tuple[str, str]]:
    return seen_said(code, {"torch_gpu": facts}, stack(**fields))


def test_a_good_gpu_passes_and_the_gpus_that_are_not_here_are_said() -> None:
    found = [line for n in range(1, 5) for line in of(f"TORCH40{n}", H200, gpus=["H200", "L4"])]
    assert found == [
        ("PASS", "torch sees 1 GPU(s): NVIDIA H200."),
        (
            "PASS",
            "torch on GPU 0 (NVIDIA H200): matmul_float32, conv2d_float32, matmul_float16, conv2d_float16 agree with"
            " the reference, largest relative error 4.8e-04.",
        ),
        ("PASS", "torch 2.11.0+cu130 is native on NVIDIA H200 (9.0)."),
        ("PASS", "H200: tried on NVIDIA H200."),
        ("SKIP", "L4 (8.9) was not tried: this machine has NVIDIA H200 (9.0)."),
    ]


def test_without_a_gpu_all_four_are_skipped_with_the_reason_of_the_agent() -> None:
    facts = Missing("no GPU here: none of the device nodes /dev/nvidia[0-9]* exists.")
    for code in ("TORCH401", "TORCH402", "TORCH403", "TORCH404"):
        assert of(code, facts, gpus=["L4"]) == [("SKIP", facts.reason)]


@pytest.mark.parametrize(
    ("reason", "fields", "outcome", "message"),
    [
        (
            "CUDA driver version is insufficient for CUDA runtime version",
            {},
            "FAIL",
            "a GPU device is there and torch does not start on it: CUDA driver version is insufficient for CUDA"
            " runtime version.",
        ),
        (
            "Found no NVIDIA driver on your system.",
            {},
            "SKIP",
            "torch sees no GPU here: Found no NVIDIA driver on your system.",
        ),
        (
            "Torch not compiled with CUDA enabled",
            {"accelerator": None, "cuda": None},
            "SKIP",
            "torch sees no GPU here: Torch not compiled with CUDA enabled.",
        ),
    ],
)
def test_a_torch_that_does_not_start(reason: str, fields: dict[str, Any], outcome: str, message: str) -> None:
    assert of("TORCH401", {**BLIND, "reason": reason}, **fields) == [(outcome, message)]


def test_a_torch_that_sees_no_gpu_has_computed_nothing() -> None:
    assert of("TORCH402", BLIND) == [("SKIP", "torch sees no GPU here, so nothing was computed on one.")]
    assert of("TORCH403", BLIND) == [
        ("SKIP", "torch sees no NVIDIA GPU here, so there is no device to compare the arch list with.")
    ]
    assert of("TORCH404", BLIND, gpus=["L4"]) == [("SKIP", "L4 (8.9) was not tried: this machine has none.")]
    assert of("TORCH401", {"installed": True, "import_error": {"type": "OSError"}}) == [
        ("SKIP", "torch does not import, so it was not tried on the GPU.")
    ]


NO_IMAGE = {
    "type": "RuntimeError",
    "message": "CUDA error: no kernel image is available for execution on the device",
}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "devices.0.checks.conv2d_float32.max_rel_error",
            3e-4,
            "torch on GPU 0 (NVIDIA H200): conv2d_float32 is off by 3.0e-04 (relative to the largest value).",
        ),
        (
            "devices.0.checks.matmul_float32.error",
            NO_IMAGE,
            "torch on GPU 0 (NVIDIA H200): matmul_float32 raises RuntimeError: CUDA error: no kernel image is"
            " available for execution on the device.",
        ),
        (
            "devices.0.error",
            {"type": "RuntimeError", "message": "device lost"},
            "torch on GPU 0 (NVIDIA H200) does not start: RuntimeError: device lost.",
        ),
    ],
)
def test_wrong_results_on_a_device(path: str, value: Any, message: str) -> None:
    facts = changed(H200, path, value)
    assert of("TORCH402", facts) == [("FAIL", message)]
    assert all(map(complete, seen_verdicts("TORCH402", {"torch_gpu": facts})))


def test_forced_tf32_is_named_where_the_numbers_differ() -> None:
    facts = changed(H200, "devices.0.checks.matmul_float32.max_rel_error", 3e-4)
    facts["tf32"]["environment"] = {"NVIDIA_TF32_OVERRIDE": "1"}
    [verdict] = seen_verdicts("TORCH402", {"torch_gpu": facts})
    assert verdict.hint.endswith("; TF32 is forced on by NVIDIA_TF32_OVERRIDE")


def test_a_gpu_that_torch_has_no_code_for() -> None:
    facts = {**H200, "arch_list": ["sm_80", "sm_86"]}
    assert of("TORCH403", facts) == [
        ("FAIL", "torch 2.11.0+cu130 has no code that runs on NVIDIA H200 (9.0): it has sm_80 sm_86.")
    ]


def test_an_amd_device_is_matched_by_its_gfx_target() -> None:
    facts = changed(H200, "devices.0.gfx", "gfx90a:sramecc+:xnack-")
    facts["devices"][0]["name"] = "AMD Instinct MI210"
    assert of("TORCH404", facts, gpus=["gfx90a"]) == [("PASS", "gfx90a: tried on AMD Instinct MI210.")]

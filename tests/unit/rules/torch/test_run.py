"""TORCH3xx: what the installed torch tells of itself. Facts: a recorded torch 2.5.0+cu124, changed in one place."""

from typing import Any

import pytest

from tests.unit.rules.harness import changed, complete, recorded, seen_said, seen_verdicts, stack

GOOD = recorded("cuda124-torch25-no-gpu")
BUILD, CPU = GOOD["torch_build"], GOOD["torch_cpu"]
ERROR = {
    "type": "ImportError",
    "message": "libcudnn.so.9: cannot open shared object file",
    "at": "torch/__init__.py:5: x",
}
ABSENT = {"installed": False, "import_error": None}
BROKEN = {"installed": True, "import_error": ERROR, "version": None, "distribution_version": "2.5.0"}


def of(code: str, build: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    return seen_said(code, {"torch_build": build}, stack(**fields))


def test_the_good_torch_has_only_passes_and_says_what_each_rests_on() -> None:
    gpus = stack(gpus=["T4", "L4"])
    found = [line for n in range(1, 8) for line in seen_said(f"TORCH30{n}", GOOD, gpus)]
    assert found == [
        ("PASS", "torch 2.5.0+cu124 imports."),
        ("PASS", "torch 2.5.0+cu124 is built for CUDA 12.4, as the stack asks."),
        ("PASS", "torch 2.5.0+cu124 is imported, as stated (2.5.0)."),
        ("PASS", "torch was built with cuDNN 9.1.0 and 9.1.0 is loaded."),
        ("PASS", "torch 2.5.0+cu124 is native on T4 (7.5)."),
        ("PASS", "torch 2.5.0+cu124 runs on L4 (8.9) by sm_86 (not native)."),
        (
            "PASS",
            "torch on the CPU: matmul, conv2d, fft, solve agree with the reference, largest relative error 1.3e-07.",
        ),
        ("PASS", "the CUDA runtime that torch loads is 12.4, as it was built with."),
        ("PASS", "NCCL that torch loads is 2.21.5, as it was built with."),
    ]


@pytest.mark.parametrize(
    ("build", "outcome", "message"),
    [
        (ABSENT, "FAIL", "torch is not installed in the target."),
        (
            BROKEN,
            "FAIL",
            "torch 2.5.0 is installed and does not import:"
            " ImportError: libcudnn.so.9: cannot open shared object file.",
        ),
        (BUILD, "PASS", "torch 2.5.0+cu124 imports."),
    ],
)
def test_import(build: dict[str, Any], outcome: str, message: str) -> None:
    assert of("TORCH301", build) == [(outcome, message)]


CPU_TORCH = {**BUILD, "version": "2.5.0+cpu", "cuda": None}
ROCM_TORCH = {**BUILD, "version": "2.5.0+rocm6.2", "cuda": None, "hip": "6.2.41133-dd7f95766"}


@pytest.mark.parametrize(
    ("build", "fields", "outcome", "message"),
    [
        (
            CPU_TORCH,
            {},
            "FAIL",
            "torch 2.5.0+cpu is built for the CPU only, and the stack asks for CUDA 12.4.",
        ),
        (
            ROCM_TORCH,
            {},
            "FAIL",
            "torch 2.5.0+rocm6.2 is built for ROCm 6.2.41133-dd7f95766, and the stack asks for CUDA 12.4.",
        ),
        (
            BUILD,
            {"cuda": "12.1"},
            "FAIL",
            "torch 2.5.0+cu124 is built for CUDA 12.4, and the stack asks for CUDA 12.1.",
        ),
        (BUILD, {"cuda": None}, "PASS", "torch 2.5.0+cu124 is built for CUDA 12.4, as the stack asks."),
        (
            BUILD,
            {"accelerator": "rocm", "cuda": None, "rocm": "6.2"},
            "FAIL",
            "torch 2.5.0+cu124 is built for CUDA 12.4, and the stack asks for ROCm 6.2.",
        ),
        (
            ROCM_TORCH,
            {"accelerator": "rocm", "cuda": None, "rocm": "6.2"},
            "PASS",
            "torch 2.5.0+rocm6.2 is built for ROCm 6.2.41133-dd7f95766, as the stack asks.",
        ),
        (
            BUILD,
            {"accelerator": "cpu", "cuda": None},
            "WARN",
            "torch 2.5.0+cu124 is built for CUDA 12.4 in a stack for the CPU: it works, and brings gigabytes of"
            " libraries that nothing uses.",
        ),
        (
            CPU_TORCH,
            {"accelerator": "cpu", "cuda": None},
            "PASS",
            "torch 2.5.0+cpu is built for the CPU only, as the stack asks.",
        ),
        (BROKEN, {}, "SKIP", "torch does not import, so what it was built for is not known."),
    ],
)
def test_built_for(build: dict[str, Any], fields: dict[str, Any], outcome: str, message: str) -> None:
    assert of("TORCH302", build, **fields) == [(outcome, message)]


def test_nothing_is_judged_where_the_stack_states_no_accelerator_or_version() -> None:
    assert of("TORCH302", CPU_TORCH, accelerator=None, cuda=None) == []
    assert of("TORCH303", BUILD, packages={"torchvision": "0.20.0"}) == []
    assert of("TORCH305", BUILD, gpus=[]) == []


@pytest.mark.parametrize(
    ("version", "stated", "outcome", "message"),
    [
        ("2.6.0+cu124", "2.5.0", "FAIL", "torch 2.6.0+cu124 is imported, and the stack states 2.5.0."),
        (
            "2.5.0+cpu",
            "2.5.0+cu124",
            "FAIL",
            "torch 2.5.0+cpu is imported, and the stack states 2.5.0+cu124.",
        ),
        ("2.5.0+cu124", "2.5.0+cu124", "PASS", "torch 2.5.0+cu124 is imported, as stated (2.5.0+cu124)."),
        ("2.5.0+cu124", ">=2.5,<2.6", "PASS", "torch 2.5.0+cu124 is imported, as stated (>=2.5,<2.6)."),
        (
            "2.4.1+cu121",
            ">=2.5,<2.6",
            "FAIL",
            "torch 2.4.1+cu121 is imported, and the stack states >=2.5,<2.6.",
        ),
        ("2.15.0+cu132", "latest", "PASS", "torch 2.15.0+cu132 is imported, as stated (latest)."),
        (
            "2.5.0",
            "2.5.0+cu124",
            "WARN",
            "torch 2.5.0 says nothing of its build, and the stack states 2.5.0+cu124.",
        ),
        ("unknown", "2.5.0", "SKIP", "torch calls itself 'unknown', which is not a version."),
        (None, "2.5.0", "SKIP", "torch does not import, so its version is not known."),
    ],
)
def test_stated_version(version: str | None, stated: str, outcome: str, message: str) -> None:
    assert of("TORCH303", {**BUILD, "version": version}, packages={"torch": stated}) == [(outcome, message)]


def cudnn(**facts: Any) -> dict[str, Any]:
    return {**BUILD, "cudnn": {**BUILD["cudnn"], **facts}}


INCOMPATIBLE = {
    "type": "RuntimeError",
    "message": "cuDNN version incompatibility: PyTorch was compiled against (9, 1, 0)",
}


@pytest.mark.parametrize(
    ("build", "outcome", "message"),
    [
        (
            cudnn(loaded="8.9.7"),
            "FAIL",
            "torch was built with cuDNN 9.1.0 and 8.9.7 is loaded: another major version is another ABI.",
        ),
        (
            cudnn(loaded="9.0.0", error=INCOMPATIBLE),
            "FAIL",
            "torch was built with cuDNN 9.1.0 and 9.0.0 is loaded: RuntimeError: cuDNN version incompatibility:"
            " PyTorch was compiled against (9, 1, 0).",
        ),
        (
            cudnn(loaded="9.0.0"),
            "WARN",
            "torch was built with cuDNN 9.1.0 and 9.0.0 is loaded, which is older: functions may be missing.",
        ),
        (cudnn(loaded="9.10.2"), "PASS", "torch was built with cuDNN 9.1.0 and 9.10.2 is loaded."),
    ],
)
def test_cudnn_version(build: dict[str, Any], outcome: str, message: str) -> None:
    assert of("TORCH304", build) == [(outcome, message)]


def test_parts_of_cudnn_from_two_places_are_told() -> None:
    build = changed(BUILD, "libraries.cudnn_parts.files", ["/usr/lib/x86_64-linux-gnu/libcudnn_graph.so.9"])
    wheel = "/opt/stack/lib/python3.11/site-packages/nvidia/cudnn/lib"
    assert of("TORCH304", build)[1:] == [
        ("WARN", f"the parts of cuDNN are loaded from 2 places: {wheel}, /usr/lib/x86_64-linux-gnu.")
    ]


def test_a_torch_without_cudnn_has_none_to_judge() -> None:
    assert of("TORCH304", cudnn(built=None)) == []
    assert of("TORCH304", cudnn(is_cuda=False)) == []  # MIOpen answers for cuDNN on ROCm


@pytest.mark.parametrize(
    ("flags", "fields", "outcome", "message"),
    [
        (
            ["sm_80", "sm_90"],
            {"gpus": ["B200"]},
            "FAIL",
            "torch 2.5.0+cu124 has no code that runs on B200 (10.0): it has sm_80 sm_90.",
        ),
        (
            ["sm_86", "sm_90a"],
            {"gpus": ["8.9"]},
            "PASS",
            "torch 2.5.0+cu124 runs on 8.9 by sm_86 (not native).",
        ),
        (
            ["sm_86"],
            {"gpus": ["L4"], "arch_mode": "native"},
            "FAIL",
            "torch 2.5.0+cu124 runs on L4 (8.9) by sm_86 and is not native, as the stack asks.",
        ),
        (
            ["sm_89"],
            {"gpus": ["L4"], "arch_mode": "native"},
            "PASS",
            "torch 2.5.0+cu124 is native on L4 (8.9).",
        ),
        (
            ["sm_80", "compute_90"],
            {"gpus": ["B200"]},
            "WARN",
            "torch 2.5.0+cu124 runs on B200 (10.0) only by compute_90, which the driver compiles at first use;"
            " it needs a driver of CUDA 12.4 or later.",
        ),
        (
            ["sm_80", "compute_90"],
            {"gpus": ["B200"], "driver_cuda": "12.8"},
            "PASS",
            "torch 2.5.0+cu124 runs on B200 (10.0) by compute_90 (not native).",
        ),
        (
            ["gfx906", "gfx90a:sramecc+"],
            {"gpus": ["gfx90a"]},
            "PASS",
            "torch 2.5.0+cu124 has code for gfx90a.",
        ),
        (
            ["gfx906", "gfx90a"],
            {"gpus": ["gfx803"]},
            "FAIL",
            "torch 2.5.0+cu124 has no code for gfx803: it has gfx906 gfx90a.",
        ),
        (
            ["gfx1030"],
            {"gpus": ["gfx1031"], "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}},
            "WARN",
            "torch 2.5.0+cu124 has no code for gfx1031; HSA_OVERRIDE_GFX_VERSION=10.3.0 makes it take"
            " another target's code, which no vendor supports.",
        ),
        (
            None,
            {"gpus": ["L4"]},
            "SKIP",
            "torch 2.5.0+cu124 tells no list of GPU code (it is built for CUDA 12.4).",
        ),
    ],
)
def test_gpu_code(flags: list[str] | None, fields: dict[str, Any], outcome: str, message: str) -> None:
    assert of("TORCH305", {**BUILD, "arch_flags": flags}, **fields) == [(outcome, message)]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "checks.matmul.max_rel_error",
            0.5,
            "torch on the CPU: matmul is off by 5.0e-01 (relative to the largest value).",
        ),
        ("checks.fft.finite", False, "torch on the CPU: fft gives values that are not finite."),
        ("checks.conv2d.shape", [9, 9], "torch on the CPU: conv2d gives shape [9, 9], not [18, 22]."),
        (
            "checks.solve.error",
            {"type": "RuntimeError", "message": "LAPACK\n is not here"},
            "torch on the CPU: solve raises RuntimeError: LAPACK is not here.",
        ),
    ],
)
def test_wrong_numbers(path: str, value: Any, message: str) -> None:
    assert seen_said("TORCH306", {"torch_cpu": changed(CPU, path, value)}) == [("FAIL", message)]


def test_nothing_computed_is_not_a_pass() -> None:
    assert seen_said("TORCH306", {"torch_cpu": ABSENT}) == [
        ("SKIP", "torch does not import, so nothing was computed.")
    ]
    assert seen_said("TORCH306", {"torch_cpu": {**CPU, "checks": {}}}) == [
        ("SKIP", "torch on the CPU: the probe reports no check.")
    ]


def test_two_wrong_checks_are_both_named() -> None:
    facts = changed(changed(CPU, "checks.matmul.finite", value=False), "checks.fft.finite", value=False)
    assert seen_said("TORCH306", {"torch_cpu": facts}) == [
        ("FAIL", "torch on the CPU: matmul gives values that are not finite (and 1 more: fft).")
    ]


@pytest.mark.parametrize(
    ("path", "value", "outcome", "message"),
    [
        ("libraries.cudart.version", 12010, "WARN", "torch was built with CUDA runtime 12.4 and loads 12.1."),
        ("libraries.nccl.version", 21403, "WARN", "torch was built with NCCL 2.21.5 and loads 2.14.3."),
        (
            "libraries.nccl.version",
            None,
            "SKIP",
            "NCCL: torch loads no library of it at import (or has it linked in).",
        ),
    ],
)
def test_loaded_libraries(path: str, value: int | None, outcome: str, message: str) -> None:
    assert (outcome, message) in of("TORCH307", changed(BUILD, path, value))


def test_every_fail_names_both_sides_and_the_next_step() -> None:
    cases = [
        seen_verdicts("TORCH301", {"torch_build": BROKEN}),
        seen_verdicts("TORCH302", {"torch_build": CPU_TORCH}),
        seen_verdicts("TORCH304", {"torch_build": cudnn(loaded="8.9.7")}),
        seen_verdicts("TORCH305", {"torch_build": BUILD}, stack(gpus=["B200"])),
        seen_verdicts("TORCH306", {"torch_cpu": changed(CPU, "checks.fft.finite", value=False)}),
    ]
    assert all(complete(verdict) and verdict.outcome.name == "FAIL" for case in cases for verdict in case)

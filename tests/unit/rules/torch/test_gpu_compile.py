"""TORCH406: torch.compile on the GPU. Facts: literal, in the shape of the probe `compile_triton`."""

from typing import Any

import pytest

from tests.unit.rules.harness import changed, seen_said, seen_verdicts
from tests.unit.rules.torch.test_gpu import check

GOOD: dict[str, Any] = {
    "installed": True,
    "import_error": None,
    "available": True,
    "reason": None,
    "triton": {"installed": True, "import_error": None, "version": "3.6.0"},
    "c_compiler": "/usr/bin/gcc",
    "python_headers": True,
    "devices": [
        {"index": 0, "name": "NVIDIA H200", "check": check(3e-7, 1e-5), "kernels": 1, "seconds": 9.5},
    ],
}
TITLE = "torch.compile on GPU 0 (NVIDIA H200)"


def said(facts: Any) -> list[tuple[str, str]]:
    return seen_said("TORCH406", {"compile_triton": facts})


def raising(kind: str, message: str, **more: Any) -> dict[str, Any]:
    error = {"type": kind, "message": message, "at": ""}
    return {**changed(GOOD, "devices.0.check", {"error": error}), **more}


def test_what_equals_the_eager_function_passes() -> None:
    assert said(GOOD) == [
        ("PASS", f"{TITLE}: the compiled function agrees with the reference, largest relative error 3.0e-07.")
    ]


def test_other_numbers_and_a_compilation_that_breaks_fail() -> None:
    assert said(changed(GOOD, "devices.0.check.max_rel_error", 0.5)) == [
        ("FAIL", f"{TITLE}: the compiled function is off by 5.0e-01 (relative to the largest value).")
    ]
    (verdict,) = seen_verdicts(
        "TORCH406", {"compile_triton": raising("InductorError", "cannot import name 'triton_key'")}
    )
    assert verdict.outcome.name == "FAIL"
    assert verdict.message == (
        f"{TITLE}: the compiled function raises InductorError: cannot import name 'triton_key'."
    )
    assert "torch's metadata names" in verdict.hint


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"installed": False, "import_error": None},
            "torch does not import, so torch.compile was not tried.",
        ),
        (
            {**GOOD, "available": False, "reason": "no driver"},
            "torch sees no GPU here, so torch.compile was not tried: no driver.",
        ),
        (
            {**GOOD, "triton": {"installed": False, "import_error": None, "version": None}, "devices": []},
            "torch.compile was not tried: Triton is not installed.",
        ),
        (
            raising("InductorError", "Failed to find C compiler.", c_compiler=None),
            "torch.compile does not work here: there is no C compiler, which Triton needs.",
        ),
        (
            raising("CalledProcessError", "fatal error: Python.h: No such file", python_headers=False),
            "torch.compile does not work here: Python's headers are not installed.",
        ),
        (
            raising("RuntimeError", "torch.compile is not supported on Python 3.15+"),
            "torch.compile does not serve this machine: RuntimeError: torch.compile is not supported on Python 3.15+.",
        ),
        (
            changed(GOOD, "devices.0.kernels", 0),
            f"{TITLE} made no Triton kernel, so Triton was not tried.",
        ),
    ],
)
def test_what_is_missing_is_said_with_the_reason_and_is_no_failure(facts: Any, message: str) -> None:
    assert said(facts) == [("SKIP", message)]


def test_a_triton_that_does_not_import_warns() -> None:
    error = {"type": "ImportError", "message": "libtriton.so: undefined symbol", "at": ""}
    broken = {**GOOD, "triton": {"installed": True, "import_error": error, "version": None}, "devices": []}
    assert said(broken) == [
        (
            "WARN",
            "torch.compile does not work: Triton is installed and does not import: "
            "ImportError: libtriton.so: undefined symbol.",
        )
    ]

"""CUMM3xx, SPCONV3xx and SPCONV4xx. Facts: recorded stacks, good and broken, or changed in one place."""

from typing import Any

import pytest

from stackcheck.model.facts import Missing
from tests.unit.rules.harness import changed, complete, recorded, seen_said, seen_verdicts, stack

GOOD = recorded("cuda124-torch25-no-gpu")
FILES, BUILD, CPU = GOOD["cumm_files"], GOOD["spconv_build"], GOOD["spconv_cpu"]
CODES = (
    "CUMM301",
    "CUMM302",
    "CUMM303",
    "SPCONV301",
    "SPCONV302",
    "SPCONV303",
    "SPCONV304",
    "SPCONV305",
)
BREAKS = ("FAIL", "WARN")


def test_the_good_pair_has_only_passes() -> None:
    assert [line for code in CODES for line in seen_said(code, GOOD, stack(gpus=["T4", "H100"]))] == [
        ("PASS", "tensorview/core/all.h is in /opt/stack/lib/python3.11/site-packages/cumm/include."),
        ("PASS", "neither setup.py nor .gitignore lies beside cumm."),
        ("PASS", "spconv 2.3.8 imports."),
        ("PASS", "spconv-cu124 2.3.8 and cumm-cu124 0.7.11 fit: spconv requires cumm-cu124<0.8.0,>=0.7.11."),
        ("PASS", "cumm and spconv share pybind11 types: __pybind11_internals_v4_gcc_libstdcpp_cxxabi1018__."),
        ("PASS", "spconv 2.3.8 has prebuilt kernels for T4 (7.5)."),
        ("PASS", "spconv 2.3.8 has prebuilt kernels for H100 (9.0)."),
        (
            "PASS",
            "spconv on the CPU: voxels, submanifold agree with the reference, largest relative error 1.7e-07.",
        ),
    ]


def test_a_stack_without_spconv_gets_no_word_about_it() -> None:
    facts = {**GOOD, "cumm_files": {**FILES, "owners": {"cumm": [], "spconv": []}, "headers": None}}
    plain = stack(packages={"torch": "2.5.0"})
    assert [line for code in CODES for line in seen_said(code, facts, plain)] == []


def test_an_installed_spconv_is_judged_without_a_definition() -> None:
    plain = stack(packages={}, accelerator=None, cuda=None)
    assert seen_said("SPCONV301", GOOD, plain) == [("PASS", "spconv 2.3.8 imports.")]
    seen = {"distributions": {"distributions": [{"name": "spconv-cu124"}]}, "spconv_build": BUILD}
    assert seen_said("SPCONV301", seen, plain) == [("PASS", "spconv 2.3.8 imports.")]


def test_removed_headers() -> None:
    facts = recorded("cumm-headers-removed")
    assert seen_said("CUMM301", facts) == [
        (
            "FAIL",
            "cumm's include directory /opt/overlay/nohdr/cumm/include is gone, and tensorview/core/all.h with"
            " it: cumm does not even import.",
        )
    ]
    assert seen_said("SPCONV301", facts) == [
        (
            "FAIL",
            "spconv is installed and does not import: AssertionError: /opt/overlay/nohdr/cumm/constants.py:35:"
            " assert TENSORVIEW_INCLUDE_PATH.exists().",
        )
    ]
    assert seen_said("SPCONV304", facts, stack(gpus=["T4"])) == [
        ("SKIP", "spconv does not import, so its list of kernels is not known.")
    ]


def test_headers_shadowed_by_a_stray_include_directory() -> None:
    [verdict] = seen_verdicts("CUMM301", recorded("cumm-headers-shadowed"))
    assert verdict.message == (
        "cumm takes its headers from /opt/overlay/shadow/include (site-packages/include), which has no tensorview."
    )
    assert verdict.hint == "remove /opt/overlay/shadow/include: it stands before cumm's own headers"
    assert complete(verdict)


@pytest.mark.parametrize(
    ("headers", "message", "hint"),
    [
        (
            {"by": "CUMM_INCLUDE_PATH", "directory": "/nowhere", "exists": False, "all_h": False},
            "cumm takes its headers from /nowhere (CUMM_INCLUDE_PATH), which has no tensorview.",
            "unset CUMM_INCLUDE_PATH",
        ),
        (
            {"directory": "/site/cumm/include", "all_h": False, "own_all_h": False},
            "/site/cumm/include has no tensorview/core/all.h: run-time compilation cannot work.",
            "reinstall cumm (pip install --force-reinstall --no-deps)",
        ),
    ],
)
def test_headers_lost_otherwise(headers: dict[str, Any], message: str, hint: str) -> None:
    facts = {"cumm_files": {**FILES, "headers": {**FILES["headers"], **headers}}}
    [verdict] = seen_verdicts("CUMM301", facts)
    assert (verdict.outcome.name, verdict.message, verdict.hint) == ("FAIL", message, hint)


def test_cumm_that_is_not_there() -> None:
    facts = {"cumm_files": {**FILES, "headers": None}}
    assert seen_said("CUMM301", facts) == [("FAIL", "cumm is installed, and its package is not there.")]
    assert seen_said("CUMM302", facts) == []
    facts["cumm_files"]["owners"] = {"cumm": [], "spconv": []}
    assert seen_said("CUMM301", facts) == [
        ("SKIP", "cumm is not installed, so it has no headers to look for.")
    ]


def test_a_stray_setup_py() -> None:
    facts = recorded("cumm-stray-setup-py")
    [verdict] = seen_verdicts("CUMM302", facts)
    assert verdict.message == (
        "/opt/overlay/stray/setup.py: pccm takes cumm and spconv for editable installs and compiles at import."
    )
    assert (verdict.outcome.name, verdict.found) == ("FAIL", "setup.py")
    assert seen_said("SPCONV301", facts) == [("SKIP", "no answer within 20 s.")]


def test_jit_flags_that_the_target_has_and_the_stack_does_not_state() -> None:
    facts = {"cumm_files": {**FILES, "environment": {"SPCONV_DISABLE_JIT": "1", "CUMM_DISABLE_JIT": "1"}}}
    assert seen_said("CUMM303", facts) == [
        (
            "WARN",
            "SPCONV_DISABLE_JIT and CUMM_DISABLE_JIT in the target: no effect on a wheel install, NVRTC compiles"
            " all the same.",
        )
    ]
    stated = stack(env={"SPCONV_DISABLE_JIT": "1", "CUMM_DISABLE_JIT": "1"})
    assert seen_said("CUMM303", facts, stated) == []
    facts["cumm_files"]["stray"] = ["/site/setup.py"]  # the one case in which they do something
    assert seen_said("CUMM303", facts) == []


def owners(
    spconv: list[tuple[str, str]], cumm: list[tuple[str, str]], requires: str = "cumm-cu124<0.8.0,>=0.7.11"
) -> Any:
    def row(name: str, version: str) -> dict[str, str]:
        return {
            "name": name,
            "version": version,
            "requires_cumm": requires if name.startswith("spconv") else "",
        }

    rows = {"spconv": [row(*each) for each in spconv], "cumm": [row(*each) for each in cumm]}
    return {"cumm_files": {**FILES, "owners": rows}}


SPCONV, CUMM = ("spconv-cu124", "2.3.8"), ("cumm-cu124", "0.7.11")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            owners([SPCONV], [("cumm-cu124", "0.8.2")]),
            "spconv-cu124 2.3.8 and cumm-cu124 0.8.2 do not fit: spconv requires cumm-cu124<0.8.0,>=0.7.11.",
        ),
        (
            owners([SPCONV], [("cumm-cu121", "0.7.11")]),
            "spconv-cu124 2.3.8 and cumm-cu121 0.7.11 are for different CUDA versions.",
        ),
        (
            owners([SPCONV, ("spconv-cu121", "2.3.8")], [CUMM]),
            "2 distributions of spconv are on sys.path, for one package: spconv-cu124 2.3.8, spconv-cu121 2.3.8.",
        ),
        (owners([SPCONV], []), "no distribution of cumm is installed."),
    ],
)
def test_pairs_that_do_not_fit(facts: Any, message: str) -> None:
    assert seen_said("SPCONV302", facts) == [("FAIL", message)]
    assert all(map(complete, seen_verdicts("SPCONV302", facts)))


def test_a_pair_whose_metadata_says_nothing_is_not_a_pass() -> None:
    assert seen_said("SPCONV302", owners([SPCONV], [CUMM], requires="")) == [
        (
            "SKIP",
            "spconv-cu124 2.3.8 and cumm-cu124 0.7.11: the metadata of spconv names no cumm that it requires.",
        )
    ]


def test_pybind11_internals() -> None:
    other = changed(BUILD, "pybind11.cumm", ["__pybind11_internals_v5_gcc_libstdcpp_cxxabi1018__"])
    assert seen_said("SPCONV303", {"spconv_build": other}) == [
        (
            "FAIL",
            "the extensions of cumm and spconv have different pybind11 internals and cannot share types.",
        )
    ]
    none = changed(BUILD, "pybind11.cumm", [])
    assert seen_said("SPCONV303", {"spconv_build": none}) == [
        ("SKIP", "no pybind11 internals string was found in the extension of cumm.")
    ]


def kernels(gpu: str, build: Any = BUILD, files: Any = FILES) -> list[tuple[str, str]]:
    return seen_said("SPCONV304", {"spconv_build": build, "cumm_files": files}, stack(gpus=[gpu]))


NO_KERNEL = "spconv 2.3.8 has no kernel for 8.7 and compiles them with NVRTC at run time"
WITH_NVCC = changed(BUILD, "cumm.cpu_only", value=False)


@pytest.mark.parametrize(
    ("build", "files", "outcome", "message"),
    [
        (
            BUILD,
            FILES,
            "FAIL",
            f"{NO_KERNEL}, and that cannot work here: cumm 0.7.11 takes itself for a CPU-only build (no nvcc, no"
            " CUMM_CUDA_VERSION) and gives NVRTC no include directory.",
        ),
        (
            WITH_NVCC,
            changed(FILES, "cuda_headers.cassert", value=False),
            "FAIL",
            f"{NO_KERNEL}, and that cannot work here: there is no /usr/local/cuda/include/cuda/std/cassert"
            " (CUDA 12 headers).",
        ),
        (
            WITH_NVCC,
            changed(FILES, "headers.all_h", value=False),
            "FAIL",
            f"{NO_KERNEL}, and that cannot work here: tensorview/core/all.h is not where cumm looks.",
        ),
        (WITH_NVCC, changed(FILES, "cuda_headers.cassert", value=True), "WARN", f"{NO_KERNEL}."),
        (changed(BUILD, "cumm.version", "0.7.13"), FILES, "WARN", f"{NO_KERNEL}."),
    ],
)
def test_a_gpu_outside_the_list_needs_nvrtc(build: Any, files: Any, outcome: str, message: str) -> None:
    assert kernels("8.7", build, files) == [(outcome, message)]


def test_a_later_gpu_is_served_by_ptx() -> None:
    assert kernels("B200") == [
        (
            "WARN",
            "spconv 2.3.8 has no machine code for B200 (10.0): the driver compiles its PTX of 9.0 at first use.",
        )
    ]
    without = changed(BUILD, "compiled.gemm_ptx", None)
    assert kernels("B200", without)[0][1].startswith("spconv 2.3.8 has no kernel for B200 (10.0)")


def test_a_cpu_build_of_spconv_where_gpus_are_stated() -> None:
    build = changed(BUILD, "compiled.cpu_only", value=True)
    assert kernels("T4", build) == [("FAIL", "spconv 2.3.8 is a CPU build, and the stack names GPUs.")]
    assert seen_said("SPCONV304", {"spconv_build": build, "cumm_files": FILES}, stack(gpus=[])) == []


def test_a_call_across_both_extensions_that_fails() -> None:
    error = {"type": "TypeError", "message": "incompatible function arguments"}
    facts = {"spconv_build": BUILD, "spconv_cpu": changed(CPU, "checks.voxels.error", error)}
    assert seen_said("SPCONV305", facts) == [
        ("FAIL", "spconv on the CPU: voxels raises TypeError: incompatible function arguments.")
    ]
    assert seen_said("SPCONV305", {**facts, "spconv_cpu": {**CPU, "torch": {"installed": False}}}) == [
        ("SKIP", "torch does not import, so spconv was not tried.")
    ]
    assert seen_said("SPCONV305", recorded("cumm-headers-removed")) == [
        ("SKIP", "spconv does not import, so nothing was computed with it.")
    ]
    error = {"type": "ImportError", "message": "cannot import name 'NVRTCMode' from 'cumm.nvrtc'"}
    assert seen_said("SPCONV305", {**facts, "spconv_cpu": {**CPU, "import_error": error}}) == [
        (
            "FAIL",
            "spconv.pytorch is installed and does not import: ImportError: cannot import name 'NVRTCMode' from"
            " 'cumm.nvrtc'.",
        )
    ]


FORWARD = {**CPU["checks"]["submanifold"], "max_rel_error": 2.1e-7}
HALF = {**FORWARD, "tolerance": 1e-2, "max_rel_error": 6e-4}
QUIET = {
    "kernels": [],
    "hook_errors": [],
    "nvrtc_calls": 0,
    "nvrtc_watch_error": None,
    "nvrtc_loaded_before": ["/opt/stack/cumm_cu126.libs/libnvrtc-1a2b3c4d.so.12.6.77"],
    "nvrtc_loaded_meanwhile": [],
    "processes": {"commands": [], "reaped": False, "running": 0},
    "driver_cache": 0,
    "control": {"error": None, "nvrtc_calls": 1, "native_child_noticed": True},
}
GPU: dict[str, Any] = {
    "installed": True,
    "import_error": None,
    "available": True,
    "reason": None,
    "devices": [
        {
            "index": 0,
            "name": "NVIDIA H200",
            "capability": "9.0",
            "checks": {"float32": FORWARD, "float16": HALF},
        }
    ],
    "compiled": QUIET,
}


def on_gpu(code: str, path: str = "", value: Any = None) -> list[tuple[str, str]]:
    return seen_said(code, {"spconv_gpu": changed(GPU, path, value) if path else GPU})


def test_a_forward_pass_that_is_right_and_compiles_nothing() -> None:
    assert on_gpu("SPCONV401") == [
        (
            "PASS",
            "spconv on NVIDIA H200 (9.0): float32, float16 agree with the reference, largest relative error 6.0e-04.",
        )
    ]
    assert on_gpu("SPCONV402") == [
        (
            "PASS",
            "the forward passes compiled nothing: cumm did not call nvrtcCompileProgram (a control call was"
            " counted), no libnvrtc was loaded, no process was started.",
        )
    ]


def test_a_forward_pass_that_is_wrong() -> None:
    assert on_gpu("SPCONV401", "devices.0.checks.float16.max_rel_error", 1.0) == [
        ("FAIL", "spconv on NVIDIA H200 (9.0): float16 is off by 1.0e+00 (relative to the largest value).")
    ]
    assert on_gpu("SPCONV401", "devices.0.checks.float32.sites_kept", value=False) == [
        ("FAIL", "spconv on NVIDIA H200 (9.0): float32 puts its output at other sites than the input's.")
    ]


def test_without_a_gpu_both_are_skipped_with_the_reason() -> None:
    for code in ("SPCONV401", "SPCONV402"):
        assert seen_said(code, {"spconv_gpu": Missing("no GPU here.")}) == [("SKIP", "no GPU here.")]
        assert seen_said(code, {"spconv_gpu": {**GPU, "available": False, "reason": "no driver"}}) == [
            ("SKIP", "torch sees no GPU here: no driver.")
        ]
        assert seen_said(code, {"spconv_gpu": {"installed": True, "import_error": {"type": "OSError"}}}) == [
            ("SKIP", "torch or spconv does not import, so spconv was not tried on a GPU.")
        ]


ALONE = "spconv did not run on prebuilt kernels alone: "
BLIND = "nothing was seen to be compiled, and the watch was not complete: "


@pytest.mark.parametrize(
    ("path", "value", "outcome", "message"),
    [
        ("nvrtc_calls", 2, "FAIL", f"{ALONE}2 call(s) of nvrtcCompileProgram."),
        ("kernels", ["CummNVRTCModule: Ampere"], "FAIL", f"{ALONE}kernel CummNVRTCModule: Ampere."),
        ("processes.commands", ["ninja -v"], "FAIL", f"{ALONE}started: ninja -v."),
        ("processes.reaped", True, "FAIL", f"{ALONE}native code started a process."),
        ("processes.running", 1, "FAIL", f"{ALONE}native code started a process."),
        (
            "driver_cache",
            3,
            "WARN",
            "no compiler ran, but the driver compiled PTX (3 files in its cache).",
        ),
        (
            "nvrtc_loaded_meanwhile",
            ["/usr/lib/libnvrtc.so.12"],
            "SKIP",
            f"{BLIND}libnvrtc.so.12 was loaded meanwhile, and calls into it were not counted.",
        ),
        (
            "nvrtc_watch_error",
            "core_cc.so does not call nvrtcCompileProgram",
            "SKIP",
            f"{BLIND}NVRTC: core_cc.so does not call nvrtcCompileProgram.",
        ),
        ("control.nvrtc_calls", 0, "SKIP", f"{BLIND}NVRTC: a control compilation was not counted."),
        (
            "control.native_child_noticed",
            False,
            "SKIP",
            f"{BLIND}processes: a control process was not noticed.",
        ),
        (
            "hook_errors",
            ["cumm.nvrtc.CummNVRTCModule is not there"],
            "SKIP",
            f"{BLIND}cumm.nvrtc.CummNVRTCModule is not there.",
        ),
    ],
)
def test_what_the_watch_saw(path: str, value: Any, outcome: str, message: str) -> None:
    assert on_gpu("SPCONV402", f"compiled.{path}", value) == [(outcome, message)]


def test_every_fail_over_a_recorded_break_is_complete() -> None:
    names = (
        "cumm-headers-removed",
        "cumm-headers-shadowed",
        "cumm-stray-setup-py",
        "cumm-0.8.2-beside-spconv-2.3.8",
    )
    for name in names:
        found = [verdict for code in CODES for verdict in seen_verdicts(code, recorded(name))]
        assert all(map(complete, found))
        assert any(verdict.outcome.name in BREAKS for verdict in found)

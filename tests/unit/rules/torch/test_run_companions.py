"""Rules over torchvision, torchaudio, PyG, mmcv and NumPy. Facts: recorded, or changed in one place."""

from typing import Any

import pytest

from tests.unit.rules.harness import changed, complete, recorded, seen_said, seen_verdicts, stack

GOOD = recorded("cuda124-torch25-no-gpu")
OTHER = recorded("torchvision-of-another-torch")
VISION, AUDIO, PYG = GOOD["torchvision_ops"], GOOD["torchaudio_ops"], GOOD["pyg_ops"]
SCATTER = recorded("pyg-companions-built-for-the-cpu")["pyg_ops"]
NUMPY = GOOD["numpy_abi"]
ABSENT_TORCH = {"installed": False, "import_error": None, "version": None}
UNDEFINED = {"type": "OSError", "message": "torchvision/_C.so: undefined symbol: _ZN3c104cuda9SetDeviceEi"}
NO_MODULE = {"type": "ModuleNotFoundError", "message": "No module named 'mmcv._ext'"}


def test_the_good_companions_have_only_passes_and_the_gpu_is_left_out_aloud() -> None:
    codes = ("VISION301", "VISION302", "VISION401", "AUDIO301", "PYG301", "PYG302", "NUMPY302")
    assert [line for code in codes for line in seen_said(code, GOOD)] == [
        ("PASS", "torchvision 0.20.0+cu124: nms runs on cpu and keeps the right boxes."),
        ("PASS", "torchvision 0.20.0+cu124 is compiled for CUDA 12.4, as torch is."),
        ("SKIP", "torchvision: nms was not run on cuda:0: torch sees no GPU here."),
        (
            "PASS",
            "torchaudio 2.5.0+cu124: spectrogram_peak, resample, lfilter, melspectrogram agree with the reference,"
            " largest relative error 2.8e-04.",
        ),
        (
            "PASS",
            "torch_geometric 2.6.1: message_passing, scatter agree with the reference, largest relative error 0.0e+00.",
        ),
        ("PASS", "torch and NumPy 2.2.6 exchange arrays without a copy."),
    ]


def test_operator_torchvision_nms_does_not_exist_is_put_down_to_the_other_torch() -> None:
    assert OTHER["torchvision_ops"]["import_error"]["message"] == "operator torchvision::nms does not exist"
    [verdict] = seen_verdicts("VISION301", OTHER)
    assert (verdict.outcome.name, verdict.message) == (
        "FAIL",
        "torchvision 0.21.0 was built for torch 2.6.0 and torch 2.5.0+cu124 is installed, so its operators (nms"
        " and others) do not load: OSError: /opt/overlay/tv26/torchvision/_C.so: undefined symbol:"
        " _ZN2at7Context21alertNotDeterministicERKSt17basic_string_viewIcSt11char_traitsIcEE.",
    )
    assert verdict.expected == "torch 2.6.0, or the torchvision of torch 2.5.0"
    assert verdict.found == "torch 2.5.0+cu124"
    assert verdict.hint == "install the torchvision that requires torch==2.5.0"
    assert verdict.evidence[0].what == "METADATA of torchvision 0.21.0: Requires-Dist: torch (==2.6.0)"


def test_the_rules_that_depend_on_its_operators_are_skipped_then() -> None:
    assert seen_said("VISION302", OTHER) == [
        ("SKIP", "torchvision's operators do not load, so their CUDA version is not known.")
    ]
    assert seen_said("VISION401", OTHER) == [
        ("SKIP", "torchvision or torch does not import, so nms was not run on cuda:0.")
    ]


def test_torchaudio_of_another_torch_is_put_down_to_it() -> None:
    [verdict] = seen_verdicts("AUDIO301", OTHER)
    assert verdict.message.startswith(
        "torchaudio 2.6.0 was built for torch 2.6.0 and torch 2.5.0+cu124 is installed, so it does not import:"
        " OSError: /opt/overlay/tv26/torchaudio/lib/libtorchaudio.so: undefined symbol: "
    )
    assert complete(verdict)


@pytest.mark.parametrize(
    ("facts", "outcome", "message"),
    [
        (
            {**VISION, "torch": ABSENT_TORCH},
            "SKIP",
            "torch does not import, so torchvision was not tried.",
        ),
        (
            {"installed": False, "import_error": None},
            "FAIL",
            "torchvision is not installed in the target.",
        ),
        (
            changed(VISION, "operators.error", UNDEFINED),
            "FAIL",
            "the operators of torchvision 0.20.0+cu124 do not load: OSError: torchvision/_C.so: undefined symbol:"
            " _ZN3c104cuda9SetDeviceEi.",
        ),
        (
            changed(VISION, "nms.cpu.kept", [0, 1, 2]),
            "FAIL",
            "torchvision 0.20.0+cu124: nms on cpu keeps boxes [0, 1, 2] of three, not [0, 2].",
        ),
        (
            changed(VISION, "nms.cpu.error", {"type": "RuntimeError", "message": "no kernel"}),
            "FAIL",
            "torchvision 0.20.0+cu124: nms on cpu raises RuntimeError: no kernel.",
        ),
    ],
)
def test_torchvision_operators(facts: dict[str, Any], outcome: str, message: str) -> None:
    assert seen_said("VISION301", {"torchvision_ops": facts}) == [(outcome, message)]
    assert all(map(complete, seen_verdicts("VISION301", {"torchvision_ops": facts})))


@pytest.mark.parametrize(
    ("compiled", "accelerator", "outcome", "message"),
    [
        (
            -1,
            "cuda",
            "FAIL",
            "torchvision 0.20.0+cu124 is a CPU build beside torch for CUDA 12.4: its operators do not run on a GPU.",
        ),
        (
            -1,
            None,
            "WARN",
            "torchvision 0.20.0+cu124 is a CPU build beside torch for CUDA 12.4: its operators do not run on a GPU.",
        ),
        (
            12010,
            "cuda",
            "WARN",
            "torchvision 0.20.0+cu124 is compiled for CUDA 12.1 and torch for CUDA 12.4.",
        ),
        (
            11080,
            "cuda",
            "FAIL",
            "torchvision 0.20.0+cu124 is compiled for CUDA 11.8 and torch for CUDA 12.4.",
        ),
    ],
)
def test_cuda_of_torchvision(compiled: int, accelerator: str | None, outcome: str, message: str) -> None:
    facts = {"torchvision_ops": changed(VISION, "cuda.version", compiled), "torch_build": GOOD["torch_build"]}
    assert seen_said("VISION302", facts, stack(accelerator=accelerator, cuda=None)) == [(outcome, message)]


def test_a_cpu_torch_has_no_cuda_for_torchvision_to_match() -> None:
    facts = {"torchvision_ops": VISION, "torch_build": {**GOOD["torch_build"], "cuda": None}}
    assert seen_said("VISION302", facts) == []


def test_nms_on_a_gpu() -> None:
    message = "Could not run 'torchvision::nms' with arguments from the 'CUDA' backend."
    bad = changed(VISION, "nms.cuda:0", {"error": {"type": "NotImplementedError", "message": message}})
    good = changed(VISION, "nms.cuda:0", {"error": None, "kept": [0, 2]})
    assert seen_said("VISION401", {"torchvision_ops": bad}) == [
        ("FAIL", f"torchvision 0.20.0+cu124: nms on cuda:0 raises NotImplementedError: {message}")
    ]
    assert seen_said("VISION401", {"torchvision_ops": good}) == [
        ("PASS", "torchvision 0.20.0+cu124: nms runs on cuda:0 and keeps the right boxes.")
    ]


def test_torchaudio_that_computes_wrong() -> None:
    facts = changed(AUDIO, "checks.lfilter.max_rel_error", 0.25)
    assert seen_said("AUDIO301", {"torchaudio_ops": facts}) == [
        ("FAIL", "torchaudio 2.5.0+cu124: lfilter is off by 2.5e-01 (relative to the largest value).")
    ]


def test_torchaudio_missing_where_it_is_stated_and_nothing_said_where_it_is_not() -> None:
    facts = {"torchaudio_ops": {"installed": False, "import_error": None, "torch": AUDIO["torch"]}}
    assert seen_said("AUDIO301", facts) == [("FAIL", "torchaudio is not installed in the target.")]
    assert seen_said("AUDIO301", facts, stack(packages={"torch": "2.12.0"})) == []


def test_torch_geometric_that_does_not_import() -> None:
    error = {"type": "ModuleNotFoundError", "message": "No module named 'aiohttp'"}
    facts = {"pyg_ops": {**PYG, "import_error": error}}
    assert seen_said("PYG301", facts) == [
        (
            "FAIL",
            "torch_geometric 2.6.1 is installed and does not import: ModuleNotFoundError: No module named 'aiohttp'.",
        )
    ]


def test_companions_of_pyg() -> None:
    parse = {
        "type": "OSError",
        "message": "_version_cpu.so: undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSs",
    }
    found = {"companions": {**SCATTER["companions"]}}
    found = changed(found, "companions.torch_scatter.import_error", parse)
    facts = {"pyg_ops": {**SCATTER, **found}}
    packages = {"torch-geometric": "2.6.1", "torch-sparse": "0.6.18"}
    assert seen_said("PYG302", facts, stack(packages=packages)) == [
        ("FAIL", "torch_sparse is not installed in the target."),
        (
            "FAIL",
            "torch_scatter 2.1.2 is installed and does not import: OSError: _version_cpu.so: undefined symbol:"
            " _ZN5torch3jit17parseSchemaOrNameERKSs.",
        ),
        ("PASS", "torch_cluster 1.6.3: operator agrees with the reference, largest relative error 0.0e+00."),
        (
            "PASS",
            "torch_spline_conv 1.2.2: operator agrees with the reference, largest relative error 0.0e+00.",
        ),
    ]


def test_a_stated_companion_where_nothing_of_pyg_is_installed() -> None:
    [verdict] = seen_verdicts(
        "PYG302",
        {"pyg_ops": {"installed": False, "import_error": None, "companions": {}}},
        stack(packages={"torch-scatter": "2.1.2"}),
    )
    assert (verdict.outcome.name, verdict.message) == (
        "FAIL",
        "torch_scatter is not installed in the target.",
    )
    assert verdict.hint == "install torch_scatter, or take it out of the stack"


def test_no_companion_is_nothing_to_judge() -> None:
    assert seen_said("PYG302", {"pyg_ops": PYG}) == []
    assert seen_said("PYG302", {"pyg_ops": {**PYG, "torch": ABSENT_TORCH}}) == [
        ("SKIP", "torch does not import, so a companion of PyG was not tried.")
    ]


CHECK = {
    "error": None,
    "shape": [1],
    "expected_shape": [1],
    "tolerance": 1e-5,
    "max_abs_error": 0.0,
    "max_rel_error": 0.0,
    "finite": True,
}
MMCV: dict[str, Any] = {
    "installed": True,
    "import_error": None,
    "version": "2.1.0",
    "torch": VISION["torch"],
    "extension_files": ["/opt/stack/mmcv/_ext.cpython-311-x86_64-linux-gnu.so"],
    "extension": {"installed": True, "import_error": None},
    "expected": [0, 2],
    "nms": {"cpu": {"error": None, "kept": [0, 2]}},
    "checks": {"roi_align": CHECK},
}


@pytest.mark.parametrize(
    ("files", "error", "outcome", "message"),
    [
        (MMCV["extension_files"], None, "PASS", "mmcv 2.1.0: mmcv._ext loads."),
        (
            [],
            NO_MODULE,
            "FAIL",
            "mmcv 2.1.0: it was built without its operators (no _ext file):"
            " ModuleNotFoundError: No module named 'mmcv._ext'.",
        ),
        (
            MMCV["extension_files"],
            UNDEFINED,
            "FAIL",
            "mmcv 2.1.0: its extension does not load: OSError: torchvision/_C.so: undefined symbol:"
            " _ZN3c104cuda9SetDeviceEi.",
        ),
    ],
)
def test_mmcv_extension(files: list[str], error: Any, outcome: str, message: str) -> None:
    facts = {**MMCV, "extension_files": files, "extension": {"installed": True, "import_error": error}}
    assert seen_said("MMCV301", {"mmcv_ops": facts}) == [(outcome, message)]
    assert all(map(complete, seen_verdicts("MMCV301", {"mmcv_ops": facts})))


def test_a_real_mmcv_with_and_without_its_operators() -> None:
    good, lite = recorded("mmcv-built-for-the-cpu"), recorded("mmcv-without-operators")
    assert [line for code in ("MMCV301", "MMCV302", "MMCV401") for line in seen_said(code, good)] == [
        ("PASS", "mmcv 2.2.0: mmcv._ext loads."),
        ("PASS", "mmcv 2.2.0: nms runs on cpu and keeps the right boxes."),
        ("PASS", "mmcv 2.2.0: roi_align agrees with the reference, largest relative error 0.0e+00."),
        ("SKIP", "mmcv: nms was not run on cuda:0: torch sees no GPU here."),
    ]
    assert seen_said("MMCV301", lite) == [
        (
            "FAIL",
            "mmcv 2.2.0: it was built without its operators (no _ext file):"
            " ModuleNotFoundError: No module named 'mmcv._ext'.",
        )
    ]


def test_mmcv_operators_on_cpu_and_gpu() -> None:
    assert seen_said("MMCV302", {"mmcv_ops": MMCV}) == [
        ("PASS", "mmcv 2.1.0: nms runs on cpu and keeps the right boxes."),
        ("PASS", "mmcv 2.1.0: roi_align agrees with the reference, largest relative error 0.0e+00."),
    ]
    assert seen_said("MMCV401", {"mmcv_ops": MMCV}) == [
        ("SKIP", "mmcv: nms was not run on cuda:0: torch sees no GPU here.")
    ]
    message = "nms_impl: implementation for device cuda:0 not found."
    good = changed(MMCV, "nms.cuda:0", {"error": None, "kept": [0, 2]})
    assert seen_said("MMCV401", {"mmcv_ops": good}) == [
        ("PASS", "mmcv 2.1.0: nms runs on cuda:0 and keeps the right boxes.")
    ]
    facts = changed(MMCV, "nms.cuda:0", {"error": {"type": "RuntimeError", "message": message}})
    assert seen_said("MMCV401", {"mmcv_ops": facts}) == [
        ("FAIL", f"mmcv 2.1.0: nms on cuda:0 raises RuntimeError: {message}")
    ]


def test_mmcv_operators_that_do_not_run_on_the_cpu() -> None:
    message = "nms_impl: implementation for device cpu not found."
    facts = changed(MMCV, "nms.cpu", {"error": {"type": "RuntimeError", "message": message}})
    assert seen_said("MMCV302", {"mmcv_ops": facts})[0] == (
        "FAIL",
        f"mmcv 2.1.0: nms on cpu raises RuntimeError: {message}",
    )


def test_mmcv_without_operators_has_run_none() -> None:
    facts = {"mmcv_ops": {**MMCV, "extension": {"installed": True, "import_error": NO_MODULE}}}
    assert seen_said("MMCV302", facts) == [("SKIP", "mmcv's operators do not load, so none was run.")]
    assert seen_said("MMCV401", facts) == [
        ("SKIP", "mmcv's operators do not load, so none was run on a GPU.")
    ]
    absent = {"mmcv_ops": GOOD["mmcv_ops"]}
    assert seen_said("MMCV301", absent) == [("FAIL", "mmcv is not installed in the target.")]
    assert seen_said("MMCV302", absent) == [("SKIP", "mmcv's operators do not load, so none was run.")]


def test_a_module_built_with_numpy_1_on_numpy_2() -> None:
    first, second = seen_verdicts("NUMPY302", recorded("numpy-1-module-on-numpy-2"))
    assert first.outcome.name == "FAIL"
    assert first.message.startswith(
        "bottleneck 1.3.7 was compiled for another NumPy than 2.2.6: A module that was compiled using NumPy 1.x"
        " cannot be run in NumPy 2.2.6 as it may crash."
    )
    assert complete(first)
    assert second.message == "torch and NumPy 2.2.6 exchange arrays without a copy."


def test_torch_built_with_numpy_1() -> None:
    warning = "UserWarning: Failed to initialize NumPy: _ARRAY_API not found (tensor_numpy.cpp:84.)"
    facts = changed(NUMPY, "modules.torch.warnings", [warning])
    facts = changed(facts, "bridge.error", {"type": "RuntimeError", "message": "Numpy is not available"})
    assert seen_said("NUMPY302", {"numpy_abi": facts}) == [
        ("FAIL", f"torch 2.5.0+cu124 was compiled for another NumPy than 2.2.6: {warning}."),
        ("FAIL", "torch does not exchange arrays with NumPy 2.2.6: Numpy is not available."),
    ]
    assert all(map(complete, seen_verdicts("NUMPY302", {"numpy_abi": facts})))


def test_a_bridge_that_copies_or_that_nobody_tried() -> None:
    assert seen_said("NUMPY302", {"numpy_abi": changed(NUMPY, "bridge.shares_memory", value=False)}) == [
        ("FAIL", "torch does not exchange arrays with NumPy 2.2.6: the values or the memory differ.")
    ]
    assert seen_said("NUMPY302", {"numpy_abi": {**NUMPY, "bridge": None}}) == [
        ("SKIP", "torch does not import, so its bridge to NumPy was not tried.")
    ]
    # Without NumPy there is no bridge, so nothing to judge.
    assert seen_said("NUMPY302", {"numpy_abi": {"installed": False, "import_error": None}}) == []

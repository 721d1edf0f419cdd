"""LOAD rules over what the `loading` probe recorded on real trees, and over literal facts."""

import json
from pathlib import Path
from typing import Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules.loading import bytes as rules_loading
from stackcheck.rules.registry import RULES, judge_one

DATA = Path(__file__).parents[3] / "data" / "loading"
CODES = [f"LOAD30{n}" for n in range(1, 8)]
assert RULES["LOAD301"].module == rules_loading.__name__


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return {"loading": document["loading"], "distributions": document["distributions"]}


def judged(code: str, facts: dict[str, Any]) -> list[Verdict]:
    return judge_one(RULES[code], {**definition_facts(Stack(id="x"), knowledge.load()), **facts})


def with_loading(**changes: Any) -> dict[str, Any]:
    facts = recorded("torch25")
    return {**facts, "loading": {**facts["loading"], **changes}}


def test_the_good_stack_has_no_finding() -> None:
    verdicts = [v for code in CODES for v in judged(code, recorded("torch25"))]
    assert [(v.code, v.outcome.name, v.message) for v in verdicts] == [
        (
            "LOAD301",
            "PASS",
            "all 148 libraries find what they need; 60 needs of the driver or of optional plug-ins left aside.",
        ),
        ("LOAD302", "PASS", "all 148 libraries find the symbol versions that they need."),
        ("LOAD303", "PASS", "every extension finds the symbols of torch 2.5.0 that it needs."),
        ("LOAD304", "PASS", "torch and 13 extensions use the old C++11 ABI."),
        ("LOAD305", "PASS", "LD_LIBRARY_PATH shadows no library of the wheels."),
        (
            "LOAD306",
            "PASS",
            "cuDNN, NCCL, cuBLAS and nvJitLink are there at most once under each soname; "
            "packages carry copies of their own (4 of cudart, 2 of nvrtc).",
        ),
        ("LOAD307", "PASS", "all 148 libraries were read."),
    ]


def test_extensions_of_another_torch_are_named_with_the_symbol_that_the_loader_names() -> None:
    verdicts = judged("LOAD303", recorded("torch25-with-extensions-of-torch26"))
    assert {v.outcome for v in verdicts} == {Outcome.FAIL}
    by_file = {v.message.split()[0]: v for v in verdicts}
    assert sorted(by_file) == [
        "torchaudio/lib/libtorchaudio.so",
        "torchvision/_C.so",
        "torchvision/image.so",
        "torio/lib/libtorio_ffmpeg4.so",
        "torio/lib/libtorio_ffmpeg5.so",
        "torio/lib/libtorio_ffmpeg6.so",
        "xformers/_C.so",
        "xformers/_C_flashattention3.so",
    ]
    vision = by_file["torchvision/_C.so"]
    assert vision.message == (
        "torchvision/_C.so cannot be loaded: torch 2.5.0 does not export "
        "at::Context::alertNotDeterministic(std::basic_string_view<char, std::char_traits<char> > const&) and 1 more; "
        "it was built for torch 2.6.0."
    )
    assert vision.expected == "an extension built for torch 2.5.0"
    assert vision.found == "torchvision 0.21.0, built for torch 2.6.0"
    assert vision.hint == "install the version of torchvision that was made for torch 2.5.0"
    # dlopen on the same files, 2026-11-20: it names the first of each.
    assert (
        vision.evidence[0].what
        == "_ZN2at7Context21alertNotDeterministicERKSt17basic_string_viewIcSt11char_traitsIcEE"
    )
    assert (
        by_file["torchaudio/lib/libtorchaudio.so"].evidence[0].what.startswith("_ZN2at4_ops9fft_irfft4call")
    )
    assert (
        by_file["xformers/_C.so"].evidence[0].what == "_ZNK3c1011StorageImpl27throw_data_ptr_access_errorEv"
    )


MISSING = {"driver": False, "other_versions": [], "elsewhere": []}
SITE = "/opt/venv/lib/python3.11/site-packages"


def test_a_cudart_of_another_major_is_named() -> None:
    row = {
        **MISSING,
        "library": f"{SITE}/mmcv/_ext.so",
        "needs": "libcudart.so.10.2",
        "other_versions": ["libcudart.so.12"],
    }
    (verdict,) = judged("LOAD301", with_loading(missing=[row]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        "mmcv/_ext.so cannot be loaded: libcudart.so.10.2 is not there; this tree has libcudart.so.12: "
        "it was made for another version."
    )
    assert (verdict.expected, verdict.found) == ("libcudart.so.10.2", "libcudart.so.12")
    assert verdict.hint == "install the build of the package that was made for the CUDA of this stack"


def test_the_driver_and_optional_plug_ins_may_be_absent() -> None:
    rows = [
        {
            **MISSING,
            "library": f"{SITE}/torch/lib/libcaffe2_nvrtc.so",
            "needs": "libcuda.so.1",
            "driver": True,
        },
        {**MISSING, "library": f"{SITE}/torio/lib/_torio_ffmpeg4.so", "needs": "libavutil.so.56"},
    ]
    (verdict,) = judged("LOAD301", with_loading(missing=rows))
    assert verdict.outcome is Outcome.PASS


CORES = [f"{SITE}/torchcodec/libtorchcodec_core{number}.so" for number in (4, 5, 6)]


def builds(*loads: str) -> list[dict[str, Any]]:
    return [{"name": "libtorchcodec_core*.so", "paths": CORES, "loads": list(loads)}]


def test_of_several_builds_of_one_library_it_is_enough_that_one_loads() -> None:
    """torchcodec takes one of several FFmpegs, and cannot do without."""
    rows = [{**MISSING, "library": path, "needs": "libavutil.so.57"} for path in CORES]
    first, second = judged("LOAD301", with_loading(missing=rows[:2], builds=builds(CORES[2])))
    assert (first.outcome, second.outcome) == (Outcome.PASS, Outcome.PASS)
    assert second.message == (
        "torchcodec/libtorchcodec_core6.so fits, and the 2 other builds of it that do not are not needed."
    )
    (none,) = judged("LOAD301", with_loading(missing=rows, builds=builds()))
    assert (none.outcome, none.message) == (
        Outcome.FAIL,
        "torchcodec/libtorchcodec_core4.so, torchcodec/libtorchcodec_core5.so, torchcodec/libtorchcodec_core6.so "
        "cannot be loaded: libavutil.so.57 is not there; none of the 3 builds of libtorchcodec_core*.so finds what it "
        "needs.",
    )
    (alone,) = judged("LOAD301", with_loading(missing=rows[:1]))
    assert alone.outcome is Outcome.WARN


def symbols(path: str) -> dict[str, Any]:
    name = "_ZN4c10d12ProcessGroup10splitGroupEv"
    return {"library": path, "count": 1, "symbols": [name], "demangled": ["c10d::ProcessGroup::splitGroup()"]}


GROUPS = [f"{SITE}/mooncake/pg_2_{minor}_0.cpython-311-x86_64-linux-gnu.so" for minor in (9, 11, 13)]


def test_builds_for_other_torches_beside_the_one_for_this_torch_are_no_fault() -> None:
    row = {"name": "pg_*.so", "paths": GROUPS, "loads": []}  # the one for this torch misses libcudart
    rows = [symbols(path) for path in GROUPS[:2]]
    first, second = judged("LOAD303", with_loading(undefined=rows, builds=[row]))
    assert (first.outcome, second.outcome) == (Outcome.PASS, Outcome.PASS)
    assert second.message.startswith(
        "mooncake/pg_2_13_0.cpython-311-x86_64-linux-gnu.so fits, and the 2 other"
    )
    abi = dict.fromkeys(GROUPS[:2], "new") | {GROUPS[2]: "old"}
    (strings,) = judged("LOAD304", with_loading(abi=abi, builds=[row]))
    assert strings.outcome is Outcome.PASS


def test_where_no_build_is_for_this_torch_one_finding_names_the_newest() -> None:
    row = {"name": "pg_*.so", "paths": GROUPS, "loads": []}
    imports = [{"module": path, "because": [path]} for path in GROUPS]
    facts = with_loading(undefined=[symbols(path) for path in GROUPS], builds=[row], imports=imports)
    (verdict,) = judged("LOAD303", facts)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        "import mooncake.pg_2_13_0 fails: mooncake/pg_2_13_0.cpython-311-x86_64-linux-gnu.so cannot be loaded: "
        "torch 2.5.0 does not export c10d::ProcessGroup::splitGroup(); it was built for another torch; "
        "none of its 3 builds fits this torch."
    )


def test_a_package_whose_extension_module_cannot_be_imported_is_not_a_doubt() -> None:
    """open3d: its module loads, but a library below it does not."""
    below, module = (
        f"{SITE}/open3d/libOpen3D.so.0.20",
        f"{SITE}/open3d/pybind.cpython-311-x86_64-linux-gnu.so",
    )
    plugin = f"{SITE}/open3d/open3d_tf_ops.so"
    rows = [
        {**MISSING, "library": below, "needs": "libusb-1.0.so.0"},
        {**MISSING, "library": plugin, "needs": "libtensorflow_framework.so.2"},
    ]
    imports = [{"module": module, "because": [below]}]
    plugins, fails = judged("LOAD301", with_loading(missing=rows, imports=imports))
    assert (fails.outcome, fails.message) == (
        Outcome.FAIL,
        "import open3d.pybind fails: open3d/libOpen3D.so.0.20 cannot be loaded: libusb-1.0.so.0 is not there.",
    )
    assert plugins.outcome is Outcome.WARN
    old = {
        "library": below,
        "needs": "libc.so.6",
        "version": "GLIBC_2.38",
        "in": "/lib/libc.so.6",
        "newest": "GLIBC_2.31",
    }
    (version,) = judged("LOAD302", with_loading(versions=[old], imports=imports))
    assert (version.outcome, version.message) == (
        Outcome.FAIL,
        "import open3d.pybind fails: open3d/libOpen3D.so.0.20 cannot be loaded: it needs GLIBC_2.38, and "
        "/lib/libc.so.6 has GLIBC_2.31.",
    )


def test_what_the_modules_of_one_package_ask_of_one_library_is_one_finding() -> None:
    """PyQt6 6.12 beside the Qt of 6.11: 32 modules, one cause."""
    modules = [f"{SITE}/PyQt6/Qt{name}.abi3.so" for name in ("Core", "Gui", "Svg", "Xml")]
    rows = [
        {
            "library": path,
            "needs": "libQt6Core.so.6",
            "version": "Qt_6.12",
            "in": "/x/libQt6Core.so.6",
            "newest": "Qt_6.11",
        }
        for path in modules
    ]
    imports = [{"module": path, "because": [path]} for path in modules]
    (verdict,) = judged("LOAD302", with_loading(versions=rows, imports=imports))
    assert (verdict.outcome, verdict.message) == (
        Outcome.FAIL,
        "import PyQt6.QtCore, PyQt6.QtGui, PyQt6.QtSvg and 1 more fail: PyQt6/QtCore.abi3.so, PyQt6/QtGui.abi3.so, "
        "PyQt6/QtSvg.abi3.so and 1 more cannot be loaded: they need Qt_6.12, and /x/libQt6Core.so.6 has Qt_6.11.",
    )


def test_a_plug_in_that_may_be_absent_fails_no_import() -> None:
    path = f"{SITE}/cupy_backends/cuda/libs/cutensor.cpython-311-x86_64-linux-gnu.so"
    row = {**MISSING, "library": path, "needs": "libcutensor.so.2"}
    facts = with_loading(missing=[row], imports=[{"module": path, "because": [path]}], other_pythons=6)
    (verdict,) = judged("LOAD301", facts)
    assert verdict.outcome is Outcome.PASS
    assert verdict.message.endswith("left aside; 6 extension modules for other Pythons were not judged.")


def test_the_needs_of_one_package_are_one_finding() -> None:
    rows = [
        {**MISSING, "library": f"{SITE}/torchcodec/lib{name}.so", "needs": f"libav{number}.so"}
        for name in ("a", "b", "c", "d")
        for number in range(5)
    ]
    apart = {**MISSING, "library": f"{SITE}/other/lib.so", "needs": "libz.so.9"}
    other, merged = judged("LOAD301", with_loading(missing=[apart, *rows]))
    if other.message.startswith("torchcodec"):
        other, merged = merged, other
    assert merged.message == (
        "torchcodec/liba.so, torchcodec/libb.so, torchcodec/libc.so and 1 more cannot be loaded: libav0.so, "
        "libav1.so, libav2.so and 2 more are not there (whether anybody loads it is not known)."
    )
    assert other.message.startswith("other/lib.so cannot be loaded: libz.so.9 is not there")


def test_a_missing_function_of_torch_s_c_interface_is_told_as_another_torch() -> None:
    row = {
        "library": f"{SITE}/torchvision/_C_stable.so",
        "count": 2,
        "symbols": ["torch_library_impl", "torch_call_dispatcher"],
        "demangled": ["torch_library_impl", "torch_call_dispatcher"],
    }
    (verdict,) = judged("LOAD303", with_loading(undefined=[row]))
    assert verdict.message.startswith(
        "torchvision/_C_stable.so cannot be loaded: torch 2.5.0 does not export torch_library_impl and 1 more; "
        "it was built for "
    )


def test_a_library_outside_the_stack_is_a_warning_because_nobody_may_load_it() -> None:
    row = {**MISSING, "library": f"{SITE}/cv2/cv2.abi3.so", "needs": "libGL.so.1"}
    (verdict,) = judged("LOAD301", with_loading(missing=[row]))
    assert verdict.outcome is Outcome.WARN
    assert (
        verdict.message
        == "cv2/cv2.abi3.so cannot be loaded: libGL.so.1 is not there (whether anybody loads it is not known)."
    )
    assert verdict.hint == "install the package that brings it, or remove the one that needs it"


def test_a_stated_package_is_part_of_the_stack() -> None:
    row = {**MISSING, "library": f"{SITE}/cv2/cv2.abi3.so", "needs": "libGL.so.1"}
    stack = Stack.model_validate({"id": "x", "packages": {"cv2": "4.10"}})
    (verdict,) = judged("LOAD301", {**with_loading(missing=[row]), "stack": stack})
    assert verdict.outcome is Outcome.FAIL


def test_a_library_that_lies_off_every_search_path_is_named() -> None:
    row = {
        **MISSING,
        "library": f"{SITE}/spconv/core_cc.so",
        "needs": "libx.so.1",
        "elsewhere": [f"{SITE}/other/lib/libx.so.1"],
    }
    (verdict,) = judged("LOAD301", with_loading(missing=[row]))
    assert verdict.message == (
        "spconv/core_cc.so cannot be loaded: libx.so.1 is not there for it, although other/lib/libx.so.1 is in this tree: "
        "no search path of it leads there."
    )
    assert verdict.hint == "load other/lib/libx.so.1 first, or put its folder on LD_LIBRARY_PATH"


@pytest.mark.parametrize(
    ("library", "outcome"), [("torch_sparse/_x.so", "WARN"), ("spconv/core_cc.so", "FAIL")]
)
def test_a_symbol_version_that_is_too_new(library: str, outcome: str) -> None:
    row = {
        "library": f"{SITE}/{library}",
        "needs": "libc.so.6",
        "version": "GLIBC_2.33",
        "in": "/lib/x86_64-linux-gnu/libc.so.6",
        "newest": "GLIBC_2.31",
    }
    (verdict,) = judged("LOAD302", with_loading(versions=[row]))
    assert verdict.outcome.name == outcome
    assert verdict.message.startswith(
        f"{library} cannot be loaded: it needs GLIBC_2.33, and /lib/x86_64-linux-gnu/libc.so.6 has GLIBC_2.31"
    )
    assert (
        verdict.hint == "use a base image with a newer system, or a build of the package made on an older one"
    )


def test_an_undefined_symbol_of_another_library_is_named() -> None:
    row = {
        "library": f"{SITE}/nvidia/cusparse/lib/libcusparse.so.12",
        "count": 8,
        "symbols": ["__nvJitLinkComplete_12_4"],
        "demangled": ["__nvJitLinkComplete_12_4"],
    }
    (verdict,) = judged("LOAD303", with_loading(undefined=[row]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        "nvidia/cusparse/lib/libcusparse.so.12 cannot be loaded: undefined symbol __nvJitLinkComplete_12_4."
    )
    assert verdict.hint == (
        "an older copy shadows the one it was made for: look at LD_LIBRARY_PATH and at duplicate packages"
    )


def test_the_other_string_abi_is_named_on_both_sides() -> None:
    facts = with_loading(abi={f"{SITE}/flash_attn_2_cuda.so": "new"})
    (verdict,) = judged("LOAD304", facts)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == "flash_attn_2_cuda.so uses the new C++11 ABI and torch the old one."
    assert (verdict.expected, verdict.found) == ("the old C++11 ABI", "the new C++11 ABI")
    unknown = with_loading(torch={"c10": "/x/libc10.so", "abi": "", "libraries": []})
    (verdict,) = judged("LOAD304", unknown)
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == (
        "which C++11 ABI libc10.so has cannot be read from its symbols, so the extensions were not compared with it."
    )


def test_shadowing_and_second_copies_are_warnings() -> None:
    row = {
        "library": f"{SITE}/nvidia/cusparse/lib/libcusparse.so.12",
        "needs": "libnvJitLink.so.12",
        "used": "/usr/local/cuda/lib64/libnvJitLink.so.12",
        "instead_of": f"{SITE}/nvidia/nvjitlink/lib/libnvJitLink.so.12",
    }
    (verdict,) = judged("LOAD305", with_loading(shadowed=[row]))
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == (
        "nvidia/cusparse/lib/libcusparse.so.12 takes libnvJitLink.so.12 from LD_LIBRARY_PATH, not from its own wheel."
    )
    assert verdict.hint == "take /usr/local/cuda/lib64 off LD_LIBRARY_PATH"
    copies = {"cudnn": [{"path": f"{SITE}/{p}/libcudnn.so.9", "soname": "libcudnn.so.9"} for p in ("a", "b")]}
    (verdict,) = judged("LOAD306", with_loading(copies=copies))
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == (
        "libcudnn.so.9 is there 2 times; which one a process gets depends on the order of imports."
    )


def test_what_was_not_read_is_said() -> None:
    facts = with_loading(
        unreadable=[{"path": f"{SITE}/torch/lib/libx.so", "error": "the file is cut off"}], skipped=["/a: b"]
    )
    first, second = judged("LOAD307", facts)
    assert (first.outcome, first.message) == (
        Outcome.FAIL,
        "torch/lib/libx.so cannot be read: the file is cut off.",
    )
    assert (second.outcome, second.message) == (Outcome.WARN, "a part of the tree was not looked at: /a: b.")


def test_without_torch_there_is_nothing_to_hold_symbols_against() -> None:
    facts = with_loading(torch=None, abi={})
    assert judged("LOAD303", facts) == []
    assert judged("LOAD304", facts) == []


def test_nvidia_wheels_of_two_cuda_majors_are_told() -> None:
    def wheels(*names: str) -> dict[str, Any]:
        return {"distributions": {"distributions": [{"name": name} for name in names]}}

    (good,) = judged(
        "LOAD308", wheels("nvidia-cublas-cu12", "nvidia-cudnn-cu12", "nvidia-ml-py", "cupy-cuda13x")
    )
    assert (good.outcome, good.message) == (Outcome.PASS, "the 2 nvidia-* wheels are of CUDA 12.")
    (two,) = judged("LOAD308", wheels("nvidia-cublas-cu12", "nvidia-cudnn-cu13"))
    assert two.outcome is Outcome.WARN
    assert two.message == "nvidia-* wheels of several CUDA majors are installed: 1 of CUDA 12, 1 of CUDA 13."
    assert two.hint == (
        "uninstall those of the CUDA that torch was not built for, unless another package needs them"
    )
    assert judged("LOAD308", wheels("torch")) == []


def test_a_list_that_was_cut_is_not_a_pass() -> None:
    row = {
        **MISSING,
        "library": f"{SITE}/torch/lib/libcaffe2_nvrtc.so",
        "needs": "libcuda.so.1",
        "driver": True,
    }
    (verdict,) = judged("LOAD301", with_loading(missing=[row], cut=["missing"]))
    assert verdict.outcome is Outcome.SKIP
    assert verdict.message == "more than 1 needs are not served; the rest was not listed."

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
            "all 148 libraries find what they need; 60 needs of the driver or of optional plug-ins left aside",
        ),
        ("LOAD302", "PASS", "all 148 libraries find the symbol versions that they need"),
        ("LOAD303", "PASS", "every extension finds the symbols of torch 2.5.0 that it needs"),
        ("LOAD304", "PASS", "torch and 13 extensions use the old C++11 ABI"),
        ("LOAD305", "PASS", "LD_LIBRARY_PATH shadows no library of the wheels"),
        (
            "LOAD306",
            "PASS",
            "cuDNN, NCCL, cuBLAS and nvJitLink are there at most once under each soname; "
            "packages carry copies of their own (4 of cudart, 2 of nvrtc)",
        ),
        ("LOAD307", "PASS", "all 148 libraries were read"),
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
        "it was built for torch 2.6.0"
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
        "it was made for another version"
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


def test_of_several_builds_of_which_one_must_load_another_has_to() -> None:
    """torchcodec takes one of five FFmpegs, and cannot do without."""
    row = {**MISSING, "library": f"{SITE}/torchcodec/libtorchcodec_core5.so", "needs": "libavutil.so.57"}
    (verdict,) = judged("LOAD301", with_loading(missing=[row | {"another_loads": True}]))
    assert verdict.outcome is Outcome.PASS
    (verdict,) = judged("LOAD301", with_loading(missing=[row | {"another_loads": False}]))
    assert verdict.outcome is Outcome.WARN
    assert verdict.message.startswith(
        "torchcodec/libtorchcodec_core5.so cannot be loaded: libavutil.so.57 is not there"
    )


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
        == "cv2/cv2.abi3.so cannot be loaded: libGL.so.1 is not there (whether anybody loads it is not known)"
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
        "no search path of it leads there"
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
        "nvidia/cusparse/lib/libcusparse.so.12 cannot be loaded: undefined symbol __nvJitLinkComplete_12_4"
    )
    assert verdict.hint == (
        "an older copy shadows the one it was made for: look at LD_LIBRARY_PATH and at duplicate packages"
    )


def test_the_other_string_abi_is_named_on_both_sides() -> None:
    facts = with_loading(abi={f"{SITE}/flash_attn_2_cuda.so": "new"})
    (verdict,) = judged("LOAD304", facts)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == "flash_attn_2_cuda.so uses the new C++11 ABI and torch the old one"
    assert (verdict.expected, verdict.found) == ("the old C++11 ABI", "the new C++11 ABI")
    unknown = with_loading(torch={"c10": "/x/libc10.so", "abi": "", "libraries": []})
    (verdict,) = judged("LOAD304", unknown)
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == (
        "which C++11 ABI libc10.so has cannot be read from its symbols, so the extensions were not compared with it"
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
        "nvidia/cusparse/lib/libcusparse.so.12 takes libnvJitLink.so.12 from LD_LIBRARY_PATH, and not from its own wheel"
    )
    assert verdict.hint == "take /usr/local/cuda/lib64 off LD_LIBRARY_PATH"
    copies = {"cudnn": [{"path": f"{SITE}/{p}/libcudnn.so.9", "soname": "libcudnn.so.9"} for p in ("a", "b")]}
    (verdict,) = judged("LOAD306", with_loading(copies=copies))
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == (
        "libcudnn.so.9 is there 2 times; which one a process gets depends on the order of imports"
    )


def test_what_was_not_read_is_said() -> None:
    facts = with_loading(
        unreadable=[{"path": f"{SITE}/torch/lib/libx.so", "error": "the file is cut off"}], skipped=["/a: b"]
    )
    first, second = judged("LOAD307", facts)
    assert (first.outcome, first.message) == (
        Outcome.FAIL,
        "torch/lib/libx.so cannot be read: the file is cut off",
    )
    assert (second.outcome, second.message) == (Outcome.WARN, "a part of the tree was not looked at: /a: b")


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
    assert (good.outcome, good.message) == (Outcome.PASS, "the 2 nvidia-* wheels are of CUDA 12")
    (two,) = judged("LOAD308", wheels("nvidia-cublas-cu12", "nvidia-cudnn-cu13"))
    assert two.outcome is Outcome.WARN
    assert two.message == "nvidia-* wheels of several CUDA majors are installed: 1 of CUDA 12, 1 of CUDA 13"
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
    assert verdict.message == "more than 1 needs are not served; the rest was not listed"

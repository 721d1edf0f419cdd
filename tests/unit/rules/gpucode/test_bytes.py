"""GPUCODE rules: which package has code for which GPU, over literal facts in the form of the `libraries` probe."""

from typing import Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules.gpucode.bytes import packages_of
from stackcheck.rules.registry import RULES, judge_one

SITE = "/opt/venv/lib/python3.11/site-packages"
assert packages_of({"roots": [], "libraries": [], "binaries": 0, "without_gpu_code": 0, "skipped": []}) == {}


def library(path: str, *codes: str, size: int = 1000, unread: tuple[str, ...] = ()) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": f"{SITE}/{path}",
        "images": [{"code": code, "images": 1, "bytes": size} for code in codes],
        "fatbins": 1,
        "groups": [{"codes": sorted(codes), "fatbins": 1}] if codes else [],
    }
    if unread:
        row["unread"] = list(unread)
    return row


def judged(code: str, *rows: dict[str, Any], gpus: tuple[str, ...] = ("L4",), **stated: Any) -> list[Verdict]:
    stack = Stack.model_validate({"id": "x", "gpus": list(gpus), **stated})
    seen = {"libraries": list(rows), "binaries": len(rows), "skipped": []}
    return judge_one(RULES[code], {**definition_facts(stack, knowledge.load()), "libraries": seen})


def test_binary_compatibility_inside_a_major_is_no_finding() -> None:
    (verdict,) = judged(
        "GPUCODE301", library("torch/lib/libtorch_cuda.so", "sm_80", "sm_86"), gpus=("L4", "A100")
    )
    assert (verdict.outcome, verdict.message) == (
        Outcome.PASS,
        "all 1 libraries whose GPU code was read serve L4 (8.9), A100 (8.0).",
    )


def test_a_package_without_code_for_the_gpu_fails() -> None:
    torch = library("torch/lib/libtorch_cuda.so", "sm_80", "sm_120")
    ext = library("flash_attn_2_cuda.so", "sm_80", "sm_90")
    (verdict,) = judged("GPUCODE301", torch, ext, gpus=("RTX 5090",))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        "flash_attn_2_cuda.so has no code for RTX 5090 (12.0): no image for 12.0; it holds sm_80 sm_90."
    )
    assert verdict.expected == "code that runs on 12.0"
    assert (
        verdict.hint
        == "install a build of flash_attn_2_cuda for 12.0, or build it with that in its arch list"
    )


def test_a_smaller_library_that_lacks_a_gpu_is_a_warning() -> None:
    main = library("xformers/_C.so", "sm_80", size=9000)
    lesser = library("xformers/_C_flash.so", "sm_90", size=100)
    (verdict,) = judged("GPUCODE301", main, lesser)
    assert verdict.outcome is Outcome.WARN
    assert verdict.message.startswith("xformers/_C_flash.so has no code for L4 (8.9): no image for 8.9")
    assert (
        verdict.hint == "other libraries of xformers serve this GPU; what this one brings will not work there"
    )


def test_what_was_made_for_hopper_alone_is_not_missed_elsewhere() -> None:
    """xformers 0.0.31 on an L4 was warned of the kernels of FlashAttention 3, which it never takes there."""
    main = library("xformers/_C.so", "sm_80", size=9000)
    hopper = library("xformers/_C_flashattention3.so", "sm_90a", size=100)
    (verdict,) = judged("GPUCODE301", main, hopper, gpus=("L4",))
    assert (verdict.outcome, verdict.message) == (
        Outcome.PASS,
        "1 of 2 libraries whose GPU code was read serve L4 (8.9), and the others were made for other GPUs or "
        "other machines.",
    )
    assert judged("GPUCODE301", hopper, gpus=("L4",))[0].outcome is Outcome.FAIL  # of nothing else
    assert (
        judged("GPUCODE301", main, hopper, gpus=("H100",))[0].outcome is Outcome.FAIL
    )  # 8.0 code is not 9.0 code


def test_files_of_kernels_alone_do_not_say_what_a_package_needs() -> None:
    """flashinfer-python 0.7.4 has four .ptx for sm_103a and compiles the rest: it failed on every GPU."""
    kernel = library("flashinfer/data/ptx/fixed.ptx", "compute_103a")
    torch = library("torch/lib/libtorch_cuda.so", "sm_90")
    found = judged("GPUCODE301", kernel, torch, gpus=("H100",))
    assert [v.outcome for v in found] == [Outcome.SKIP, Outcome.PASS]
    assert found[0].message.startswith("H100 (9.0): flashinfer holds kernels for other GPUs alone")
    assert [v.outcome for v in judged("GPUCODE301", kernel, gpus=("H100",))] == [Outcome.SKIP]
    assert [v.outcome for v in judged("GPUCODE301", kernel, gpus=("B300",))] == [Outcome.PASS]


def test_an_archive_is_for_linking() -> None:
    module = library("sgl_kernel/mscclpp.so", "sm_75")
    archive = library("sgl_kernel/libmscclpp_static.a", "sm_80", size=9000)
    assert [v.outcome for v in judged("GPUCODE301", module, archive, gpus=("T4",))] == [Outcome.PASS]
    assert [v.outcome for v in judged("GPUCODE301", archive, gpus=("T4",))] == [Outcome.FAIL]


def test_of_several_builds_of_one_library_one_must_serve() -> None:
    new = library("bitsandbytes/libbitsandbytes_cuda128.so", "sm_90", size=9000)
    old = library("bitsandbytes/libbitsandbytes_cuda124.so", "sm_60", size=100)
    assert [v.outcome for v in judged("GPUCODE301", new, old, gpus=("GTX 1080",))] == [Outcome.PASS]
    assert [v.outcome for v in judged("GPUCODE301", new, gpus=("GTX 1080",))] == [Outcome.FAIL]


def test_native_is_required_where_the_stack_asks_for_it() -> None:
    (verdict,) = judged("GPUCODE301", library("spconv/core_cc.so", "sm_86"), arch_mode="native")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message.startswith("spconv/core_cc.so is not native on L4 (8.9): sm_86: runs on 8.9.")
    assert verdict.expected == "sm_89 (the stack asks for native code)"
    assert verdict.hint == "build spconv with 8.9 in TORCH_CUDA_ARCH_LIST"
    assert (
        judged("GPUCODE301", library("spconv/core_cc.so", "sm_89"), arch_mode="native")[0].outcome
        is Outcome.PASS
    )


def test_fatbins_without_kernels_raise_no_alarm() -> None:
    (verdict,) = judged("GPUCODE301", library("spconv/core_cc.so"))
    assert (verdict.outcome, verdict.message) == (Outcome.PASS, "no library here holds GPU code.")


def test_nothing_found_is_not_a_pass() -> None:
    (verdict,) = judged("GPUCODE301")
    assert (verdict.outcome, verdict.message) == (Outcome.SKIP, "no library was found.")


def test_hidden_code_is_not_checked_and_not_called_sm_52_only() -> None:
    hidden = library("nvidia/cufft/lib/libcufft.so.11", "sm_52", unread=("hidden code: fatbins in .data",))
    (verdict,) = judged("GPUCODE301", hidden)
    assert (verdict.outcome, verdict.message) == (
        Outcome.SKIP,
        "no library was seen to have code for L4 (8.9), and what some hold could not be read.",
    )
    (verdict,) = judged("GPUCODE302", hidden)
    assert verdict.outcome is Outcome.SKIP
    assert verdict.message == (
        "nvidia/cufft/lib/libcufft.so.11: what was read does not serve the GPUs, and more code may be there unseen."
    )
    assert verdict.hint == "`stackcheck inspect --deep` searches the data sections too"


def test_an_unreadable_library_is_not_a_pass() -> None:
    broken = {"path": f"{SITE}/torch/lib/libtorch_cuda.so", "error": "the file is cut off"}
    (verdict,) = judged("GPUCODE302", broken)
    assert (verdict.outcome, verdict.message) == (
        Outcome.SKIP,
        "the GPU code of torch/lib/libtorch_cuda.so could not be read: the file is cut off.",
    )
    (good,) = judged("GPUCODE302", library("a.so", "sm_80"))
    assert good.message == "all GPU code of 1 libraries was read."


@pytest.mark.parametrize("gpus", [(), ("gfx90a",)])
def test_without_nvidia_gpus_there_is_nothing_to_judge(gpus: tuple[str, ...]) -> None:
    assert judged("GPUCODE301", library("a.so", "sm_80"), gpus=gpus) == []

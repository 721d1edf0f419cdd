"""The 44 variants of the published plan: exactly its names, and the advice that eight serve no machine."""

from __future__ import annotations

from pathlib import Path

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake import catalog
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all
from stackcheck.variants.matrix import family_prefix

STACKS = catalog.load([Path(__file__).parents[3] / "matrices" / "pytorch-variants.toml"])

X86 = [
    "pytorch-python313-cuda13_0-sm121-avx2",
    "pytorch-python313-cuda13_0-sm121-avx512",
    "pytorch-python313-cuda13_0-sm121-avx512bf16",
    "pytorch-python313-cuda13_0-sm121-avx512vnni",
    "pytorch-python313-cuda13_0-sm120-avx2",
    "pytorch-python313-cuda13_0-sm120-avx512",
    "pytorch-python313-cuda13_0-sm120-avx512bf16",
    "pytorch-python313-cuda13_0-sm120-avx512vnni",
    "pytorch-python313-cuda13_0-sm110-avx2",
    "pytorch-python313-cuda13_0-sm110-avx512",
    "pytorch-python313-cuda13_0-sm110-avx512bf16",
    "pytorch-python313-cuda13_0-sm110-avx512vnni",
    "pytorch-python313-cuda13_0-sm103-avx2",
    "pytorch-python313-cuda13_0-sm103-avx512",
    "pytorch-python313-cuda13_0-sm103-avx512bf16",
    "pytorch-python313-cuda13_0-sm103-avx512vnni",
    "pytorch-python313-cuda13_0-sm100-avx2",
    "pytorch-python313-cuda13_0-sm100-avx512",
    "pytorch-python313-cuda13_0-sm100-avx512bf16",
    "pytorch-python313-cuda13_0-sm100-avx512vnni",
    "pytorch-python313-cuda13_0-sm90-avx2",
    "pytorch-python313-cuda13_0-sm90-avx512",
    "pytorch-python313-cuda13_0-sm90-avx512bf16",
    "pytorch-python313-cuda13_0-sm90-avx512vnni",
    "pytorch-python313-cuda13_0-sm89-avx2",
    "pytorch-python313-cuda13_0-sm89-avx512",
    "pytorch-python313-cuda13_0-sm89-avx512bf16",
    "pytorch-python313-cuda13_0-sm89-avx512vnni",
    "pytorch-python313-cuda13_0-sm86-avx2",
    "pytorch-python313-cuda13_0-sm86-avx512",
    "pytorch-python313-cuda13_0-sm86-avx512bf16",
    "pytorch-python313-cuda13_0-sm86-avx512vnni",
    "pytorch-python313-cuda13_0-sm80-avx2",
    "pytorch-python313-cuda13_0-sm80-avx512",
    "pytorch-python313-cuda13_0-sm80-avx512bf16",
    "pytorch-python313-cuda13_0-sm80-avx512vnni",
]
ARM = [
    "pytorch-python313-cuda13_0-sm121-armv8_2",
    "pytorch-python313-cuda13_0-sm121-armv9",
    "pytorch-python313-cuda13_0-sm110-armv8_2",
    "pytorch-python313-cuda13_0-sm110-armv9",
]
CPU = [
    "pytorch-python313-cpu-avx2",
    "pytorch-python313-cpu-avx512",
    "pytorch-python313-cpu-avx512bf16",
    "pytorch-python313-cpu-avx512vnni",
]


def test_the_matrix_has_exactly_the_names_of_the_plan() -> None:
    assert (len(X86), len(ARM), len(CPU)) == (36, 4, 4)
    assert [stack.id for stack in STACKS] == [*X86, *ARM, *CPU]
    assert len({stack.id for stack in STACKS}) == 44


def test_the_names_say_what_the_variants_are() -> None:
    by_id = {stack.id: stack for stack in STACKS}
    gpu, arm, cpu = (by_id[each] for each in (X86[5], ARM[3], CPU[0]))
    assert (gpu.arch_list, gpu.cuda, gpu.platform, gpu.python) == (("12.0",), "13.0", "linux/amd64", "3.13")
    assert gpu.variant is not None
    assert (gpu.variant.isa, gpu.variant.blas) == ("avx512", "cublas")
    assert gpu.recipe is not None
    assert gpu.recipe.name == "pytorch210-python313-cuda13_0-sm120-avx512"
    assert (arm.arch_list, arm.platform) == (("11.0",), "linux/arm64")
    assert cpu.variant is not None
    assert (cpu.accelerator, cpu.cuda, cpu.gpus, cpu.variant.blas) == ("cpu", None, (), "openblas")


def test_no_variant_fails_and_eight_serve_no_machine() -> None:
    early = rules.before_build(Level.STATED)
    advice = []
    for stack in STACKS:
        verdicts = judge_all(early, definition_facts(stack, knowledge.load()))
        assert [verdict for verdict in verdicts if verdict.outcome >= Outcome.SKIP] == []
        advice += [(stack.id, verdict) for verdict in verdicts if verdict.outcome is Outcome.WARN]
    boards = {
        "sm121": "sm_121 runs on parts of Arm boards alone (NVIDIA GB10, DGX Spark)",
        "sm110": "sm_110 runs on parts of Arm boards alone (Jetson T5000, Jetson AGX Thor, Jetson T4000)",
    }
    expected = [
        (
            name,
            "VARIANT104",
            f"{name} serves no machine: {boards[name.split('-')[3]]}, and the build is for linux/amd64.",
        )
        for name in X86
        if name.split("-")[3] in boards
    ]
    assert len(expected) == 8
    assert [(name, verdict.code, verdict.message) for name, verdict in advice] == expected


def test_a_family_shares_the_beginning_of_its_names() -> None:
    assert family_prefix([stack.id for stack in STACKS]) == "pytorch-python313-"
    assert family_prefix(["a-b-c"]) == "a-b-"
    assert family_prefix(["abc", "xyz"]) == ""
    assert family_prefix(["torch-sm90", "torch-sm90-avx2"]) == "torch-"

"""Targeted builds, as stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.versions import minor
from stackcheck.rules.gpucode.arch_list import expand, names_of, parsed_codes, stated_arch_list
from stackcheck.rules.gpucode.coverage import RUNS_ON, shown, titles
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.variants.promise import is_variant, judge_flags, promise_of
from stackcheck_probes.binaries.capability import NO, Sass, covers

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.gpus import NvidiaProduct
    from stackcheck.variants.names import Promise
    from stackcheck_probes.binaries.capability import Code

_RENAME = "give the build the name of what it is, or build what the name says"


def built_codes(stack: Stack, tables: Tables) -> tuple[Code, ...] | None:
    """Return what the stated arch list builds; None when none is stated or torch refuses it (ARCH102)."""
    text = stated_arch_list(stack)
    entries, refused = expand(text, names_of(stack.version("torch"), tables)) if text else ((), ())
    return parsed_codes(entries) if entries and not refused else None


@rule("VARIANT101", when=is_variant, about="part of the name")
def name_is_true(stack: Stack, tables: Tables) -> list[Finding]:
    """The name of a targeted build says what the definition says.

    People choose such a build by its name alone. `sm90` promises code for 9.0 and nothing else, `avx512` code
    that an older CPU stops at, `cpu` a build without CUDA. A part of the name that no field states is not
    held against anything.

    Source: naming convention of the published Flox variants; `_get_cuda_arch_flags` in
    torch/utils/cpp_extension.py of the torch wheels, pypi.org/project/torch.
    Example: pytorch-py313-sm90-avx512 with arch_list = ["8.6", "9.0"].
    Fix: rename the build, or change the field.
    """
    promise, variant = promise_of(stack, tables), stack.variant
    assert variant is not None  # noqa: S101 - the rule's `when`
    pairs = [
        ("Python", promise.python, minor(stack.python) if stack.python else None),
        ("CUDA", promise.cuda, minor(stack.cuda) if stack.cuda else None),
        ("the accelerator", "cpu" if promise.cpu else None, stack.accelerator),
        ("the instruction set", promise.isa, variant.isa),
        ("the platform", _platform(promise, tables), stack.platform),
    ]
    said = [(what, name, field) for what, name, field in pairs if name and field]
    findings = [_untrue(stack, *pair) for pair in said if pair[1] != pair[2]]
    codes = built_codes(stack, tables)
    if promise.sm and codes is not None:
        said.append(("the arch list", promise.sm_title, shown(codes)))
        findings += _other_code(stack, promise, codes)
    if findings:
        return findings
    if not said:
        return [skipped(f"{stack.id} names no Python, CUDA, SM or instruction set that the stack states")]
    kept = ", ".join(f"{what} {field}" for what, _, field in said)
    return [passed(f"{stack.id} is what its name says: {kept}.")]


def _platform(promise: Promise, tables: Tables) -> str | None:
    row = tables.isas.isa(promise.isa)
    return row.platform if row else None


def _untrue(stack: Stack, what: str, name: str, field: str) -> Finding:
    return failed(
        f"{stack.id}: the name says {what} {name}, the definition {field}.",
        expected=f"{what} {name}",
        found=f"{what} {field}",
        hint=_RENAME,
        about=what.removeprefix("the "),
    )


def _other_code(stack: Stack, promise: Promise, codes: tuple[Code, ...]) -> list[Finding]:
    """Compare an arch list with the one SM of the name."""
    assert promise.sm is not None  # noqa: S101 - chosen by the caller
    named = Sass(promise.sm, promise.suffix)
    sass = [code for code in codes if isinstance(code, Sass)]
    if sass != [named]:
        return [
            failed(
                f"{stack.id}: the name says {promise.sm_title} alone, the arch list makes {shown(codes)}.",
                expected=str(named),
                found=shown(codes),
                hint=_RENAME,
                about="arch list",
            )
        ]
    if len(codes) > len(sass):
        return [
            warned(
                f"{stack.id}: the name says {promise.sm_title} alone, the arch list adds PTX for newer GPUs.",
                expected=str(named),
                found=shown(codes),
                hint="leave +PTX out of a build for one SM",
                about="arch list",
            )
        ]
    return []


@rule("VARIANT102", when=is_variant, about="GPU")
def named_sm_runs_on_gpus(stack: Stack, tables: Tables) -> Finding | None:
    """Code for the SM of the name runs on the GPUs that the build is meant for.

    Speaks where no arch list is stated that torch accepts; else ARCH103 does. SASS runs on its own major
    version only, so a build for SM90 alone does not run on an L40S, which is 8.9.

    Source: NVIDIA Ada and Blackwell Compatibility Guides, docs.nvidia.com/cuda.
    Example: pytorch-py313-sm90-avx512 for "H100, L40S".
    Fix: take the build of the GPU's own SM.
    """
    promise = promise_of(stack, tables)
    gpus = [gpu for gpu in stack.gpus if gpu.capability]
    if promise.sm is None or not gpus or built_codes(stack, tables) is not None:
        return None
    code = Sass(promise.sm, promise.suffix)
    bad = [gpu for gpu in gpus if gpu.capability and covers((code,), gpu.capability).how == NO]
    expected, found = f"GPUs that {code} runs on", titles(gpus)
    if not bad:
        return passed(f"{code} runs on {titles(gpus)}.", RUNS_ON, expected=expected, found=found)
    sms = " and ".join(dict.fromkeys(f"SM{gpu.capability.sm}" for gpu in bad if gpu.capability))
    text = f"A build for {promise.sm_title} alone does not run on {titles(bad)}."
    names = [gpu.name for gpu in bad]
    hint = f"take the {sms} build for {', '.join(names)}"
    if any(gpu.unverified for gpu in bad):
        return warned(text, RUNS_ON, expected=expected, found=found, hint=hint, about=names)
    return failed(text, RUNS_ON, expected=expected, found=found, hint=hint, about=names)


@rule("VARIANT103", when=is_variant)
def cuda_knows_named_sm(stack: Stack, tables: Tables) -> Finding | None:
    """The CUDA version of a targeted build knows the SM of its name.

    Speaks where ARCH104 has no toolkit or no valid arch list to judge by. SM100 and SM120 came with CUDA
    12.8, SM103 and SM121 with 12.9, SM110 with 13.0.

    Source: NVIDIA CUDA release notes (rows of `stackcheck tables`).
    Example: pytorch-py313-sm120-avx512 with CUDA 12.6.
    Fix: take the first CUDA version that knows the SM, or a newer one.
    """
    promise, cuda = promise_of(stack, tables), stack.toolkit or stack.cuda
    judged_there = stack.toolkit is not None and built_codes(stack, tables) is not None
    if promise.sm is None or cuda is None or judged_there:
        return None
    code, row = Sass(promise.sm, promise.suffix), tables.cuda.toolkit(cuda)
    if row is None:
        return no_data(f"CUDA {cuda}", f"CUDA {tables.cuda.newest.version}", tables.cuda.checked)
    says = f"nvcc of CUDA {row.version} knows {row.listed}"
    if row.knows(code):
        return passed(f"CUDA {row.version} knows {promise.sm_title}.", cite(row, says), found=str(code))
    able = [each.version for each in tables.cuda.toolkits if each.knows(code)]
    later = [version for version in able if version > row.version]
    if later:
        needs, hint = f"CUDA {later[0]} or newer", f"take CUDA {later[0]} or newer"
    else:
        needs = f"CUDA {able[-1]} or older" if able else "a CUDA that no row knows"
        hint = f"take {needs}"
    return failed_by(
        f"{promise.sm_title} needs {needs}: nvcc of CUDA {row.version} does not know {code}.",
        (row, says),
        expected=needs,
        found=f"CUDA {row.version}",
        hint=hint,
        doubtful=row.sm_unverified,
    )


@rule("VARIANT104", when=is_variant)
def some_machine_takes_it(stack: Stack, tables: Tables) -> Finding | None:
    """There are machines that have both the GPU and the CPU of a targeted build.

    SM 11.0 (Thor) and 12.1 (GB10) are parts of Arm boards: they are in no x86 machine, and code for them runs
    on nothing else. Such a build is hours of work that nobody can use, and no mistake in itself.

    Source: NVIDIA "CUDA GPU Compute Capability", developer.nvidia.com/cuda-gpus (`stackcheck tables`).
    Example: pytorch-python313-cuda13_0-sm110-avx512.
    Fix: leave the variant out of the matrix.
    """
    codes = built_codes(stack, tables)
    if codes is None or stack.platform is None:
        return None
    nvidia, code = tables.gpus.nvidia, shown(codes)
    served = {each for each in {row.capability for row in nvidia} if covers(codes, each).how != NO}
    rows = [row for row in nvidia if row.capability in served]
    if not rows:
        return skipped(f"no GPU is known that {code} runs on, so {stack.id} was not held against machines")
    fits = [row for row in rows if _in_machine(row, stack.platform)]
    if fits:
        return passed(f"{stack.id} serves machines with {', '.join(row.name for row in fits[:3])}.")
    names = ", ".join(row.name for row in rows)
    return warned(
        f"{stack.id} serves no machine: {code} runs on parts of Arm boards alone ({names}), "
        f"and the build is for {stack.platform}.",
        *(cite(row, f"{row.name} is part of a machine of {row.host}") for row in rows),
        expected="a GPU that is in such machines",
        found=names,
        hint="leave the variant out of the matrix",
    )


def _in_machine(row: NvidiaProduct, platform: str) -> bool:
    """Tell whether a GPU can be in a machine: a card in any, a part of a board in Linux on Arm alone."""
    return not row.host or platform == "linux/arm64"


@rule("VARIANT105", when=is_variant)
def flags_are_the_named_ones(stack: Stack, tables: Tables) -> Finding | None:
    """The compiler flags that the stack states are those of the instruction set that it promises.

    Without the flag that names the set the build is slower than it says; with a flag beyond it, it dies
    with `Illegal instruction` on CPUs that the name includes.

    Source: gcc 12.2's predefined macros; flags of the published plan (knowledge/told/).
    Example: a build named avx2 with CXXFLAGS="-mavx512f".
    Fix: state the flags of the instruction set.
    """
    assert stack.variant is not None  # noqa: S101 - the rule's `when`
    row, text = tables.isas.isa(stack.variant.isa), stack.env.get("CXXFLAGS") or stack.env.get("CFLAGS")
    if stack.variant.isa and row is None:
        known = " ".join(each.name for each in tables.isas.isas)
        return skipped(f"no data on the instruction set {stack.variant.isa}; known: {known}")
    if row is None or not text:
        return None
    return judge_flags(stack.id, text.split(), row.name, tables, whose="CXXFLAGS")


@rule("VARIANT106", when=is_variant)
def blas_is_the_named_one(stack: Stack) -> Finding | None:
    """The BLAS that the build is told to take is the one that the stack promises.

    torch's build reads BLAS for the CPU side alone. cuBLAS is no choice: a CUDA build always has it, a CPU
    build never.

    Source: cmake/Dependencies.cmake of torch, github.com/pytorch/pytorch (checked 2026-11-20).
    Example: a build that promises OpenBLAS with BLAS="MKL".
    Fix: set BLAS to what the build promises.
    """
    assert stack.variant is not None  # noqa: S101 - the rule's `when`
    blas, told = stack.variant.blas, stack.env.get("BLAS")
    if blas is None:
        return None
    if blas == "cublas" and stack.accelerator in ("cpu", "rocm"):
        return failed(
            f"{stack.id} promises cuBLAS, and is a build for {stack.accelerator}.",
            expected="a CUDA build",
            found=f"accelerator {stack.accelerator}",
            hint="promise the BLAS that the build has",
        )
    if blas != "cublas" and told and told.lower() != blas:
        return failed(
            f"{stack.id} promises {blas}, and the build is told to take {told}.",
            expected=blas,
            found=f"BLAS={told}",
            hint=f"set BLAS to {'OpenBLAS' if blas == 'openblas' else 'MKL'}",
        )
    if blas == "cublas" or told:
        return passed(f"{stack.id} is told to take {blas}, as it promises.", found=told or "CUDA build")
    return None

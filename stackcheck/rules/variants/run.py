"""A targeted build, imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.grading import cite
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.torch.gpu_code import parsed_codes
from stackcheck.rules.variants.promise import is_variant, judge_flags, promise_of
from stackcheck_probes.binaries.capability import Sass

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.isas import Isa
    from stackcheck_probes.facts.machine import System
    from stackcheck_probes.facts.torch import TorchBuild

_NO_IMPORT = "torch does not import, so what it was built for is not known"


_BLAS_INFO = {"openblas": "open", "mkl": "mkl"}
"""What torch's build settings call a BLAS (BLAS_INFO in cmake/Dependencies.cmake of torch)."""


_CAPABILITIES = ("DEFAULT", "AVX2", "AVX512")
"""torch's words for x86 CPUs, least first (get_cpu_capability in aten/src/ATen/native/DispatchStub.cpp)."""


@rule("VARIANT301", when=is_variant)
def arch_flags_are_the_named_sm(stack: Stack, tables: Tables, torch_build: TorchBuild) -> Finding | None:
    """The torch that was built is for exactly the SM of its name, or for no GPU when the name says cpu.

    torch keeps the arch list that it was compiled with. A list with more in it is a bigger build than the
    name says, one without the SM does not run where the name says.

    Source: torch._C._cuda_getArchFlags and torch.version of the installed torch.
    Example: pytorch-py313-sm90-avx512 with arch flags `sm_80 sm_90`.
    Fix: build again with TORCH_CUDA_ARCH_LIST set to the SM alone.
    """
    promise = promise_of(stack, tables)
    if promise.sm is None and not promise.cpu:
        return None
    if "cuda" not in torch_build:
        return skipped(_NO_IMPORT)
    if promise.sm is None:
        return _without_gpu(stack, torch_build["cuda"] or torch_build["hip"])
    return _exactly(stack, Sass(promise.sm, promise.suffix), torch_build)


def _without_gpu(stack: Stack, built: str | None) -> Finding:
    if not built:
        return passed(f"{stack.id} was built without a GPU, as its name says.")
    return failed(
        f"{stack.id}: the name says cpu, and torch was built for CUDA or ROCm {built}.",
        expected="a CPU build",
        found=f"built for {built}",
        hint="build it with USE_CUDA=0 and USE_ROCM=0, or rename it",
    )


def _exactly(stack: Stack, named: Sass, torch_build: TorchBuild) -> Finding:
    flags = torch_build.get("arch_flags")
    if not flags and (torch_build["cuda"] or torch_build["hip"]):
        return skipped(f"torch {torch_build.get('version')} tells no list of GPU code")
    if not flags:
        return _wrong_code(stack, named, "no GPU code", torch_build)
    codes, listed = parsed_codes(flags), " ".join(flags)
    if [code for code in codes if isinstance(code, Sass)] != [named]:
        return _wrong_code(stack, named, listed, torch_build)
    if len(codes) > 1:
        return warned(
            f"{stack.id}: torch has {listed}: PTX beside the one SM of the name, for newer GPUs.",
            expected=str(named),
            found=listed,
            hint="leave +PTX out of the arch list of a build for one SM",
        )
    return passed(f"{stack.id}: torch has {listed} alone, as its name says.", found=listed)


def _wrong_code(stack: Stack, named: Sass, found: str, torch_build: TorchBuild) -> Finding:
    return failed(
        f"{stack.id}: the name says {named} alone, and torch was built with {found}.",
        Evidence(f"arch flags of {torch_build.get('file')}"),
        expected=str(named),
        found=found,
        hint=f'build it again with TORCH_CUDA_ARCH_LIST="{named.capability}{named.suffix}", or rename it',
    )


@rule("VARIANT303", when=is_variant, about="setting")
def cpu_code_is_the_named_one(
    stack: Stack, tables: Tables, torch_build: TorchBuild, system: System
) -> list[Finding] | None:
    """What was built uses the CPU instruction set of its name: in its compiler flags, and when it runs.

    torch prints the flags that it was compiled with, and picks its kernels by the CPU that it finds: on a CPU
    with the instruction set it must say so. A CPU without it cannot tell, and that is said. Flags that a
    compiler's wrapper adds (NIX_CFLAGS_COMPILE) are not printed, so none at all is a warning.

    Source: torch.__config__.show() and torch.backends.cpu.get_cpu_capability() of the installed torch.
    Example: a build named avx512 with -mavx2 alone in CXX_FLAGS.
    Fix: build it again with the flags of the instruction set.
    """
    assert stack.variant is not None  # noqa: S101 - the rule's `when`
    isa = promise_of(stack, tables).isa or stack.variant.isa
    row = tables.isas.isa(isa)
    if row is None:
        return None
    if "settings" not in torch_build:
        return [skipped(_NO_IMPORT)]
    seen = _compiled(stack, row, torch_build["settings"].get("CXX_FLAGS"), tables)
    return [seen, *_dispatch(stack, row, torch_build.get("cpu_capability"), system["cpu"]["flags"])]


def _compiled(stack: Stack, row: Isa, flags: str | None, tables: Tables) -> Finding:
    if flags is None:
        return skipped(f"{stack.id}: torch does not tell its compiler flags")
    chosen = [each for each in flags.split() if each.startswith("-m")]
    if any(each.startswith(("-march=", "-mcpu=")) for each in chosen) or tables.isas.instructions(chosen):
        judged = judge_flags(stack.id, chosen, row.name, tables, whose="torch's CXX_FLAGS")
        return judged._replace(about=("CXX_FLAGS",))
    return warned(
        f"{stack.id}: torch's CXX_FLAGS names no instruction set, and {row.name} is promised: unless the "
        "compiler's wrapper adds it, this is a build for any CPU.",
        cite(row, f"builds named {row.name} are made with {' '.join(row.flags)}"),
        expected=" ".join(row.flags),
        found="no flag for an instruction set",
        hint=f"put {' '.join(row.flags)} into CXXFLAGS, where torch's build can tell of it",
        about="CXX_FLAGS",
    )


def _dispatch(stack: Stack, row: Isa, capability: str | None, flags: list[str]) -> list[Finding]:
    if not row.capability:
        return []
    absent = [flag for flag in row.cpu if flag not in flags]
    if absent:
        text = (
            f"{stack.id}: this CPU has no {' '.join(absent)}, so what torch does with {row.name} was not seen"
        )
        return [skipped(text)]
    if capability not in _CAPABILITIES:
        return [skipped(f"{stack.id}: torch does not tell which CPU kernels it takes")]
    if _CAPABILITIES.index(capability) >= _CAPABILITIES.index(row.capability):
        return [passed(f"{stack.id}: torch takes its {capability} kernels on this CPU.", found=capability)]
    return [
        failed(
            f"{stack.id}: this CPU has {row.name}, and torch takes its {capability} kernels.",
            expected=row.capability,
            found=capability,
            hint="build it with a compiler that knows the instruction set; unset ATEN_CPU_CAPABILITY",
            about="kernels",
        )
    ]


@rule("VARIANT304", when=is_variant)
def blas_is_the_promised_one(stack: Stack, torch_build: TorchBuild) -> Finding | None:
    """What was built computes dense algebra with the BLAS that it promises.

    torch's build settings name the BLAS of the CPU side; cuBLAS comes with every CUDA build.

    Source: BLAS_INFO in torch.__config__.show() of the installed torch.
    Example: a build that promises OpenBLAS and has BLAS_INFO=mkl.
    Fix: build it again with BLAS set, and with the other library out of reach.
    """
    assert stack.variant is not None  # noqa: S101 - the rule's `when`
    blas = stack.variant.blas
    if blas is None:
        return None
    if "settings" not in torch_build:
        return skipped(_NO_IMPORT)
    if blas == "cublas":
        cuda = torch_build["cuda"]
        found, good = (f"CUDA {cuda}" if cuda else "no CUDA"), bool(cuda)
    else:
        found = torch_build["settings"].get("BLAS_INFO", "")
        good = found == _BLAS_INFO[blas]
        if not found:
            return skipped(f"{stack.id}: torch does not tell its BLAS")
    if good:
        return passed(f"{stack.id}: torch was built with {blas}, as promised ({found}).", found=found)
    return failed(
        f"{stack.id}: the build promises {blas}, and torch was built with {found}.",
        Evidence(f"build settings of {torch_build.get('file')}"),
        expected=blas,
        found=found,
        hint=f"build it again with {blas}, or promise what it has",
    )

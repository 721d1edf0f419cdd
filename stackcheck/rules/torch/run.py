"""An installed torch: imported, and computing on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.evidence import Evidence
from stackcheck.rules.probe_results import as_numbers, judged, not_importable
from stackcheck.rules.questions import SERVES_GPUS
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned
from stackcheck.rules.torch.gpu_code import Build, coverage, parsed_codes

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.torch import TorchBuild, TorchCpu

REINSTALL = "install the torch build that the stack states, last, or resolve everything in one step"


@rule("TORCH301", when=uses("torch"))
def torch_imports(torch_build: TorchBuild) -> Finding:
    """The installed torch imports.

    Everything else rests on it. A torch that does not import mostly misses a shared library (installed
    without its nvidia-* wheels) or finds another version of one first.

    Source: https://github.com/pytorch/pytorch/issues/111469 (another libnvJitLink first on the path).
    Example: `ImportError: libcudnn.so.9: cannot open shared object file`.
    Fix: install torch with its dependencies; take foreign CUDA libraries off LD_LIBRARY_PATH.
    """
    hint = "install torch with its dependencies (no --no-deps), and look at LD_LIBRARY_PATH"
    wrong = not_importable("torch", torch_build, hint=hint)
    return wrong or passed(f"torch {torch_build['version']} imports", Evidence(str(torch_build["file"])))


def _built_for(torch_build: TorchBuild) -> str:
    """Return "CUDA 12.4", "ROCm 6.2.41133" or "the CPU only"."""
    if torch_build.get("cuda"):
        return f"CUDA {torch_build['cuda']}"
    return f"ROCm {torch_build['hip']}" if torch_build.get("hip") else "the CPU only"


@rule("TORCH302", when=uses("torch"))
def torch_is_built_for_the_stack(stack: Stack, torch_build: TorchBuild) -> Finding | None:
    """The installed torch is built for the accelerator and the CUDA or ROCm version of the stack.

    A CPU wheel from the wrong index, or a dependency that replaces torch, ends in "Torch not compiled with
    CUDA enabled" on the first GPU node. `torch.version` tells before.

    Source: https://github.com/pytorch/pytorch/issues/30664
    Example: the stack asks for CUDA 12.4 and torch 2.5.0+cpu is installed.
    Fix: install torch from the index of the stack's CUDA version.
    """
    asked = wanted_accelerator(stack)
    if asked is None:
        return None
    if "cuda" not in torch_build:
        return skipped("torch does not import, so what it was built for is not known")
    found = _built_for(torch_build)
    if asked == "cpu":
        return _for_a_cpu_stack(torch_build, found)
    name, version, own = {
        "cuda": ("CUDA", stack.cuda, torch_build["cuda"]),
        "rocm": ("ROCm", stack.rocm, torch_build["hip"]),
    }[asked]
    wanted = f"{name} {version}" if version else name
    if not own or (version and as_numbers(own) != as_numbers(version)):
        return failed(
            f"torch {torch_build['version']} is built for {found}, and the stack asks for {wanted}",
            Evidence(f"torch.version of {torch_build['file']}"),
            expected=wanted,
            found=found,
            hint=REINSTALL,
        )
    return passed(f"torch {torch_build['version']} is built for {found}, as the stack asks", found=found)


def _for_a_cpu_stack(torch_build: TorchBuild, found: str) -> Finding:
    if torch_build["cuda"] or torch_build["hip"]:
        return warned(
            f"torch {torch_build['version']} is built for {found} in a stack for the CPU:"
            " it works, and brings gigabytes of libraries that nothing uses",
            expected="the CPU only",
            found=found,
            hint="install torch from https://download.pytorch.org/whl/cpu",
        )
    return passed(f"torch {torch_build['version']} is built for the CPU only, as the stack asks")


@rule("TORCH303", when=uses("torch"))
def torch_is_the_stated_version(stack: Stack, torch_build: TorchBuild) -> Finding | None:
    """The torch that is imported has the version that the stack states.

    Releases are compared without the local part, because the wheel of the default index is called 2.5.0 in
    its metadata and 2.5.0+cu124 by `torch.__version__`; a local part that the stack states must be there.

    Source: version.py and METADATA of the torch wheels on PyPI (checked 2026-11-20).
    Example: the stack states torch 2.5.0 and a later `pip install` brought 2.6.0.
    Fix: resolve all packages in one step, or constrain torch.
    """
    package = stack.packages.get("torch")
    if package is None:
        return None
    told = torch_build.get("version")
    if not told:
        return skipped("torch does not import, so its version is not known")
    try:
        found = Version(told)
    except InvalidVersion:
        return skipped(f"torch calls itself {told!r}, which is not a version")
    stated = package.exact
    fits = Version(found.public) in package.specifier if stated is None else found.public == stated.public
    local = stated.local if stated else None
    if not fits or (local and found.local and found.local != local):
        return failed(
            f"torch {found} is imported, and the stack states {package.version}",
            Evidence(str(torch_build["file"])),
            expected=package.version,
            found=str(found),
            hint=REINSTALL,
        )
    if local and not found.local:
        return warned(
            f"torch {found} says nothing of its build, and the stack states {package.version}",
            expected=package.version,
            found=str(found),
            hint="a self-built torch can carry a local version (PYTORCH_BUILD_VERSION)",
        )
    return passed(f"torch {found} is imported, as stated ({package.version})", found=str(found))


@rule("TORCH305", when=uses("torch"), answers=(SERVES_GPUS, "torch"), about="GPU")
def torch_has_code_for_the_gpus(stack: Stack, torch_build: TorchBuild) -> list[Finding] | None:
    """The installed torch has GPU code that runs on every GPU of the stack.

    Machine code runs on its own capability and on later minors of the same major; PTX runs on anything later
    if the driver is new enough. The wheels of PyPI have no PTX. `runs` is enough unless the stack asks for
    `native`; which of the two it is, and by what code, is said either way.

    Source: https://docs.nvidia.com/cuda/ada-compatibility-guide/ ; torch wheels read 2026-11-20.
    Example: torch 2.5.0+cu124 has sm_50 60 70 75 80 86 90: an L4 (8.9) runs by sm_86, a B200 (10.0) does not.
    Fix: take a torch build with code for the GPU.
    """
    if not stack.gpus:
        return None
    flags = torch_build.get("arch_flags")
    whose = f"torch {torch_build.get('version')}"
    if not flags:
        return [skipped(f"{whose} tells no list of GPU code (it is built for {_built_for(torch_build)})")]
    build = Build(whose, parsed_codes(flags), torch_build.get("cuda"))
    return [
        (
            coverage(build, gpu.name, gpu.capability, stack)
            if gpu.capability is not None
            else _gfx_coverage(whose, flags, gpu.name, str(gpu.gfx), stack)
        )._replace(
            about=(gpu.name,),
        )
        for gpu in stack.gpus
    ]


def _gfx_coverage(whose: str, flags: list[str], name: str, gfx: str, stack: Stack) -> Finding:
    """Compare exactly: a code object for one gfx target runs on that target only (ROCm/TheRock)."""
    targets = [flag.partition(":")[0] for flag in flags]
    gpu = name if name == gfx else f"{name} ({gfx})"
    if gfx in targets:
        return passed(f"{whose} has code for {gpu}", found=gfx)
    override = stack.env.get("HSA_OVERRIDE_GFX_VERSION")
    if override:
        return warned(
            f"{whose} has no code for {gpu}; HSA_OVERRIDE_GFX_VERSION={override} makes it take"
            " another target's code, which no vendor supports",
            expected=gfx,
            found=" ".join(targets),
            hint="compare results on the device before you trust them",
        )
    return failed(
        f"{whose} has no code for {gpu}: it has {' '.join(targets)}",
        expected=gfx,
        found=" ".join(targets),
        hint=f"take a torch built for {gfx}",
    )


@rule("TORCH306", when=uses("torch"))
def torch_computes_on_the_cpu(torch_cpu: TorchCpu) -> Finding | None:
    """The installed torch computes the right numbers on the CPU.

    Small integer matrices through matmul, conv2d, fft and solve, against pure Python. A BLAS that does not
    fit the machine, or a mixed set of libraries, shows here and not at the first epoch.

    Source: the probe `torch_cpu` states input, reference and tolerance.
    Example: `undefined symbol` or a crash at the first matmul with a foreign MKL.
    Fix: reinstall torch; look which BLAS is loaded.
    """
    if "checks" not in torch_cpu:
        return skipped("torch does not import, so nothing was computed")
    return judged(
        "torch on the CPU", torch_cpu["checks"], hint="reinstall torch, and look which BLAS it loads"
    )

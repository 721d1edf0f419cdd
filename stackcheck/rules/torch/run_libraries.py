"""The CUDA libraries that an installed torch loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.probe_results import as_numbers, error_text, from_packed
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck_probes.facts.measured import ErrorFact
    from stackcheck_probes.facts.torch import TorchBuild, VersionedFiles


@rule("TORCH304", when=uses("torch"), about="fault")
def cudnn_is_the_one_torch_was_built_for(torch_build: TorchBuild) -> list[Finding] | None:
    """The cuDNN that is loaded is one that torch was built for, and comes from one place.

    The major version is the ABI. An older cuDNN of the same major lacks functions; a newer minor is fine. The
    parts (libcudnn_graph, libcudnn_ops ...) are found by another path than libcudnn itself, so they can come
    from elsewhere.

    Source: https://github.com/pytorch/pytorch/pull/80877 (torch's own check); nvidia-cudnn-cu12 9.1.0.70, ELF
    RUNPATH of libcudnn.so.9; https://github.com/pytorch/pytorch/issues/119989 (parts from elsewhere).
    Example: `cuDNN version incompatibility: PyTorch was compiled against (8, 7, 0) but found (8, 2, 4)`.
    Fix: install the nvidia-cudnn wheel that torch pins; take system copies off LD_LIBRARY_PATH.
    """
    cudnn = torch_build.get("cudnn")
    if cudnn is None or not cudnn["built"] or not cudnn.get("is_cuda"):
        return None
    libraries = torch_build["libraries"]
    files = [*libraries["cudnn"]["files"], *libraries["cudnn_parts"]["files"]]
    evidence = tuple(Evidence(path) for path in files[:4])
    return [_cudnn_version(cudnn["built"], cudnn["loaded"], cudnn["error"], evidence), *_cudnn_places(files)]


_CUDNN_HINT = "install the nvidia-cudnn wheel that torch pins, and take other copies off LD_LIBRARY_PATH"


def _cudnn_version(
    built: str, loaded: str | None, error: ErrorFact | None, evidence: tuple[Evidence, ...]
) -> Finding:
    sides = f"torch was built with cuDNN {built} and {loaded or 'none'} is loaded"
    same_major = loaded is not None and as_numbers(loaded, 1) == as_numbers(built, 1)
    if error or not same_major:
        text = f": {error_text(error)}" if error else ": another major version is another ABI"
        found = loaded or "none"
        return failed(sides + text, *evidence, expected=built, found=found, hint=_CUDNN_HINT, about="version")
    if loaded is not None and as_numbers(loaded, 3) < as_numbers(built, 3):
        text = ", which is older: functions may be missing"
        return warned(
            sides + text, *evidence, expected=built, found=loaded, hint=_CUDNN_HINT, about="version"
        )
    return passed(sides, *evidence, expected=built, found=str(loaded))


def _cudnn_places(files: list[str]) -> list[Finding]:
    places = sorted({path.rpartition("/")[0] for path in files})
    if len(places) < 2:
        return []
    text = f"the parts of cuDNN are loaded from {len(places)} places: {', '.join(places)}"
    return [warned(text, expected="one directory", found=", ".join(places), hint=_CUDNN_HINT, about="places")]


@rule("TORCH307", when=uses("torch"), about="library")
def loaded_cuda_libraries_fit(torch_build: TorchBuild) -> list[Finding] | None:
    """The CUDA runtime and the NCCL that torch loads are those it was built with.

    torch pins its nvidia-* wheels exactly. Another minor mostly works (minor version compatibility), an older
    NCCL lacks functions.

    Source: METADATA of the torch wheels; https://github.com/pytorch/pytorch/issues/119072 (older NCCL).
    Example: torch was built with CUDA 12.4 and libcudart of 12.1 is loaded.
    Fix: install the nvidia-* versions that torch requires.
    """
    libraries = torch_build.get("libraries")
    cuda, nccl = torch_build.get("cuda"), torch_build.get("nccl_built")
    if not cuda or not libraries:
        return None
    findings = [_library("the CUDA runtime", cuda, libraries["cudart"], from_packed)]
    return findings + ([_library("NCCL", nccl, libraries["nccl"], _nccl_version)] if nccl else [])


def _nccl_version(number: int) -> str:
    """Return 22105 as "2.21.5" (nccl.h: major * 10000 + minor * 100 + patch, from 2.9 on)."""
    return f"{number // 10000}.{number % 10000 // 100}.{number % 100}"


def _library(name: str, built: str, mapped: VersionedFiles, unpacked: Callable[[int], str]) -> Finding:
    evidence = [Evidence(path) for path in mapped["files"][:2]]
    loaded = unpacked(mapped["version"]) if mapped["version"] else None
    if loaded is None:
        return skipped(f"{name}: torch loads no library of it at import (or has it linked in)", *evidence)
    if as_numbers(loaded, 3)[: len(as_numbers(built, 3))] == as_numbers(built, 3):
        return passed(f"{name} that torch loads is {loaded}, as it was built with", *evidence)
    return warned(
        f"torch was built with {name.removeprefix('the ')} {built} and loads {loaded}",
        *evidence,
        expected=built,
        found=loaded,
        hint="install the nvidia-* versions that torch requires (`pip check` names them)",
        about=name.removeprefix("the "),
    )

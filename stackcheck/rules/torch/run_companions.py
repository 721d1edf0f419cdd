"""torchvision and torchaudio: imported, and computing on the CPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.evidence import Evidence
from stackcheck.rules.probe_results import (
    as_numbers,
    error_text,
    from_packed,
    judged,
    not_importable,
    without_torch,
)
from stackcheck.rules.questions import WORKS
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned
from stackcheck.rules.torch.nms import nms_on

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.measured import ErrorFact
    from stackcheck_probes.facts.packages import TorchaudioOps, TorchvisionOps
    from stackcheck_probes.facts.torch import TorchBuild

_EXACT = re.compile(r"==\s*([0-9][0-9A-Za-z.+]*)")


def _wrong_torch(facts: TorchvisionOps | TorchaudioOps) -> tuple[str, str] | None:
    """Return (required release, installed torch) where the metadata pins another torch, else None."""
    pinned = _EXACT.search(str(facts.get("requires_torch") or ""))
    torch = facts.get("torch")
    found = str(torch["version"] or "") if torch else ""
    try:
        if not pinned or Version(pinned[1]).public == Version(found).public:
            return None
    except InvalidVersion:
        return None
    return pinned[1], found


def _built_for_another_torch(
    name: str, facts: TorchvisionOps | TorchaudioOps, what: str, error: ErrorFact
) -> Finding | None:
    """Name the real cause behind a failing import: the metadata pins another torch than is installed."""
    wrong = _wrong_torch(facts)
    if wrong is None:
        return None
    required, found = wrong
    version = facts.get("version") or facts.get("distribution_version") or ""
    release = Version(found).public
    return failed(
        f"{name} {version} was built for torch {required} and torch {found} is installed, so {what}:"
        f" {error_text(error)}",
        Evidence(f"METADATA of {name} {version}: Requires-Dist: {facts['requires_torch']}"),
        expected=f"torch {required}, or the {name} of torch {release}",
        found=f"torch {found}",
        hint=f"install the {name} that requires torch=={release}",
    )


@rule("VISION301", when=uses("torchvision"), answers=(WORKS, "torchvision"))
def torchvision_operators_run(torchvision_ops: TorchvisionOps) -> Finding:
    """The compiled operators of torchvision load and `nms` keeps the right boxes.

    torchvision swallows the error of loading them; what users see is "operator torchvision::nms does not
    exist". The cause is nearly always a torchvision that was built for another torch.

    Source: https://github.com/pytorch/vision/issues/8985 ; torchvision/extension.py of 0.20.0.
    Example: torchvision 0.21.0 (built for torch 2.6.0) beside torch 2.5.0.
    Fix: install the torchvision that requires exactly the installed torch.
    """
    facts = torchvision_ops
    if skip := without_torch("torchvision", facts):
        return skip
    operators = facts.get("operators")
    load_error = operators["error"] if operators else None
    error = load_error or facts.get("import_error")
    if error and (
        cause := _built_for_another_torch(
            "torchvision", facts, "its operators (nms and others) do not load", error
        )
    ):
        return cause
    hint = "install the torchvision that was built for the installed torch"
    if wrong := not_importable("torchvision", facts, hint=hint):
        return wrong
    if operators and load_error:
        return failed(
            f"the operators of torchvision {facts['version']} do not load: {error_text(load_error)}",
            *(Evidence(path) for path in operators["files"][:1]),
            expected="torchvision/_C.so loads",
            found=str(load_error.get("type")),
            hint=hint,
        )
    return nms_on("torchvision", facts, "cpu", hint)


@rule("VISION302", when=uses("torchvision"))
def torchvision_has_the_cuda_of_torch(
    stack: Stack, torchvision_ops: TorchvisionOps, torch_build: TorchBuild
) -> Finding | None:
    """The operators of torchvision are compiled for the CUDA version of torch.

    torchvision itself refuses another major version only; a CPU build passes its check and then lacks the
    CUDA operators.

    Source: torchvision/extension.py (`_check_cuda_version`) of 0.20.0 and 0.25.0.
    Example: torchvision 0.20.0+cpu beside torch 2.5.0+cu124.
    Fix: install both from the same index.
    """
    compiled = (torchvision_ops.get("cuda") or {}).get("version")
    own = torch_build.get("cuda")
    if not own:
        return None
    if compiled is None:
        return skipped("torchvision's operators do not load, so their CUDA version is not known")
    name = f"torchvision {torchvision_ops['version']}"
    if compiled == -1:
        tell = failed if wanted_accelerator(stack) == "cuda" else warned
        return tell(
            f"{name} is a CPU build beside torch for CUDA {own}: its operators do not run on a GPU",
            expected=f"CUDA {own}",
            found="CPU only",
            hint="install torch and torchvision from the same index",
        )
    found = from_packed(compiled)
    if as_numbers(found) == as_numbers(own):
        return passed(f"{name} is compiled for CUDA {found}, as torch is", found=found)
    tell = warned if as_numbers(found, 1) == as_numbers(own, 1) else failed
    return tell(
        f"{name} is compiled for CUDA {found} and torch for CUDA {own}",
        expected=f"CUDA {own}",
        found=f"CUDA {found}",
        hint="install torch and torchvision from the same index",
    )


@rule("AUDIO301", when=uses("torchaudio"), answers=(WORKS, "torchaudio"))
def torchaudio_transforms_run(torchaudio_ops: TorchaudioOps) -> Finding:
    """The transforms of torchaudio compute the right numbers.

    A torchaudio for another torch fails at import with an undefined symbol of libtorch.

    Source: https://github.com/pytorch/audio/issues/2532 ; METADATA of the wheels (exact pins up to 2.10.0).
    Example: `libtorchaudio.so: undefined symbol: aoti_torch_abi_version`.
    Fix: install the torchaudio that requires exactly the installed torch.
    """
    facts = torchaudio_ops
    if skip := without_torch("torchaudio", facts):
        return skip
    error = facts.get("import_error")
    if error and (cause := _built_for_another_torch("torchaudio", facts, "it does not import", error)):
        return cause
    hint = "install the torchaudio that was built for the installed torch"
    wrong = not_importable("torchaudio", facts, hint=hint)
    return wrong or judged(f"torchaudio {facts['version']}", facts.get("checks"), hint=hint)

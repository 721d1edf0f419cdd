"""The kernels of cuDNN against the GPUs of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, uses

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import Cudnn

_NAMES = {"nvidia-cudnn-cu11": 11, "nvidia-cudnn-cu12": 12, "nvidia-cudnn-cu13": 13}


@rule("ARCH108", when=uses(*_NAMES), about="GPU")
def cudnn_serves_gpus(env: Environment, tables: Tables) -> list[Finding]:
    """The cuDNN beside torch has kernels for the GPUs of the stack.

    cuDNN drops old generations within a major version: from 9.11 on it has none for Maxwell, Pascal and
    Volta, whatever the build of torch was made for. A torch whose own pin is older keeps them; a pin beside
    it, or a constraint of another package, takes them away, and the first convolution fails.

    Source: cuDNN support matrices; https://github.com/pytorch/pytorch/pull/165773 (knowledge/told/).
    Example: a V100 with torch 2.8.0+cu126 and nvidia-cudnn-cu12 9.14.0.64.
    Fix: leave cuDNN to torch's own requirement, or take one below 9.11.
    """
    capabilities = [(gpu, gpu.capability) for gpu in env.stack.gpus if gpu.capability]
    findings: list[Finding] = []
    for name, cuda_major in _NAMES.items():
        version = env.version(name)
        row = tables.cuda.cudnn_for(version, cuda_major) if version else None
        if row is None or not capabilities:
            continue
        bad = [gpu for gpu, capability in capabilities if capability < row.first]
        says = f"{name} {version} has kernels from compute capability {row.first} on"
        if not bad:
            findings.append(passed(f"{says}, which all GPUs of the stack have.", cite(row, says)))
            continue
        drawn = not env.packages[name].stated
        hint = f"remove {name} from the stack, so that torch takes the one that it was built with"
        below = ", ".join(f"{gpu.name} ({gpu.capability})" for gpu in bad)
        findings.append(
            failed_by(
                f"{says}, and so none for {below}.",
                (row, says),
                expected=_expected(name, cuda_major, bad[0].capability, tables),
                found=f"{name} {version}",
                hint="take a torch that was built with an older cuDNN, or for an older CUDA"
                if drawn
                else hint,
                doubtful=any(gpu.unverified for gpu in bad),
                about=(gpu.name for gpu in bad),
            )
        )
    return findings


def _expected(name: str, cuda_major: int, capability: object, tables: Tables) -> str:
    rows: list[Cudnn] = [row for row in tables.cuda.cudnn if row.cuda_major == cuda_major]
    serving = [row for row in rows if row.first <= capability]  # type: ignore[operator]
    return f"{name} {serving[0].versions}" if serving else f"a GPU from {min(row.first for row in rows)} on"

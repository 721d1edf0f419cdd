"""Several GPUs that compute one sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.probe_results import NO_TORCH, error_text, judged
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses

if TYPE_CHECKING:
    from stackcheck_probes.facts.torch import NcclPair, NcclRank

HINT = (
    "run it again with NCCL_DEBUG=INFO; NCCL_P2P_DISABLE=1 that helps means that the GPUs do not reach each "
    "other (IOMMU or ACS of the host), and a small /dev/shm is the other usual cause"
)


@rule("TORCH405", when=uses("torch"), about="group of GPUs")
def gpus_sum_together(nccl_pair: NcclPair) -> list[Finding]:
    """Two GPUs, and all that are here, sum a tensor by NCCL to the exact result.

    Two processes meet in a process group as a training run does. What breaks here works on each GPU alone:
    NCCL of another CUDA, peer access that the host's IOMMU spoils (it hangs, or the numbers are wrong), too
    little shared memory. One GPU is a world of one: NCCL starts, and no pair was tried.

    Source: the probe `nccl_pair` states the numbers and the time that it gives; NVIDIA's NCCL user guide,
    Troubleshooting (read 2026-11-30).
    Example: `NCCL error: unhandled system error`, or no answer at all.
    Fix: what the error says; NCCL_DEBUG=INFO tells more.
    """
    if nccl_pair.get("import_error") or not nccl_pair.get("installed"):
        return [skipped(f"{NO_TORCH.format('NCCL')}.")]
    reach = nccl_pair["reach"]
    if error := reach.get("error"):
        return [skipped(f"NCCL was not tried: torch's GPU side did not answer ({error_text(error)}).")]
    if not reach["available"]:
        return [skipped(f"torch sees no GPU here, so NCCL was not tried: {reach['reason']}.")]
    if not reach["backend"]:
        return [skipped("NCCL was not tried: this torch was built without it.")]
    version = f"NCCL {reach['nccl']}" if reach["nccl"] else "NCCL"
    findings = [_pair(nccl_pair, version)._replace(about=("two GPUs",))]
    if (all_gpus := nccl_pair["all"]) is not None:
        title = f"{version} over all {len(reach['names'])} GPUs"
        summed = _broken([all_gpus], title) or passed(f"{title} gives the exact sum.")
        findings.append(summed._replace(about=("all GPUs",)))
    return findings


def _pair(nccl_pair: NcclPair, version: str) -> Finding:
    names = nccl_pair["reach"]["names"]
    alone = nccl_pair["world"] < 2
    title = f"{version} on {names[0]}" if alone else f"{version} over two GPUs ({names[0]}, {names[1]})"
    if broken := _broken(nccl_pair["ranks"], title):
        return broken
    if alone:
        text = f"{title} starts, in a world of one: there is one GPU here, and no pair was tried."
        return skipped(text, hint="run it where there are two GPUs")
    slowest = max(rank["seconds"] for rank in nccl_pair["ranks"])
    return passed(f"{title} gives the exact sum in every process, after {slowest:.1f} s with its start.")


def _broken(ranks: list[NcclRank], title: str) -> Finding | None:
    """Fail for the first process that raised, did not answer, or has another sum; None when none has."""
    for rank in ranks:
        if error := rank.get("error"):
            return failed(
                f"{title}: no sum comes back: {error_text(error)}.",
                expected="the exact sum",
                found=str(error["type"]),
                hint=HINT,
            )
        found = judged(title, rank["checks"], hint=HINT)
        if found.hint:
            return found
    return None

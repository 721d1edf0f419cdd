"""Sum tensors over the GPUs that are here by NCCL (RCCL on ROCm), and hold the sum against the exact one.

Two processes do it as a training run does: each has a GPU of its own, and they meet in a process group.
Where there are more GPUs, one process then does it over all of them. With one GPU the group is a world of
one, which shows that NCCL starts and nothing else. The numbers are whole and small: every sum is exact in
float32.
"""

from __future__ import annotations

import functools
import tempfile
import time
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, measure, ranks

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check
    from stackcheck_probes.facts.torch import NcclPair, NcclRank, NcclReach

NAME = "nccl_pair"
GRADE = "gpu"

SECONDS = 30.0  # for each of three steps, so that all of them end before a probe's 120 s do
SIZES = {"all_reduce_4_kb": 1 << 10, "all_reduce_16_mb": 1 << 22}
MODULUS = 1024


def run(params: dict[str, Any]) -> NcclPair:
    """Return how many GPUs torch sees, and what the sum of a pair, and of all of them, is off by.

    `seconds` limits each step: counting, the pair, all GPUs.
    """
    seconds = float(params.get("seconds", SECONDS))
    torch, imported = importing.load("torch")
    facts = cast("NcclPair", imported)
    if torch is None:
        return facts
    facts["reach"] = cast("NcclReach", ranks.together([functools.partial(_reach, torch)], seconds)[0])
    names = facts["reach"].get("names") or []
    facts["world"], facts["ranks"], facts["all"] = min(2, len(names)), [], None
    if not names or not facts["reach"].get("backend"):
        return facts
    with tempfile.TemporaryDirectory(prefix="stackcheck-nccl-") as folder:
        works = [
            functools.partial(_rank, torch, rank, facts["world"], folder, seconds)
            for rank in range(facts["world"])
        ]
        facts["ranks"] = cast("list[NcclRank]", ranks.together(works, seconds))
    if len(names) > facts["world"]:
        works = [functools.partial(_all, torch, len(names))]
        facts["all"] = cast("NcclRank", ranks.together(works, seconds)[0])
    return facts


def _reach(torch: Any) -> NcclReach:
    """Return what torch sees, in a process where CUDA may start: the ranks are forked from one without it."""
    from stackcheck_probes.probes.torch_gpu import availability

    available, reason = availability(torch)
    distributed = torch.distributed
    count = int(torch.cuda.device_count()) if available else 0
    return {
        "available": available,
        "reason": reason,
        "names": [str(torch.cuda.get_device_name(index)) for index in range(count)],
        "backend": bool(distributed.is_available() and distributed.is_nccl_available()),
        "nccl": _version(torch),
    }


def _version(torch: Any) -> str | None:
    try:
        return ".".join(str(part) for part in torch.cuda.nccl.version())
    except Exception:
        return None


def _rank(torch: Any, rank: int, world: int, folder: str, seconds: float) -> NcclRank:
    import datetime as dt

    started = time.monotonic()
    torch.cuda.set_device(rank)
    torch.distributed.init_process_group(
        "nccl",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=world,
        timeout=dt.timedelta(seconds=seconds),
    )
    checks = {name: _sum(torch, rank, world, size) for name, size in SIZES.items()}
    return {"rank": rank, "checks": checks, "seconds": round(time.monotonic() - started, 3)}


def _share(torch: Any, rank: int, size: int) -> Any:
    """Return what one rank gives: whole numbers, other ones in every rank, their sums exact below 2**24."""
    return (torch.arange(size, dtype=torch.float32) % MODULUS) * (rank + 1)


def _expected(torch: Any, world: int, size: int) -> Any:
    return (torch.arange(size, dtype=torch.float64) % MODULUS) * (world * (world + 1) // 2)


def _sum(torch: Any, rank: int, world: int, size: int) -> Check:
    found = _share(torch, rank, size).to(f"cuda:{rank}")
    torch.distributed.all_reduce(found)
    torch.cuda.synchronize(rank)
    return measure.error_facts(found, _expected(torch, world, size), 0.0)


def _all(torch: Any, count: int) -> NcclRank:
    """Sum over all GPUs in one process: another way into NCCL, without a process for each."""
    started = time.monotonic()
    checks = {}
    for name, size in SIZES.items():
        tensors = [_share(torch, rank, size).to(f"cuda:{rank}") for rank in range(count)]
        torch.cuda.nccl.all_reduce(tensors)
        for rank, found in enumerate(tensors):
            torch.cuda.synchronize(rank)
            checks[f"{name}_on_{rank}"] = measure.error_facts(found, _expected(torch, count, size), 0.0)
    return {"rank": 0, "checks": checks, "seconds": round(time.monotonic() - started, 3)}

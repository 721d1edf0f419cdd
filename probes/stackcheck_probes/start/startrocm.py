"""Judge the GPUs of a container with a ROCm stack: pure."""

from __future__ import annotations

from stackcheck_probes.judging import advice, loadfit, packagecover, rocmfit
from stackcheck_probes.judging.gfx import gfx_of
from stackcheck_probes.judging.judgement import FAIL, SKIP, Judgement
from stackcheck_probes.judging.visible import allowed
from stackcheck_probes.start.causes import Cause
from stackcheck_probes.start.startlook import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from stackcheck_probes.facts.machine import KfdGpu

    Facts = Mapping[str, Any]


def judge(expected: Facts, seen: Facts, cpu_allowed: bool) -> list[Cause]:
    """Return the causes; the gfx is the kernel driver's, because an override hides it from the runtime."""
    rocm, by = seen["rocm"], seen["by"]
    if not rocm["kfd"]["exists"]:
        return [_no_gpu(rocm, by, wsl=seen["wsl"], cpu_allowed=cpu_allowed)]
    gpus, hiding = rocmfit.visible(rocmfit.usable(rocm), rocm["variables"])
    hidden = [each for each in hiding if each.outcome == FAIL]
    if cpu_allowed and hidden and not gpus:
        return [Cause("rocm", allowed(hidden[0]))]
    causes = [Cause("rocm", each) for each in rocmfit.nodes_open(rocm, by)]
    if any(cause.judgement.outcome == FAIL for cause in causes):
        return causes
    causes += [Cause("rocm", each) for each in hiding]
    refused = [rocmfit.refused_override(node, row) for node, row in rocm["override"].items()]
    causes += [Cause("rocm", each) for each in refused if each is not None]
    if any(refused) or hidden:
        return causes
    if not rocm["gpus"]:
        text = "the kernel driver lists no GPU, so no code was held against one"
        return [*causes, Cause("rocm", Judgement(SKIP, text))]
    return [*causes, *_served(expected, seen, gpus)]


def _no_gpu(rocm: Facts, by: str, *, wsl: bool, cpu_allowed: bool) -> Cause:
    if wsl:
        text = "this is WSL: ROCm reaches the GPU through /dev/dxg, and what it is was not checked."
        return Cause("no-gpu", Judgement(SKIP, text))
    text = f"no AMD GPU is here: {rocm['kfd']['path']} does not exist"
    if cpu_allowed:
        text += "; nothing about GPUs was checked, the CPU is allowed."
        return Cause("no-gpu", Judgement(SKIP, text))
    hint = f"{advice.a_gpu_of_amd(by)} (STACKCHECK_CPU=allow to run on the CPU)"
    return Cause("no-gpu", Judgement(FAIL, f"{text}.", "a GPU", "none", hint))


def targets(expected: Facts, seen: Facts) -> dict[str, frozenset[str]]:
    """Return what each of the stack's own packages has code for, features (`:xnack-`) left aside."""
    own, fresh = frozenset(expected["own"]), {**seen["changed"], **seen["new"]}
    found: dict[str, set[str]] = {}
    rows = [
        (place(row[0], expected), row[3])
        for row in expected["libraries"]
        if place(row[0], expected) not in fresh
    ]
    named = [(path, expected["codes"][code]) for path, code in rows if code >= 0 and path not in seen["gone"]]
    for path, row in [*named, *fresh.items()]:
        short = packagecover.short_path(path)
        gfx = {each["target"].partition(":")[0] for each in row.get("targets", ())}
        gfx = {name for name in gfx if name.startswith("gfx")}
        if gfx and loadfit.top_folder(short) in own:
            found.setdefault(packagecover.package_of(short), set()).update(gfx)
    return {package: frozenset(gfx) for package, gfx in found.items()}


def _served(expected: Facts, seen: Facts, gpus: list[KfdGpu]) -> Iterator[Cause]:
    rocm, known = seen["rocm"], expected["overrides"]
    effective = rocmfit.effective_gfx(rocm)
    packages = targets(expected, seen)
    if not packages:
        names = ", ".join(sorted({gpu["gfx"] for gpu in gpus}))
        text = f"no library was seen to have code for AMD GPUs, so {names} was not held against any"
        yield Cause("gpu-code", Judgement(SKIP, text))
        return
    common = frozenset.intersection(*packages.values())
    for one, other in sorted({(gpu["gfx"], effective[gpu["node"]]) for gpu in gpus}):
        for package, gfx in sorted(packages.items()):
            judged = rocmfit.serves(one, other, gfx, known)
            text = f"{package}: {judged.message}"
            hint = judged.hint
            if judged.outcome == FAIL and len(gpus) > 1:
                hint = rocmfit.way_out(rocm, gpus, common, known) or f"install a build for {one}"
            elif judged.outcome == FAIL and one in known and gfx_of(known[one]) in gfx:
                hint = advice.variable(seen["by"], rocmfit.OVERRIDE, known[one])
            yield Cause("gpu-code", Judgement(judged.outcome, text, judged.expected, judged.found, hint))

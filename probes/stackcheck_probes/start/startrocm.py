"""Judge the GPUs of a container with a ROCm stack: pure."""

from __future__ import annotations

from stackcheck_probes.judging import loadfit, packagecover, rocmfit
from stackcheck_probes.judging.judgement import FAIL, SKIP, Judgement
from stackcheck_probes.start.causes import Cause
from stackcheck_probes.start.startlook import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Facts = Mapping[str, Any]


def judge(expected: Facts, seen: Facts, cpu_allowed: bool) -> list[Cause]:
    """Return the causes; the gfx is the kernel driver's, because an override hides it from the runtime."""
    rocm = seen["rocm"]
    if not rocm["kfd"]["exists"]:
        text = f"no AMD GPU is here: {rocm['kfd']['path']} does not exist"
        if cpu_allowed:
            text += "; nothing about GPUs was checked, the CPU is allowed"
            return [Cause("no-gpu", Judgement(SKIP, text))]
        hint = "docker run --device=/dev/kfd --device=/dev/dri (STACKCHECK_CPU=allow to run on the CPU)"
        return [Cause("no-gpu", Judgement(FAIL, text, "a GPU", "none", hint))]
    causes = [Cause("rocm", each) for each in rocmfit.nodes_open(rocm)]
    refused = [rocmfit.refused_override(node, row) for node, row in rocm["override"].items()]
    causes += [Cause("rocm", each) for each in refused if each is not None]
    if any(refused):
        return causes
    if not rocm["gpus"]:
        text = "the kernel driver lists no GPU, so no code was held against one"
        return [*causes, Cause("rocm", Judgement(SKIP, text))]
    return [*causes, *_served(expected, seen)]


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


def _served(expected: Facts, seen: Facts) -> Iterator[Cause]:
    effective = rocmfit.effective_gfx(seen["rocm"])
    real = {gpu["node"]: gpu["gfx"] for gpu in seen["rocm"]["gpus"]}
    packages = targets(expected, seen)
    if not packages:
        text = f"no library was seen to have code for AMD GPUs, so {', '.join(sorted(set(real.values())))} "
        yield Cause("gpu-code", Judgement(SKIP, f"{text}was not held against any"))
    for one, other in sorted({(real[node], effective[node]) for node in real}):
        for package, gfx in sorted(packages.items()):
            judged = rocmfit.serves(one, other, gfx, expected["overrides"])
            text = f"{package}: {judged.message}"
            yield Cause(
                "gpu-code", Judgement(judged.outcome, text, judged.expected, judged.found, judged.hint)
            )

"""Rules over PyTorch Geometric and its compiled companions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.probe_results import judged, not_importable, without_torch
from stackcheck.rules.registry import Finding, rule, uses

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.packages import Companion, PygOps


@rule("PYG301", when=uses("torch-geometric"))
def torch_geometric_computes(pyg_ops: PygOps) -> Finding:
    """Message passing and scatter of torch_geometric compute the right numbers.

    Source: the probe `pyg_ops` states graph, values and sums.
    Example: an import that ends in a missing dependency.
    Fix: what the error says.
    """
    if skip := without_torch("torch_geometric", pyg_ops):
        return skip
    hint = "reinstall torch-geometric with its dependencies"
    wrong = not_importable("torch_geometric", pyg_ops, hint=hint)
    return wrong or judged(f"torch_geometric {pyg_ops['version']}", pyg_ops.get("checks"), hint=hint)


PYG_COMPANIONS = ("torch-scatter", "torch-sparse", "torch-cluster", "torch-spline-conv", "pyg-lib")


@rule("PYG302", when=uses("torch-geometric", *PYG_COMPANIONS), about="package")
def pyg_companions_run(stack: Stack, pyg_ops: PygOps) -> list[Finding] | None:
    """The compiled companions of PyG load and compute: torch_scatter, torch_sparse, torch_cluster, pyg_lib.

    Each is built for one torch release and one CUDA version (`+pt25cu124`). torch_geometric swallows their
    import errors and goes on, slower or with fewer functions.

    Source: https://github.com/rusty1s/pytorch_scatter/issues/348 ; torch_scatter/__init__.py (CUDA check).
    Example: `torch_scatter/_version_cpu.so: undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSs`.
    Fix: take the wheel from https://data.pyg.org/whl/torch-X.Y.Z+cuNNN.html of the installed torch.
    """
    if skip := without_torch("a companion of PyG", pyg_ops):
        return [skip]
    found = pyg_ops["companions"]
    absent: Companion = {"installed": False, "import_error": None}
    stated = {name.replace("-", "_"): absent for name in PYG_COMPANIONS if name in stack.packages}
    return [_companion(name, facts, pyg_ops) for name, facts in {**stated, **found}.items()] or None


def _companion(name: str, facts: Companion, pyg_ops: PygOps) -> Finding:
    torch, check = pyg_ops.get("torch"), facts.get("check")
    version = (torch and torch["version"]) or "of the stack"
    hint = f"take the {name} wheel that data.pyg.org lists for torch {version}"
    wrong = not_importable(name, facts, hint=hint)
    checks = {"operator": check} if check else None
    judging = wrong or judged(f"{name} {facts.get('version')}", checks, hint=hint)
    return judging._replace(about=(name,))

"""Run PyTorch Geometric and those of its compiled companions that are installed, each on known numbers.

torch_geometric itself swallows the import error of a companion and goes on without it, so each companion is
imported by its own name, after torch, and its error kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.probes.torchvision_ops import required
from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check
    from stackcheck_probes.facts.packages import Companion, PygOps

NAME = "pyg_ops"
GRADE = "import"
PRELOAD = "torch"


def run(params: dict[str, Any]) -> PygOps:
    """Return torch_geometric's facts, its checks, and for each companion package its facts and one check."""
    del params
    there = [name for name in ("torch_geometric", *COMPANIONS) if importing.installed(name)]
    if not there:
        return {"installed": False, "import_error": None, "companions": {}}
    torch, torch_facts = importing.load("torch")
    geometric, imported = importing.load("torch_geometric")
    facts = cast("PygOps", imported)
    facts["torch"], facts["companions"] = importing.beside(torch_facts), {}
    if torch is None:
        return facts
    facts["torch_cuda"] = torch.version.cuda
    if geometric is not None:
        facts["checks"] = {
            "message_passing": measure.attempt(_message_passing, torch),
            "scatter": measure.attempt(_scatter, torch),
        }
    for name in there:
        if name in COMPANIONS:
            facts["companions"][name] = _companion(torch, name)
    return facts


def _companion(torch: Any, name: str) -> Companion:
    module, imported = importing.load(name)
    check = measure.attempt(COMPANIONS[name], torch, module) if module is not None else None
    return {**imported, "requires_torch": required(name, "torch"), "check": check}


def _message_passing(torch: Any) -> Check:
    """Sum the neighbours of a path 0 - 1 - 2 - 3, edges in both directions."""
    from torch_geometric.nn import SimpleConv

    edges = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    nodes = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])
    wanted = torch.tensor([[2.0, 20.0], [5.0, 50.0], [10.0, 100.0], [4.0, 40.0]])
    return measure.error_facts(SimpleConv(aggr="sum")(nodes, edges), wanted, 0.0)


def _scatter(torch: Any) -> Check:
    from torch_geometric.utils import scatter

    found = scatter(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([0, 2, 0, 2]), dim_size=3, reduce="sum")
    return measure.error_facts(found, torch.tensor([5.0, 0.0, 10.0]), 0.0)


def _torch_scatter(torch: Any, module: Any) -> Check:
    """`segment_csr` is compiled code (`scatter` sums by torch itself since 2.1)."""
    found = module.segment_csr(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([0, 1, 1, 4]), reduce="sum")
    return measure.error_facts(found, torch.tensor([1.0, 0.0, 14.0]), 0.0)


def _torch_sparse(torch: Any, module: Any) -> Check:
    matrix = module.SparseTensor(
        row=torch.tensor([0, 1, 1]),
        col=torch.tensor([1, 0, 2]),
        value=torch.tensor([2.0, 3.0, 5.0]),
        sparse_sizes=(2, 3),
    )
    found = matrix.matmul(torch.tensor([[1.0], [10.0], [100.0]]))
    return measure.error_facts(found, torch.tensor([[20.0], [503.0]]), 0.0)


def _torch_cluster(torch: Any, module: Any) -> Check:
    """Find the nearest of the points 0, 10, 20 to 1, 9, 19."""
    found = module.nearest(torch.tensor([[1.0], [9.0], [19.0]]), torch.tensor([[0.0], [10.0], [20.0]]))
    return measure.error_facts(found, torch.tensor([0, 1, 2]), 0.0)


def _torch_spline_conv(torch: Any, module: Any) -> Check:
    """Weigh two control points by a degree-1 B-spline: 1 - u and u."""
    basis, _ = module.spline_basis(
        torch.tensor([[0.25]]), torch.tensor([2]), torch.tensor([1], dtype=torch.uint8), 1
    )
    return measure.error_facts(basis.sort().values, torch.tensor([[0.25, 0.75]]), 1e-6)


def _pyg_lib(torch: Any, module: Any) -> Check:
    """Multiply two segments of rows by a matrix each."""
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    weights = torch.stack([torch.eye(2), 10 * torch.eye(2)])
    found = module.ops.segment_matmul(rows, torch.tensor([0, 1, 3]), weights)
    return measure.error_facts(found, torch.tensor([[1.0, 2.0], [30.0, 40.0], [50.0, 60.0]]), 1e-6)


COMPANIONS = {
    "torch_scatter": _torch_scatter,
    "torch_sparse": _torch_sparse,
    "torch_cluster": _torch_cluster,
    "torch_spline_conv": _torch_spline_conv,
    "pyg_lib": _pyg_lib,
}

"""One submanifold convolution on a small sparse scene, compared with a dense convolution of the same input.

`SparseConvTensor.from_dense` takes a channels-last tensor (batch, z, y, x, channel), and module and tensor
must be on the same device (spconv/pytorch/core.py of 2.3.8, checked 2026-11-20). The reference is torch's
conv3d in float64 on the CPU, from the same rounded inputs and weights, read at the active sites: it uses no
GPU code.
The three extents differ, so that swapped axes cannot go unnoticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck_probes.watching import measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check

SHAPE = (9, 11, 13)
BATCH = 2
POINTS = 600
IN_CHANNELS, OUT_CHANNELS, KERNEL = 16, 32, 3
SEED = 20261120

# Largest error relative to the largest |reference|. float32: some 50 times the rounding of a sum of a few
# hundred products, and 50 times below the error of TF32 inputs (2 ** -11). float16: outputs and, in the
# kernels spconv picks by itself, sums are rounded to 11 bits; a wrong site or layout is off by about 1.
TOLERANCE = {"float32": 1e-5, "float16": 1e-2}


def submanifold(torch: Any, spconv: Any, device: str, dtype: str, **module: Any) -> Check:
    """Run SubMConv3d(16, 32, 3) without bias on `device`; return its error against the dense convolution.

    `spconv` is the module spconv.pytorch; `module` goes to SubMConv3d (the CPU needs algo=ConvAlgo.Native).
    """
    kind = getattr(torch, dtype)
    dense = _scene(torch).to(kind)
    torch.manual_seed(SEED)
    layer = spconv.SubMConv3d(
        IN_CHANNELS, OUT_CHANNELS, KERNEL, padding=KERNEL // 2, bias=False, indice_key="probe", **module
    )
    layer = layer.eval().to(device=device, dtype=kind)
    with torch.no_grad():
        result = layer(spconv.SparseConvTensor.from_dense(dense.to(device)))
        if device != "cpu":
            torch.cuda.synchronize(device)
    reference = _dense_convolution(torch, dense, layer.weight)
    batch, z, y, x = result.indices.cpu().long().unbind(dim=1)
    facts = measure.error_facts(result.features, reference[batch, :, z, y, x], TOLERANCE[dtype])
    sites = {tuple(row) for row in result.indices.cpu().tolist()}
    active = {tuple(row) for row in dense.float().abs().sum(dim=-1).nonzero().tolist()}
    return {
        **facts,
        "points": len(active),
        "sites_kept": sites == active,
        "weight_shape": list(layer.weight.shape),
    }


def _scene(torch: Any) -> Any:
    """Return a (batch, z, y, x, channel) float32 tensor with POINTS active sites and zeros elsewhere."""
    generator = torch.Generator().manual_seed(SEED)
    dense = torch.zeros(BATCH, *SHAPE, IN_CHANNELS)
    rows = dense.view(-1, IN_CHANNELS)
    active = torch.randperm(rows.shape[0], generator=generator)[:POINTS]
    rows[active] = torch.randn(POINTS, IN_CHANNELS, generator=generator)
    return dense


def _dense_convolution(torch: Any, dense: Any, weight: Any) -> Any:
    """Convolve in float64; spconv keeps its weights as (out, z, y, x, in), torch as (out, in, z, y, x)."""
    channels_first = dense.double().permute(0, 4, 1, 2, 3)
    kernel = weight.detach().cpu().double().permute(0, 4, 1, 2, 3)
    return torch.nn.functional.conv3d(channels_first, kernel, padding=KERNEL // 2)

"""Kinds of GPUs that tasks are for, and how nodes of a cluster say that they have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.fleet.render.names import checked, slug
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line
from stackcheck.storage.parsing import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.knowledge.gpus import Gpu

CPU = "cpu"
_FILE = Path(__file__).with_name("gpukinds.toml")
_NVIDIA, _AMD = "nvidia.com/gpu", "amd.com/gpu"


@dataclass(frozen=True, slots=True)
class GpuKind:
    """One kind of GPU: its name as it was asked for, the resource that is requested, the labels of its nodes.

    `labels` are keys with the values of which a node has to have one. The kind "cpu" has neither.
    """

    name: str
    resource: str = ""
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def slug(self) -> str:
        """Return the name as part of the name of an object."""
        return slug(self.name, 24)


def kind_of(name: str, stated: Mapping[str, Sequence[str]]) -> GpuKind:
    """Return the kind of GPU that a name means: a product, or a compute capability.

    `stated` are label values that the call names, by the name of the GPU. Raises UsageError for a GPU that
    nobody knows, and for a product whose label is not known and not stated.
    """
    plain = plain_kind(name)
    if name == CPU:
        return plain
    gpu, resource = find_gpu(name), plain.resource
    values = tuple(stated.get(name, ())) or _known().get(gpu.product, ())
    if values:
        found = tuple(checked("label value", value, f"--label {name}=") for value in values)
        return GpuKind(name, resource, ((_label(gpu), found),))
    if gpu.capability is not None and not gpu.product:
        return GpuKind(name, resource, _by_capability(gpu))
    raise UsageError(
        f"--gpu {one_line(name, 60)}: how nodes that have it are labelled is not known. Say it with --label "
        f"'{one_line(name, 60)}=VALUE'; `kubectl get nodes -L {_label(gpu)}` shows it."
    )


def plain_kind(name: str) -> GpuKind:
    """Return a kind of GPU without labels. Raises UsageError for a GPU that nobody knows."""
    if name == CPU:
        return GpuKind(CPU)
    try:
        gpu = find_gpu(name)
    except ValueError as error:
        raise UsageError(f"--gpu {one_line(name, 60)}: {one_line(error, 300).rstrip('.')}.") from None
    return GpuKind(name, _AMD if gpu.gfx else _NVIDIA)


def _label(gpu: Gpu) -> str:
    return f"{_AMD}.product-name" if gpu.gfx else f"{_NVIDIA}.product"


def _by_capability(gpu: Gpu) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = gpu.capability
    if found is None:
        return ()
    return (
        (f"{_NVIDIA}.compute.major", (str(found.major),)),
        (f"{_NVIDIA}.compute.minor", (str(found.minor),)),
    )


@cache
def _known() -> Mapping[str, tuple[str, ...]]:
    """Return the label values of the products that the table knows."""
    document = parse_toml(_FILE.read_text(encoding="utf-8"), str(_FILE))
    return {row["gpu"]: tuple(row["values"]) for row in document["kind"]}

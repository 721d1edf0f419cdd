"""The arch list of a stack: where it is stated, how torch splits it, and what nvcc makes of its entries."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.capability import Code, Ptx, parse_code

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.tables.torch import ArchNames

VARIABLE = "TORCH_CUDA_ARCH_LIST"


def stated_arch_list(stack: Stack) -> str | None:
    """Return the arch list as text: the stack's field, else the variable; None when neither is stated."""
    if stack.arch_list:
        return ";".join(stack.arch_list)
    return stack.env.get(VARIABLE) or None


def expand(text: str, names: ArchNames) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split an arch list as `torch.utils.cpp_extension` does; return its entries and those it refuses.

    Spaces count as semicolons and nothing else separates; generation names are replaced wherever they stand,
    in the table's order; each entry then must be a known capability, bare or with `+PTX`. "native" alone is
    taken by torch 2.9 and later.

    Source of the format: `_get_cuda_arch_flags` of the torch wheels (rows of the table).
    """
    if text == "native" and names.native:
        return (), ()
    text = text.replace(" ", ";")
    for name, entries in names.names.items():
        text = text.replace(name, entries)
    parts = tuple(text.split(";"))
    return parts, tuple(part for part in parts if part.removesuffix("+PTX") not in names.arches)


@lru_cache(maxsize=1024)
def parsed_codes(entries: tuple[str, ...]) -> tuple[Code, ...]:
    """Return what nvcc makes of valid entries: SASS each, and PTX for those with `+PTX`."""
    codes: list[Code] = []
    for entry in entries:
        name = entry.removesuffix("+PTX")
        sass = parse_code(name)
        codes.append(sass)
        if entry != name:
            codes.append(Ptx(sass.capability, sass.suffix))
    return tuple(codes)

"""The arch list of a stack: where it is stated, how torch splits it, and what nvcc makes of its entries."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.capability import Code, Ptx, parse_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import ArchNames

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


def names_of(version: Version | None, tables: Tables) -> ArchNames:
    """Return what the stack's torch accepts in an arch list; the newest known torch when it is not pinned."""
    return (tables.torch.arch_names_of(version) if version else None) or tables.torch.arch_names[-1]


def states_list(facts: Mapping[str, Any]) -> bool:
    """Tell whether a stack states an arch list."""
    env: Environment | None = facts.get("env")
    return env is not None and stated_arch_list(env.stack) is not None

"""Resolve a stack with uv: which exact files would be installed, or why none can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.errors import ResolveError
from stackcheck.resolution import LockedPackage, Resolution, Unresolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.definition import Stack

__all__ = ["LockedPackage", "Options", "Resolution", "Unresolved", "resolve"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to resolve: `offline` uses only what uv has cached; `environ` stands for os.environ."""

    offline: bool = False
    timeout_s: float = 600.0
    uv: Path | None = None
    environ: Mapping[str, str] | None = field(default=None)


def resolve(stack: Stack, options: Options | None = None) -> Resolution | Unresolved:
    """Resolve a stack.

    Raises ResolveError when uv cannot be run at all; everything that uv says about the stack or the
    indexes is a value.
    """
    raise ResolveError(f"{stack.id}: resolving is not written yet")

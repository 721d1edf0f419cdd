"""The CUDA version that a stack needs the driver to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.version import Version

    from stackcheck.environment import Environment


@dataclass(frozen=True, slots=True)
class Needed:
    """The CUDA version whose code runs in a stack, and what says so, as the subject of a sentence."""

    cuda: Version
    by: str


def needed_cuda(env: Environment) -> Needed | None:
    """Return the CUDA version whose code runs in the stack; None when there is no CUDA."""
    torch = env.torch
    return Needed(torch.cuda, torch.by) if torch.cuda else None


def states_driver(facts: Mapping[str, Any]) -> bool:
    """Tell whether a stack says anything about the driver of its hosts."""
    env: Environment | None = facts.get("env")
    return env is not None and bool(env.stack.driver or env.stack.driver_cuda)

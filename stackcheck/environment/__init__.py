"""What a stack is made of: one record a distribution, each field with its evidence.

Rules, `suggest`, drift, the resolver's question and the entrypoint ask here which torch build is meant,
where a distribution comes from, and what an image brings; nobody reads that out of a definition by
themselves.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcheck.environment.distribution import Distribution
    from stackcheck.environment.environment import Environment, definition_facts, environment_of
    from stackcheck.environment.torchbuild import TorchBuild

__all__ = ["Distribution", "Environment", "TorchBuild", "definition_facts", "environment_of"]


def __getattr__(name: str) -> Any:
    """Import the Environment where somebody asks for it: to explain a rule takes a third of its time."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"TorchBuild": "torchbuild", "Distribution": "distribution"}.get(name, "environment")
    return getattr(import_module(f"{__name__}.{module}"), name)

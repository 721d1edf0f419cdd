"""Where a stack is built and where probes run: a container engine, a virtual environment, or right here.

An `Engine` prepares a `Target` for a stack and runs the agent in it; its `Capabilities` say what else it can.
Nothing outside this package starts a container or a probe process.
"""

from __future__ import annotations

from stackcheck.targets.engine import BuildOptions, Capabilities, Engine, Progress, Target, default_cache
from stackcheck.targets.registry import choose

__all__ = ["BuildOptions", "Capabilities", "Engine", "Progress", "Target", "choose", "default_cache"]

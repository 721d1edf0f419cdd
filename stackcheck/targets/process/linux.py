"""What only Linux can: containers, environments and probes are of Linux."""

from __future__ import annotations

import sys

from stackcheck.model.errors import UsageError

_NAMES = {"darwin": "macOS", "win32": "Windows"}


def require_linux(what: str) -> None:
    """Raise UsageError, one sentence, on another system; `what` is who needs Linux."""
    if sys.platform != "linux":
        here = _NAMES.get(sys.platform, sys.platform)
        raise UsageError(
            f"{what} needs Linux, and this is {here}; `stackcheck check` judges the same stack here without "
            "building or running anything."
        )

"""Report whether NumPy and the modules compiled against it agree: version, messages, the bridge to torch.

A module built with NumPy 1 prints "A module that was compiled using NumPy 1.x cannot be run in NumPy 2..." to
stderr and torch warns "Failed to initialize NumPy: _ARRAY_API not found"; both leave the import alive, and
`.numpy()` then raises "Numpy is not available" (pytorch/pytorch#135013).

What other modules were built with is read from their files: see `numpy_modules`.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

from stackcheck_probes.probes.torch_cpu import numpy_bridge
from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Bridge, Loaded
    from stackcheck_probes.facts.packages import NumpyAbi

NAME = "numpy_abi"
GRADE = "import"


def run(params: dict[str, Any]) -> NumpyAbi:
    """Return NumPy's version, what the imports of torch and of `params["modules"]` said, and the bridge."""
    _, numpy = importing.load("numpy")
    torch, torch_facts = importing.load("torch")
    modules: dict[str, Loaded] = {"torch": torch_facts}
    for name in params.get("modules", ()):
        modules[str(name)] = importing.load(str(name))[1]
    bridge = _bridge(torch) if torch is not None else None
    return {**numpy, "modules": modules, "bridge": bridge}


def _bridge(torch: Any) -> Bridge:
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(printed):
        warnings.simplefilter("always")
        facts = measure.attempt(numpy_bridge, torch)
    facts["warnings"] = importing.warning_texts(caught)
    facts["stderr"] = printed.getvalue()[: importing.MAX_TEXT]
    return facts

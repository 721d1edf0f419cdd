"""Report whether NumPy and the modules compiled against it agree: version, messages, the bridge to torch.

A module built with NumPy 1 prints "A module that was compiled using NumPy 1.x cannot be run in NumPy 2..." to
stderr and torch warns "Failed to initialize NumPy: _ARRAY_API not found"; both leave the import alive, and
`.numpy()` then raises "Numpy is not available" (pytorch/pytorch#135013).

Other modules are not imported but read: one that was built with NumPy 2 looks for `numpy._core` first, an
older one knows `numpy.core` alone (numpy's __multiarray_api.h, Cython's numpy/__init__.pxd).
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from typing import TYPE_CHECKING, Any

from stackcheck_probes.probes import distributions
from stackcheck_probes.probes.torch_cpu import numpy_bridge
from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Bridge, Loaded
    from stackcheck_probes.facts.packages import NumpyAbi, NumpyModule

NAME = "numpy_abi"
GRADE = "import"

NEW = (b"numpy._core._multiarray_umath", b"numpy._core.multiarray failed to import")
OLD = (b"numpy.core._multiarray_umath", b"numpy.core.multiarray failed to import")
MAX_BYTES = 64 << 20
MAX_RECORD = 8 << 20


def run(params: dict[str, Any]) -> NumpyAbi:
    """Return NumPy's version, what the imports of torch and of `params["modules"]` said, and the bridge."""
    _, numpy = importing.load("numpy")
    torch, torch_facts = importing.load("torch")
    modules: dict[str, Loaded] = {"torch": torch_facts}
    for name in params.get("modules", ()):
        modules[str(name)] = importing.load(str(name))[1]
    bridge = _bridge(torch) if torch is not None else None
    return {**numpy, "modules": modules, "bridge": bridge, "compiled": compiled(params.get("sys_path"))}


def compiled(sys_path: list[str] | None) -> list[NumpyModule]:
    """Return one module for each distribution that requires NumPy and has some compiled with its C API.

    `api` is 1 where any of them was built with NumPy 1, else 2.
    """
    found: list[NumpyModule] = []
    for folder in distributions.folders(sys_path):
        for info in distributions.metadata(folder):
            row = distributions.read_metadata(info)
            if row is not None and any(map(_is_numpy, row["requires"])):
                module = _compiled(info, folder, row["name"], row["version"])
                found += [module] if module else []
    return found


def _is_numpy(requirement: str) -> bool:
    name = requirement.partition(";")[0]
    bare = name.replace("(", " ").replace("<", " ").replace(">", " ").replace("=", " ").replace("!", " ")
    return bare.split()[:1] == ["numpy"] and "extra" not in requirement.partition(";")[2]


def _compiled(info: str, folder: str, name: str, version: str) -> NumpyModule | None:
    record = distributions.read(os.path.join(info, "RECORD"), MAX_RECORD) or ""
    found: NumpyModule | None = None
    for line in record.splitlines():
        path = line.partition(",")[0].strip('"')
        api = _api(os.path.join(folder, path)) if path.endswith((".so", ".pyd")) else None
        if api is not None and (found is None or api == 1):
            found = {"distribution": name, "version": version, "file": path, "api": api}
        if api == 1:
            break
    return found


def _api(path: str) -> int | None:
    """Return the NumPy C API that a compiled module was built with; None where it names none."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return None
    if any(mark in data for mark in NEW):
        return 2
    return 1 if any(mark in data for mark in OLD) else None


def _bridge(torch: Any) -> Bridge:
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(printed):
        warnings.simplefilter("always")
        facts = measure.attempt(numpy_bridge, torch)
    facts["warnings"] = importing.warning_texts(caught)
    facts["stderr"] = printed.getvalue()[: importing.MAX_TEXT]
    return facts

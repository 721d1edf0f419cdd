"""Which libraries of a package serve a device: one judgement, for the host's rules and a starting container.

A package is what its libraries bring together, and they differ: the one with most of the code decides.
"""

from __future__ import annotations

from stackcheck_probes.binaries.capability import NO
from stackcheck_probes.judging.coverage import NONE, UNKNOWN, library_coverage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from stackcheck_probes.binaries.capability import Capability
    from stackcheck_probes.binaries.gpucode import GpuCode
    from stackcheck_probes.judging.coverage import LibraryCoverage


def short_path(path: str, roots: Collection[str] = ()) -> str:
    """Return a path from its package on: what comes before is the same for all.

    roots: folders that packages were installed into, whatever they are called.
    """
    for root in roots:
        if path.startswith(root.rstrip("/") + "/"):
            return path[len(root.rstrip("/")) + 1 :]
    for folder in ("/site-packages/", "/dist-packages/"):
        if folder in path:
            return path.rpartition(folder)[2]
    return path


def package_of(path: str) -> str:
    """Return the package that a short path belongs to; under `nvidia` each folder is a wheel of its own."""
    parts = path.split("/")
    package = parts[0].partition(".")[0]
    return "/".join(parts[:2]) if package == "nvidia" else package


def judged(
    rows: list[tuple[str, GpuCode, bool]],
    device: Capability,
    driver_cuda: tuple[int, int] | None = None,
) -> list[tuple[str, LibraryCoverage, bool]]:
    """Return how the libraries of one package that hold code for NVIDIA devices serve this one.

    rows: path, code, and whether the library is one of several builds of which a machine takes one; the one
    with most code first. Where one of such builds serves, the others do not count. What may hold code unseen
    is left out. The last field tells whether the library holds most of the package's code.
    """
    seen = [(path, library_coverage(code, device, driver_cuda=driver_cuda)) for path, code, _ in rows]
    known = [(path, coverage) for path, coverage in seen if coverage.how not in (NONE, UNKNOWN)]
    variants = {path for path, _, variant in rows if variant}
    if any(path in variants and coverage.how != NO for path, coverage in known):
        known = [(path, coverage) for path, coverage in known if path not in variants]
    first = rows[0][0] if rows else ""
    return [(path, coverage, path == first) for path, coverage in known]

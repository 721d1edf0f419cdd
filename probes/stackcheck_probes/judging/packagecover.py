"""Which libraries of a package serve a device: one judgement, for the host's rules and a starting container.

A package is what its libraries bring together, and they differ: the one with most of the code decides.
"""

from __future__ import annotations

from stackcheck_probes.binaries.builds import unnumbered
from stackcheck_probes.binaries.capability import NO
from stackcheck_probes.binaries.frozen import Frozen
from stackcheck_probes.judging.coverage import NONE, UNKNOWN, library_coverage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from stackcheck_probes.binaries.capability import Capability
    from stackcheck_probes.binaries.gpucode import GpuCode
    from stackcheck_probes.judging.coverage import LibraryCoverage

ARCHIVES = (".a", ".o")
"""What a linker takes, and no loader."""
KERNELS = (".ptx", ".cubin", ".fatbin", ".hsaco", ".hipfb", ".co")
"""Files that a program hands to the driver itself, one or some kernels each."""
UNTOLD = "holds kernels for other GPUs alone, and no file says whether it compiles others when it runs"
"""What is said of a package of which it is not known whether it serves a GPU."""


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


class Sharing(Frozen):
    """How a library serves a device, as one of its package.

    most: whether it holds most of the package's code. spared: why it need not serve this device, or "".
    """

    fields = ("path", "coverage", "most", "spared")
    __slots__ = fields

    path: str
    coverage: LibraryCoverage
    most: bool
    spared: str

    def __init__(self, path: str, coverage: LibraryCoverage, most: bool, spared: str) -> None:
        self._set(path, coverage, most, spared)


def judged(
    rows: list[tuple[str, GpuCode]],
    device: Capability,
    driver_cuda: tuple[int, int] | None = None,
) -> list[Sharing]:
    """Return how the libraries of one package that hold code for NVIDIA devices serve this one.

    rows: path and code, the one with most code first. What may hold code unseen is left out; where a package
    has files of kernels alone, and none is for this device, it is not known what it needs: UNKNOWN.
    """
    seen = [(path, library_coverage(code, device, driver_cuda=driver_cuda)) for path, code in rows]
    known = {path: coverage for path, coverage in seen if coverage.how not in (NONE, UNKNOWN)}
    hows = {path: coverage.how for path, coverage in known.items()}
    chosen = {path for path, code in rows if for_chosen_devices(code)}
    in_vain = spared(hows, chosen)
    if untold(hows):
        known = {path: coverage.with_how(UNKNOWN) for path, coverage in known.items()}
    first = rows[0][0] if rows else ""
    return [Sharing(path, found, path == first, in_vain.get(path, "")) for path, found in known.items()]


def spared(hows: dict[str, str], chosen: Collection[str] = ()) -> dict[str, str]:
    """Return which libraries of one package need not serve a device, each with why.

    hows: how each serves it, by path. chosen: those whose code is for chosen devices alone (`sm_90a`).
    A process loads no archive, one of several builds of a library (`_cuda118.so`, `_cuda124.so`), and of
    files of kernels those of its device. What was made for other devices alone is not missed where another
    library of the package serves; a package of nothing else is.
    """
    serving = [path for path, how in hows.items() if how != NO]
    built = {_build(path) for path in serving}
    loadable = any(not path.endswith(ARCHIVES) for path in hows)
    found = {}
    for path, how in hows.items():
        if how != NO:
            continue
        if path.endswith(ARCHIVES) and loadable:
            found[path] = "it is for linking, and never loaded"
        elif _build(path) in built:
            found[path] = "another build of it serves"
        elif path.endswith(KERNELS) and serving:
            found[path] = "the file of a kernel for other GPUs"
        elif path in chosen and serving:
            found[path] = "made for other GPUs alone"
    return found


def untold(hows: dict[str, str]) -> bool:
    """Tell whether a package holds nothing but files of kernels, and none that serves the device.

    hows: how each serves it, by path. Such a package compiles what it needs, or runs elsewhere only: no file
    says which.
    """
    return bool(hows) and all(path.endswith(KERNELS) and how == NO for path, how in hows.items())


def for_chosen_devices(code: GpuCode) -> bool:
    """Tell whether all code is for one device or family each: `sm_90a`, `sm_100f`."""
    return bool(code.groups) and all(each.suffix for each in code.codes)


def _build(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, unnumbered(name)

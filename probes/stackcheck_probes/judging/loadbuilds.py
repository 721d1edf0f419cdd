"""Which refused libraries matter: one of several builds is enough, an extension module has to be imported.

Pure, on what the probe `loading` reports.
"""

from __future__ import annotations

from stackcheck_probes.judging.packagecover import short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TypeVar

    from stackcheck_probes.facts.binaries import Loading, MissingNeed, MissingSymbols, MissingVersion

    Row = TypeVar("Row", MissingNeed, MissingVersion, MissingSymbols)

SHOWN = 3


def spared(loading: Loading, refused: Collection[str], *, wholly: bool) -> dict[str, list[str]]:
    """Return the refused files that nobody has to load, each with the builds of the same library that fit.

    wholly: such a build has to load; without, it is enough that it is not among the `refused`, as where a
    build for this torch misses something that has nothing to do with torch.
    """
    found: dict[str, list[str]] = {}
    for row in loading.get("builds", ()):
        fit = row["loads"] if wholly else [path for path in row["paths"] if path not in refused]
        if fit:
            found.update((path, fit) for path in row["paths"] if path in refused)
    return found


def builds_of(path: str, loading: Loading) -> list[str]:
    """Return the builds of one library that a file is among; itself alone where it is the only one."""
    return next((row["paths"] for row in loading.get("builds", ()) if path in row["paths"]), [path])


def module_name(path: str, roots: Collection[str] = ()) -> str:
    """Return what an extension module is imported as, `open3d.pybind`; its path where that is no name."""
    short = short_path(path, roots)
    stem = short.rpartition("/")[2].partition(".")[0]
    parts = [*short.split("/")[:-1], *([] if stem == "__init__" else [stem])]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else short


def failing_imports(libraries: Collection[str], loading: Loading) -> list[str]:
    """Return the extension modules, by name, that some refused libraries keep from being imported."""
    rows = loading.get("imports", ())
    modules = [row["module"] for row in rows if not set(libraries).isdisjoint(row["because"])]
    in_place = {path for row in loading.get("builds", ()) if row["loads"] for path in row["paths"]}
    return sorted({module_name(path, loading["roots"]) for path in modules if path not in in_place})


def needed(rows: list[Row], loading: Loading, *, wholly: bool) -> list[Row]:
    """Return the rows of the libraries that `spared` does not spare."""
    in_vain = spared(loading, {row["library"] for row in rows}, wholly=wholly)
    return [row for row in rows if row["library"] not in in_vain]


def family_name(path: str, loading: Loading) -> str:
    """Return the name that the builds of a library share, `libtorchcodec_core*.so`."""
    return next(row["name"] for row in loading.get("builds", ()) if path in row["paths"])


def listed(names: Collection[str]) -> str:
    """Return the first names in words, and how many more there are."""
    first = list(dict.fromkeys(names))
    more = f" and {len(first) - SHOWN} more" if len(first) > SHOWN else ""
    return ", ".join(first[:SHOWN]) + more

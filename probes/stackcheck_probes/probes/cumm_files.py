"""Look at cumm's and spconv's files without importing them: headers, what shadows them, owners.

What is looked for follows cumm's own code (cumm/constants.py of 0.7.11): `site-packages/include` is taken
before `cumm/include`; CUMM_INCLUDE_PATH overrides both; without a runnable nvcc and without CUMM_CUDA_VERSION
cumm calls itself a CPU-only build and gives NVRTC no include directories. pccm 0.4.16 (utils.py) takes the
packages for an editable install when `setup.py` or `.gitignore` lies beside them. Checked 2026-11-20.
"""

from __future__ import annotations

import os
import sys

from stackcheck_probes.probes import distributions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from stackcheck_probes.facts.spconv import CummFiles, CummHeaders, Owner, Owners, Pair

NAME = "cumm_files"
GRADE = "static"
LOOKS_IN = "sys_path"

HEADER = os.path.join("tensorview", "core", "all.h")
VARIABLES = ("CUMM_INCLUDE_PATH", "CUMM_CUDA_VERSION", "CUMM_DISABLE_JIT", "SPCONV_DISABLE_JIT")
CUDA_ROOT = "/usr/local/cuda"


def run(params: dict[str, Any]) -> CummFiles:
    """Return where cumm and spconv lie, the headers in effect, strays, owners, and what NVRTC would need.

    params: `sys_path` (default: this interpreter's).
    """
    path = list(sys.path if params.get("sys_path") is None else params["sys_path"])
    return told(path, _owners(path), Disk(), os.environ)


class Disk:
    """What is asked of a file system, answered by this machine's."""

    def is_file(self, path: str) -> bool:
        """Tell whether a file is there."""
        return os.path.isfile(path)

    def is_folder(self, path: str) -> bool:
        """Tell whether a folder is there."""
        return os.path.isdir(path)


def told(path: list[str], owners: Owners, disk: Disk, environ: Mapping[str, str]) -> CummFiles:
    """Return the facts of the probe for the folders of a sys.path, as `disk` has them."""
    import shutil

    folders: Pair = {
        "cumm": package_folders("cumm", path, disk),
        "spconv": package_folders("spconv", path, disk),
    }
    facts: CummFiles = {
        "folders": folders,
        "owners": owners,
        "environment": {name: environ[name] for name in VARIABLES if name in environ},
        "nvcc": shutil.which("nvcc", path=environ.get("PATH")),
        "cuda_headers": {
            "root": CUDA_ROOT,
            "exists": os.path.isdir(CUDA_ROOT),
            "cassert": os.path.isfile(os.path.join(CUDA_ROOT, "include", "cuda", "std", "cassert")),
        },
        "headers": None,
        "stray": [],
    }
    if folders["cumm"]:
        site = os.path.dirname(folders["cumm"][0])
        facts["headers"] = headers_in_effect(site, environ.get("CUMM_INCLUDE_PATH"), disk)
        facts["stray"] = strays(site, disk)
    return facts


def package_folders(package: str, sys_path: list[str] | None = None, disk: Disk | None = None) -> list[str]:
    """Return every directory `package` with an `__init__.py` on sys.path, in the order of the search."""
    is_file = (disk or Disk()).is_file
    found = (os.path.join(entry or os.getcwd(), package) for entry in (sys_path or sys.path))
    return list(dict.fromkeys(path for path in found if is_file(os.path.join(path, "__init__.py"))))


def headers_in_effect(site: str, override: str | None, disk: Disk | None = None) -> CummHeaders:
    """Return the include directory that cumm takes, by what, and whether tensorview's headers are in it."""
    disk = disk or Disk()
    beside, own = os.path.join(site, "include"), os.path.join(site, "cumm", "include")
    folder, by = (beside, "site-packages/include") if disk.is_folder(beside) else (own, "cumm/include")
    if override is not None:
        folder, by = override, "CUMM_INCLUDE_PATH"
    return {
        "directory": folder,
        "by": by,
        "exists": disk.is_folder(folder),
        "all_h": disk.is_file(os.path.join(folder, HEADER)),
        "own_all_h": disk.is_file(os.path.join(own, HEADER)),
        "either_exists": disk.is_folder(beside) or disk.is_folder(own),
    }


def strays(site: str, disk: Disk | None = None) -> list[str]:
    """Return the files beside cumm that make pccm take it for an editable install."""
    disk = disk or Disk()
    paths = (os.path.join(site, name) for name in ("setup.py", ".gitignore"))
    return [path for path in paths if disk.is_file(path) or disk.is_folder(path)]


def _owners(path: list[str]) -> Owners:
    infos = [info for folder in distributions.folders(path) for info in distributions.metadata(folder)]
    rows = [row for row in map(distributions.read_metadata, infos) if row is not None]
    return owners_among((row["name"], row["version"], row["requires"]) for row in rows)


def owners_among(installed: Iterable[tuple[str, str, Iterable[str]]]) -> Owners:
    """Return the distributions called cumm*, spconv*: name, version, and the cumm that they require.

    installed: the name, version and requirements of each.
    """
    owners: dict[str, list[Owner]] = {"cumm": [], "spconv": []}
    for stated, version, requires in installed:
        name = stated.lower().replace("_", "-")
        package = name.partition("-")[0]
        if package in owners:
            lines = [line for line in requires if line.startswith("cumm")]
            row: Owner = {"name": name, "version": version, "requires_cumm": lines[0] if lines else ""}
            if row not in owners[package]:
                owners[package].append(row)
    return {"cumm": owners["cumm"], "spconv": owners["spconv"]}

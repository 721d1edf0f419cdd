"""Look at cumm's and spconv's files without importing them: headers, what shadows them, owners.

What is looked for follows cumm's own code (cumm/constants.py of 0.7.11): `site-packages/include` is taken
before `cumm/include`; CUMM_INCLUDE_PATH overrides both; without a runnable nvcc and without CUMM_CUDA_VERSION
cumm calls itself a CPU-only build and gives NVRTC no include directories. pccm 0.4.16 (utils.py) takes the
packages for an editable install when `setup.py` or `.gitignore` lies beside them. Checked 2026-11-20.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    import shutil

    path = list(sys.path if params.get("sys_path") is None else params["sys_path"])
    folders: Pair = {"cumm": package_folders("cumm", path), "spconv": package_folders("spconv", path)}
    facts: CummFiles = {
        "folders": folders,
        "owners": _owners(path),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "nvcc": shutil.which("nvcc"),
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
        facts["headers"] = headers_in_effect(site, os.environ.get("CUMM_INCLUDE_PATH"))
        facts["stray"] = strays(site)
    return facts


def package_folders(package: str, sys_path: list[str] | None = None) -> list[str]:
    """Return every directory `package` with an `__init__.py` on sys.path, in the order of the search."""
    entries = sys.path if sys_path is None else sys_path
    found = (os.path.join(entry or os.getcwd(), package) for entry in entries)
    return list(dict.fromkeys(path for path in found if os.path.isfile(os.path.join(path, "__init__.py"))))


def headers_in_effect(site: str, override: str | None) -> CummHeaders:
    """Return the include directory that cumm takes, by what, and whether tensorview's headers are in it."""
    beside, own = os.path.join(site, "include"), os.path.join(site, "cumm", "include")
    folder, by = (beside, "site-packages/include") if os.path.isdir(beside) else (own, "cumm/include")
    if override is not None:
        folder, by = override, "CUMM_INCLUDE_PATH"
    return {
        "directory": folder,
        "by": by,
        "exists": os.path.isdir(folder),
        "all_h": os.path.isfile(os.path.join(folder, HEADER)),
        "own_all_h": os.path.isfile(os.path.join(own, HEADER)),
        "either_exists": os.path.isdir(beside) or os.path.isdir(own),
    }


def strays(site: str) -> list[str]:
    """Return the files beside cumm that make pccm take it for an editable install."""
    paths = (os.path.join(site, name) for name in ("setup.py", ".gitignore"))
    return [path for path in paths if os.path.exists(path)]


def _owners(path: list[str]) -> Owners:
    """Return the distributions called cumm*, spconv*: name, version, and the cumm that they require."""
    import importlib.metadata

    owners: dict[str, list[Owner]] = {"cumm": [], "spconv": []}
    for distribution in importlib.metadata.distributions(path=path):
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        package = name.partition("-")[0]
        if package in owners:
            lines = [line for line in distribution.requires or () if line.startswith("cumm")]
            row: Owner = {
                "name": name,
                "version": distribution.version,
                "requires_cumm": lines[0] if lines else "",
            }
            if row not in owners[package]:
                owners[package].append(row)
    return {"cumm": owners["cumm"], "spconv": owners["spconv"]}

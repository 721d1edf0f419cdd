"""Report what spconv and cumm were compiled for and with, and whether the two extensions can share objects.

spconv tells its arch lists and the cumm it was built with by compiled constants (spconv/cppconstants.py of
2.3.8). Two pybind11 extensions share types only when their `__pybind11_internals_v...` strings are equal
(pybind11/detail/internals.h); the strings are read from the files, so they are known even when the import
fails.
"""

from __future__ import annotations

import glob
import mmap
import os
import re
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.probes.cumm_files import package_folders
from stackcheck_probes.watching import importing, measure
from stackcheck_probes.watching.spawnwatch import SpawnWatch

if TYPE_CHECKING:
    from stackcheck_probes.facts.spconv import CummImported, SpconvBuild, SpconvCompiled

NAME = "spconv_build"
GRADE = "import"

_INTERNALS = re.compile(rb"__pybind11_internals_v[0-9A-Za-z_]{1,120}__")


def run(params: dict[str, Any]) -> SpconvBuild:
    """Import spconv; return arch lists, build versions, pybind11 strings and the commands the import ran."""
    del params
    watch = SpawnWatch()
    watch.start()
    spconv, imported = importing.load("spconv")
    facts = cast("SpconvBuild", imported)
    facts["import_commands"] = watch.stop()["commands"]
    facts["pybind11"] = {"cumm": internals("cumm"), "spconv": internals("spconv")}
    if spconv is not None:
        facts["compiled"] = measure.attempt(_compiled)
        facts["cumm"] = measure.attempt(_cumm)
    return facts


def _compiled() -> SpconvCompiled:
    from spconv import cppconstants
    from spconv.core_cc.cumm.common import CompileInfo

    return {
        "archs": _capabilities(cppconstants.COMPILED_CUDA_ARCHS),
        "gemm_archs": _capabilities(cppconstants.COMPILED_CUDA_GEMM_ARCHS),
        "gemm_ptx": _gemm_ptx(CompileInfo, cppconstants.COMPILED_CUDA_GEMM_ARCHS),
        "cuda": ".".join(map(str, CompileInfo.get_compiled_cuda_version())),
        "cpu_only": bool(cppconstants.CPU_ONLY_BUILD),
        "cumm": str(cppconstants.BUILD_CUMM_VERSION),
        "pccm": str(cppconstants.BUILD_PCCM_VERSION),
    }


def _gemm_ptx(compile_info: Any, archs: Any) -> str | None:
    """Return the capability whose PTX the kernels carry, or None (cumm/common.py 0.7.11)."""
    serving = [arch for arch in sorted(archs) if compile_info.gemm_algo_can_use_ptx((0, 0), arch)]
    return _capabilities(serving[:1])[0] if serving else None


def _cumm() -> CummImported:
    import cumm
    from cumm import constants

    return {
        "version": str(cumm.__version__),
        "file": str(cumm.__file__),
        "include": str(constants.TENSORVIEW_INCLUDE_PATH),
        "cpu_only": bool(constants.CUMM_CPU_ONLY_BUILD),
    }


def _capabilities(pairs: Any) -> list[str]:
    return [f"{major}.{minor}" for major, minor in sorted(tuple(pair) for pair in pairs)]


def internals(package: str) -> list[str]:
    """Return the distinct pybind11 internals strings in the compiled `core_cc` of an installed package."""
    found: set[str] = set()
    for folder in package_folders(package)[:1]:
        for path in glob.glob(os.path.join(folder, "core_cc*.so")):
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found |= {text.decode("ascii") for text in _INTERNALS.findall(content)}
    return sorted(found)

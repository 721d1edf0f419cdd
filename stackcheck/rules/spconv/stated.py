"""spconv and cumm, as stated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.build import tag_cuda
from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import spelled
from stackcheck.rules.grading import cite, failed_by, shown_by_resolver
from stackcheck.rules.questions import WORKS, works_with
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned

if TYPE_CHECKING:
    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.sparse import CummNvrtc
    from stackcheck.model.facts import Facts

_ASKS_NVCC = Version("0.7.11")
"""The last cumm that asks nvcc whether there is a toolkit (knowledge/told/spconv.toml, cumm_nvrtc)."""


_FLAGS = ("SPCONV_DISABLE_JIT", "CUMM_DISABLE_JIT")


_JIT = Evidence(
    "the flags skip the import-time rebuild of an editable install; NVRTC runs with and without them",
    "traveller59/spconv spconv/constants.py:32, spconv/build.py:23-24 @263d6b4; FindDefinition/cumm "
    "cumm/constants.py:56 @v0.7.11; reproduced without a GPU (checked 2026-11-20)",
)


_FLAVORS = Evidence(
    "every flavour writes the same top-level package",
    "traveller59/spconv README.md @263d6b4 (checked 2026-11-20)",
)


def _flavors(env: Environment, family: str) -> dict[str, Distribution]:
    pattern = re.compile(rf"{family}(-cu\d{{3}})?")
    return {name: package for name, package in env.packages.items() if pattern.fullmatch(name)}


def _sparse(facts: Facts) -> bool:
    return any(name.startswith(("spconv", "cumm")) for name in facts["env"].packages)


def _cuda_of(name: str) -> Version | None:
    return tag_cuda(name.rpartition("-")[2])


def _is_source(*packages: Distribution) -> bool:
    return any(package.origin == "source" for package in packages)


@rule("SPCONV101", when=_sparse, answers=(WORKS, "spconv"), about="package")
def cumm_in_range(env: Environment, tables: Tables) -> list[Finding]:
    """The cumm version is one that the spconv version works with.

    The two share a C++ interface and are released in pairs. The range stands in spconv's METADATA, except for
    spconv 2.1.24 and older: they declare no upper bound, and cumm 0.3.0 removed names that they import.

    Source: spconv's setup.py at the tags; the wheels' imports (knowledge/told/spconv.toml).
    Example: spconv-cu124 2.3.8 requires cumm-cu124>=0.7.11,<0.8.0; the stack pins cumm-cu124 0.8.2.
    Fix: pin a cumm inside the range.
    """
    findings: list[Finding] = []
    for spconv, package in _flavors(env, "spconv").items():
        version = package.exact
        pairs = [(name, each.exact) for name, each in _flavors(env, "cumm").items() if each.exact]
        if version is None or not pairs:
            continue
        row = tables.sparse.cumm_range(version)
        if row is None:
            findings.append(skipped(f"no data on the cumm that {spconv} {version} works with"))
            continue
        declared = (
            f"; its METADATA admits cumm{spelled(row.declared)}, which is too wide" if row.declared else ""
        )
        for name, cumm in pairs:
            if cumm.public in row.cumm:
                findings.append(
                    passed(f"{name} {cumm} is in the range of {spconv} {version}.", cite(row, ""))
                )
                continue
            bad = failed_by(
                f"{spconv} {version} works with cumm{spelled(row.cumm)}, and the stack has {name} "
                f"{cumm}{declared}.",
                (row, f"spconv {version}: cumm{spelled(row.cumm)}"),
                expected=f"{name}{spelled(row.cumm)}",
                found=f"{name} {cumm}",
                hint=f"pin a {name} inside {spelled(row.cumm)}",
                about=name,
            )._replace(question=works_with(name))
            findings.append(bad if row.declared else shown_by_resolver(bad, env, spconv, name))
    return findings


@rule("SPCONV102", when=_sparse, about="variable")
def jit_flags(env: Environment) -> Finding | None:
    """The JIT flags do nothing on wheels.

    SPCONV_DISABLE_JIT and CUMM_DISABLE_JIT are read where an editable install would be rebuilt at import, and
    when spconv or cumm is compiled. They do not stop NVRTC, which compiles a kernel that is not prebuilt; so
    a
    set flag is no proof that nothing is compiled.

    Source: traveller59/spconv spconv/constants.py:32; FindDefinition/cumm cumm/constants.py:56.
    Example: `SPCONV_DISABLE_JIT = "1"` beside spconv-cu124 from PyPI.
    Fix: remove the flags; SPCONV104 says whether the GPUs are served by prebuilt kernels.
    """
    packages = [*_flavors(env, "spconv").values(), *_flavors(env, "cumm").values()]
    found = [flag for flag in _FLAGS if flag in env.stack.env]
    if not found or _is_source(*packages):
        return None
    said = " and ".join(found)
    return warned(
        f"{said} {'has' if len(found) == 1 else 'have'} no effect on wheels, and NVRTC is not stopped by "
        f"{'it' if len(found) == 1 else 'them'}.",
        _JIT,
        expected="no such flag",
        found=", ".join(f"{flag}={env.stack.env[flag]}" for flag in found),
        hint="remove the flags, or ignore this finding with the reason for keeping them",
        about=found,
    )


@rule("SPCONV103", when=_sparse, about="package")
def one_flavor(env: Environment) -> list[Finding]:
    """Of spconv and cumm there is one flavour each, for one CUDA version.

    Every flavour (spconv, spconv-cu118, spconv-cu124 ...) writes the same Python package: with two of them
    the
    last one installed wins, file by file. spconv-cuXXX needs the cumm-cuXXX of the same CUDA version.

    Source: traveller59/spconv README.md; setup.py:27.
    Example: `spconv-cu124` and `cumm-cu121`.
    Fix: keep one flavour of each, with the same suffix.
    """
    findings: list[Finding] = []
    spconv, cumm = _flavors(env, "spconv"), _flavors(env, "cumm")
    for family, names in (("spconv", spconv), ("cumm", cumm)):
        if len(names) > 1:
            findings.append(
                failed(
                    f"{' and '.join(names)} write the same package {family}: the last one installed wins.",
                    _FLAVORS,
                    expected=f"one flavour of {family}",
                    found=", ".join(names),
                    hint="keep the one for the CUDA version of torch",
                    about=names,
                )
            )
    if len(spconv) == len(cumm) == 1:
        (one,), (other,) = spconv, cumm
        if one.removeprefix("spconv") != other.removeprefix("cumm"):
            findings.append(
                failed(
                    f"{one} and {other} are made for different CUDA versions.",
                    _FLAVORS,
                    expected=f"cumm{one.removeprefix('spconv')}",
                    found=other,
                    hint=f"replace {other} by cumm{one.removeprefix('spconv')}",
                    about=other,
                )
            )
        elif not findings:
            findings.append(passed(f"{one} and {other} are the same flavour, and there once.", _FLAVORS))
    return findings


@rule("SPCONV104", when=_sparse, about="GPU")
def prebuilt_kernels(env: Environment, tables: Tables) -> list[Finding]:
    """The GPUs are served by spconv's prebuilt kernels.

    The wheels hold SASS for a list of compute capabilities and PTX for the last one, which the driver
    compiles for later GPUs. A GPU that neither serves needs each kernel compiled at run time with NVRTC,
    which takes CUDA headers and a cumm that can.

    Source: bytes of the wheels; FindDefinition/cumm cumm/constants.py (knowledge/told/spconv.toml).
    Example: a GTX 980 (5.2) with spconv-cu124, whose kernels begin with 6.0.
    Fix: take a wheel that serves the GPU, or build spconv and cumm from source for it.
    """
    findings: list[Finding] = []
    for name, package in _flavors(env, "spconv").items():
        cuda = _cuda_of(name)
        if cuda is None or _is_source(package):
            continue
        row = tables.sparse.kernels_of(cuda)
        if row is None:
            findings.append(skipped(f"no data on the prebuilt kernels of {name}"))
            continue
        listed = ", ".join([*map(str, row.capabilities), *(f"PTX {each}" for each in row.ptx)])
        gpus = [(gpu, gpu.capability) for gpu in env.stack.gpus if gpu.capability is not None]
        missing = [gpu for gpu, device in gpus if not any(code.reaches(device) for code in row.codes)]
        if missing:
            said = ", ".join(f"{gpu.name} ({gpu.capability})" for gpu in missing)
            lacking = _without_kernels(name, said, listed, _nvrtc_obstacle(env, tables), cite(row, listed))
            findings.append(lacking._replace(about=tuple(gpu.name for gpu in missing)))
        elif gpus:
            by_ptx = ", ".join(
                f"{gpu.name} ({device})" for gpu, device in gpus if device > row.capabilities[-1]
            )
            how = f" {by_ptx} by PTX, which the driver compiles at the first use." if by_ptx else ""
            text = f"{name} has prebuilt kernels for every GPU of the stack.{how}"
            findings.append(passed(text, cite(row, listed)))
    return findings


def _without_kernels(name: str, gpus: str, listed: str, reason: str, evidence: Evidence) -> Finding:
    if reason:
        return failed(
            f"{name} has no prebuilt kernels for {gpus}, and they cannot be compiled at run time: {reason}.",
            evidence,
            expected=f"a GPU among {listed}, or a working NVRTC",
            found=gpus,
            hint="build spconv and cumm from source with CUMM_CUDA_ARCH_LIST for this GPU",
        )
    return warned(
        f"{name} has no prebuilt kernels for {gpus}: each kernel is compiled at run time with NVRTC.",
        evidence,
        expected=f"a GPU among {listed}",
        found=gpus,
        hint="provide the CUDA headers that cumm needs, or build from source with CUMM_CUDA_ARCH_LIST",
    )


def _nvrtc_obstacle(env: Environment, tables: Tables) -> str:
    """Return why NVRTC cannot work in this stack; "" when nothing stated speaks against it."""
    for cumm, package in _flavors(env, "cumm").items():
        row = _nvrtc_row(package, tables)
        if row is None:
            continue
        cuda = _cuda_of(cumm)
        if row.broken_cuda and cuda and cuda in row.broken_cuda:
            return f"{cumm} {package.version} cannot below CUDA 12.6 ({row.symptom})"
        old = package.exact is not None and package.exact <= _ASKS_NVCC
        if old and _no_nvcc(env) and not env.stack.env.get("CUMM_CUDA_VERSION"):
            image = env.stack.image.base
            return f"{cumm} {package.version} needs {row.needs}, and the image {image} has no nvcc"
    return ""


def _nvrtc_row(package: Distribution, tables: Tables) -> CummNvrtc | None:
    version = package.exact
    return tables.sparse.nvrtc(version) if version else None


def _no_nvcc(env: Environment) -> bool:
    base = env.stack.image.base or ""
    return not env.stack.toolkit and bool(re.match(r"(docker\.io/)?(library/)?(python|debian|ubuntu):", base))


@rule("CUMM101", when=_sparse, about="package")
def broken_nvrtc(env: Environment, tables: Tables) -> list[Finding]:
    """This cumm can compile kernels at run time.

    The headers of cumm 0.8.1 and 0.8.2 include each other in a circle when CUDA is below 12.6: every kernel
    that is not prebuilt fails to compile. Prebuilt kernels are not touched by it.

    Source: reproduced with NVRTC 12.4.127; FindDefinition/cumm commit d65cc41.
    Example: cumm-cu124 0.8.2.
    Fix: take cumm 0.8.0 or older, or a flavour for CUDA 12.6 and later.
    """
    findings: list[Finding] = []
    for name, package in _flavors(env, "cumm").items():
        cuda, row = _cuda_of(name), _nvrtc_row(package, tables)
        if row is None or cuda is None or row.broken_cuda is None or _is_source(package):
            continue
        if cuda in row.broken_cuda:
            findings.append(
                warned(
                    f"{name} {package.version} cannot compile kernels at run time below CUDA 12.6: "
                    f"{row.symptom}.",
                    cite(row, f"cumm {spelled(row.cumm)} with CUDA {row.broken_cuda}"),
                    expected="a cumm whose headers compile, such as 0.7.11 or 0.8.0",
                    found=f"{name} {package.version}",
                    hint="only prebuilt kernels will run; take another cumm that the spconv version admits",
                    about=name,
                )
            )
        else:
            findings.append(passed(f"{name} {package.version} compiles with CUDA {cuda}.", cite(row, "")))
    return findings


@rule("SPCONV105", when=_sparse)
def source_build_arch(env: Environment) -> Finding | None:
    """A source build of spconv and cumm names its architectures.

    CUMM_CUDA_ARCH_LIST is what the build compiles for; without it nvidia-smi is asked, which fails where no
    GPU is visible (docker build).

    Source: FindDefinition/cumm cumm/common.py:105-113.
    Example: `spconv = { version = "2.3.8", from = "source" }` without CUMM_CUDA_ARCH_LIST.
    Fix: set CUMM_CUDA_ARCH_LIST, such as 8.6;8.9, and CUMM_CUDA_VERSION.
    """
    packages = [*_flavors(env, "spconv").values(), *_flavors(env, "cumm").values()]
    if not _is_source(*packages):
        return None
    listed = env.stack.env.get("CUMM_CUDA_ARCH_LIST")
    source = Evidence(
        "CUMM_CUDA_ARCH_LIST unset: nvidia-smi is run", "FindDefinition/cumm cumm/common.py:105"
    )
    if listed:
        return passed(f"The source build names its architectures: {listed}.", source)
    return warned(
        "The source build of spconv and cumm names no architecture: it asks nvidia-smi, which a docker "
        "build lacks.",
        source,
        expected="CUMM_CUDA_ARCH_LIST",
        found="not set",
        hint="set CUMM_CUDA_ARCH_LIST to the GPUs' compute capabilities, and CUMM_CUDA_VERSION",
    )

"""The CUDA toolkit that is stated: against torch, its host compiler and mmcv."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.versions import minor, parse_version
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.mmcv.published_wheels import mmcv_pages
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import Toolkit

_CHECK = Evidence(
    "torch refuses an nvcc of another major version, and warns for another minor version",
    "_check_cuda_version in torch/utils/cpp_extension.py of the torch 1.10.0 - 2.15.0 wheels, "
    "pypi.org/project/torch (checked 2026-11-20)",
)


_UNCHECKED = "allow-unsupported-compiler"


_NVCC_FLAGS = ("NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS")


@rule("TOOLKIT101", when=states("toolkit"), retired=("TOOLKIT103",))
def toolkit_fits_torch(env: Environment, tables: Tables) -> Finding | None:
    """The toolkit that extensions are built with has the CUDA major version of torch.

    torch compares `nvcc --version` with its own CUDA version when an extension is built: another major
    version is an error, another minor version a warning. Where nothing is built from source the toolkit is
    not used, because wheels bring their own CUDA runtime. mmcv is built where its page has no wheel of it.

    Source: _check_cuda_version in torch/utils/cpp_extension.py of the torch wheels.
    Example: nvcc 11.8 with torch for CUDA 12.8: `The detected CUDA version (11.8) mismatches the version`.
    Fix: take the toolkit of torch's CUDA version, or the build of torch for the toolkit's.
    """
    cuda, by = env.torch.cuda, env.torch.by
    if cuda is None or env.stack.toolkit is None:
        return None
    toolkit, built = parse_version(minor(env.stack.toolkit)), _built(env, tables)
    expected, found = f"CUDA toolkit {cuda}", f"CUDA toolkit {toolkit}"
    whose = "The stack says" if by == "the stack" else f"{by[0].upper()}{by[1:]} says"
    hint = f"take CUDA toolkit {cuda}, or torch for CUDA {toolkit}"
    if toolkit == cuda:
        return passed(f"The toolkit is CUDA {toolkit}, as torch is.", expected=expected, found=found)
    if toolkit.major == cuda.major:
        text = f"{whose} CUDA {cuda}, the toolkit is {toolkit}: the same major version, so extensions build"
        if built:
            text += ", with a warning"
        return passed(f"{text}.", _CHECK, expected=expected, found=found)
    text = f"{whose} CUDA {cuda}, the toolkit is {toolkit}"
    if not built:
        return warned(
            f"{text}: nothing is built from source, so it is not used; a source build would be refused.",
            _CHECK,
            expected=expected,
            found=found,
            hint=hint,
        )
    names = ", ".join(built)
    return failed(f"{text}: building {names} is refused.", _CHECK, expected=expected, found=found, hint=hint)


def _built(env: Environment, tables: Tables) -> list[str]:
    """Return what is built from source: by the stack's word, or for want of a wheel on the page of mmcv."""
    missing = any(finding.outcome is Outcome.FAIL for finding in mmcv_pages(env, tables))
    built = env.compiled_with_nvcc
    return [*built, *(["mmcv"] if missing and "mmcv" not in built else [])]


def _states_compiler(facts: Mapping[str, Any]) -> bool:
    env: Environment | None = facts.get("env")
    return env is not None and env.stack.host_compiler is not None and env.toolkit is not None


@rule("TOOLKIT102", when=_states_compiler)
def host_compiler_fits_toolkit(env: Environment, tables: Tables) -> Finding | None:
    """The host compiler is one that the toolkit and torch accept.

    The headers of a toolkit stop a gcc that is too new (`unsupported GNU version`), and torch has a table
    of its own for the versions that it knows. `TORCH_DONT_CHECK_COMPILER_ABI=1` switches torch's check off,
    not that of nvcc; that one yields to `-allow-unsupported-compiler` alone.

    Source: crt/host_config.h in NVIDIA's wheels on PyPI; before 11.7 CUDA_GCC_VERSIONS in the torch 2.13.0
    wheel and spack's table of nvcc (`stackcheck tables`).
    Example: gcc 14 with CUDA 12.4, which ends with gcc 13.
    Fix: install the newest gcc that the toolkit accepts, and set CC, CXX and CUDAHOSTCXX.
    """
    match = re.search(r"g(?:cc|\+\+|nu)\D*(\d+)", env.stack.host_compiler or "")
    if match is None:
        return skipped(f"the host compiler {env.stack.host_compiler!r} is not gcc: only gcc limits are known")
    if too_old := _too_old_for_torch(int(match[1]), env, tables):
        return too_old
    toolkit = env.toolkit[0] if env.toolkit else parse_version("0")
    row = tables.cuda.toolkit(toolkit)
    if row is None:
        newest = tables.cuda.newest.version
        return no_data(f"the CUDA toolkit {toolkit}", f"CUDA {newest}", tables.cuda.checked)
    return _gcc_fits(int(match[1]), row, env)


def _too_old_for_torch(gcc: int, env: Environment, tables: Tables) -> Finding | None:
    """Hold gcc against what torch's own headers ask for; only source builds include them."""
    torch = env.torch.version
    row = tables.torch.compiler_of(torch) if torch else None
    built = env.compiled_with_nvcc
    if row is None or gcc >= row.gcc or not built:
        return None
    says = f"the headers of torch {torch and torch.public} need gcc {row.gcc} or later"
    text = f"{says[0].upper()}{says[1:]}, and the stack compiles {', '.join(built)} with gcc {gcc}."
    hint = f"install gcc {row.gcc} or later, and set CC and CXX to it"
    return failed_by(text, (row, says), expected=f"gcc >= {row.gcc}", found=f"gcc {gcc}", hint=hint)


def _gcc_fits(gcc: int, row: Toolkit, env: Environment) -> Finding:
    most = row.gcc_max
    if most is None:
        return skipped(f"no data on the newest gcc that CUDA {row.version} accepts")
    says = f"CUDA {row.version} accepts gcc up to {most}"
    expected, found = f"gcc <= {most}", f"gcc {gcc}"
    if gcc <= most:
        note = f" ({row.gcc_note})" if row.gcc_note and gcc == most and not row.gcc_read else ""
        return passed(
            f"{says}{note}; the stack has gcc {gcc}.", cite(row, says), expected=expected, found=found
        )
    hint = f"install gcc {most} and set CC, CXX and CUDAHOSTCXX to it, or take a newer toolkit"
    off = next((name for name in _NVCC_FLAGS if _UNCHECKED in env.stack.env.get(name, "")), None)
    if off is not None:
        text = (
            f"{says}, the stack has gcc {gcc}, and {off} switches the check off: NVIDIA does not test that."
        )
        return warned(text, cite(row, says), expected=expected, found=found, hint=hint)
    text = f"{says}, the stack has gcc {gcc}: `unsupported GNU version`."
    doubtful = not row.gcc_read and row.torch_gcc_max != most
    return failed_by(text, (row, says), expected=expected, found=found, hint=hint, doubtful=doubtful)

"""Environment variables that are stated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.evidence import Evidence
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.official_wheels import official_wheels
from stackcheck.rules.registry import Finding, failed, rule, warned

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.environment import Variable
    from stackcheck.model.facts import Facts


def _sets_known(facts: Facts) -> bool:
    env = facts["env"]
    return bool(env.stack.env) and not facts["tables"].environment.variables.keys().isdisjoint(env.stack.env)


@rule("ENV101", when=_sets_known, about="variable")
def variables(env: Environment, tables: Tables) -> list[Finding]:
    """The environment variables do what they are set for.

    Some variables of the field are read by nobody, only while compiling, or only with certain values; others
    hide the GPUs or put another library in front of torch's.

    Source: the code that reads them, or the search that found nobody (knowledge/told/variables.toml).
    Example: SPCONV_ALGO=native is read by neither spconv nor cumm; NVIDIA_DRIVER_CAPABILITIES=utility gives
    the container no libcuda.
    Fix: as each finding says.
    """
    return [
        _finding(row, value)
        for name, value in env.stack.env.items()
        for row in tables.environment.variables.get(name, ())
        if row.speaks_of(value) and applies(row, env)
    ]


def _finding(row: Variable, value: str) -> Finding:
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    message, seen = f"{row.name}={shown!r}: {row.effect}.", f"{row.name}={shown}"
    if row.outcome == "fail":
        finding = failed_by(message, (row, row.effect), expected=row.fix, found=seen, hint=row.fix)
    else:
        finding = warned(message, cite(row, row.effect), expected=row.fix, found=seen, hint=row.fix)
    return finding._replace(subject=row.name)


def applies(row: Variable, env: Environment) -> bool:
    """Tell whether a row concerns what the stack is made of."""
    if row.accelerator and row.accelerator != env.accelerator:
        return False
    if not row.packages:
        return True
    used = [name for name in env.packages if any(re.fullmatch(pattern, name) for pattern in row.packages)]
    if row.built:
        used = [name for name in used if env.builds(name) == (row.built == "source")]
    return bool(used)


_TOOLKIT_DIR = re.compile(r"/cuda-(?P<cuda>\d+\.\d+)(?:/[^:]*)?")


_NVJITLINK = Evidence(
    "libcusparse finds libnvJitLink by RUNPATH, which LD_LIBRARY_PATH beats; its symbols are versioned "
    "by CUDA minor",
    "reproduced with torch 2.5.0+cu124; https://github.com/pytorch/pytorch/issues/111469 and 134929 "
    "(checked 2026-11-20)",
)


_FIRST, _LAST = (2, 1), (2, 5)


def _library_path(facts: Facts) -> bool:
    return "LD_LIBRARY_PATH" in facts["env"].stack.env


@rule("ENV102", when=_library_path, about="folder")
@official_wheels()
def older_toolkit_on_path(env: Environment) -> Finding | None:
    """No older CUDA toolkit is in front of torch's own libraries.

    torch's wheels bring libnvJitLink and find it through libcusparse's RUNPATH, which LD_LIBRARY_PATH beats.
    An
    older minor of the same major lacks symbols: `undefined symbol: __nvJitLinkComplete_12_4`.

    Source: reproduced with torch 2.5.0; pytorch issues 111469, 134929, 140797.
    Example: LD_LIBRARY_PATH=/usr/local/cuda-12.0/lib64 with torch 2.5.0+cu124.
    Fix: take the toolkit off LD_LIBRARY_PATH; the wheels need nothing there.
    """
    claim = env.torch
    found = _TOOLKIT_DIR.search(env.stack.env["LD_LIBRARY_PATH"])
    if found is None or claim.version is None or claim.cuda is None or not claim.official or claim.assumed:
        return None
    there, mine = Version(found["cuda"]), claim.cuda
    known = _FIRST <= (claim.version.major, claim.version.minor) <= _LAST
    if there.major != mine.major or there >= mine or mine.major < 12:
        return None
    message = f"LD_LIBRARY_PATH puts the libraries of CUDA {there} before those of {claim.title}"
    hint = f"take {found[0].strip()} off LD_LIBRARY_PATH: torch's wheel brings its own libraries"
    if not known:
        return warned(
            f"{message}.", _NVJITLINK, expected="no toolkit there", found=found[0], hint=hint, about=found[0]
        )
    return failed(
        f"{message}: importing torch ends in `undefined symbol: __nvJitLink...`.",
        _NVJITLINK,
        expected=f"no toolkit older than CUDA {mine} on LD_LIBRARY_PATH",
        found=found[0],
        hint=hint,
        about=found[0],
    )

"""Rules about environment variables, and about what sets them in a Dockerfile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.officialwheels import official_wheels
from stackcheck.rules.registry import Finding, failed, rule, warned
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.environment import Variable


def _sets_known(facts: Facts) -> bool:
    env = facts["env"]
    return bool(env.stack.env) and not facts["tables"].environment.variables.keys().isdisjoint(env.stack.env)


@rule("ENV101", when=_sets_known)
def variables(env: Environment, tables: Tables) -> list[Finding]:
    """The environment variables do what they are set for.

    Some variables of the field are read by nobody, only while compiling, or only with certain values; others
    hide the GPUs or put another library in front of torch's.

    Source: the code that reads them, or the search that found nobody (tables/environment.toml).
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
    message = f"{row.name}={shown!r}: {row.effect}."
    if row.outcome == "fail":
        return failed_by(
            message, (row, row.effect), expected=row.fix, found=f"{row.name}={shown}", hint=row.fix
        )
    return warned(message, cite(row, row.effect), expected=row.fix, found=f"{row.name}={shown}", hint=row.fix)


def applies(row: Variable, env: Environment) -> bool:
    """Tell whether a row concerns what the stack is made of."""
    if row.accelerator and row.accelerator != env.accelerator:
        return False
    if not row.packages:
        return True
    used = [
        package
        for name, package in env.packages.items()
        if any(re.fullmatch(pattern, name) for pattern in row.packages)
    ]
    if row.built:
        used = [package for package in used if (package.origin == "source") == (row.built == "source")]
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


@rule("ENV102", when=_library_path)
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
        return warned(f"{message}.", _NVJITLINK, expected="no toolkit there", found=found[0], hint=hint)
    return failed(
        f"{message}: importing torch ends in `undefined symbol: __nvJitLink...`.",
        _NVJITLINK,
        expected=f"no toolkit older than CUDA {mine} on LD_LIBRARY_PATH",
        found=found[0],
        hint=hint,
    )


def _has_dockerfile(facts: Facts) -> bool:
    return "dockerfile" in facts


_ACTIVATE = re.compile(r"^\s*RUN\s+(?:.*?(?:&&|;)\s*)?(?:\.|source)\s+(?P<path>\S*activate)\b", re.MULTILINE)
_LAYERS = Evidence(
    "each RUN is a shell of its own: what it exports ends with it",
    "https://docs.docker.com/reference/dockerfile/#run",
)


def _instructions(text: str) -> str:
    """Return a Dockerfile without comment lines and with continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ")


@rule("DOCKER101", when=_has_dockerfile)
def exports_in_run(dockerfile: str) -> list[Finding]:
    """Variables are set with ENV and not with `RUN export`.

    Source: https://docs.docker.com/reference/dockerfile/#run
    Example: `RUN export HSA_OVERRIDE_GFX_VERSION=8.0.3 && apt-get update`: the next line does not see it.
    Fix: `ENV HSA_OVERRIDE_GFX_VERSION=8.0.3`.
    """
    text = _instructions(dockerfile)
    set_by_env = set(re.findall(r"^\s*ENV\s+([A-Za-z_]\w*)[= ]", text, re.MULTILINE))
    found = dict.fromkeys(
        name
        for run in re.findall(r"^\s*RUN\b.*$", text, re.MULTILINE)
        for name in re.findall(r"(?:^\s*RUN\s+(?:--\S+\s+)*|&&\s*|;\s*)export\s+([A-Za-z_]\w*)=", run)
    )
    return [
        warned(
            f"RUN export {name}=... ends with that RUN: later instructions and the container do not see it.",
            _LAYERS,
            expected=f"ENV {name}=...",
            found=f"RUN export {name}=...",
            hint=f"write ENV {name}=... instead",
        )
        for name in found
        if name not in set_by_env
    ]


@rule("DOCKER102", when=_has_dockerfile)
def activates_in_run(dockerfile: str) -> list[Finding]:
    """A virtual environment is put on the PATH and not activated in one RUN.

    Source: https://docs.docker.com/reference/dockerfile/#run
    Example: `RUN . .venv/bin/activate && pip install cmake`: later lines use the system's pip.
    Fix: `ENV PATH=/opt/venv/bin:$PATH`, or call /opt/venv/bin/pip.
    """
    return [
        warned(
            f"RUN activates {path} for itself alone: later instructions use the system's Python.",
            _LAYERS,
            expected="ENV PATH=<environment>/bin:$PATH",
            found=f"RUN . {path}",
            hint="set PATH with ENV, or call the environment's own python and pip",
        )
        for path in dict.fromkeys(_activated(_instructions(dockerfile)))
    ]


def _activated(text: str) -> Iterator[str]:
    for match in _ACTIVATE.finditer(text):
        yield match["path"]

"""What GPU code the wheels on PyPI carry that do not say it in their name: one build, or a library each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.build import tag_cuda
from stackcheck.model.versions import minor
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment, TorchBuild
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.wheels import BuiltCuda, GpuLibraries

_WORDS = {"cuda": "CUDA", "rocm": "ROCm"}
_OVERRIDE = "BNB_CUDA_VERSION"
"""The variable of bitsandbytes that names another CUDA library than the one of torch."""


def _carries(facts: Facts) -> bool:
    return not facts["tables"].wheels.gpu_libraries.keys().isdisjoint(facts["env"].packages)


@rule("WHEEL110", when=_carries)
def carries_library(env: Environment, tables: Tables) -> list[Finding]:
    """Wheels that load a GPU library by torch's CUDA or ROCm version carry that one.

    bitsandbytes has one library for each CUDA version in its wheel and loads the one of torch's version. Up
    to 0.49 there is no other way than BNB_CUDA_VERSION: what is missing is an error when it is used. From
    0.50 on it takes the nearest of the same major version. METADATA says nothing of it.

    Source: names of the files in the wheels on PyPI, and bitsandbytes/cextension.py (tables/wheels.toml).
    Example: bitsandbytes 0.46.0 with torch 2.9.1+cu130: `Configured CUDA binary not found`.
    Fix: a release that carries the library, or torch for a CUDA version that it has.
    """
    wanted = _wanted(env.torch)
    if wanted is None:
        return []
    platform = env.platform
    findings: list[Finding] = []
    for name in sorted(tables.wheels.gpu_libraries.keys() & env.packages.keys()):
        package = env.packages[name]
        version = package.exact
        of_pypi = package.is_wheel and not package.built_for
        if version is None or version.local or not of_pypi or env.elsewhere(name):
            continue
        known = [row for row in tables.wheels.gpu_libraries[name] if platform in row.platforms]
        row = next((row for row in known if version in row.versions), None)
        if row is None:
            newest = max(max(each.versions) for each in tables.wheels.gpu_libraries[name])
            what = f"the GPU libraries of {name} {version} for {platform}"
            findings.append(no_data(what, f"{name} {newest}", tables.wheels.checked))
            continue
        override = env.stack.env.get(_OVERRIDE, "") if wanted.backend == "cuda" else ""
        if re.fullmatch(r"\d{3}", override):
            named = Version(f"{override[:2]}.{override[2:]}")
            findings.append(_judge_override(f"{name} {version}", row, wanted, named))
        else:
            findings.append(_judge(f"{name} {version}", row, wanted, known))
    return findings


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The backend, "cuda" or "rocm", and its version, whose library is loaded, and the torch that says so."""

    backend: str
    version: Version
    claim: TorchBuild

    @property
    def word(self) -> str:
        return f"{_WORDS[self.backend]} {self.version}"


def _wanted(claim: TorchBuild) -> _Wanted | None:
    if claim.cuda is not None:
        return _Wanted("cuda", claim.cuda, claim)
    return _Wanted("rocm", Version(minor(claim.rocm)), claim) if claim.rocm else None


def _judge(what: str, row: GpuLibraries, wanted: _Wanted, known: list[GpuLibraries]) -> Finding:
    claim, there, kind = wanted.claim, row.for_backend(wanted.backend), _WORDS[wanted.backend]
    listed = f"libraries for {kind} {', '.join(map(str, there))}" if there else f"none for {kind}"
    evidence = f"{what} carries {listed}"
    chosen = row.choose(wanted.backend, wanted.version)
    if chosen == wanted.version:
        text = f"{what} carries the library for {wanted.word} of {claim.title}."
        return passed(text, cite(row, evidence))
    text = f"{what} has no library for {wanted.word} of {claim.title}"
    if chosen is not None:
        return passed(f"{text}, and loads the one for {chosen}.", cite(row, evidence))
    text += f", so its GPU functions fail: its wheel carries {listed}"
    hint, expected = _way_out(row, wanted, known), f"a library for {wanted.word}"
    if claim.assumed:
        text += f" (that torch is {claim.tag} follows from {claim.by} and is not stated)."
        return warned(text, cite(row, evidence), expected=expected, found=listed, hint=hint)
    return failed_by(f"{text}.", (row, evidence), expected=expected, found=listed, hint=hint)


def _way_out(row: GpuLibraries, wanted: _Wanted, known: list[GpuLibraries]) -> str:
    exact: list[Version] = []
    near: list[Version] = []
    for each in known:
        chosen = each.choose(wanted.backend, wanted.version)
        (exact if chosen == wanted.version else near if chosen else []).extend(each.versions)
    later = [release for release in exact if release > max(row.versions)]
    ways = [f"take {row.dist} {min(later)} or later"] if later else []
    if not later and (exact or near):
        ways = [f"take {row.dist} {max(exact or near)}"]
    same = [each for each in row.cuda if each.major == wanted.version.major]
    if same and wanted.backend == "cuda":
        ways.append(f"set {_OVERRIDE}={same[-1].major}{same[-1].minor}, which loads the one for {same[-1]}")
    other = f"take torch for another {_WORDS[wanted.backend]} version, or build {row.dist} from source"
    return ", or ".join(ways) or other


def _judge_override(what: str, row: GpuLibraries, wanted: _Wanted, named: Version) -> Finding:
    claim = wanted.claim
    says = f"{what} carries libraries for CUDA {', '.join(map(str, row.cuda))}"
    stated = f"{_OVERRIDE}={named.major}{named.minor}"
    if named not in row.cuda:
        return failed_by(
            f"{stated} asks for a library for CUDA {named}, which {what} does not carry.",
            (row, says),
            expected=f"one of {', '.join(f'{each.major}{each.minor}' for each in row.cuda)}",
            found=stated,
            hint=f"name one of them, or remove {_OVERRIDE}",
        )
    if claim.cuda is None or claim.cuda.major != named.major:
        return warned(
            f"{stated} makes {what} load a library for CUDA {named.major} beside {claim.title}: it needs "
            f"libcudart and libcublas of CUDA {named.major}, which that torch does not bring.",
            cite(row, says),
            expected="a library of torch's CUDA major version",
            found=stated,
            hint=f"name a version of torch's CUDA major, or remove {_OVERRIDE}",
        )
    return passed(f"{stated} makes {what} load its library for CUDA {named}.", cite(row, says))


def builds_on_pypi(env: Environment, tables: Tables, claim: TorchBuild) -> Iterator[Finding]:
    """Judge distributions of which PyPI has one build, taken from there, by the CUDA version of that.

    Nothing is said beside a CPU torch: what such a build does there differs from project to project.
    """
    if claim.tag in {None, "cpu"}:
        return
    platform = env.platform
    for name in sorted(tables.wheels.built_cuda.keys() & env.packages.keys()):
        package = env.packages[name]
        version = package.exact
        own = env.made_for(name) or not package.is_wheel
        if version is None or version.local or own or not env.only_pypi(name):
            continue
        for row in tables.wheels.built_cuda[name]:
            if version in row.versions and platform in row.platforms:
                yield _judge_build(f"{name} {version}", row, claim)


def _judge_build(what: str, row: BuiltCuda, claim: TorchBuild) -> Finding:
    built, mine = tag_cuda(row.tag), claim.cuda
    says = f"{what} on PyPI is built for CUDA {row.cuda}"
    if built is not None and mine is not None and mine.major == built.major:
        return passed(f"{says}, the CUDA major version of {claim.title}.", cite(row, says))
    text = f"{says}, and PyPI has no other build of it; the stack has {claim.title}"
    expected = f"a build for {claim.tag}"
    hint = f"take {row.dist} from a place that has it for {claim.tag}, or a torch for CUDA {row.cuda}"
    if row.partly:
        text += f". {row.partly}."
        return warned(text, cite(row, says), expected=expected, found=f"CUDA {row.cuda}", hint=hint)
    if claim.assumed:
        text += f", which follows from {claim.by} and is not stated."
        return warned(text, cite(row, says), expected=expected, found=f"CUDA {row.cuda}", hint=hint)
    return failed_by(f"{text}.", (row, says), expected=expected, found=f"CUDA {row.cuda}", hint=hint)

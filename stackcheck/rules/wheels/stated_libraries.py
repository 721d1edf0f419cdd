"""The CUDA libraries that wheels carry or ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.versions import minor, spelled
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, passed, rule, told_of, warned
from stackcheck.rules.requirements.partners import BOTH

if TYPE_CHECKING:
    from stackcheck.environment import Environment, TorchBuild
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.unstated import Library
    from stackcheck.knowledge.wheels import GpuLibraries

_WORDS = {"cuda": "CUDA", "rocm": "ROCm"}


_OVERRIDE = "BNB_CUDA_VERSION"
"""The variable of bitsandbytes that names another CUDA library than the one of torch."""


@rule("WHEEL110", when=told_of(lambda tables: tables.wheels.gpu_libraries), about="package")
def carries_library(env: Environment, tables: Tables) -> list[Finding]:
    """Wheels that load a GPU library by torch's CUDA or ROCm version carry that one.

    bitsandbytes has one library for each CUDA version in its wheel and loads the one of torch's version. Up
    to 0.49 there is no other way than BNB_CUDA_VERSION: what is missing is an error when it is used. From
    0.50 on it takes the nearest of the same major version. METADATA says nothing of it.

    Source: names of the files in the wheels on PyPI, and bitsandbytes/cextension.py (knowledge/told/).
    Example: bitsandbytes 0.46.0 with torch 2.9.1+cu130: `Configured CUDA binary not found`.
    Fix: a release that carries the library, or torch for a CUDA version that it has.
    """
    of_torch = _loads_for(env.torch)
    if of_torch is None:
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
            findings.append(
                no_data(
                    what, f"{name} {newest}", max(each.checked for each in tables.wheels.gpu_libraries[name])
                )
            )
            continue
        wanted = _of_toolkit(of_torch, env) if row.by_toolkit else of_torch
        override = env.stack.env.get(_OVERRIDE, "") if wanted.backend == "cuda" else ""
        if re.fullmatch(r"\d{3}", override):
            named = Version(f"{override[:2]}.{override[2:]}")
            judged = _judge_override(f"{name} {version}", row, wanted, named)
        else:
            judged = _judge(f"{name} {version}", row, wanted, known)
        findings.append(judged._replace(about=(name,)))
    return findings


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The backend, "cuda" or "rocm", and its version, whose library is loaded, and the torch that says so."""

    backend: str
    version: Version
    claim: TorchBuild
    toolkit: str = ""
    """What says which toolkit is on the host, where that one decides."""

    @property
    def word(self) -> str:
        return f"{_WORDS[self.backend]} {self.version}"

    @property
    def whose(self) -> str:
        """Return what has that version, for a message."""
        return f"the toolkit that {self.toolkit} states" if self.toolkit else self.claim.title

    @property
    def assumed(self) -> bool:
        return self.claim.assumed and not self.toolkit


def _of_toolkit(of_torch: _Wanted, env: Environment) -> _Wanted:
    """Return the CUDA of the toolkit, whose libcudart is found before that of torch's packages."""
    if env.toolkit is None or of_torch.backend != "cuda":
        return of_torch
    return _Wanted("cuda", env.toolkit[0], of_torch.claim, env.toolkit[1])


def _loads_for(claim: TorchBuild) -> _Wanted | None:
    if claim.cuda is not None:
        return _Wanted("cuda", claim.cuda, claim)
    return _Wanted("rocm", Version(minor(claim.rocm)), claim) if claim.rocm else None


def _judge(what: str, row: GpuLibraries, wanted: _Wanted, known: list[GpuLibraries]) -> Finding:
    claim, there, kind = wanted.claim, row.for_backend(wanted.backend), _WORDS[wanted.backend]
    listed = f"libraries for {kind} {', '.join(map(str, there))}" if there else f"none for {kind}"
    evidence = f"{what} carries {listed}"
    chosen = row.choose(wanted.backend, wanted.version)
    if chosen == wanted.version:
        text = f"{what} carries the library for {wanted.word} of {wanted.whose}."
        return passed(text, cite(row, evidence))
    text = f"{what} has no library for {wanted.word} of {wanted.whose}"
    if chosen is not None:
        return passed(f"{text}, and loads the one for {chosen}.", cite(row, evidence))
    text += f", so its GPU functions fail: its wheel carries {listed}"
    hint, expected = _way_out(row, wanted, known), f"a library for {wanted.word}"
    if wanted.assumed:
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


@rule("WHEEL111", when=told_of(lambda tables: tables.unstated.libraries), levels=BOTH, about="package")
def libraries_of_wheels(env: Environment, tables: Tables) -> list[Finding]:
    """Wheels beside torch find the CUDA and cuDNN that they name.

    PyPI has one build of CTranslate2 and of onnxruntime-gpu for each release. Their libraries name CUDA and
    cuDNN by major version, no METADATA requires these, and in most stacks they are those that torch draws in.
    Where torch has another major, and no package, toolkit or image brings the right one, they are missing.

    Source: sonames in the wheels (knowledge/told/).
    Example: ctranslate2 4.4.0 names libcudnn.so.8, and torch 2.5.1 brings cuDNN 9.
    Fix: the release that was built for torch's CUDA and cuDNN, or the nvidia-* packages of the other major.
    """
    if env.torch.cuda is None and (env.toolkit is None or env.wanted != "cuda"):
        return []
    found: list[Finding] = []
    for name in sorted(tables.unstated.libraries.keys() & env.packages.keys()):
        package = env.packages[name]
        exact = package.exact
        if exact is None or exact.local or not package.is_wheel or env.elsewhere(name):
            continue
        row = tables.unstated.library(name, exact, env.platform)
        if row is not None:
            level = max(package.level, env.torch.level)
            finding = _judge_libraries(f"{name} {exact}", row, env, tables)
            found.append(finding._replace(level=level, subject=name))
    return found


def _judge_libraries(what: str, row: Library, env: Environment, tables: Tables) -> Finding:
    named = [(kind, major) for kind, major in (("CUDA", row.cuda), ("cuDNN", row.cudnn)) if major]
    says = f"{what} names the libraries of {' and '.join(f'{kind} {major}' for kind, major in named)}"
    missing = []
    for kind, major in named:
        has = _majors(kind, env, tables)
        if has and major not in has:
            missing.append(f"{kind} {major}")
    if not missing:
        return passed(f"{says}, and {env.torch.title} has these.", cite(row, says))
    text = f"{says}; {env.torch.title} brings no {' and no '.join(missing)}: {row.effect}"
    near = [each for each in tables.unstated.libraries[row.dist] if _fits(each, env, tables)]
    hint = "add the nvidia-* packages of that version, or take a torch for it"
    if near:
        hint = f"take {row.dist}{spelled(near[-1].versions)}, which names those of {env.torch.title}"
    expected, found = " and ".join(missing), env.torch.title
    if row.outcome == "warn" or (env.torch.assumed and not env.torch.version):
        return warned(f"{text}.", cite(row, says), expected=expected, found=found, hint=hint)
    return failed_by(f"{text}.", (row, says), expected=expected, found=found, hint=hint)


def _fits(row: Library, env: Environment, tables: Tables) -> bool:
    pairs = (("CUDA", row.cuda), ("cuDNN", row.cudnn))
    return all(major is None or major in _majors(kind, env, tables) for kind, major in pairs)


def _majors(kind: str, env: Environment, tables: Tables) -> set[int]:
    """Return the majors of CUDA or cuDNN that a stack has: of torch, packages, toolkit and image."""
    release = tables.torch.release(env.torch.version) if env.torch.version else None
    image = env.image
    if kind == "CUDA":
        own = {env.torch.cuda.major} if env.torch.cuda else set()
        own |= {env.toolkit[0].major} if env.toolkit else set()
        own |= {image.cuda.major} if image and image.cuda and image.kind != "base" else set()
        stem = "nvidia-cublas"
    else:
        own = {release.cudnn} if release and release.cudnn else set()
        stem = "nvidia-cudnn"
        if image and image.cudnn:
            own |= {int(image.cudnn.removeprefix("cudnn") or 9)}
    if not own:
        return own
    packages = [each for name, each in env.packages.items() if name.startswith(stem)]
    if kind == "CUDA":
        return own | {int(each.name[-2:]) for each in packages if each.name[-2:].isdigit()}
    return own | {each.exact.major for each in packages if each.exact}

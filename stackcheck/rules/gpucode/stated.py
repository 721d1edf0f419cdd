"""The official build of torch against the GPUs of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.build import cuda_tag
from stackcheck.model.evidence import Evidence
from stackcheck.rules.gpucode.arch_list import stated_arch_list
from stackcheck.rules.gpucode.coverage import coverage, sentence, served, titles
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.official_wheels import listed_release, not_pinned, official_wheels
from stackcheck.rules.questions import SERVES_GPUS
from stackcheck.rules.registry import Finding, passed, rule, skipped, warned
from stackcheck_probes.binaries.capability import INTEGRATED, NATIVE, NO, PTX, RUNS, Sass

if TYPE_CHECKING:
    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Build, Release
    from stackcheck.model.facts import Facts
    from stackcheck.rules.gpucode.coverage import Served

_OWN_BUILD = "the GPUs were not held against torch: the stack builds it, and states no arch list"


_STATE_LIST = "state arch_list, as the build's TORCH_CUDA_ARCH_LIST has it"


def _has_gpus(facts: Facts) -> bool:
    """Tell whether a stack names NVIDIA GPUs, and has a torch that could serve them."""
    env: Environment = facts["env"]
    return bool(env.torch.origin) and any(gpu.capability for gpu in env.stack.gpus)


@rule("ARCH101", when=_has_gpus, answers=(SERVES_GPUS, "torch"), about="GPU")
@official_wheels()
def torch_build_serves_gpus(  # noqa: PLR0911 - one return a reason
    env: Environment, tables: Tables
) -> Finding | list[Finding] | None:
    """The official torch build has code for every GPU of the stack.

    SASS runs on its own major version, from its own minor version on: sm_86 serves an L4 (8.9), nothing below
    9.0 serves an H100. Which code a build has depends on torch, CUDA and the platform. Official wheels on
    PyPI carry no PTX, so a GPU newer than their last SASS is not served. `arch_mode = "native"` asks for
    SASS of the GPU's own capability; the default is anything that runs.

    Source: NVIDIA Ada and Blackwell Compatibility Guides; arch string of each build (rows of `stackcheck
    tables`).
    Example: torch 1.13.1+cu117 on an H100 ends in `no kernel image is available for execution on the device`.
    Fix: take a build whose list reaches the GPU.
    """
    torch = env.torch
    if torch.origin in ("source", "git", "path"):
        return None if stated_arch_list(env.stack) else skipped(_OWN_BUILD, hint=_STATE_LIST)
    if torch.kind in ("rocm", "cpu"):
        return None  # no code for NVIDIA GPUs at all, which CUDA103 says
    if torch.origin == "conda":
        return skipped("no data on the arch lists of conda builds, which differ from those of the wheels")
    if torch.nvidia:
        unknown = skipped(f"no data on the arch list of {torch.title} of NVIDIA's container")
        return _by_bound(env, unknown, tables, ptx=True)
    if torch.version is None:
        return not_pinned("the GPUs were not held against torch")
    release = listed_release(torch.version, tables)
    if isinstance(release, Finding):
        return _by_bound(env, release, tables)
    if torch.cuda is None:
        return skipped(f"the GPUs were not held against torch {release.torch}: its CUDA version is not known")
    builds, assumed = _builds(env, torch.cuda, release, tables)
    if not builds:
        what = f"the arch list of torch {release.torch}+{torch.tag} for {env.platform}"
        return _by_bound(env, skipped(f"no data on {what}, so its GPUs were not checked"), tables)
    best = min(
        builds, key=lambda row: sum(not one.accepted(native=_native(env)) for one in _served(env, row))
    )
    return _judge(env, best, assumed, tables)


def _by_bound(env: Environment, unknown: Finding, tables: Tables, *, ptx: bool = False) -> Finding:
    """Judge a build that no row knows by its toolkit: no nvcc makes code for a GPU newer than itself.

    Nor does it for one that it has dropped. Official wheels carry no PTX on Linux, so what nvcc cannot make
    cannot run; `ptx`: the build may have some, which would serve newer GPUs.
    """
    toolkit = tables.cuda.toolkit(env.torch.cuda) if env.torch.cuda else None
    if toolkit is None or not toolkit.sm or not env.platform.startswith("linux/"):
        return unknown
    oldest, newest = (pick(code.capability for code in toolkit.sm) for pick in (min, max))
    known = [(gpu, gpu.capability) for gpu in env.stack.gpus if gpu.capability]
    beyond = [gpu for gpu, has in known if has < oldest or (has.major > newest.major and not ptx)]
    if not beyond:
        return unknown
    says = f"nvcc of CUDA {toolkit.version} knows {toolkit.listed}"
    return failed_by(
        f"{env.torch.title} has no code for {titles(beyond)}: {says}.",
        (toolkit, says),
        expected="code that runs on each GPU",
        found=f"from {oldest} to {newest}",
        hint="take a build for a CUDA version whose nvcc knows these GPUs",
        doubtful=toolkit.sm_unverified or any(g.unverified for g in beyond),
        about=(gpu.name for gpu in beyond),
    )


def _builds(env: Environment, cuda: Version, release: Release, tables: Tables) -> tuple[list[Build], str]:
    """Return the rows that may be the stack's build: of its platform, or of Linux when none is stated."""
    rows = [row for row in tables.torch.builds_of(release.torch, cuda) if row.codes is not None]
    if env.stack.platform:
        return [row for row in rows if row.platform == env.stack.platform], ""
    # Windows builds carry PTX that Linux builds have not: they count only for a stack that says Windows.
    linux = [row for row in rows if row.platform.startswith("linux/")]
    return linux, " The stack states no platform: Linux on both machines was tried."


def _native(env: Environment) -> bool:
    return env.stack.arch_mode == "native"


def _served(env: Environment, build: Build) -> list[Served]:
    return served(env, build.codes or (), build.listed)


def _judge(env: Environment, build: Build, assumed: str, tables: Tables) -> Finding | list[Finding]:
    native, each = _native(env), _served(env, build)
    says = f"{build.title} has {build.listed}"
    bad = [one for one in each if not one.accepted(native=native)]
    if tegra := [one for one in bad if _is_of_cards(one, build)]:
        return _not_for_tegra(build, tegra)
    if bad:
        text = _not_served(bad, native=native)
        return failed_by(
            f"{says}. {text}{assumed}",
            (build, says),
            expected=_expected_code(native),
            found=build.listed,
            hint=_other_build(env, build, tables),
            doubtful=any(one.gpu.unverified for one in bad),
            about=(one.gpu.name for one in bad),
        )
    findings: list[Finding] = []
    by_ptx = [one for one in each if one.coverage.how == PTX]
    if len(by_ptx) < len(each):
        good = sentence([one for one in each if one not in by_ptx])
        text = f"{build.title} serves {good}."
        findings.append(passed(text, cite(build, says), expected=_expected_code(native), found=build.listed))
    if by_ptx:
        text = f"{build.title} serves {sentence(by_ptx)}, which the driver does at first use."
        doubt = "The CUDA libraries of that build may have no code for it."
        hint = _other_build(env, build, tables)
        gpus = (one.gpu.name for one in by_ptx)
        findings.append(
            warned(f"{text} {doubt}", cite(build, says), found=build.listed, hint=hint, about=gpus)
        )
    return findings


_CARDS_ONLY = Evidence(
    "binaries for cards run on higher minors among cards; between cards and Tegra they are not compatible",
    "NVIDIA CUDA C++ Programming Guide, binary compatibility, docs.nvidia.com/cuda (checked 2026-11-30)",
)


def _is_of_cards(one: Served, build: Build) -> bool:
    """Tell whether nothing of a build serves a Jetson, and some of it is for cards of the same major."""
    if one.capability not in INTEGRATED or one.coverage.how != NO:
        return False
    codes = build.codes or ()
    return any(isinstance(code, Sass) and code.capability.major == one.capability.major for code in codes)


def _not_for_tegra(build: Build, each: list[Served]) -> Finding:
    names = titles(one.gpu for one in each)
    return failed_by(
        f"{build.title} is made for servers and has no code for {names}: {_CARDS_ONLY.what}.",
        (build, f"{build.title} has {build.listed}"),
        expected="a build of torch for Jetson",
        found=build.listed,
        hint="take torch from NVIDIA's index for Jetson (developer.download.nvidia.com/compute/redist/jp), "
        "or from pypi.jetson-ai-lab.io",
        about=(one.gpu.name for one in each),
    )


def _expected_code(native: bool) -> str:
    return "SASS of each GPU's own capability" if native else "code that runs on each GPU"


def _not_served(bad: list[Served], *, native: bool) -> str:
    names = titles(one.gpu for one in bad)
    if native and all(one.accepted(native=False) for one in bad):
        return f"That is not native for {names}, which the stack asks for: {sentence(bad)}."
    return f"Nothing of that runs on {names}."


def _other_build(env: Environment, build: Build, tables: Tables) -> str:
    """Name the nearest build that serves every GPU: of the same torch, else of the nearest release."""
    enough = (NATIVE,) if _native(env) else (NATIVE, RUNS)
    capabilities = [gpu.capability for gpu in env.stack.gpus if gpu.capability]
    for row in tables.torch.builds_near(build):
        codes, listed = row.codes or (), row.listed
        if all(coverage(codes, listed, capability).how in enough for capability in capabilities):
            return f"take torch {row.torch}+{cuda_tag(row.cuda)}: it has {listed}"
    return f"no official build for {build.platform} serves all of these GPUs: split the stack, or build torch"

"""The CUDA or CPU build of torch: that it exists, and is what the stack says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.build import cuda_tag
from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import minor, parse_version, same_release
from stackcheck.rules.cuda.nearest_build import nearest_build, tags_of
from stackcheck.rules.grading import cite, denies, failed_by, wheel_was_found
from stackcheck.rules.official_wheels import (
    ROCM_PLATFORM,
    comes_with_image,
    listed_release,
    not_pinned,
    official_wheels,
    torch_release,
)
from stackcheck.rules.questions import AS_REQUIRED
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned

if TYPE_CHECKING:
    from stackcheck.environment import Environment, TorchBuild
    from stackcheck.environment.torchbuild import Answer
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release
    from stackcheck.model.build import Backend


_FIRST_ON_ARM = Version("2.4.0")
_ARM = Evidence(
    "CUDA builds for Linux on Arm began with nightlies of torch 2.4; in June 2024 only those were there",
    "https://github.com/pytorch/builder/issues/1856 and https://github.com/pytorch/builder/pull/1775 "
    "(checked 2026-11-30)",
)


@rule("CUDA101", when=uses("torch"))
@official_wheels()
def torch_build_exists(env: Environment, tables: Tables) -> Finding | None:
    """An official build of that torch release exists for that CUDA version.

    Each release is built for two to four CUDA versions; the tag of an index or a local version that is none
    of them finds nothing, and an installer says only that no version matches. ROCm has a rule of its own.

    Source: release matrix of PyTorch and the wheels' names (rows of `stackcheck tables`).
    Example: torch==2.0.1+cu121 does not exist: cu121 starts with torch 2.1.0.
    Fix: take one of the tags of that release, or the first release with that tag.
    """
    torch = env.torch
    if not torch.is_wheel or torch.cuda is None:
        return None
    if torch.version is None:
        return not_pinned(f"whether torch has a {torch.tag} build was not checked") if torch.sure else None
    release = listed_release(torch.version, tables)
    if isinstance(release, Finding):
        return release
    if not release.cuda:
        return skipped(f"no data on the CUDA builds of torch {release.torch}")
    if env.platform == "linux/arm64" and release.torch < _FIRST_ON_ARM:
        return failed(
            f"There is no CUDA build of torch {release.torch} for linux/arm64: PyTorch's index has none "
            f"before torch {_FIRST_ON_ARM}, and what it has there is a CPU build.",
            _ARM,
            expected=f"torch {_FIRST_ON_ARM} or later, or a build of NVIDIA's or one's own",
            found=f"torch {release.torch} for linux/arm64",
            hint="take NVIDIA's wheel or container, on a Jetson those for its JetPack",
        )
    if not _listed_there(env, torch.cuda, release, tables):
        return skipped(f"no data on the CUDA builds of torch {release.torch} for {env.stack.platform}")
    return wheel_was_found(_exists(torch, release, tables), env, "torch")


def _listed_there(env: Environment, cuda: Version, release: Release, tables: Tables) -> bool:
    """Tell whether the lists, which are those of x86_64, say anything about the stack's platform."""
    if env.stack.platform in (None, "linux/amd64", "windows/amd64"):
        return True
    return tables.torch.build(release.torch, cuda, env.stack.platform) is not None


def _exists(torch: TorchBuild, release: Release, tables: Tables) -> Finding:
    listed = ", ".join(map(str, release.cuda))
    says = f"torch {release.torch} is built for CUDA {listed}"
    found = f"torch {release.torch}+{torch.tag}"
    if torch.cuda in release.cuda:
        return passed(f"{found} exists.", cite(release, says), expected=f"CUDA {listed}", found=found)
    text, hint = f"There is no {found}: {says}.", nearest_build(torch.backend, release, tables)
    if not torch.sure:
        text = f"{torch.by.capitalize()} says CUDA {torch.cuda}, and {says}."
        return warned(text, cite(release, says), expected=f"CUDA {listed}", found=found, hint=hint)
    return failed_by(
        text,
        (release, says),
        expected=f"CUDA {listed}",
        found=found,
        hint=hint,
        doubtful=release.cuda_unverified,
    )


@rule("CUDA102", when=uses("torch"), retired=("LOCK204",))
@official_wheels(tagged=True)
def torch_build_is_stated_cuda(env: Environment, tables: Tables) -> Finding | None:
    """The torch that gets installed is the build for the CUDA version that the stack states.

    A wheel on the default index carries no tag: which CUDA it is built for is a fact of the release and the
    platform. A stack that states another CUDA version and no index gets the default build.

    Once the pins are resolved, the local version of the wheel or the CUDA runtime that it draws in says it.

    Source: METADATA and torch/version.py of the wheels on PyPI (rows of `stackcheck tables`).
    Example: `cuda = "11.8"` with torch 2.2.0 from PyPI installs the cu121 build.
    Fix: state the index `https://download.pytorch.org/whl/cu118` or the version `2.2.0+cu118`.
    """
    torch = env.torch
    if not env.stack.cuda or not torch.is_wheel:
        return None
    got = torch.answer if torch.sure else torch.default
    if torch.version is None or got is None:
        return not_pinned(f"that torch is the build for CUDA {env.stack.cuda} was not checked")
    return _as_stated(env, got, env.stack.cuda, tables)


def _as_stated(env: Environment, got: Answer, cuda: str, tables: Tables) -> Finding:
    backend, sure = got.backend, env.torch.sure
    expected, found = f"CUDA {minor(cuda)}", f"{backend.tag} build"
    if backend.kind == "cuda" and backend.version and minor(backend.version) == minor(cuda):
        text = f"{got.by[0].upper()}{got.by[1:]} is {expected}, as stated."
        return passed(text, expected=expected, found=found)
    hint = _to_stated_cuda(env, backend, tables)
    if not sure:
        text = f"The stack states {expected} and no index with that tag; {got.by} is a {backend.tag} build."
        return warned(text, got.evidence, expected=expected, found=found, hint=hint)
    if backend.kind == "cuda" and backend.version and backend.version.major == parse_version(cuda).major:
        return warned(
            f"The stack states {expected}, and {got.by} makes torch a {backend.tag} build: the same major "
            "version, so it runs where that would.",
            got.evidence,
            expected=expected,
            found=found,
            hint=hint,
        )
    text = f"The stack states {expected}, but {got.by} makes torch a {backend.tag} build."
    return failed(text, got.evidence, expected=expected, found=found, hint=hint)


def _to_stated_cuda(env: Environment, got: Backend, tables: Tables) -> str:
    """Name what brings torch and the stated CUDA version together: only builds that exist."""
    torch = env.torch.version or tables.torch.newest.torch
    cuda = minor(env.stack.cuda or "0")
    tag, wanted = cuda_tag(cuda), parse_version(cuda)
    releases = tables.torch.releases_with("cuda", wanted)
    with_it = [row.torch for row in releases if _listed_there(env, wanted, row, tables)]
    other = f'cuda = "{minor(got.version)}"' if got.kind == "cuda" and got.version else ""
    if any(same_release(each, torch) for each in with_it):
        first = f"state the index https://download.pytorch.org/whl/{tag}, or torch {torch.public}+{tag}"
    elif with_it:
        first = f"take torch {min(with_it, key=lambda each: _apart(each, torch, tables))}+{tag}"
    else:
        first = f"state another CUDA version: no torch for CUDA {cuda} is known on {env.platform}"
    return f"{first}, or {other}" if other else first


def _apart(one: Version, other: Version, tables: Tables) -> int:
    return tables.torch.distance(one, other) if tables.torch.release(other) else 0


_FOR = {"cuda": "NVIDIA GPUs", "rocm": "AMD GPUs", "cpu": "the CPU"}


@rule("CUDA103", when=uses("torch"))
@official_wheels(tagged=True)
def torch_build_fits_accelerator(env: Environment, tables: Tables) -> Finding | None:
    """A stack for NVIDIA GPUs has a CUDA build of torch, one for AMD GPUs a ROCm build.

    The wheels on PyPI are CPU builds on Windows and macOS, and on Linux for Arm up to torch 2.10; ROCm wheels
    are never on PyPI. A CPU build installs everywhere and finds no GPU.

    Source: torch/version.py of the wheels on PyPI for every platform (rows of `stackcheck tables`).
    Example: torch 2.5.1+cpu in a stack with an L4.
    Fix: state the index with the tag that the GPUs need.
    """
    wanted, torch = env.wanted, env.torch
    if wanted is None or not torch.is_wheel:
        return None
    got = torch.answer if torch.sure else torch.default
    if got is None:
        return not_pinned(f"whether torch is a {wanted} build was not checked")
    explicit = got is not torch.default
    expected, found = f"a {wanted} build of torch", f"{got.backend.tag} build"
    if got.backend.kind == wanted:
        return passed(
            f"torch is a {got.backend.tag} build, for {_FOR[wanted]}.", expected=expected, found=found
        )
    hint = _index_hint(env, wanted, tables)
    if wanted == "cpu":
        text = (
            f"The stack is for the CPU, but {got.by} is a {got.backend.tag} build: it computes there too, "
            "and brings gigabytes of GPU libraries."
        )
        return warned(text, got.evidence, expected=expected, found=found, hint=hint)
    claim = f"The stack is for {_FOR[wanted]}, but"
    if explicit:
        text = f"{claim} torch is a {got.backend.tag} build: {got.by} says so."
        return failed(text, got.evidence, expected=expected, found=found, hint=hint)
    if comes_with_image(env):
        text = f"{claim} no index is stated, and {got.by} is a {got.backend.tag} build."
        return warned(text, expected=expected, found=found, hint=hint)
    release = torch_release(env, tables)
    said = [(release, f"{got.by} is a {got.backend.tag} build")] if release else []
    why = "that is where it is taken from" if env.packages["torch"].index else "no other index is stated"
    text = f"{claim} {got.by} is a {got.backend.tag} build, and {why}."
    return failed_by(text, *said, expected=expected, found=found, hint=hint)


def _index_hint(env: Environment, wanted: str, tables: Tables) -> str:
    """Name the index with the builds that the stack's release has for its platform: only what exists."""
    release = torch_release(env, tables)
    if wanted == "cpu":
        return "state the index https://download.pytorch.org/whl/cpu"
    if release is None:
        return f"state PyTorch's index with the {wanted} tag that the stack needs"
    tags = tags_of(_builds_there(env, release, wanted, tables), wanted)
    if not tags:
        build = f"{'CUDA' if wanted == 'cuda' else 'ROCm'} build of torch"
        near = [row.torch for row in tables.torch.releases if _builds_there(env, row, wanted, tables)]
        if not near:
            return f"take another platform: no {build} for {env.platform} is known"
        torch = min(near, key=lambda each: tables.torch.distance(each, release.torch))
        return f"take torch {torch}: no {build} {release.torch} for {env.platform} is known"
    first = f"https://download.pytorch.org/whl/{tags[-1]}"
    return f"state the index {first} (tags of torch {release.torch}: {', '.join(tags)})"


def _builds_there(env: Environment, release: Release, wanted: str, tables: Tables) -> list[Version]:
    if wanted == "cpu":
        return []
    if wanted == "rocm":
        return list(release.rocm) if env.platform == ROCM_PLATFORM else []
    return [each for each in release.cuda if _listed_there(env, each, release, tables)]


@rule("CUDA104", when=uses("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"), about="package")
@official_wheels()
def cudnn_major_fits_torch(env: Environment, tables: Tables) -> Finding | None:
    """A pinned cuDNN has the major version that torch is linked to.

    libcudnn.so.8 and libcudnn.so.9 are different libraries: torch up to 2.3 loads the first, from 2.4 on the
    second. Other versions of the same major are a matter of torch's own pins, which another rule compares.

    Source: METADATA of the torch wheels on PyPI (rows of `stackcheck tables`).
    Example: nvidia-cudnn-cu12 9.1.0.70 beside torch 2.3.1, which needs 8.9.2.26.
    Fix: leave cuDNN to torch's own requirement.
    """
    release = torch_release(env, tables)
    if release is None or release.cudnn is None or not env.torch.is_wheel:
        return None
    for name in ("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"):
        version = env.version(name)
        if version is None:
            continue
        says = f"torch {release.torch} is linked to cuDNN {release.cudnn}"
        expected, found = f"{name} {release.cudnn}.x", f"{name} {version}"
        if version.major == release.cudnn:
            return passed(f"{says}, as pinned.", cite(release, says), expected=expected, found=found)
        text = f"{says} (libcudnn.so.{release.cudnn}); the stack pins {found}."
        hint = f"remove {name} from the stack: torch {release.torch} requires the one that it needs"
        bad = failed_by(text, (release, says), expected=expected, found=found, hint=hint, about=name)
        return denies(bad, AS_REQUIRED, name)
    return None

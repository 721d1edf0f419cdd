"""The CUDA or CPU build of torch: that it exists, and is what the stack says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned
from stackcheck.rules.torchbuild import (
    ROCM_PLATFORM,
    comes_with_image,
    default_backend,
    is_wheel,
    listed_release,
    not_listed,
    pinned,
    platform_of,
    stated_backend,
    stated_by,
    torch_backend,
    torch_release,
)
from stackcheck.tables.reading import parse_version
from stackcheck.tables.torch import cuda_tag, minor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from stackcheck.definition import Stack
    from stackcheck.rules.torchbuild import Backend
    from stackcheck.tables import Tables
    from stackcheck.tables.torch import Release


@rule("CUDA101", when=uses("torch"))
def torch_build_exists(stack: Stack, tables: Tables) -> Finding | None:
    """An official build of that torch release exists for that CUDA version.

    Each release is built for two to four CUDA versions; the tag of an index or a local version that is none
    of them finds nothing, and an installer says only that no version matches. ROCm has a rule of its own.

    Source: release matrix of PyTorch and the wheels' names (rows of `stackcheck tables`).
    Example: torch==2.0.1+cu121 does not exist: cu121 starts with torch 2.1.0.
    Fix: take one of the tags of that release, or the first release with that tag.
    """
    version = pinned(stack, "torch")
    if version is None or not is_wheel(stack.packages["torch"]):
        return None
    backend = torch_backend(stack, tables)
    if backend is None or backend.kind != "cuda" or backend.version is None:
        return None
    release = listed_release(stack, version, tables)
    if isinstance(release, Finding):
        return release
    if not release.cuda:
        return skipped(f"no data on the CUDA builds of torch {release.torch}")
    if not _listed_there(stack, backend.version, release, tables):
        return skipped(f"no data on the CUDA builds of torch {release.torch} for {stack.platform}")
    return _exists(backend, release, tables)


def _listed_there(stack: Stack, cuda: Version, release: Release, tables: Tables) -> bool:
    """Tell whether the lists, which are those of x86_64, say anything about the stack's platform."""
    if stack.platform in (None, "linux/amd64", "windows/amd64"):
        return True
    return tables.torch.build(release.torch, cuda, stack.platform) is not None


def _exists(backend: Backend, release: Release, tables: Tables) -> Finding:
    listed = ", ".join(map(str, release.cuda))
    says = f"torch {release.torch} is built for CUDA {listed}"
    found = f"torch {release.torch}+{backend.tag}"
    if backend.version in release.cuda:
        return passed(f"{found} exists.", cite(release, says), expected=f"CUDA {listed}", found=found)
    text, hint = f"There is no {found}: {says}.", nearest_build(backend, release, tables)
    if not backend.sure:
        text = f"{backend.by.capitalize()} says CUDA {backend.version}, and {says}."
        return warned(text, cite(release, says), expected=f"CUDA {listed}", found=found, hint=hint)
    return failed_by(
        text,
        (release, says),
        expected=f"CUDA {listed}",
        found=found,
        hint=hint,
        doubtful=release.cuda_unverified,
    )


def nearest_build(backend: Backend, release: Release, tables: Tables) -> str:
    """Name the builds that a release has instead, and the nearest release that has this one."""
    tags = _tags(release.cuda if backend.kind == "cuda" else release.rocm, backend.kind)
    others = tables.torch.releases_with(backend.kind, backend.version or release.torch)
    near = min(
        (row.torch for row in others),
        key=lambda version: (version < release.torch, tables.torch.distance(version, release.torch)),
        default=None,
    )
    of_tag = f", or torch {near}+{backend.tag}" if near else ""
    return f"take torch {release.torch}+{tags[-1]} (tags of this release: {', '.join(tags)}){of_tag}"


def _tags(versions: Iterable[Version], kind: str) -> list[str]:
    return [cuda_tag(each) if kind == "cuda" else f"rocm{each}" for each in versions]


@rule("CUDA102", when=uses("torch"))
def torch_build_is_stated_cuda(stack: Stack, tables: Tables) -> Finding | None:
    """The torch that gets installed is the build for the CUDA version that the stack states.

    A wheel on the default index carries no tag: which CUDA it is built for is a fact of the release and the
    platform. A stack that states another CUDA version and no index gets the default build.

    Source: METADATA and torch/version.py of the wheels on PyPI (rows of `stackcheck tables`).
    Example: `cuda = "11.8"` with torch 2.2.0 from PyPI installs the cu121 build.
    Fix: state the index `https://download.pytorch.org/whl/cu118` or the version `2.2.0+cu118`.
    """
    if not stack.cuda or not is_wheel(stack.packages.get("torch")):
        return None
    expected = f"CUDA {minor(stack.cuda)}"
    stated = stated_backend(stack, "torch")
    got = stated or default_backend(stack, tables)
    version = pinned(stack, "torch")
    if got is None or version is None:
        return not_listed(stack, tables) if version else None
    if got.kind == "cuda" and got.version and minor(got.version) == minor(stack.cuda):
        text = f"{got.by[0].upper()}{got.by[1:]} is {expected}, as stated."
        return passed(text, expected=expected, found=f"{got.tag} build")
    hint = _to_stated_cuda(stack, got, version, tables)
    if stated is not None and _same_major(stack.cuda, stated):
        return warned(
            f"The stack states {expected}, and {stated.by} makes torch a {stated.tag} build: the same major "
            "version, so it runs where that would.",
            stated_by(stated),
            expected=expected,
            found=f"{stated.tag} build",
            hint=hint,
        )
    if stated is not None:
        return failed(
            f"The stack states {expected}, but {stated.by} makes torch a {stated.tag} build.",
            stated_by(stated),
            expected=expected,
            found=f"{stated.tag} build",
            hint=hint,
        )
    release = torch_release(stack, tables)
    says = f"{got.by} is a {got.tag} build"
    evidence = [cite(release, says)] if release else []
    return warned(
        f"The stack states {expected} and no index with that tag; {says}.",
        *evidence,
        expected=expected,
        found=f"{got.tag} build",
        hint=hint,
    )


def _to_stated_cuda(stack: Stack, got: Backend, torch: Version, tables: Tables) -> str:
    """Name what brings torch and the stated CUDA version together: only builds that exist."""
    cuda = minor(stack.cuda or "0")
    tag, wanted = cuda_tag(cuda), parse_version(cuda)
    releases = tables.torch.releases_with("cuda", wanted)
    with_it = [row.torch for row in releases if _listed_there(stack, wanted, row, tables)]
    other = f'cuda = "{minor(got.version)}"' if got.kind == "cuda" and got.version else ""
    if any(each.public == torch.public for each in with_it):
        first = f"state the index https://download.pytorch.org/whl/{tag}, or torch {torch.public}+{tag}"
    elif with_it:
        first = f"take torch {min(with_it, key=lambda each: _apart(each, torch, tables))}+{tag}"
    else:
        first = f"state another CUDA version: no torch for CUDA {cuda} is known on {platform_of(stack)}"
    return f"{first}, or {other}" if other else first


def _apart(one: Version, other: Version, tables: Tables) -> int:
    return tables.torch.distance(one, other) if tables.torch.release(other) else 0


def _same_major(cuda: str, stated: Backend) -> bool:
    return (
        stated.kind == "cuda"
        and stated.version is not None
        and stated.version.major == int(cuda.split(".", maxsplit=1)[0])
    )


@rule("CUDA103", when=uses("torch"))
def torch_build_fits_accelerator(stack: Stack, tables: Tables) -> Finding | None:
    """A stack for NVIDIA GPUs has a CUDA build of torch, one for AMD GPUs a ROCm build.

    The wheels on PyPI are CPU builds on Windows and macOS, and on Linux for Arm up to torch 2.10; ROCm wheels
    are never on PyPI. A CPU build installs everywhere and finds no GPU.

    Source: torch/version.py of the wheels on PyPI for every platform (rows of `stackcheck tables`).
    Example: torch 2.5.1+cpu in a stack with an L4.
    Fix: state the index with the tag that the GPUs need.
    """
    wanted = _wanted(stack)
    if wanted is None or not is_wheel(stack.packages.get("torch")):
        return None
    stated = stated_backend(stack, "torch")
    got = stated or default_backend(stack, tables)
    if got is None:
        return not_listed(stack, tables)
    names = {"cuda": "NVIDIA GPUs", "rocm": "AMD GPUs"}
    expected, found = f"a {wanted} build of torch", f"{got.tag} build"
    if got.kind == wanted:
        return passed(f"torch is a {got.tag} build, for {names[wanted]}.", expected=expected, found=found)
    claim = f"The stack is for {names[wanted]}, but"
    hint = _index_hint(stack, wanted, tables)
    if stated is not None:
        text = f"{claim} torch is a {got.tag} build: {stated.by} says so."
        return failed(text, stated_by(stated), expected=expected, found=found, hint=hint)
    says = f"{got.by} is a {got.tag} build"
    if comes_with_image(stack):
        return warned(f"{claim} no index is stated, and {says}.", expected=expected, found=found, hint=hint)
    said = [(release, says)] if (release := torch_release(stack, tables)) else []
    text = f"{claim} {says}, and no other index is stated."
    return failed_by(text, *said, expected=expected, found=found, hint=hint)


def _index_hint(stack: Stack, wanted: str, tables: Tables) -> str:
    """Name the index with the builds that the stack's release has for its platform: only what exists."""
    release = torch_release(stack, tables)
    if release is None:
        return f"state PyTorch's index with the {wanted} tag that the stack needs"
    tags = _tags(_builds_there(stack, release, wanted, tables), wanted)
    if not tags:
        build = f"{'CUDA' if wanted == 'cuda' else 'ROCm'} build of torch"
        near = [row.torch for row in tables.torch.releases if _builds_there(stack, row, wanted, tables)]
        if not near:
            return f"take another platform: no {build} for {platform_of(stack)} is known"
        torch = min(near, key=lambda each: tables.torch.distance(each, release.torch))
        return f"take torch {torch}: no {build} {release.torch} for {platform_of(stack)} is known"
    first = f"https://download.pytorch.org/whl/{tags[-1]}"
    return f"state the index {first} (tags of torch {release.torch}: {', '.join(tags)})"


def _builds_there(stack: Stack, release: Release, wanted: str, tables: Tables) -> list[Version]:
    if wanted == "rocm":
        return list(release.rocm) if platform_of(stack) == ROCM_PLATFORM else []
    return [each for each in release.cuda if _listed_there(stack, each, release, tables)]


def _wanted(stack: Stack) -> str | None:
    if stack.accelerator in ("cuda", "rocm"):
        return stack.accelerator
    if stack.accelerator == "cpu" or not stack.gpus:
        return None
    kinds = {"rocm" if gpu.gfx else "cuda" for gpu in stack.gpus}
    return kinds.pop() if len(kinds) == 1 else None


@rule("CUDA104", when=uses("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"))
def cudnn_major_fits_torch(stack: Stack, tables: Tables) -> Finding | None:
    """A pinned cuDNN has the major version that torch is linked to.

    libcudnn.so.8 and libcudnn.so.9 are different libraries: torch up to 2.3 loads the first, from 2.4 on the
    second. Other versions of the same major are a matter of torch's own pins, which another rule compares.

    Source: METADATA of the torch wheels on PyPI (rows of `stackcheck tables`).
    Example: nvidia-cudnn-cu12 9.1.0.70 beside torch 2.3.1, which needs 8.9.2.26.
    Fix: leave cuDNN to torch's own requirement.
    """
    release = torch_release(stack, tables)
    if release is None or release.cudnn is None or not is_wheel(stack.packages.get("torch")):
        return None
    if unlisted := not_listed(stack, tables):
        return unlisted
    for name in ("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"):
        version = pinned(stack, name)
        if version is None:
            continue
        says = f"torch {release.torch} is linked to cuDNN {release.cudnn}"
        expected, found = f"{name} {release.cudnn}.x", f"{name} {version}"
        if version.major == release.cudnn:
            return passed(f"{says}, as pinned.", cite(release, says), expected=expected, found=found)
        text = f"{says} (libcudnn.so.{release.cudnn}); the stack pins {found}."
        hint = f"remove {name} from the stack: torch {release.torch} requires the one that it needs"
        return failed_by(text, (release, says), expected=expected, found=found, hint=hint)
    return None

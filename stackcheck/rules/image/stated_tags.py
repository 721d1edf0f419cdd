"""The tags of images: whether NVIDIA and PyTorch publish them, by their lists and by how they are made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.environment.images import image_facts, images_of
from stackcheck.images.dockersteps import bases
from stackcheck.knowledge.images import cuda_tag_parts
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, given, passed, rule, skipped, states

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.environment import Environment
    from stackcheck.environment.images import ImageFacts
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.images import CudaTag, CudaTagParts

_HUB = r"(?:(?:index\.)?docker\.io/)?"
_CUDA_TAG = re.compile(rf"(?:{_HUB}|nvcr\.io/)nvidia/cuda(?::(?P<tag>[\w.-]+))?")
"""Where NVIDIA publishes: a registry of one's own may keep what is deleted there."""
_PYTORCH_TAG = re.compile(rf"{_HUB}pytorch/pytorch(?::(?P<tag>[\w.-]+))?")
_PYTORCH_FORM = re.compile(r"\d+\.\d+\.\d+-cuda\d+\.\d+-cudnn(?P<cudnn>\d+)-(?:runtime|devel)")
_NGC_TAG = re.compile(r"nvcr\.io/nvidia/pytorch(?::(?P<tag>[\w.-]+))?")
_NO_LIST = "no registry was asked, and the tags that are known do not have it"
_MADE_FROM = (
    "pytorch .github/scripts/generate_docker_release_matrix.py at 146747c4dce0, github.com/pytorch/pytorch"
)


_has_image = states("image.base", "image.build_base", "image.ready")


@rule("IMAGE101", when=_has_image, about="image")
def image_tag_exists(env: Environment, tables: Tables) -> list[Finding]:
    """The tag of the image exists, as far as is known.

    A version of nvidia/cuda is built on some systems and not on others: images on Ubuntu 24.04 begin with
    CUDA 12.5.1, those on 20.04 end with 12.9.1. Tags from CUDA 11 on have versions of three parts. Up to
    CUDA 12.2 those with cuDNN are spelled `cudnn8`, in 12.3 `cudnn9`, from 12.4 on `cudnn`, without a number.
    Images of CUDA 10 are gone. pytorch/pytorch has an image for each CUDA version that a release of torch was
    built for. No registry is asked: a tag that neither a list nor a law speaks of is not judged.

    Source: NVIDIA's lists of tags (knowledge/told/images.toml); https://github.com/pytorch/pytorch/pull/125632;
    generate_docker_release_matrix.py of https://github.com/pytorch/pytorch
    Example: nvidia/cuda:12.4.1-devel-ubuntu24.04 is not found; nor is 12.4.1-cudnn8-devel-ubuntu22.04.
    Fix: nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04.
    """
    return _judged(images_of(env.stack), tables)


@rule("IMAGE107", when=given("dockerfile"), about="image")
def dockerfile_tag_exists(env: Environment, dockerfile: str, tables: Tables) -> list[Finding]:
    """The tags in a Dockerfile's FROM lines exist, as far as lists of tags tell.

    As IMAGE101, which answers for the image of the stack itself, for the other images that the user's own
    Dockerfile builds on; build arguments count with their defaults.

    Source: https://github.com/pytorch/pytorch/pull/125632; https://github.com/pytorch/builder/issues/1811
    Example: FROM nvidia/cuda:12.4.1-cudnn9-devel-ubuntu22.04 is not found.
    Fix: FROM nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04.
    """
    own = images_of(env.stack)
    return _judged([name for name in bases(dockerfile) if name not in own], tables)


def _judged(names: Iterable[str], tables: Tables) -> list[Finding]:
    return [found._replace(about=(name,)) for name in names if (found := _of_tag(name, tables))]


def _of_tag(name: str, tables: Tables) -> Finding | None:
    return _of_cuda(name, tables) or _of_pytorch(name, tables) or _of_ngc(name, tables)


def _of_cuda(name: str, tables: Tables) -> Finding | None:
    match = _CUDA_TAG.fullmatch(name)
    if match is None:
        return None
    tag = match["tag"] or "latest"
    if row := tables.images.missing_tag(tag):
        text = f"{name} does not exist: {row.fault}."
        expected = "a tag that exists"
        return failed_by(text, (row, row.fault), expected=expected, found=name, hint=row.hint)
    if misspelt := _misspelt(name, tables):
        return misspelt
    parts = cuda_tag_parts(tag)
    listed = tables.images.cuda_tag(parts.cuda) if parts else None
    if parts is None or listed is None:
        newest = tables.images.cuda_tags[-1].cuda
        hint = (
            f"look it up at https://hub.docker.com/r/nvidia/cuda/tags; what is known ends with CUDA {newest}"
        )
        return skipped(f"no data on whether {name} exists: {_NO_LIST}", hint=hint)
    return _by_list(name, parts, listed, tables)


def _misspelt(name: str, tables: Tables) -> Finding | None:
    """Return what is wrong with the word for cuDNN in a tag of nvidia/cuda."""
    image = image_facts(name, tables)
    row = tables.images.cudnn_tag(image.cuda) if image.cuda and image.cudnn else None
    if row is None or image.cudnn not in row.gone:
        return None
    right = name.replace(image.cudnn, row.instead, 1)
    return failed_by(
        f"{name} does not exist: images of CUDA {image.cuda} spell cuDNN `{row.instead}`.",
        (row, f"CUDA {row.cuda}: no tag with {', '.join(row.gone)}"),
        expected=right,
        found=name,
        hint=f"write {right} (cuDNN {row.holds})",
    )


def _by_list(name: str, parts: CudaTagParts, listed: CudaTag, tables: Tables) -> Finding:
    """Judge a tag of a version of nvidia/cuda whose systems are known."""
    says = f"CUDA {listed.cuda} is built on {', '.join(listed.systems)}"
    if listed.has(parts):
        return passed(f"{name} is a tag of nvidia/cuda.", cite(listed, says))
    if listed.open:
        return skipped(f"no data on whether {name} exists: {_NO_LIST}", hint=f"known: {says}")
    if parts.kind == "base" and parts.cudnn:
        why = "the base images have no cuDNN, only runtime and devel have it"
    elif parts.system in listed.systems:
        with_cudnn = ", ".join(each for each in listed.systems if each not in listed.no_cudnn)
        why = f"of CUDA {listed.cuda}, images with cuDNN are on {with_cudnn or 'no system'}"
    else:
        why = says
    near = [f"{name.partition(':')[0]}:{each}" for each in tables.images.near_tags(parts)[:2]]
    other = ", or ".join(near)
    return failed_by(
        f"{name} does not exist: {why}.",
        (listed, says),
        expected="a tag that exists",
        found=name,
        hint=f"take {other}" if other else "look at https://hub.docker.com/r/nvidia/cuda/tags",
    )


def _of_pytorch(name: str, tables: Tables) -> Finding | None:
    """Judge a tag of pytorch/pytorch by the CUDA versions that its torch was built for."""
    match = _PYTORCH_TAG.fullmatch(name)
    if match is None:
        return None
    form, image = _PYTORCH_FORM.fullmatch(match["tag"] or ""), image_facts(name, tables)
    release = tables.torch.release(image.torch) if form and image.torch else None
    if form is None or release is None or image.torch is None or image.backend is None:
        hint = "look it up at https://hub.docker.com/r/pytorch/pytorch/tags"
        return skipped(f"no data on whether {name} exists: {_NO_LIST}", hint=hint)
    wrong = _not_built(image, form["cudnn"], tables)
    says = f"torch {release.torch}: CUDA {', '.join(map(str, release.cuda))}, cuDNN {release.cudnn}"
    if wrong:
        return failed_by(
            f"{name} does not exist: {wrong}.",
            (release, f"{says}; images are made for each of them ({_MADE_FROM})"),
            expected=f"an image of torch {release.torch}",
            found=name,
            hint="look at https://hub.docker.com/r/pytorch/pytorch/tags",
            doubtful=release.cuda_unverified,
        )
    if release.torch.release < (2, 1):
        why = "before torch 2.1 not every CUDA version had an image"
        return skipped(f"no data on whether {name} exists: {why}")
    text = f"{name} names a CUDA version that PyTorch makes images of torch {release.torch} for."
    return passed(text, cite(release, f"{says}; {_MADE_FROM}"))


def _not_built(image: ImageFacts, cudnn: str, tables: Tables) -> str:
    """Return what a tag of pytorch/pytorch names that its torch was not built with; "" where nothing."""
    release = tables.torch.release(image.torch) if image.torch else None
    if release is None or image.backend is None:
        return ""
    if release.cuda and image.backend.version not in release.cuda:
        built = ", ".join(map(str, release.cuda))
        return f"torch {release.torch} was built for CUDA {built}, not for {image.backend.version}"
    if release.cudnn is not None and int(cudnn) != release.cudnn:
        return f"images of torch {release.torch} have cuDNN {release.cudnn}"
    return ""


def _of_ngc(name: str, tables: Tables) -> Finding | None:
    """Say what a container of NVIDIA's holds, or that its release is not known."""
    match = _NGC_TAG.fullmatch(name)
    if match is None:
        return None
    row = tables.images.nvidia_pytorch((match["tag"] or "").partition("-")[0])
    if row is None:
        newest = max(tables.images.nvidia)
        return skipped(
            f"no data on what {name} holds: the releases that are known end with {newest}",
            hint="https://docs.nvidia.com/deeplearning/frameworks/pytorch-release-notes says it",
        )
    says = f"{row.tag}: torch {row.torch}, CUDA {row.cuda}, Python {row.python}"
    return passed(f"{name} is a release of NVIDIA's container: {says.partition(': ')[2]}.", cite(row, says))

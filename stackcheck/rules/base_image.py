"""Rules about the base image: does its tag exist, and what does it bring."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.claimed import torch_claim
from stackcheck.dockerfiles.dockersteps import bases
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, failed, passed, rule, warned
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackcheck.definition import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables

_CUDA_IMAGE = re.compile(
    r"(?:^|/)nvidia/cuda:(?P<cuda>\d+\.\d+)(?P<patch>\.\d+)?(?:-(?P<cudnn>cudnn\d*))?(?:-(?P<kind>base|runtime|devel))?"
)
_CUDA_TAG = re.compile(r"(?:(?:(?:index\.)?docker\.io|nvcr\.io)/)?nvidia/cuda(?::(?P<tag>[\w.-]+))?")
"""Where NVIDIA publishes: a registry of one's own may keep what is deleted there."""
_PYTHON_IMAGE = re.compile(r"(?:^|/)python:(?P<python>3\.\d+)")
_WHEELS = Evidence(
    "torch's wheels bring their CUDA runtime and cuDNN; the image's toolkit is for compiling",
    "METADATA of torch on PyPI (checked 2026-11-20)",
)


@dataclass(frozen=True, slots=True)
class CudaImage:
    """A tag of nvidia/cuda, taken apart: `cudnn` is the word in it, `kind` base, runtime or devel."""

    name: str
    cuda: Version
    cudnn: str
    kind: str


def cuda_image(name: str) -> CudaImage | None:
    """Take an image reference apart, or return None for one that is no nvidia/cuda image.

    >>> cuda_image("nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04").cudnn
    'cudnn'
    """
    match = _CUDA_IMAGE.search(name)
    if match is None:
        return None
    return CudaImage(name, Version(match["cuda"]), match["cudnn"] or "", match["kind"] or "")


def _images(stack: Stack) -> Iterator[str]:
    yield from (name for name in (stack.image.base, stack.image.build_base, stack.image.ready) if name)


def _has_image(facts: Facts) -> bool:
    image = facts["stack"].image
    return bool(image.base or image.build_base or image.ready)


@rule("IMAGE101", when=_has_image)
def cuda_tag_exists(stack: Stack, tables: Tables) -> list[Finding]:
    """The nvidia/cuda tag is not known to be missing.

    NVIDIA deletes images after their end of life: those of CUDA 10 are gone. Tags from CUDA 11 on have
    versions of three parts. Up to CUDA 12.2 the tags with cuDNN are spelled `cudnn8`; from 12.4 on they are
    spelled `cudnn`, without a number, and hold cuDNN 9. No registry is asked, so nothing is said of a tag
    that only looks right.

    Source: threads in which a pull failed (tables/images.toml); https://github.com/pytorch/pytorch/pull/125632
    Example: nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04 is not found; nor is 10.2-cudnn7-devel-ubuntu18.04.
    Fix: nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04.
    """
    return _spellings(_images(stack), tables)


def _has_dockerfile(facts: Facts) -> bool:
    return "dockerfile" in facts


@rule("IMAGE107", when=_has_dockerfile)
def dockerfile_tag_exists(dockerfile: str, tables: Tables) -> list[Finding]:
    """The nvidia/cuda tags in a Dockerfile's FROM lines are none that are known not to exist.

    As IMAGE101, for the images that the user's own Dockerfile builds on; build arguments count with their
    defaults.

    Source: https://github.com/pytorch/pytorch/pull/125632; https://github.com/pytorch/builder/issues/1811
    Example: FROM nvidia/cuda:12.4.1-cudnn9-devel-ubuntu22.04 is not found.
    Fix: FROM nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04.
    """
    return _spellings(bases(dockerfile), tables)


def _spellings(names: Iterable[str], tables: Tables) -> list[Finding]:
    findings: list[Finding] = []
    for name in names:
        if absent := _absent(name, tables):
            findings.append(absent)
            continue
        image = cuda_image(name)
        row = tables.images.cudnn_tag(image.cuda) if image and image.cudnn else None
        if image is None or row is None:
            continue
        if image.cudnn in row.gone:
            right = name.replace(image.cudnn, row.instead, 1)
            findings.append(
                failed_by(
                    f"{name} does not exist: images of CUDA {image.cuda} spell cuDNN `{row.instead}`.",
                    (row, f"CUDA {row.cuda}: no tag with {', '.join(row.gone)}"),
                    expected=right,
                    found=name,
                    hint=f"write {right} (cuDNN {row.holds})",
                )
            )
        else:
            text = (
                f"{name} spells cuDNN as images of CUDA {image.cuda} do; whether it exists was not looked up."
            )
            findings.append(passed(text, cite(row, "")))
    return findings


def _absent(name: str, tables: Tables) -> Finding | None:
    match = _CUDA_TAG.fullmatch(name)
    row = tables.images.missing_tag(match["tag"] or "latest") if match else None
    if row is None:
        return None
    return failed_by(
        f"{name} does not exist: {row.fault}.",
        (row, row.fault),
        expected="a tag that exists",
        found=name,
        hint=row.hint,
    )


@rule("IMAGE102", when=_has_image)
def image_cuda(stack: Stack, tables: Tables) -> list[Finding]:
    """The image's CUDA toolkit has the major version of torch's CUDA where something is compiled.

    torch's wheels bring their own runtime, so another toolkit in the image is fine for running them.
    Compiling
    an extension with another CUDA major version than torch's is refused by torch.

    Source: torch/utils/cpp_extension.py `_check_cuda_version`.
    Example: a source build of mmcv in nvidia/cuda:11.8.0-devel-ubuntu22.04 with torch 2.5.0+cu124.
    Fix: take the devel image of torch's CUDA version.
    """
    claim = torch_claim(stack, tables)
    compiled = [
        name for name, package in stack.packages.items() if package.origin == "source" and name != "torch"
    ]
    findings: list[Finding] = []
    for name in (stack.image.build_base, stack.image.base):
        image = cuda_image(name) if name else None
        if image is None or claim.cuda is None or claim.assumed:
            continue
        if image.cuda.major == claim.cuda.major:
            findings.append(passed(f"{name} has the CUDA major version of {claim.title}.", _WHEELS))
        elif compiled and image.kind == "devel" and not stack.toolkit:
            findings.append(
                failed(
                    f"{', '.join(compiled)} would be compiled with CUDA {image.cuda} of {name}; "
                    f"{claim.title} needs "
                    f"CUDA {claim.cuda.major}.",
                    _WHEELS,
                    expected=f"a devel image of CUDA {claim.cuda.major}",
                    found=name or "",
                    hint=f"take nvidia/cuda:{claim.cuda}...-devel as the image for building",
                )
            )
        else:
            findings.append(
                warned(
                    f"{name} brings CUDA {image.cuda}, and {claim.title} its own runtime: the image's is "
                    "not used.",
                    _WHEELS,
                    expected=f"CUDA {claim.cuda}, or a plain base",
                    found=name or "",
                    hint="take the image of torch's CUDA version, or a plain one, which is smaller",
                )
            )
    return findings


@rule("IMAGE103", when=_has_image)
def image_cudnn(stack: Stack, tables: Tables) -> Finding | None:
    """The image's cuDNN has the major version that torch was built with.

    torch finds the cuDNN of its own wheel first. A second one of another major in the image is what a program
    beside torch, or a library on LD_LIBRARY_PATH, may load.

    Source: pytorch/pytorch issues 119989 and 104591.
    Example: torch 2.5.0 (cuDNN 9) in an image with cuDNN 8.
    Fix: an image without cuDNN, or with the same major.
    """
    claim = torch_claim(stack, tables)
    release = tables.torch.release(claim.version) if claim.version else None
    image = cuda_image(stack.image.base or "")
    row = tables.images.cudnn_tag(image.cuda) if image and image.cudnn else None
    digits = image.cudnn.removeprefix("cudnn") if image else ""
    holds = int(digits) if digits else (row.holds if row else None)
    gone = row is not None and image is not None and image.cudnn in row.gone
    if gone or release is None or release.cudnn is None or holds is None or claim.cuda is None:
        return None
    if holds == release.cudnn:
        return passed(
            f"The image and {claim.title} have cuDNN {holds}.", cite(release, f"cuDNN {release.cudnn}")
        )
    return warned(
        f"The image has cuDNN {holds}, and {claim.title} brings cuDNN {release.cudnn}.",
        cite(release, f"torch {release.torch}: cuDNN {release.cudnn}"),
        expected=f"an image without cuDNN, or with cuDNN {release.cudnn}",
        found=stack.image.base or "",
        hint="take the image without cudnn in its tag: torch brings its own",
    )


@rule("IMAGE104", when=_has_image)
def image_python(stack: Stack, tables: Tables) -> Finding | None:
    """The image's Python is the stack's.

    A python:3.11 image has one interpreter, 3.11. A distribution's `python3` is the one of its release;
    another
    one has to be installed.

    Source: https://hub.docker.com/_/python; the distributions' package python3 (tables/images.toml).
    Example: python = "3.12" on python:3.11-slim.
    Fix: take the image of the stack's Python.
    """
    image = stack.image.ready or stack.image.base or ""
    if stack.python is None or stack.image.python:
        return None
    wanted = ".".join(stack.python.split(".")[:2])
    if match := _PYTHON_IMAGE.search(image):
        tag = Evidence("the tag names the interpreter", "https://hub.docker.com/_/python")
        if match["python"] == wanted:
            return passed(f"{image} has Python {wanted}.", tag)
        return failed(
            f"{image} has Python {match['python']}, and the stack states Python {stack.python}.",
            tag,
            expected=f"Python {wanted}",
            found=f"Python {match['python']}",
            hint=f"take python:{wanted}-slim, or state python = {match['python']}",
        )
    row = tables.images.distribution(image)
    if row is None or not row.python:
        return None
    if row.python == wanted:
        return passed(f"The python3 of {image} is {wanted}.", cite(row, f"python3 is {row.python}"))
    return warned(
        f"The python3 of {image} is {row.python}, and the stack states Python {stack.python}.",
        cite(row, f"python3 is {row.python}"),
        expected=f"Python {wanted}",
        found=f"Python {row.python}",
        hint=f"install Python {wanted} there and name it with image.python, or take python:{wanted}-slim",
    )


@rule("IMAGE105", when=_has_image)
def no_musl(stack: Stack, tables: Tables) -> list[Finding]:
    """The image has glibc: there are no torch wheels for musl.

    Source: the wheel tags of torch on PyPI; https://peps.python.org/pep-0656/
    Example: python:3.11-alpine.
    Fix: a Debian or Ubuntu based image, such as python:3.11-slim.
    """
    rows = [(name, row) for name in _images(stack) if (row := tables.images.distribution(name)) and row.musl]
    if "torch" not in stack.packages:
        return []
    return [
        failed_by(
            f"{name} is Alpine Linux with musl, and torch has no wheels for it.",
            (row, "Alpine Linux uses musl"),
            expected="an image with glibc",
            found=name,
            hint=f"take {name.replace('alpine', 'slim')}",
        )
        for name, row in rows
    ]


@rule("IMAGE106", when=_has_image)
def nvcc_for_builds(stack: Stack) -> Finding | None:
    """The image in which CUDA extensions are compiled has nvcc.

    Only the devel images of nvidia/cuda hold the compiler; base and runtime images do not.

    Source: https://hub.docker.com/r/nvidia/cuda
    Example: a source build of mmcv in nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04.
    Fix: state a devel image as `image.build_base`.
    """
    compiled = [name for name, package in stack.packages.items() if package.origin == "source"]
    image = cuda_image(stack.image.build_base or stack.image.base or "")
    if not compiled or image is None or stack.accelerator in {"cpu", "rocm"} or not image.kind:
        return None
    source = Evidence(
        "devel images hold nvcc, base and runtime do not", "https://hub.docker.com/r/nvidia/cuda"
    )
    if image.kind == "devel":
        return passed(f"{image.name} has nvcc for {', '.join(compiled)}.", source)
    return failed(
        f"{', '.join(compiled)} would be compiled in {image.name}, which has no nvcc.",
        source,
        expected="a devel image for building",
        found=image.name,
        hint=f"state image.build_base = {image.name.replace(image.kind, 'devel', 1)!r}",
    )

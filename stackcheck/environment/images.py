"""What an image brings: torch, its CUDA, the toolkit, Python. The one place that reads an image's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.build import Backend
from stackcheck.model.versions import parse_version

if TYPE_CHECKING:
    from packaging.version import Version

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.reading import Row
    from stackcheck.knowledge.systems import System

_CUDA = re.compile(
    r"(?:^|/)nvidia/cuda:(?P<cuda>\d+\.\d+)(?P<patch>\.\d+)?(?:-(?P<cudnn>cudnn\d*))?(?:-(?P<kind>base|runtime|devel))?"
)
_PYTORCH = re.compile(
    r"(?:^|/)pytorch/pytorch:(?P<torch>\d+\.\d+\.\d+)-cuda(?P<cuda>\d+\.\d+)(?:-(?P<cudnn>cudnn\d*))?(?:-(?P<kind>runtime|devel))?"
)
_NVIDIA = re.compile(r"nvcr\.io/nvidia/pytorch:(?P<tag>\d\d\.\d\d)")
_NVIDIA_LOCAL = re.compile(r"nv(?P<tag>\d\d\.\d\d?)")
_ROCM = re.compile(
    r"(?:^|/)rocm/pytorch:rocm(?P<rocm>\d+\.\d+)\S*?_py(?P<python>3\.\d+)_pytorch(?:_release)?_(?P<torch>\d+\.\d+\.\d+)"
)
_JETSON = re.compile(r"(?:^|/)l4t-pytorch:r\S+-pth(?P<torch>\d+\.\d+)")
_PYTHON = re.compile(r"(?:^|/)python:(?P<python>3\.\d+)")


class ImageFacts(NamedTuple):
    """What the name of an image says.

    torch: the version in it, and `backend` what that is built for; nvidia: NVIDIA builds it, with the C++11
    ABI. toolkit: the CUDA version of its nvcc, None without one. cuda: the CUDA of an nvidia/cuda image,
    `cudnn` the word for cuDNN in its tag, `kind` base, runtime or devel. python: its interpreter. row: the
    table row that says so, where it is not the name. system: its distribution; NVIDIA's containers are the
    Ubuntu whose Python they have.
    """

    name: str
    torch: Version | None = None
    backend: Backend | None = None
    nvidia: bool = False
    toolkit: Version | None = None
    cuda: Version | None = None
    cudnn: str = ""
    kind: str = ""
    python: str = ""
    row: Row | None = None
    system: System | None = None


def image_facts(name: str, tables: Tables) -> ImageFacts:
    """Read the name of an image.

    >>> from stackcheck import knowledge
    >>> image_facts("nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04", knowledge.load()).toolkit
    <Version('12.4')>
    """
    if match := _CUDA.search(name):
        cuda, kind = parse_version(match["cuda"]), match["kind"] or ""
        toolkit = cuda if kind == "devel" else None
        facts = ImageFacts(name, cuda=cuda, cudnn=match["cudnn"] or "", kind=kind, toolkit=toolkit)
        return _on_system(facts, tables)
    if match := _PYTORCH.search(name):
        cuda = parse_version(match["cuda"])
        toolkit = cuda if match["kind"] == "devel" else None
        torch, backend = parse_version(match["torch"]), Backend("cuda", cuda)
        return ImageFacts(name, torch, backend, toolkit=toolkit, kind=match["kind"] or "")
    if match := _NVIDIA.search(name):
        return _of_nvidia(name, match["tag"], tables)
    if match := _ROCM.search(name):
        rocm, system = Backend("rocm", parse_version(match["rocm"])), tables.systems.find(name)
        torch, python = parse_version(match["torch"]), match["python"]
        return ImageFacts(name, torch, rocm, python=python, row=system, system=system)
    if match := _JETSON.search(name):
        torch = parse_version(f"{match['torch']}.0")
        return _on_system(ImageFacts(name, torch, Backend("cuda")), tables)
    if match := _PYTHON.search(name):
        return ImageFacts(name, python=match["python"], system=tables.systems.find(name))
    if row := tables.images.with_torch(name):
        return ImageFacts(name, row.torch, Backend("cuda", row.cuda), row=row)
    return _on_system(ImageFacts(name), tables)


def _on_system(facts: ImageFacts, tables: Tables) -> ImageFacts:
    """Add what the distribution brings that the name of an image speaks of."""
    row = tables.systems.find(facts.name)
    return facts._replace(python=row.python, row=row, system=row) if row else facts


def _of_nvidia(name: str, tag: str, tables: Tables) -> ImageFacts:
    row = tables.images.nvidia_pytorch(tag)
    if row is None:
        return ImageFacts(name, nvidia=True, kind="devel")
    return ImageFacts(
        name,
        row.torch,
        Backend("cuda", row.cuda),
        nvidia=True,
        toolkit=row.cuda,
        kind="devel",
        python=row.python,
        row=row,
        system=tables.systems.with_python("ubuntu", row.python),
    )


def torch_of_nvidia(version: Version, tables: Tables) -> ImageFacts | None:
    """Return NVIDIA's container whose torch has this version, 2.5.0a0+872d972e41.nv24.8."""
    match = _NVIDIA_LOCAL.search(version.local or "")
    return _of_nvidia(f"torch {version}", match["tag"], tables) if match else None


def images_of(stack: Stack) -> tuple[str, ...]:
    """Return the images that a stack names: the one that runs first, then the one that builds."""
    image = stack.image
    return tuple(dict.fromkeys(name for name in (image.ready, image.base, image.build_base) if name))


def running_image(stack: Stack, tables: Tables) -> ImageFacts | None:
    """Return what the image in which the stack runs brings; None where no image is named."""
    name = stack.image.ready or stack.image.base
    return image_facts(name, tables) if name else None


def kept_image(stack: Stack, tables: Tables) -> ImageFacts | None:
    """Return the image whose own packages pip leaves where they are; None for a stack without one.

    It brings torch, and pip runs in it: of a Dockerfile, or a ready one. Into others the whole lock goes.
    """
    image = running_image(stack, tables) if stack.image.dockerfile or stack.image.ready else None
    return image if image is not None and image.torch is not None else None


def building_image(stack: Stack, tables: Tables) -> ImageFacts | None:
    """Return what the image in which source builds are made brings; None where no image is named."""
    name = stack.image.build_base or stack.image.base or stack.image.ready
    return image_facts(name, tables) if name else None


def system_python(stack: Stack, tables: Tables) -> str:
    """Return the `python3` of the image or system in which a stack runs; "" where that is not known."""
    image = running_image(stack, tables)
    if image is not None:
        return "" if stack.image.python else image.python
    system = tables.systems.find(stack.os) if stack.os else None
    return system.python if system else ""

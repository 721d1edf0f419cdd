"""Make rows of CUDA toolkits out of NVIDIA's wheels of nvcc: what it makes code for, the newest gcc it takes.

The list is what `nvcc --list-gpu-code` prints, read from the names in binaries and not by running them. From
CUDA 13 on nvcc itself lies in the wheel. Those of CUDA 11.7 to 12.9 hold its two halves: libnvvm, which
names what it compiles for, and ptxas, which names chips of every age; the list is what both name. Older
toolkits have no wheel. No wheel states a driver.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcheck.knowledge.torchfiles import sm_key
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.knowledge.wheelrows import Addition, NotStatedError, addition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from stackcheck.knowledge.wheelrows import IndexFile, Source

NVCC, HEADERS = "nvidia-cuda-nvcc", "nvidia-cuda-crt"
OLDER = ("nvidia-cuda-nvcc-cu11", "nvidia-cuda-nvcc-cu12")
"""Projects whose wheels hold the parts of nvcc without nvcc, and the headers too."""
_PARTS = "nvidia/cuda_nvcc"
_COMPILES = re.compile(rb"\0-arch=compute_(\d+[af]?)(?=\0)")
_ASSEMBLES = re.compile(rb"sm_(\d+[af]?)(?=\0)")
"""Without a zero before it: sm_70 is stored as the end of another text."""
_NAME = re.compile(rb"\0sm_(\d+[af]?)(?=\0)")
_GCC = re.compile(r"__GNUC__ > (\d+)")
_LEAST = 75
"""nvcc of CUDA 13 makes code for 7.5 and later; up to 13.3 its binary names sm_20 too, which it refuses."""


class NvccWheel(msgspec.Struct, frozen=True):
    """The newest wheel of nvcc of one CUDA major.minor."""

    cuda: str
    version: Version
    file: IndexFile


def nvcc_wheels(files: Iterable[IndexFile]) -> dict[str, NvccWheel]:
    """Return CUDA version -> its newest final wheel for Linux x86_64, oldest CUDA first."""
    found: dict[str, NvccWheel] = {}
    for version, file in sorted(_final(files), key=lambda pair: pair[0]):
        cuda = f"{version.major}.{version.minor}"
        found[cuda] = NvccWheel(cuda, version, file)
    return found


def _final(files: Iterable[IndexFile]) -> Iterator[tuple[Version, IndexFile]]:
    for file in files:
        try:
            _, version, _, tags = parse_wheel_filename(file.name)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        serves = any("linux" in tag.platform and tag.platform.endswith("x86_64") for tag in tags)
        if serves and file.yanked is None and not version.is_prerelease:
            yield version, file


def toolkit_row(source: Source, wheel: NvccWheel, headers: NvccWheel | None, today: date) -> Addition:
    """Return the row of a toolkit; raise NotStatedError where no binary lists what it makes code for.

    headers: the wheel of crt/host_config.h, None where there is none.
    """
    project = canonicalize_name(wheel.file.name.partition("-")[0])
    older = project in OLDER
    sm, read = _of_parts(source, wheel) if older else _of_nvcc(source, wheel)
    if not sm:
        raise NotStatedError(f"{wheel.file.name} has no nvcc that lists what it makes code for")
    lines = [f'version = "{wheel.cuda}"', f'sm = "{" ".join(sm)}"']
    where = f"{read} of the {project} {wheel.version} wheel"
    text = b""
    if headers is not None:
        folder = _PARTS if older else f"nvidia/cu{wheel.version.major}"
        name = f"{folder}/include/crt/host_config.h"
        text = read_member(source.open(headers.file.url), name) or b""
    gcc = newest_gcc(text.decode("utf-8", "replace"))
    if gcc is not None and headers is not None:
        lines += [f"gcc_max = {gcc}", "gcc_read = true"]
        beside = canonicalize_name(headers.file.name.partition("-")[0])
        where += f", and crt/host_config.h of the {beside} {headers.version} wheel"
    lines.append('note = "read from wheels, which state no driver"')
    where += f", https://pypi.org/project/{project}/{wheel.version}/"
    return addition("toolkits", "toolkit", f"CUDA {wheel.cuda}", Version(wheel.cuda), lines, where, today)


def _of_nvcc(source: Source, wheel: NvccWheel) -> tuple[list[str], str]:
    binary = read_member(source.open(wheel.file.url), f"nvidia/cu{wheel.version.major}/bin/nvcc")
    return code_of_nvcc(binary or b""), "the names of sm_ in bin/nvcc"


def _of_parts(source: Source, wheel: NvccWheel) -> tuple[list[str], str]:
    found = [
        read_member(source.open(wheel.file.url), f"{_PARTS}/{name}") or b""
        for name in ("nvvm/lib64/libnvvm.so", "bin/ptxas")
    ]
    read = "the names of -arch=compute_ in nvvm/lib64/libnvvm.so that are names of sm_ in bin/ptxas"
    return code_of_parts(*found), read


def code_of_nvcc(binary: bytes) -> list[str]:
    """Return the SM numbers, with their suffixes, that nvcc lists: ["75", "90", "90a"]."""
    names = {match[1].decode() for match in _NAME.finditer(binary)}
    return sorted((name for name in names if int(name.rstrip("af")) >= _LEAST), key=sm_key)


def code_of_parts(libnvvm: bytes, ptxas: bytes) -> list[str]:
    """Return the SM numbers that both halves of an nvcc without nvcc name, with their suffixes."""
    compiled = {match[1].decode() for match in _COMPILES.finditer(libnvvm)}
    assembled = {match[1].decode() for match in _ASSEMBLES.finditer(ptxas)}
    return sorted(compiled & assembled, key=sm_key)


def newest_gcc(header: str) -> int | None:
    """Return the newest major version of gcc that crt/host_config.h does not refuse."""
    limits = {int(found) for found in _GCC.findall(header)}
    return min(limits) if limits else None

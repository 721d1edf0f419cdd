"""Make rows of CUDA toolkits out of NVIDIA's wheels of nvcc: what it makes code for, the newest gcc it takes.

The list is what `nvcc --list-gpu-code` prints, read from the names in the binary and not by running it. The
wheels of CUDA 11 and 12 hold ptxas without nvcc; ptxas names chips of every age beside those that it makes
code for (and stores sm_70 as the end of another text), so no list is read there. No wheel states a driver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcheck.knowledge.torchfiles import sm_key
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.knowledge.wheelrows import Addition, NotStatedError, addition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from stackcheck.knowledge.wheelrows import IndexFile, Source

NVCC, HEADERS = "nvidia-cuda-nvcc", "nvidia-cuda-crt"
_NAME = re.compile(rb"\0sm_(\d+[af]?)(?=\0)")
_GCC = re.compile(r"__GNUC__ > (\d+)")
_LEAST = 75
"""nvcc of CUDA 13 makes code for 7.5 and later; up to 13.3 its binary names sm_20 too, which it refuses."""


@dataclass(frozen=True, slots=True)
class NvccWheel:
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
    """Return the row of a toolkit; raise NotStatedError where nvcc's binary does not list what it makes."""
    binary = read_member(source.open(wheel.file.url), f"nvidia/cu{wheel.version.major}/bin/nvcc")
    sm = code_of_nvcc(binary or b"")
    if not sm:
        raise NotStatedError(f"{wheel.file.name} has no nvcc that lists what it makes code for")
    lines = [f'version = "{wheel.cuda}"', f'sm = "{" ".join(sm)}"']
    where = f"the names of sm_ in bin/nvcc of the {NVCC} {wheel.version} wheel"
    text = b""
    if headers is not None:
        name = f"nvidia/cu{wheel.version.major}/include/crt/host_config.h"
        text = read_member(source.open(headers.file.url), name) or b""
    gcc = newest_gcc(text.decode("utf-8", "replace"))
    if gcc is not None and headers is not None:
        lines += [f"gcc_max = {gcc}", "gcc_read = true"]
        where += f", and crt/host_config.h of the {HEADERS} {headers.version} wheel"
    lines.append('note = "read from wheels, which state no driver"')
    where += f", https://pypi.org/project/{NVCC}/{wheel.version}/"
    return addition("toolkits", "toolkit", f"CUDA {wheel.cuda}", Version(wheel.cuda), lines, where, today)


def code_of_nvcc(binary: bytes) -> list[str]:
    """Return the SM numbers, with their suffixes, that nvcc lists: ["75", "90", "90a"]."""
    names = {match[1].decode() for match in _NAME.finditer(binary)}
    return sorted((name for name in names if int(name.rstrip("af")) >= _LEAST), key=sm_key)


def newest_gcc(header: str) -> int | None:
    """Return the newest major version of gcc that crt/host_config.h does not refuse."""
    limits = {int(found) for found in _GCC.findall(header)}
    return min(limits) if limits else None

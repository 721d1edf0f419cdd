"""Make rows of torch, torchvision and torchaudio out of wheels: what they say, and nothing else."""

from __future__ import annotations

import re
from email.parser import HeaderParser
from typing import TYPE_CHECKING

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from stackcheck.knowledge.torch import CPU
from stackcheck.knowledge.torchfiles import (
    BINDINGS,
    C10,
    CUDA_INIT,
    EXTENSIONS,
    ArchList,
    arch_list,
    code_in,
    code_of_releases,
    has_new_abi,
    numpy_api,
)
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.knowledge.wheelrows import Addition, NotStatedError, addition, quoted
from stackcheck.model.versions import minor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from stackcheck.knowledge.wheelrows import IndexFile, Source, Wheels


def rows(source: Source, project: str, found: Wheels, today: date) -> list[Addition]:
    """Return the rows of a release; raise NotStatedError or ResolveError when its wheels tell too little."""
    if project != "torch":
        return [_companion(source, project, found, today)]
    flavors = {platform: _flavor(source, found.wheel(platform)) for platform in found.pythons}
    told = {
        platform: _read_build(source, found.newest_wheel(platform))
        for platform, cuda in flavors.items()
        if platform.startswith("linux/") and cuda != CPU
    }
    first = next(iter(told.values()), None)
    of_releases = first.of_releases if first else {}
    builds = [
        _build(source, found, platform, flavors[platform], each, today) for platform, each in told.items()
    ]
    siblings = [
        _sibling(found, platform, cuda, sm, today)
        for cuda, by_platform in of_releases.items()
        for platform, sm in by_platform.items()
        if flavors.get(platform) != cuda
    ]
    made_for = sorted({*of_releases, *flavors.values()} - {CPU}, key=Version)
    return [_release(source, found, flavors, made_for, first, today), *builds, *siblings]


class _Told(msgspec.Struct, frozen=True):
    """What the files of one Linux wheel of torch say; None, or nothing, for what they do not."""

    abi: bool | None
    numpy: int | None
    code: tuple[list[str], list[str]] | None
    of_releases: Mapping[str, Mapping[str, list[str]]]


def _read_build(source: Source, wheel: IndexFile) -> _Told:
    c10, bindings, init = (
        read_member(source.open(wheel.url), name) or b"" for name in (C10, BINDINGS, CUDA_INIT)
    )
    releases = code_of_releases(init.decode("utf-8", "replace"))
    return _Told(has_new_abi(c10), numpy_api(bindings), code_in(bindings), releases)


def arch_list_of(source: Source, found: Wheels) -> ArchList | None:
    """Return what a release takes in TORCH_CUDA_ARCH_LIST; None for one that does not say it."""
    if "linux/amd64" not in found.wheels:
        return None
    text = read_member(source.open(found.wheel("linux/amd64").url), EXTENSIONS) or b""
    return arch_list(text.decode("utf-8", "replace"))


def arch_list_row(found: Wheels, says: ArchList, today: date) -> Addition:
    """Return the row of what torch takes in TORCH_CUDA_ARCH_LIST from a release on."""
    lines = [
        f'since = "{found.version}"',
        f'arches = "{" ".join(says.arches)}"',
        f"names = {_table(says.names)}",
        *(["native = true"] if says.native else []),
    ]
    title = f"arch list of torch {found.version}"
    where = f"{EXTENSIONS} in the torch {found.version} wheel, {_page(found.version)}"
    return addition("torch", "arch_list", title, found.version, lines, where, today)


def _sibling(found: Wheels, platform: str, cuda: str, sm: Iterable[str], today: date) -> Addition:
    """Return the row of a build that the table in a wheel of the same release names."""
    lines = [
        f'torch = "{found.version}"',
        f'cuda = "{cuda}"',
        f'platform = "{platform}"',
        'channels = "index"',
        f'sm = "{" ".join(sm)}"',
        'evidence = "runtime-table"',
        "unverified = true",
        'note = "the table says what such a build has, and not that there is one"',
    ]
    title = f"torch {found.version}+cu{cuda.replace('.', '')} ({platform})"
    where = f"PYTORCH_RELEASES_CODE_CC in {CUDA_INIT} of the torch {found.version} wheel"
    return addition("torch", "build", title, found.version, lines, f"{where}, {_page(found.version)}", today)


def _release(  # noqa: PLR0913, PLR0917 - what each of its wheels says
    source: Source,
    found: Wheels,
    flavors: Mapping[str, str],
    cuda: Sequence[str],
    told: _Told | None,
    today: date,
) -> Addition:
    pins = _pins(source, found)
    cudnn = next((each for name, each in pins.items() if name.startswith("nvidia-cudnn-cu")), None)
    lines = [
        f'torch = "{found.version}"',
        *([f"uploaded = {found.uploaded}"] if found.uploaded else []),
        f'cuda = "{" ".join(cuda)}"',
        "cuda_unverified = true",
        f"pypi = {_table(flavors)}",
        f"python = {_table({platform: ' '.join(each) for platform, each in found.pythons.items()})}",
        f'glibc = "{_glibc(found)}"',
    ]
    if told is not None and told.abi is not None:
        lines.append(f"abi = {str(told.abi).lower()}")
    if told is not None and told.numpy is not None:
        lines.append(f"numpy = {told.numpy}")
    if cudnn is not None:
        lines.append(f"cudnn = {_exact(cudnn).major}")
    note = "from the wheels on the index: builds for other CUDA versions are not known"
    if told is not None and told.of_releases:
        note = "CUDA list: the wheels on the index, and the table PYTORCH_RELEASES_CODE_CC in them"
    files = f"METADATA, file names, torch/version.py, {C10}, {BINDINGS} and {CUDA_INIT}"
    where = f"{files} of the torch {found.version} wheels"
    lines.append(f'note = "{note}"')
    return addition(
        "torch",
        "release",
        f"torch {found.version}",
        found.version,
        lines,
        f"{where}, {_page(found.version)}",
        today,
    )


def _page(version: Version, project: str = "torch") -> str:
    return f"pypi.org/project/{project}/{version}"


def _build(  # noqa: PLR0913, PLR0917 - which build, and what its wheel says
    source: Source, found: Wheels, platform: str, cuda: str, told: _Told, today: date
) -> Addition:
    lines = [
        f'torch = "{found.version}"',
        f'cuda = "{cuda}"',
        f'platform = "{platform}"',
        'channels = "pypi"',
    ]
    if told.code is not None:
        sm, ptx = told.code
        lines += [f'sm = "{" ".join(sm)}"', f'ptx = "{" ".join(ptx)}"']
    if told.abi is not None:
        lines.append(f"abi = {str(told.abi).lower()}")
    for name, requirement in _pins(source, found, platform).items():
        key = {"triton": "triton", "nvidia-nccl": "nccl", "nvidia-cudnn": "cudnn"}.get(
            re.sub(r"-cu\d+$", "", name)
        )
        if key == "triton":
            specifier = str(requirement.specifier)
            lines.append(f'triton = "{specifier.removeprefix("==")}"')
            if requirement.marker:
                lines.append(f"triton_marker = '{str(requirement.marker).replace(chr(39), chr(34))}'")
        elif key:
            lines.append(f'{key} = "{_exact(requirement)}"')
    lines.append('evidence = "wheel-bytes"')
    machine = "x86_64" if platform.endswith("amd64") else "aarch64"
    read = (
        f"arch string in torch/lib/libtorch_python.so, METADATA and version.py of the torch {found.version}"
    )
    title = f"torch {found.version}+cu{cuda.replace('.', '')} ({platform})"
    return addition(
        "torch",
        "build",
        title,
        found.version,
        lines,
        f"{read} manylinux {machine} wheel, {_page(found.version)}",
        today,
    )


def _companion(source: Source, project: str, found: Wheels, today: date) -> Addition:
    platform = next(iter(found.pythons))
    metadata = _metadata(source, found.wheel(platform))
    needs = [each for each in _requirements(metadata) if each.name == "torch"]
    lines = [f'version = "{found.version}"']
    lines += [f'torch = "{each.specifier}"' for each in needs[:1] if each.specifier]
    lines.append(f"python = {_table({name: ' '.join(each) for name, each in found.pythons.items()})}")
    if found.yanked:
        lines.append(f"yanked = {quoted(found.yanked)}")
    return addition(
        project,
        "companion",
        f"{project} {found.version}",
        found.version,
        lines,
        f"METADATA and file names of the {project} {found.version} wheels, {_page(found.version, project)}",
        today,
    )


def _flavor(source: Source, wheel: IndexFile) -> str:
    text = (read_member(source.open(wheel.url), "torch/version.py") or b"").decode("utf-8", "replace")
    match = re.search(r"^cuda(?::[^=\n]*)? = (?:'([\d.]+)'|None)\s*$", text, re.MULTILINE)
    if match is None:
        raise NotStatedError(f"{wheel.name}: torch/version.py does not say its CUDA version")
    return minor(match[1]) if match[1] else CPU


def _metadata(source: Source, wheel: IndexFile) -> str:
    content = read_member(source.open(wheel.url), ".dist-info/METADATA")
    if content is None:
        raise NotStatedError(f"{wheel.name} has no METADATA")
    return content.decode("utf-8", "replace")


def _requirements(metadata: str) -> list[Requirement]:
    found = []
    for text in HeaderParser().parsestr(metadata).get_all("Requires-Dist") or []:
        try:
            found.append(Requirement(text))
        except InvalidRequirement:
            continue
    return found


def _pins(source: Source, found: Wheels, platform: str = "linux/amd64") -> dict[str, Requirement]:
    """Return the requirements that matter to a GPU stack, by name."""
    if platform not in found.wheels:
        return {}
    wanted = re.compile(r"triton|nvidia-(?:nccl|cudnn)-cu\d+")
    requirements = _requirements(_metadata(source, found.wheel(platform)))
    return {each.name: each for each in requirements if wanted.fullmatch(each.name)}


def _exact(requirement: Requirement) -> Version:
    exact = [each.version for each in requirement.specifier if each.operator == "=="]
    if not exact:
        raise NotStatedError(f"{requirement.name} is not pinned exactly: {requirement}")
    return Version(exact[0])


def _glibc(found: Wheels) -> str:
    name = found.wheel("linux/amd64").name if "linux/amd64" in found.wheels else ""
    match = re.search(r"manylinux_(\d+)_(\d+)_", name)
    if match is None and found.glibc:
        return found.glibc  # names of before 2.7 say manylinux1, which no glibc of their symbols is
    if match is None:
        raise NotStatedError(f"{name or 'no Linux wheel'}: the file name does not say which glibc it needs")
    return f"{match[1]}.{match[2]}"


def _table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f'"{key}" = "{value}"' for key, value in values.items()) + " }"

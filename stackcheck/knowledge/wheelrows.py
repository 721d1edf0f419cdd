"""Make rows of the torch table out of wheels: what they say, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from stackcheck.knowledge.torch import CPU, PLATFORMS
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
from stackcheck.model.versions import minor

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from packaging.tags import Tag


_LONGEST = 300
"""Characters that are kept of a text of an index."""


class IndexFile(Protocol):
    """One file that an index page lists."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def url(self) -> str:
        """Where it can be had."""

    @property
    def yanked(self) -> str | None:
        """Why it was withdrawn; None for a file in good standing."""

    @property
    def uploaded(self) -> str:
        """When it was uploaded, ISO 8601; "" when the page does not say."""


class Source(Protocol):
    """The index, as far as a refresh needs it."""

    def files(self, project: str) -> Sequence[IndexFile]:
        """Return the files of a project; raise ResolveError when its page cannot be read."""

    def open(self, url: str) -> io.RawIOBase:
        """Return a wheel as a seekable file that is fetched piece by piece."""


@dataclass(frozen=True, slots=True)
class Addition:
    """One new row: the package whose file it stands in, its kind, its title, and its text in TOML."""

    package: str
    kind: str
    title: str
    version: Version
    text: str


@dataclass(slots=True)
class Wheels:
    """The wheels of one release, by platform and Python; `glibc`: what its symbols need, where told."""

    version: Version
    wheels: dict[str, dict[str, IndexFile]]
    glibc: str = ""

    @property
    def pythons(self) -> dict[str, tuple[str, ...]]:
        """Return the Pythons of each platform, oldest first."""
        return {
            platform: tuple(sorted(self.wheels[platform], key=_python_key))
            for platform in PLATFORMS
            if platform in self.wheels
        }

    @property
    def yanked(self) -> str:
        """Return why the release was withdrawn; "" when one of its files was not."""
        files = [each for wheels in self.wheels.values() for each in wheels.values()]
        reasons = [each.yanked for each in files]
        return (reasons[0] or "withdrawn") if reasons and all(each is not None for each in reasons) else ""

    @property
    def uploaded(self) -> str:
        """Return the day of its first file; "" when the page does not say it."""
        return min(each.uploaded for wheels in self.wheels.values() for each in wheels.values())[:10]

    def wheel(self, platform: str) -> IndexFile:
        """Return one wheel of a platform: which Python it is for makes no difference to what is read."""
        wheels = self.wheels[platform]
        return wheels[min(wheels, key=lambda python: (python.endswith("t"), _python_key(python)))]


class NotStatedError(Exception):
    """A wheel does not say something that the row needs."""


def releases(files: Iterable[IndexFile], first: Version) -> dict[str, Wheels]:
    """Group the wheels of an index page by release, oldest first, without pre-releases and old ones."""
    found: dict[str, Wheels] = {}
    for file in files:
        try:
            _, version, _, tags = parse_wheel_filename(file.name)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if version.is_prerelease or version.local or version < first:
            continue
        project = found.setdefault(str(version), Wheels(version, {}))
        for tag in tags:
            if platform := _platform(tag):
                project.wheels.setdefault(platform, {})[_python(tag)] = file
    whole = {name: each for name, each in found.items() if each.wheels}
    return dict(sorted(whole.items(), key=lambda item: item[1].version))


def _platform(tag: Tag) -> str | None:
    name = tag.platform
    if name.startswith("macosx"):
        return "macos/arm64" if name.endswith("arm64") else "macos/amd64" if name.endswith("x86_64") else None
    if "linux" in name:
        return (
            "linux/amd64" if name.endswith("x86_64") else "linux/arm64" if name.endswith("aarch64") else None
        )
    return "windows/amd64" if name == "win_amd64" else None


def _python(tag: Tag) -> str:
    digits = tag.interpreter[2:]
    free_threaded = "t" if tag.abi.endswith("t") else ""
    return digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}{free_threaded}"


def _python_key(python: str) -> tuple[int, str]:
    return (int(python[2:].removesuffix("t") or 0), python)


def newest_row(name: str, version: Version, today: date) -> Addition:
    """Return the row that says which release of a package is the newest."""
    where = f"the names of the files at https://pypi.org/simple/{name}/"
    return addition(name, "newest", f"{name} {version}", version, [f'version = "{version}"'], where, today)


def file_version(filename: str, project: str) -> Version | None:
    """Return the version of a wheel or source archive of a project; None for any other file."""
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return version if name == project else None


def rows(source: Source, project: str, found: Wheels, today: date) -> list[Addition]:
    """Return the rows of a release; raise NotStatedError or ResolveError when its wheels tell too little."""
    if project != "torch":
        return [_companion(source, project, found, today)]
    flavors = {platform: _flavor(source, found.wheel(platform)) for platform in found.pythons}
    told = {
        platform: _read_build(source, found.wheel(platform))
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


@dataclass(frozen=True, slots=True)
class _Told:
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


def quoted(text: str) -> str:
    """Return text of an index as a TOML string: one line, no control characters, bounded."""
    clean = re.sub(r"[^\x20-\x7e]", " ", text)[:_LONGEST].replace("\\", "/").replace('"', "'")
    return f'"{clean}"'


def addition(  # noqa: PLR0913, PLR0917 - one row has that many parts
    package: str, kind: str, title: str, version: Version, lines: list[str], source: str, today: date
) -> Addition:
    """Return a row with its lines, its day and its source; `package` names the file that it stands in."""
    made = 'made = "stackcheck tables refresh"'
    text = "\n".join([f"[[{kind}]]", *lines, made, f"checked = {today}", f"source = {quoted(source)}"])
    return Addition(package, kind, title, version, text)

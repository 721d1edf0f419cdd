"""What a stack says, put together from several fields: which torch build, what a wheel was made for.

Nothing is guessed silently: `TorchClaim.assumed` marks a build that only follows from a default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.specifiers import SpecifierSet

    from stackcheck.definition import Package, Stack
    from stackcheck.tables import Tables
    from stackcheck.tables.wheels import WheelHost

PYPI = re.compile(r"https?://pypi\.(?:org|python\.org)(?:/|$)")
_PYTORCH_HOST = re.compile(r"https?://(?:[a-z0-9-]+\.)*pytorch\.org(?:/|$)")
_HOST = re.compile(r"https?://(?:[^/@]*@)?(?P<host>[^/?#]+)")
_TAG = re.compile(r"(?P<tag>cu\d{2,3}|cpu|rocm\d+(?:\.\d+)*)(?![0-9a-z])")
_MADE = (
    re.compile(r"pt(?P<torch>\d{2,3})(?P<tag>cu\d{2,3}|cpu)"),
    re.compile(
        r"(?P<tag>cu\d{2,3}|rocm\d+)torch(?P<torch>\d+\.\d+)(?:\.\d+)?(?:cxx11abi(?P<abi>TRUE|FALSE|true|false))?"
    ),
    re.compile(r"torch(?P<torch>\d+\.\d+)(?:\.\d+)?\.?(?P<tag>cu\d{2,3}|cpu|rocm\d+)?"),
    re.compile(r"torch(?P<torch>\d{2,3})(?P<tag>cu\d{2,3})"),
    re.compile(r"(?P<tag>cu\d{2,3}|cpu|rocm\d+(?:\.\d+)*)(?:[._].*)?"),
)


@dataclass(frozen=True, slots=True)
class TorchClaim:
    """The torch build of a stack.

    version: the exact pin, or the torch of the container. tag: "cu124", "cpu", "rocm6.1" or None. why: what
    in the stack says so. assumed: the tag only follows from the default of an index that is not stated.
    official: a wheel of PyPI or of the PyTorch index, as far as the stack says (see `elsewhere`). nvidia: the
    image is NVIDIA's PyTorch container, whose torch is built from source with the C++11 ABI.
    """

    version: Version | None
    tag: str | None
    why: str
    assumed: bool = False
    official: bool = True
    nvidia: bool = False

    @property
    def minor(self) -> str | None:
        """Return the torch release line as "2.5"."""
        return None if self.version is None else f"{self.version.major}.{self.version.minor}"

    @property
    def cuda(self) -> Version | None:
        """Return the CUDA version of the build, None for another backend or when it is not known."""
        return tag_cuda(self.tag) if self.tag else None

    @property
    def title(self) -> str:
        """Return "torch 2.5.0 (cu124)" for messages."""
        version = f"torch {self.version.public}" if self.version else "torch"
        return f"{version} ({self.tag})" if self.tag else version


@dataclass(frozen=True, slots=True)
class MadeFor:
    """What a compiled wheel was made for: torch as "2.5", the wheel tag, the C++11 ABI; None: not said."""

    torch: str | None
    tag: str | None
    abi: bool | None
    why: str

    @property
    def cuda(self) -> Version | None:
        """Return the CUDA version of the tag."""
        return tag_cuda(self.tag) if self.tag else None


@cache
def tag_cuda(tag: str) -> Version | None:
    """Return the CUDA version of a wheel tag: cu124 is 12.4, cu12 is 12; None for cpu and rocm.

    >>> tag_cuda("cu124")
    <Version('12.4')>
    """
    digits = tag.removeprefix("cu")
    if digits == tag or not digits.isdecimal():
        return None
    return Version(f"{digits[:2]}.{digits[2:]}" if len(digits) > 2 else digits)


@cache
def spelled(accepted: SpecifierSet) -> str:
    """Return a version range with its lower bounds first: >=0.7.11,<0.8.0.

    >>> from packaging.specifiers import SpecifierSet
    >>> spelled(SpecifierSet("<0.8.0,>=0.7.11"))
    '>=0.7.11,<0.8.0'
    """
    order = {">": 0, "=": 1, "~": 1, "!": 2, "<": 3}
    return ",".join(sorted(map(str, accepted), key=lambda text: (order.get(text[0], 2), text)))


def cuda_tag(cuda: Version) -> str:
    """Return the wheel tag of a CUDA version: 12.4.1 is cu124."""
    return f"cu{cuda.major}{cuda.minor}"


@cache
def minor_of_digits(digits: str) -> str:
    """Return the torch minor that a compressed spelling stands for: 25 is 2.5, 212 is 2.12.

    >>> minor_of_digits("212")
    '2.12'
    """
    return digits if "." in digits else f"{digits[0]}.{digits[1:]}"


def torch_claim(stack: Stack, tables: Tables) -> TorchClaim:
    """Say which torch build a stack means, from the most to the least explicit of its fields."""
    package = stack.packages.get("torch")
    version = package.exact if package else None
    container = _container(stack, tables)
    if container and version is None:
        version = container.version
    official = package is None or (
        package.origin in {None, "wheel"} and not elsewhere("torch", stack, tables)
    )
    nvidia = container is not None and container.nvidia
    tag, why, assumed = _tag(stack, tables, version, container)
    return TorchClaim(version, tag, why, assumed, official and not nvidia, nvidia)


def _tag(  # noqa: PLR0911 - one return a field, from the most to the least explicit
    stack: Stack, tables: Tables, version: Version | None, container: TorchClaim | None
) -> tuple[str | None, str, bool]:
    if version is not None and version.local and (match := _TAG.match(version.local)):
        return match["tag"], f"torch {version}", False
    if stack.accelerator == "cpu":
        return "cpu", "accelerator = cpu", False
    if stack.rocm:
        return f"rocm{stack.rocm}", f"rocm = {stack.rocm}", False
    if stack.cuda:
        return cuda_tag(Version(stack.cuda)), f"cuda = {stack.cuda}", False
    if container and container.tag:
        return container.tag, container.why, False
    urls = places_of("torch", stack)
    tags = {match["tag"]: url for url in urls if (match := _pytorch(tables).search(url))}
    if len(tags) == 1:
        (tag, url), *_ = tags.items()
        return tag, f"index {url}", False
    return _default_tag(stack, tables, version)


def _default_tag(stack: Stack, tables: Tables, version: Version | None) -> tuple[str | None, str, bool]:
    package = stack.packages.get("torch")
    plain = package is not None and package.origin in {None, "wheel"} and from_pypi("torch", stack, tables)
    release = tables.torch.release(version) if version is not None and plain else None
    flavor = release.pypi.get(stack.platform or "linux/amd64") if release else None
    if release is None or flavor is None:
        return None, "not stated", True
    tag = flavor if flavor == "cpu" else cuda_tag(Version(flavor))
    return tag, f"the wheel of torch {release.torch} on PyPI", stack.index.url is None


def places_of(name: str, stack: Stack) -> tuple[str, ...]:
    """Return the indexes and pages that a distribution is looked for on; none where the stack states none.

    Its own come alone when stated; the stack's are asked otherwise.
    """
    package, index = stack.packages.get(name), stack.index
    own = (package.index, package.find_links) if package else ()
    shared = (index.url, *index.extra, *index.find_links)
    return tuple(url for url in (own if any(own) else shared) if url)


def elsewhere(name: str, stack: Stack, tables: Tables) -> str | None:
    """Return a place, neither PyPI nor PyTorch's, that torch or a companion may come from; None for none.

    What the tables list are the wheels of PyPI and of the PyTorch index. AMD, NVIDIA (for Jetson) and
    whoever keeps wheels of their own build others under the same versions. Pages of projects that are known
    to hold their own wheels alone do not count.
    """
    urls = _asked(name, stack, tables)
    return next((_host(url) for url in urls if not PYPI.match(url) and not _PYTORCH_HOST.match(url)), None)


def from_pypi(name: str, stack: Stack, tables: Tables) -> bool:
    """Tell whether a distribution can come from PyPI alone: the default too, where no index is stated."""
    return all(PYPI.match(url) for url in _asked(name, stack, tables))


def _asked(name: str, stack: Stack, tables: Tables) -> list[str]:
    """Return the places that may hold a distribution, without the pages of other projects."""
    others = [host for host in tables.wheels.hosts if host.dists and name not in host.dists]
    return [
        url
        for url in places_of(name, stack)
        if not any(_compiled(host.pattern).search(url) for host in others)
    ]


def _host(url: str) -> str:
    match = _HOST.match(url)
    return match["host"] if match else f"the folder {url.removeprefix('file://')}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pytorch(tables: Tables) -> re.Pattern[str]:
    row = next(row for row in tables.wheels.hosts if row.name == "PyTorch")
    return _compiled(row.pattern)


_PYTORCH_IMAGE = re.compile(r"(?:^|/)pytorch/pytorch:(?P<torch>\d+\.\d+\.\d+)-cuda(?P<cuda>\d+\.\d+)")
_NVIDIA_IMAGE = re.compile(r"nvcr\.io/nvidia/pytorch:(?P<tag>\d\d\.\d\d)")
_NVIDIA_LOCAL = re.compile(r"nv(?P<tag>\d\d\.\d\d?)")


def _container(stack: Stack, tables: Tables) -> TorchClaim | None:
    image = stack.image.ready or stack.image.base or ""
    if match := _PYTORCH_IMAGE.search(image):
        tag = cuda_tag(Version(match["cuda"]))
        return TorchClaim(Version(match["torch"]), tag, f"image {image}")
    version = stack.version("torch")
    nvidia = _NVIDIA_IMAGE.search(image) or _NVIDIA_LOCAL.search(version.local or "" if version else "")
    if nvidia is None:
        return None
    row = tables.images.nvidia_pytorch(nvidia["tag"])
    torch = row.torch if row else version
    why = image or f"torch {version}"
    return TorchClaim(torch, cuda_tag(row.cuda) if row else None, f"image {why}", nvidia=True)


def hosts_of(
    package: Package, stack: Stack, tables: Tables
) -> Iterator[tuple[WheelHost, re.Match[str], str]]:
    """Yield (host, match, address) for each wheel page that a package is looked for on.

    Its own find-links and index come alone when stated; the stack's are asked otherwise.
    """
    own = [url for url in (package.find_links, package.index) if url]
    shared = [url for url in (*stack.index.find_links, *stack.index.extra, stack.index.url) if url]
    for url in own or shared:
        for host in tables.wheels.hosts:
            if match := _compiled(host.pattern).search(url):
                yield host, match, url


def made_for(name: str, package: Package, stack: Stack, tables: Tables) -> MadeFor | None:
    """Say what a compiled wheel was made for, by `built_for`, its local version or the page it comes from."""
    if package.built_for is not None:
        said = package.built_for
        torch = f"{Version(said.torch).major}.{Version(said.torch).minor}" if said.torch else None
        return MadeFor(
            torch, cuda_tag(Version(said.cuda)) if said.cuda else None, said.cxx11_abi, "built_for"
        )
    if package.origin in {"source", "conda"}:
        return None
    version = package.exact
    if version is not None and version.local and (made := read_local(version.local)):
        return MadeFor(made.torch, made.tag, made.abi, f"the local version of {name} {version}")
    return _from_page(name, package, stack, tables)


@cache
def read_local(local: str) -> MadeFor | None:
    """Read the local version of a compiled extension, in the spellings that projects use.

    >>> read_local("pt25cu124").torch
    '2.5'
    """
    for pattern in _MADE:
        if match := pattern.fullmatch(local):
            said = match.groupdict()
            abi = said.get("abi")
            torch = said.get("torch")
            return MadeFor(
                minor_of_digits(torch) if torch else None,
                said.get("tag"),
                None if abi is None else abi.upper() == "TRUE",
                f"the local version +{local}",
            )
    return None


def _from_page(name: str, package: Package, stack: Stack, tables: Tables) -> MadeFor | None:
    for host, match, url in hosts_of(package, stack, tables):
        if name in host.dists:
            torch = page_torch(match)
            return MadeFor(torch, match["tag"], None, f"the page {url}")
    return None


def page_torch(match: re.Match[str]) -> str | None:
    """Return the torch minor that a wheel page is for, as "2.5"."""
    text = match.groupdict().get("torch")
    if not text:
        return None
    if "." not in text:  # 290 stands for 2.9.0
        return f"{text[0]}.{text[1:-1]}"
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return f"{version.major}.{version.minor}"


def only_pypi(package: Package, stack: Stack) -> bool:
    """Tell whether PyPI is the only place that a package can come from, as the stack states it."""
    if package.find_links or stack.index.find_links:
        return False
    urls = [package.index] if package.index else [stack.index.url, *stack.index.extra]
    return urls[0] is not None and all(url and PYPI.match(url) for url in urls)


def glibc_of(stack: Stack, tables: Tables) -> tuple[Version, str] | None:
    """Return the glibc that a stack has and what says so: stated, by its OS, or by the base image."""
    if stack.glibc:
        return Version(stack.glibc), "the system"
    for text in (stack.os, stack.image.ready, stack.image.base):
        row = tables.systems.find(text) if text else None
        if row is not None:
            return row.glibc, text or ""
    return None

"""Candidates: other builds of torch, other Pythons, other CUDA versions."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from stackcheck.knowledge.images import CudaTagParts
from stackcheck.knowledge.torch import CPU
from stackcheck.model.build import cuda_tag
from stackcheck.model.versions import minor, same_release
from stackcheck.suggest.candidates import Generator, Reach, candidates
from stackcheck.suggest.learned import RESOLVES
from stackcheck.suggest.moves import step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release
    from stackcheck.suggest.change import Edit, Path
    from stackcheck.suggest.learned import Learned

INDEX = "https://download.pytorch.org/whl/"
"""PyTorch's own index: one folder a tag (https://pytorch.org/get-started/previous-versions, 2026-11-20)."""
_TAGGED = re.compile(r"(?<=/whl/)(?:cu\d+|cpu|rocm[\d.]+)(?=/|_|$)")
_TORCH_RULES = (
    "ARCH101", "CUDA101", "CUDA103", "CUDA104", "DRIVER101", "GLIBC101", "NEEDS101", "NUMPY101", "NVPIN101",
    "PLATFORM101", "PYG101", "PYTHON101", "PYTHON102", "ROCM101", "ROCM102", "TORCH", "WHEEL10", "INDEX102",
    "TOOLKIT101", "ARCH102", "MMCV101", "WHEEL110", "LOCK201", "IMAGE102",
)  # fmt: skip


@candidates(*_TORCH_RULES, reach=Reach.TORCH)
def torch_builds(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other official builds of torch: nearest release first, the same CUDA version first.

    torchvision and torchaudio go with it where they would not fit: each is made for one release of torch.
    """
    stack = env.stack
    package, version = stack.packages.get("torch"), env.torch.version
    if _needs_tegra(stack, tables):
        return
    if package is None or version is None or (not env.torch.is_wheel and env.torch.origin != "conda"):
        return
    kind, backend = _kind(env), env.torch.backend
    now = backend.version if backend and backend.kind == kind else None
    stated = _states_tag(env, package)
    for release in _near(version, tables):
        builds = list(_tags(release, kind, now, env.platform))
        for tag, cuda in sorted(builds, key=lambda each: bool(each[0]) is not stated):
            for edit in _as_stated(env, release, tag, cuda):
                yield {**edit, **_fitting(env, release, edit, tables)}


def _needs_tegra(stack: Stack, tables: Tables) -> bool:
    """Tell whether a GPU of the stack is part of a Jetson for which PyTorch makes no CUDA wheels.

    Their arm64 wheels are for servers (SBSA); code for one does not run on the other.
    Source: CUDA C++ Programming Guide, Binary Compatibility, docs.nvidia.com/cuda (checked 2026-11-30).
    """
    tegra = {row.name for row in tables.gpus.nvidia if "tegra" in row.host}
    return any(gpu.product in tegra for gpu in stack.gpus)


def _fitting(env: Environment, release: Release, edit: Edit, tables: Tables) -> Edit:
    """Return the pinned companions that do not fit another release of torch as the nearest ones that do.

    They come from where torch comes from, if they did so before.
    """
    before, torch = env.stack.packages["torch"], edit["packages", "torch"]
    found: dict[Path, Package] = {}
    for name in ("torchvision", "torchaudio"):
        path = ("packages", name)
        package = edit.get(path) or env.stack.packages.get(name)
        fits = [row.version for row in tables.torch.companions_for(name, release.torch)]
        if package is None or package.exact is None or package.direct or package.origin == "source":
            continue
        if not fits or any(same_release(package.exact, each) for each in fits):
            continue
        place, local = {}, package.exact.local
        if path not in edit and _place(package) == _place(before):
            place, local = _place(torch), torch.exact.local if torch.exact else None
        nearest = min(fits, key=partial(step, package.exact))
        version = f"{nearest}+{local}" if local else str(nearest)
        found[path] = package.model_copy(update={"version": version, **place})
    return found


def _place(package: Package) -> dict[str, str | None]:
    return {"index": package.index, "find_links": package.find_links}


def _states_tag(env: Environment, package: Package) -> bool:
    """Tell whether the stack says which build it takes, by a local version or an index of one tag."""
    return bool(package.exact and package.exact.local) or _on_tagged_index(env)


def _on_tagged_index(env: Environment) -> bool:
    return any(place.tag for place in env.sources("torch"))


def _kind(env: Environment) -> str:
    """Return what the stack computes on: what it says, else what its torch is built for."""
    return CPU if env.platform.startswith("macos") else env.accelerator or "cuda"


def _near(version: Version, tables: Tables) -> list[Release]:
    """Return the releases, nearest first, a newer one before an older one that is as near."""
    releases = tables.torch.releases
    place = sum(row.torch < Version(version.base_version) for row in releases)
    return [
        row
        for _, row in sorted(
            enumerate(releases), key=lambda each: (abs(each[0] - place), each[1].torch < version)
        )
    ]


def _tags(
    release: Release, kind: str, now: Version | None, platform: str
) -> Iterator[tuple[str, Version | None]]:
    """Yield (tag, version of CUDA or ROCm) of a release's builds, nearest first; ("", x) for PyPI's."""
    if kind == CPU:
        yield from [("", None)] if platform.startswith("macos") else [(CPU, None)]
        return
    builds = release.cuda if kind == "cuda" else release.rocm
    for version in sorted(builds, key=lambda each: _gap(each, now)):
        if kind == "cuda" and release.pypi.get(platform) == str(version):
            yield "", version
        yield cuda_tag(version) if kind == "cuda" else f"rocm{version}", version


def _gap(version: Version, now: Version | None) -> tuple[int, int, Version]:
    if now is None:
        return (-version.major, -version.minor, version)
    return (abs(version.major - now.major), abs(version.minor - now.minor), version)


def _as_stated(env: Environment, release: Release, tag: str, version: Version | None) -> Iterator[Edit]:
    """Yield a build in the way that the stack states its torch: by local version, by index, or by neither.

    The builds are PyTorch's: what comes from elsewhere moves to PyTorch's index.
    """
    stack, package = env.stack, env.stack.packages["torch"]
    local = (package.exact.local if package.exact else None) or ""
    on_index = _on_tagged_index(env)
    if package.origin == "conda":
        if tag:
            yield {("packages", "torch"): package.model_copy(update={"version": str(release.torch)})}
        return
    if not tag:
        if not on_index:
            update: dict[str, Any] = {"version": str(release.torch), "index": None, "find_links": None}
            yield {("packages", "torch"): package.model_copy(update=update), **_fields(stack, version)}
        elif not local or version is None:
            yield {
                ("packages", "torch"): type(package)(version=str(release.torch)),
                **_fields(stack, version),
            }
        return
    text = str(release.torch) if on_index and not local else f"{release.torch}+{tag}"
    if (on_index or local) and not env.elsewhere("torch"):
        torch, shared = retag(package.model_copy(update={"version": text}), stack, tag)
        yield {("packages", "torch"): torch, **shared, **_fields(stack, version, tag)}
    if not on_index:
        own = {"version": f"{release.torch}+{tag}", "index": f"{INDEX}{tag}", "find_links": None}
        torch, rest = package.model_copy(update=own), _fields(stack, version, tag)
        yield {("packages", "torch"): torch, **_beside(stack, tag, local), **rest}


def _beside(stack: Stack, tag: str, local: str) -> Edit:
    """Return the companions that come from PyPI on the index of torch: PyPI's are made for another CUDA."""
    found = {name: stack.packages.get(name) for name in ("torchvision", "torchaudio")}
    return {
        ("packages", name): each.model_copy(
            update={"version": f"{each.exact}+{tag}", "index": f"{INDEX}{tag}"}
        )
        for name, each in found.items()
        if each and not local and each.exact and not each.exact.local and not (each.index or each.find_links)
    }


def retag(package: Package, stack: Stack, tag: str) -> tuple[Package, Edit]:
    """Return a package of the PyTorch index on the index of `tag`, and what becomes of the stack's own."""
    if package.index or package.find_links:
        own = {key: tagged(getattr(package, key), tag) for key in ("index", "find_links")}
        return package.model_copy(update=own), {}
    index = stack.index
    shared: dict[Path, Any] = {}
    if index.url and tagged(index.url, tag) != index.url:
        shared["index", "url"] = tagged(index.url, tag)
    for key in ("extra", "find_links"):
        urls = getattr(index, key)
        moved = tuple(tagged(url, tag) or url for url in urls)
        if moved != urls:
            shared["index", key] = moved
    return package, shared


def tagged(url: str | None, tag: str) -> str | None:
    """Return an address of the PyTorch index with another tag; any other address as it is."""
    return _TAGGED.sub(tag, url) if url and "pytorch" in url else url


def _fields(stack: Stack, version: Version | None, tag: str = "") -> Edit:
    """Return what the stack states of CUDA or ROCm, made to follow the build."""
    if version is None:
        return {}
    if stack.rocm and tag.startswith("rocm"):
        return {} if minor(stack.rocm) == minor(version) else {("rocm",): str(version)}
    if stack.cuda and not tag.startswith("rocm"):
        return {} if minor(stack.cuda) == minor(version) else {("cuda",): minor(version)}
    return {}


@candidates(
    "CUDA102", "CUDA103", "INDEX101", "TOOLKIT101", "DRIVER101", "VARIANT103", reach=Reach.SURROUNDINGS
)
def stated_cuda(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other CUDA versions for the stack to state: torch's own first, else the nearest ones."""
    stack = env.stack
    if not stack.cuda:
        return
    torch = stack.packages.get("torch")
    got = env.torch.answer if env.torch.sure else env.torch.default
    if got and got.backend.kind == "cuda" and got.backend.version:
        yield {("cuda",): minor(got.backend.version)}
    if torch is None or torch.origin == "source":
        now = Version(stack.cuda)
        for row in _by_distance([row.version for row in tables.cuda.toolkits], now):
            if tables.torch.releases_with("cuda", row):
                yield {("cuda",): str(row)}


@candidates("TOOLKIT", "IMAGE108", "ARCH104", "ARCH105", "VARIANT103", reach=Reach.SURROUNDINGS)
def toolkits(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other CUDA toolkits: that of torch first, then that of the image, then the nearest.

    Where the image has an nvcc it goes with the toolkit: stating another one does not install it.
    """
    stack, image = env.stack, env.build_image
    if not stack.toolkit:
        return
    known = _by_distance([row.version for row in tables.cuda.toolkits], Version(stack.toolkit))
    first = [each for each in (env.torch.cuda, image.toolkit if image else None) if each]
    for version in dict.fromkeys(minor(each) for each in (*first, *known)):
        if image is None or image.toolkit is None or minor(image.toolkit) == version:
            yield {("toolkit",): version}
        else:
            yield from ({("toolkit",): version, **edit} for edit in _devel_images(env, version, tables))


@candidates("IMAGE102", "IMAGE108", reach=Reach.SURROUNDINGS)
def devel_images(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the image that compiles as that of torch's CUDA, and of the toolkit that the stack states."""
    stack, image = env.stack, env.build_image
    if image is None or image.toolkit is None:
        return
    for version in dict.fromkeys(minor(each) for each in (env.torch.cuda, stack.toolkit) if each):
        for edit in _devel_images(env, version, tables):
            yield {**edit, **({("toolkit",): version} if stack.toolkit else {})}


def _devel_images(env: Environment, cuda: str, tables: Tables) -> Iterator[Edit]:
    """Yield the devel image of another CUDA version for the one that compiles, the same system first."""
    image = env.build_image
    if image is None or image.cuda is None:
        return
    key = "build_base" if env.stack.image.build_base else "base"
    now = image.name.rpartition("-")[2]
    rows = [row for row in tables.images.cuda_tags if minor(row.cuda) == cuda]
    for row in reversed(rows):
        word = tables.images.cudnn_tag(row.cuda) if image.cudnn else None
        every = [CudaTagParts(row.cuda, word.instead if word else "", "devel", each) for each in row.systems]
        there = [each for each in every if row.has(each)]
        for tag in sorted(there, key=lambda each: (each.system != now, "ubuntu" not in each.system)):
            yield {("image", key): f"{image.name.partition(':')[0]}:{tag}"}
        if there:
            return


def _by_distance(versions: list[Version], now: Version) -> list[Version]:
    """Return versions, those nearest to `now` first: the same major version before any other."""
    place = sum(version < now for version in versions)
    by_place = sorted(enumerate(versions), key=lambda each: (abs(each[0] - place), each[1] < now))
    return sorted((version for _, version in by_place), key=lambda version: version.major != now.major)


@candidates("PYTHON", "WHEEL109", "IMAGE104", "NEEDS102", reach=Reach.PYTHON)
def pythons(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other Pythons, nearest first, older before newer."""
    now = env.python
    if now is None:
        return
    known = {python for row in tables.torch.releases for python in row.python.get(env.platform, ())}
    numbers = sorted(int(python[2:]) for python in known if python[2:].isdecimal())
    at = int(now[2:])
    for number in sorted(numbers, key=lambda each: (abs(each - at), each)):
        yield {("python",): f"3.{number}"}


def pythons_with_wheels(learned: Learned) -> Generator:
    """Return the generator of other Pythons where the resolver has proven that this one has no wheel."""

    def edits(env: Environment, tables: Tables) -> Iterator[Edit]:
        if any(each.why.kind in {"no-wheel", "no-python-wheel"} for each in learned.standing(env.stack)):
            yield from pythons(env, tables)

    return Generator(f"{__name__}.pythons_with_wheels", (RESOLVES,), Reach.PYTHON, edits)

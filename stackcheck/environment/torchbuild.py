"""Which build of torch a stack gets: its version, its backend, what says so, and how surely.

The one answer to "which torch is this?". From the strongest to the weakest: what the resolver takes, the
local version of the pin, the image that brings torch, an index of one tag or PyPI where it is stated, what
the stack says of CUDA, ROCm or the CPU, and last the wheel of an index that nobody stated. Where two of them
disagree the build is still one; that they do is for the rules to say (`TorchBuild.claim`,
`TorchBuild.default`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.environment.images import running_image, torch_of_nvidia
from stackcheck.environment.sources import elsewhere, only_pypi
from stackcheck.model.build import Backend, parse_tag
from stackcheck.model.evidence import Evidence, Level
from stackcheck.model.platforms import judged_for
from stackcheck.model.versions import LATEST, minor, parse_version, same_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.version import Version

    from stackcheck.environment.images import ImageFacts
    from stackcheck.environment.required import Required
    from stackcheck.environment.sources import Source
    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release
    from stackcheck.model.resolution import LockedPackage, Resolution

CPU = "cpu"
_RUNTIMES = ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu11")


class Answer(NamedTuple):
    """A backend, what says so (the subject of a sentence), and where that can be read."""

    backend: Backend
    by: str
    source: str = ""

    @property
    def evidence(self) -> Evidence:
        """Return what makes a build what it is as evidence."""
        return Evidence(f"{self.by} makes it a {self.backend.tag} build", self.source)


class TorchBuild(NamedTuple):
    """The torch of a stack.

    version: the pin, what it resolves to, or the torch of the image. answer: its backend, None where nothing
    tells it. sure: that stands in a version, an address, an image or the resolution; else it is only what
    the stack claims or what an index that nobody stated would give (`assumed`). claim: what the stack states
    of CUDA, ROCm or the CPU; default: what PyPI's wheel of that version is, where it can come from there.
    origin: "" for no torch at all, "wheel", "source", "conda", "git", "url", "path" or "image". vendor: who
    else builds torch where it comes from, so that no list of official builds speaks of it. doubt: what has
    to be true for those lists to speak of it, as a clause; "" where they do. nvidia: it is the torch of
    NVIDIA's container.
    """

    version: Version | None = None
    answer: Answer | None = None
    sure: bool = False
    assumed: bool = True
    claim: Answer | None = None
    default: Answer | None = None
    origin: str = ""
    vendor: str = ""
    doubt: str = ""
    nvidia: bool = False
    level: Level = Level.STATED

    @property
    def backend(self) -> Backend | None:
        """Return what the build computes on; None where nothing tells it."""
        return self.answer.backend if self.answer else None

    @property
    def kind(self) -> str | None:
        """Return "cuda", "rocm", "cpu" or None."""
        return self.answer.backend.kind if self.answer else None

    @property
    def by(self) -> str:
        """Return what says which backend it is, as the subject of a sentence."""
        return self.answer.by if self.answer else "nothing that the stack states"

    @property
    def tag(self) -> str | None:
        """Return "cu124", "rocm6.1", "cpu", or None where the backend is not known."""
        return self.answer.backend.tag if self.answer else None

    @property
    def cuda(self) -> Version | None:
        """Return the CUDA version of the build; None for another backend or where it is not known."""
        return self.answer.backend.version if self.answer and self.kind == "cuda" else None

    @property
    def rocm(self) -> Version | None:
        """Return the ROCm version of the build; None for another backend or where it is not known."""
        return self.answer.backend.version if self.answer and self.kind == "rocm" else None

    @property
    def minor(self) -> str | None:
        """Return the release line as "2.5"."""
        return minor(self.version) if self.version else None

    @property
    def title(self) -> str:
        """Return "torch 2.5.0 (cu124)" for messages."""
        version = f"torch {self.version.public}" if self.version else "torch"
        return f"{version} ({self.tag})" if self.tag else version

    @property
    def is_wheel(self) -> bool:
        """Tell whether torch is, or may be, a wheel of an index or page."""
        return self.origin in ("wheel", "url")

    @property
    def official(self) -> bool:
        """Tell whether it is a wheel of PyPI or of PyTorch's index, as far as the stack says."""
        return self.is_wheel and not self.vendor and not self.nvidia


def torch_build(
    stack: Stack,
    sources: Sequence[Source],
    tables: Tables,
    resolution: Resolution | None = None,
    required: Required | None = None,
) -> TorchBuild:
    """Decide which torch a stack gets.

    sources: those of torch. resolution: what the resolver took. required: what a package of the stack asks
    for, where nothing was resolved.
    """
    package = stack.packages.get("torch")
    image = _image(stack, sources, tables)
    drawn = package is None and image is None
    locked = resolution.by_name.get("torch") if resolution and (drawn or _resolvable(package)) else None
    if drawn and locked is None and required is None:
        claim = _claim(stack)
        return TorchBuild(answer=claim, claim=claim, assumed=claim is None)
    pinned = package.exact if package else None
    asked = required.exact if required else None
    version = locked.version if locked else pinned or asked or (image.torch if image else None)
    of_image = image is not None and _brought(package, image)
    origin = "image" if of_image and not locked else (package.origin if package else None) or "wheel"
    claim = _claim(stack)
    places = (
        _able(tuple(place for place in sources if place.serves), version, tables)
        if origin in ("wheel", "url")
        else ()
    )
    default = _default(version, places, stack, tables)
    found = (
        (_resolved(locked, resolution) if locked and resolution else None)
        or of_local("torch", version)
        or (_of_image(image) if of_image and image else None)
        or tag_of_places(places, version)
    )
    sure = found is not None
    explicit = bool(places) and all(place.stated for place in places)
    if found is None and default and explicit and only_pypi(places):
        found, sure = default, True
    agreed = claim and default and claim.backend.same(default.backend)
    answer = found or (default if agreed else claim or default)
    other = elsewhere(places)
    return TorchBuild(
        version=version,
        answer=answer,
        sure=sure,
        assumed=not sure and claim is None,
        claim=claim,
        default=default,
        origin=origin,
        vendor=other.name if other and other.kind == "vendor" else "",
        doubt=f"{other.name} has PyTorch's own builds" if other and other.kind == "private" else "",
        nvidia=bool(image and image.nvidia and (of_image or torch_of_nvidia_version(version))),
        level=Level.RESOLVED if locked else Level.STATED,
    )


def torch_of_nvidia_version(version: Version | None) -> bool:
    """Tell whether a version names a container of NVIDIA: 2.5.0a0+872d972e41.nv24.8."""
    return bool(version and version.local and "nv" in version.local)


def _resolvable(package: Package | None) -> bool:
    return package is not None and package.origin in (None, "wheel", "url")


def _image(stack: Stack, sources: Iterable[Source], tables: Tables) -> ImageFacts | None:
    """Return the image, or the container that the version names, that brings a torch.

    NVIDIA's wheels for Jetson have versions of the same form, and the CUDA of their JetPack.
    """
    pinned = stack.version("torch")
    for_jetson = any(place.kind == "vendor" for place in sources)
    named = torch_of_nvidia(pinned, tables) if pinned and not for_jetson else None
    found = named or running_image(stack, tables)
    return found if found and (found.torch or found.nvidia) else None


def _brought(package: Package | None, image: ImageFacts) -> bool:
    """Tell whether the torch of an image stays: pip keeps it unless the stack pins another release."""
    if package is None or image.torch is None:
        return package is None or image.nvidia
    if package.exact is not None:
        same = package.exact.release == image.torch.release if image.nvidia else False
        return same or same_release(package.exact, image.torch)
    if package.origin in {"git", "url", "path", "source", "conda"}:
        return False
    return package.version == LATEST or package.specifier.contains(image.torch, prereleases=True)


def _resolved(torch: LockedPackage, resolution: Resolution) -> Answer | None:
    if torch.version.local and (backend := parse_tag(torch.version.local)):
        return Answer(backend, f"torch {torch.version}, which the pins resolve to,", torch.index)
    for name in _RUNTIMES:
        if runtime := resolution.by_name.get(name):
            cuda = parse_version(minor(runtime.version))
            by = f"{name} {runtime.version}, which torch {torch.version} draws in,"
            return Answer(Backend("cuda", cuda), by, torch.index)
    return None


LOCAL = "wheels are named by PEP 440 local versions, https://download.pytorch.org/whl (checked 2026-11-20)"


def of_local(name: str, version: Version | None) -> Answer | None:
    """Return the backend that a local version names."""
    backend = parse_tag(version.local) if version and version.local else None
    return Answer(backend, f"the local version of {name}", LOCAL) if backend else None


def _of_image(image: ImageFacts) -> Answer | None:
    return Answer(image.backend, f"the image {image.name}", "the tag of the image") if image.backend else None


def _able(places: tuple[Source, ...], version: Version | None, tables: Tables) -> tuple[Source, ...]:
    """Return the places that may have a version: not an index of one tag that it was never built for.

    Where no other place is asked, that one stays: then nothing is found, which a rule says.
    """
    release = tables.torch.release(version) if version else None
    if release is None:
        return places
    able = tuple(p for p in places if not p.tag or has_build(p.tag, release, sure=True) is not False)
    return able or places


def tag_of_places(places: Iterable[Source], version: Version | None) -> Answer | None:
    """Return the one tag of the places that are searched for a version.

    Where none is stated that counts if all of them are of a tag: any other may have a newer release.
    """
    named = tuple(places)
    loose = version is None and not all(place.tag for place in named if not place.is_folder)
    return None if loose else one_tag(named)


def one_tag(places: Iterable[Source]) -> Answer | None:
    """Return the one tag that the addresses name.

    Beside PyPI a tagged index decides too, because its local versions are newer than none.
    """
    tagged = {place.tag.tag: place for place in places if place.tag}
    if len(tagged) != 1:
        return None
    (place,) = tagged.values()
    return Answer(place.tag, f"the index {place.shown}", LOCAL) if place.tag else None


def _claim(stack: Stack) -> Answer | None:
    kind = wanted_accelerator(stack, by_gpus=False)
    if kind == "rocm":
        return Answer(Backend("rocm", parse_version(stack.rocm) if stack.rocm else None), "the stack")
    if kind == "cpu":
        return Answer(Backend("cpu"), "the stack")
    if kind is None or not stack.cuda:
        return None
    version = parse_version(stack.cuda)
    return Answer(
        Backend("cuda", parse_version(minor(version)) if version.release[1:] else version), "the stack"
    )


def _default(
    version: Version | None, places: Sequence[Source], stack: Stack, tables: Tables
) -> Answer | None:
    """Return what PyPI's wheel of the version is, where that or an index that may be its mirror is asked."""
    if version is None or version.local or any(place.kind in ("pytorch", "vendor") for place in places):
        return None
    release = tables.torch.release(version) if places else None
    return on_pypi("torch", version, release, judged_for(stack.platform)) if release else None


def on_pypi(name: str, version: Version, release: Release, platform: str) -> Answer | None:
    """Return what the wheel on PyPI is for: of torch, or of a companion that is made for `release`."""
    flavor = release.pypi.get(platform)
    if flavor is None:
        return None
    by = f"the wheel of {name} {version.public} on PyPI for {platform}"
    backend = Backend("cpu") if flavor == CPU else Backend("cuda", parse_version(flavor))
    return Answer(backend, by, release.cited)


def has_build(backend: Backend, release: Release, *, sure: bool) -> bool | None:
    """Tell whether a release was built for a CUDA or ROCm version; None where no list says so.

    A tag names the whole version; a ROCm version that a stack only states is compared by major.minor.
    """
    builds = release.cuda if backend.kind == "cuda" else release.rocm
    if backend.version is None or not builds:
        return None
    if sure:
        return backend.version in builds
    return minor(backend.version) in map(minor, builds)

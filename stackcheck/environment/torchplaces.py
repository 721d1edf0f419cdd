"""Which torches the indexes and pages of a stack have, as far as the tables know, and which are searched.

pip searches all of them and takes the highest version, of which a local one (+cu124) is higher than the plain
one. uv takes no version from a second index: it stops at the first that has the package, further indexes
before the default one, with the pages beside them.

Source: https://pip.pypa.io/en/stable/cli/pip_install/#finding-packages,
https://docs.astral.sh/uv/concepts/indexes/#searching-across-multiple-indexes and
https://docs.astral.sh/uv/pip/compatibility/#packages-that-exist-on-multiple-indexes (checked 2026-11-30).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from packaging.version import Version

from stackcheck.environment.torchbuild import has_build
from stackcheck.model.build import cuda_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.environment.environment import Environment
    from stackcheck.environment.sources import Source
    from stackcheck.knowledge.torch import Release

Installer: TypeAlias = Literal["pip", "uv"]
_STABLE_PAGE = "/torch_stable.html"
"""PyTorch's page with every build of a release up to 2.x beside each other."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that an installer may take, and the place that has it where several are told apart."""

    version: Version
    place: Source | None = None


def searched(env: Environment, installer: Installer = "pip") -> tuple[Source, ...]:
    """Return what is searched for torch; a folder beside an index holds what somebody downloaded."""
    places = tuple(place for place in env.sources("torch") if place.serves and not place.is_folder)
    if installer == "pip":
        return places
    indexes = [place for place in places if not place.flat]
    return (*(place for place in places if place.flat), *indexes[:1])


def not_known(places: Sequence[Source]) -> Source | None:
    """Return the first place of which the tables do not say what it has."""
    alone = all(_is_nightly(place) for place in places)
    return next((place for place in places if not _is_known(place) or (alone and _is_nightly(place))), None)


def torches_at(places: Sequence[Source], env: Environment) -> tuple[Version, list[Candidate]] | None:
    """Return the newest release of torch, and the wheels that places have; None where that is not known."""
    if not places or not_known(places):
        return None
    releases = env.tables.torch.releases
    found = [
        candidate
        for place in places
        for release in releases
        if for_python(release.python.get(env.platform, ()), env.python)
        for candidate in _builds_at(place, release, env)
    ]
    return env.tables.torch.newest.torch, found


def is_stable_page(place: Source) -> bool:
    """Tell PyTorch's page of all builds."""
    return place.kind == "pytorch" and place.url.partition("#")[0].endswith(_STABLE_PAGE)


def _is_known(place: Source) -> bool:
    return place.kind == "pypi" or (place.kind == "pytorch" and (bool(place.tag) or is_stable_page(place)))


def _is_nightly(place: Source) -> bool:
    """Tell an index of builds of the day, which installers take only where no release is found."""
    return "/nightly/" in place.url


def _builds_at(place: Source, release: Release, env: Environment) -> Iterator[Candidate]:
    platform = env.platform
    if place.kind == "pypi":
        if platform in release.pypi:
            yield Candidate(release.torch, place)
    elif _is_nightly(place):
        return
    elif platform.startswith("macos/"):
        # Its wheels have no local version, and stand beside those for the CPU.
        if place.tag is None or place.tag.kind == "cpu":
            yield Candidate(release.torch, place)
    elif place.tag is None:
        for local in _locals(release, platform):
            yield Candidate(Version(f"{release.torch}+{local}"), place)
    elif place.tag.kind == "cpu" or has_build(place.tag, release, sure=True):
        yield Candidate(Version(f"{release.torch}+{place.tag.tag}"), place)


def _locals(release: Release, platform: str) -> Iterator[str]:
    yield from ("cpu", *map(cuda_tag, release.cuda))
    if platform.startswith("linux"):
        yield from (f"rocm{each}" for each in release.rocm)


def may_be_rocm(best: Candidate, env: Environment) -> bool:
    """Tell whether the page of all builds may have one for ROCm, the highest name, that is not known."""
    release = env.tables.torch.release(best.version)
    if best.place is None or release is None or release.rocm or not env.platform.startswith("linux"):
        return False
    return any(is_stable_page(place) for place in env.sources("torch"))


def for_python(words: Iterable[str], python: str | None) -> bool:
    """Tell whether a list of Pythons ("3.9", "3.9+", "3") has one; without a Python, whether it has any."""
    listed = tuple(words)
    if python is None:
        return bool(listed)
    later = [word[:-1] for word in listed if word.endswith("+")]
    return bool({"3", python} & {*listed}) or any(Version(python) >= Version(word) for word in later)


def where_taken(best: Candidate, places: Sequence[Source], env: Environment) -> tuple[str, str]:
    """Return the place that has what is taken, where several are named, and what decides."""
    python = f" for Python {env.python}" if env.python else ""
    if best.place is None or len(searched(env)) < 2:
        return "", f"the newest release{python} that this admits"
    others = ", ".join(shown(place) for place in places if place != best.place)
    rest = f" and {others}" if others else ", the first index that has torch"
    return best.place.url, f"the highest version{python} of {best.place.shown}{rest}"


def shown(place: Source) -> str:
    """Return a place by its host where it has all of torch, else by its address."""
    return place.name if place.tag is None else place.shown

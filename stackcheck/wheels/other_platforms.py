"""What is known of wheels for macOS and Windows, whose libraries `fits` does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.platforms import PLATFORMS
from stackcheck.wheels.torches import spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.wheels.fits import Subject


def torches_elsewhere(subject: Subject) -> str:
    """Say for each platform of a wheel's tags which torch has a wheel there for one of its Pythons.

    "" for a wheel that is for Linux or for every platform, and for a library alone.
    """
    from stackcheck.model.wheel_tags import stack_platforms  # noqa: PLC0415 - wheels for Linux need it not

    found = {each for tag in subject.tags for each in stack_platforms(tag.rpartition("-")[2])}
    if "any" in found or any(each.startswith("linux/") for each in found):
        return ""
    return "; ".join(_torches(subject, each) for each in PLATFORMS if each in found)


def _torches(subject: Subject, platform: str) -> str:
    from stackcheck import knowledge  # noqa: PLC0415 - likewise

    releases = knowledge.load().torch.releases
    having = [
        str(row.torch)
        for row in releases
        if any(subject.serves(abi) for word in row.python.get(platform, ()) for abi in _abis(word))
    ]
    if not having:
        return f"no torch has a wheel for {platform} and a Python of it"
    return f"for {platform} torch {spans([str(row.torch) for row in releases], having)} has wheels"


def _abis(python: str) -> Iterator[str]:
    """Yield the ABI tags of a Python as the tables name it: "3.11", "3.13t", or "3" for every one."""
    major, _, minor = python.removesuffix("+").partition(".")
    if minor:
        yield f"cp{major}{minor}"
    else:
        yield from (f"cp3{each}" for each in range(7, 20))

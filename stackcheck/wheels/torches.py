"""Which torches a user asks about: releases, prefixes of releases, a range, a build."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.specifiers import SpecifierSet

    from stackcheck.wheels.exports import Build

_WRITTEN = re.compile(r"v?(\d+(?:\.\d+){0,2})(?:\.\*)?(?:\+(cpu|cu\d+|rocm[\d.]+))?")

_EXACT = re.compile(r"torch *\(?(==\d+(?:\.\d+)+)\)?", re.IGNORECASE)
"""The usual pin of a wheel that links torch, which means the same to `packaging`."""


class Asked(NamedTuple):
    """What `--torch` says: `all`, `2.6,2.7.1+cu126`, or a range such as `>=2.8,<2.13`."""

    text: str

    @property
    def every(self) -> bool:
        """Tell whether all measured releases are asked for."""
        return self.text.strip() == "all"

    @property
    def specifier(self) -> SpecifierSet | None:
        """Return the range, None where releases are named; raise UsageError for what is neither."""
        return _range(self.text) if not self.every and re.search(r"[<>=!~]", self.text) else None

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Return (release or its prefix, build tag or "") for each that is named."""
        return () if self.every or self.specifier is not None else _names(self.text)

    def builds(self, builds: Sequence[Build]) -> list[Build]:
        """Return the measured builds that are asked for."""
        return [each for each in builds if self._wants(each)]

    def unmeasured(self, builds: Sequence[Build]) -> list[str]:
        """Return what is named and is not among the measured builds."""
        return [
            f"{release}+{tag}" if tag else release
            for release, tag in self.named
            if not any(_is_named(each, release, tag) for each in builds)
        ]

    def _wants(self, build: Build) -> bool:
        if self.specifier is not None:
            return self.specifier.contains(build.torch)
        return self.every or any(_is_named(build, *each) for each in self.named)


@lru_cache(maxsize=16)
def _range(text: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - 9 ms, for a range alone

    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise UsageError(f"--torch: {text!r} is not a range such as '>=2.8,<2.13'.") from None


@lru_cache(maxsize=16)
def _names(text: str) -> tuple[tuple[str, str], ...]:
    found = [_WRITTEN.fullmatch(word.strip()) for word in text.split(",") if word.strip()]
    if not found or None in found:
        example = "all, releases such as 2.6,2.7.1, or a range such as '>=2.8,<2.13'"
        raise UsageError(f"--torch: {text!r} is not {example}.")
    return tuple((match[1], match[2] or "") for match in found if match)


def _is_named(build: Build, release: str, tag: str) -> bool:
    return (build.torch == release or build.torch.startswith(f"{release}.")) and tag in ("", build.tag)


def spans(all_releases: Sequence[str], some: Sequence[str]) -> str:
    """Return releases as people write them, neighbours joined.

    >>> spans(["2.6.0", "2.7.0", "2.7.1", "2.8.0"], ["2.7.0", "2.7.1"])
    '2.7.0 - 2.7.1'
    """
    runs: list[list[str]] = []
    for number, release in enumerate(all_releases):
        if release not in some:
            continue
        if runs and all_releases[number - 1] == runs[-1][-1]:
            runs[-1].append(release)
        else:
            runs.append([release])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} - {run[-1]}" for run in runs)


def pinned(requires: Sequence[str]) -> str | None:
    """Return what METADATA asks of torch, "" where it names torch without a version, None where it does not.

    What an extra asks does not count, nor a requirement that cannot be read.
    """
    named = [text for text in requires if re.match(r"torch\b(?![-.])", text, re.IGNORECASE)]
    if not named:
        return None
    if exact := _EXACT.fullmatch(named[0]):
        return exact[1]
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 20 ms, for other pins

    for text in named:
        try:
            need = Requirement(text)
        except InvalidRequirement:
            continue
        if need.name.lower() == "torch" and "extra" not in str(need.marker or ""):
            return str(need.specifier)
    return None

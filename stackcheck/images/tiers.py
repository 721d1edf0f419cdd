"""A chain of images, each built on the one below: order, and what of it has to be built again.

A tier is used as it is while the files of its manifest and the image under it are the same; else it is built,
and so are all after it. Everything here is pure: what there is comes in as facts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.images.layercache import Forecast
    from stackcheck.intake.stack import Stack

_FORMAT = 1
"""Raise it when the same inputs would give another image."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Tier:
    """What an image of a chain is made of: the digests of its files by path, and its settings.

    `settings` are the target and the build arguments, by name.
    """

    stack: str
    files: Mapping[str, str]
    settings: Mapping[str, str]

    def fingerprint(self, below: str) -> str:
        """Return the digest of everything that goes in; `below` names the image under it, "" none."""
        parts = [_FORMAT, dict(self.files), dict(self.settings), below]
        import hashlib  # noqa: PLC0415 - 2 ms in every command, and only a plan needs it

        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TierImage:
    """An image of a tier that exists, with what its labels say that it was made of.

    Each digest in `files` is the end of the whole one.
    """

    id: str
    name: str
    fingerprint: str
    files: Mapping[str, str]
    below: str = ""
    size_bytes: int = 0
    steps: str = ""
    """The label that `layercache.from_label` reads."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with one tier: `image` is used, or, where it is None, the tier is built for these reasons.

    `missing` tells that there is no image of the tier at all.
    """

    tier: Tier
    image: TierImage | None
    reasons: tuple[str, ...] = ()
    missing: bool = False

    @property
    def build(self) -> bool:
        """Tell whether the tier is built."""
        return self.image is None


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """What is done with each tier, lowest first; `steps` tells of each step of a tier that is built."""

    decisions: tuple[Decision, ...]
    steps: Mapping[str, Sequence[Forecast]]


def link(stacks: Sequence[Stack]) -> tuple[tuple[Stack, ...], list[str]]:
    """Give every stack of a chain the tiers below it; return the stacks, and every fault of the chains."""
    known = {stack.id: stack for stack in stacks}
    linked, faults = [], []
    for stack in stacks:
        below, fault = _below(stack, known)
        faults += [fault] if fault else []
        linked.append(_standing_on(stack, below))
    return tuple(linked), faults


def _standing_on(stack: Stack, below: Sequence[Stack]) -> Stack:
    """Return a tier that knows the tiers below it, each of which knows those below itself."""
    tiers: list[Stack] = []
    for each in below:
        tiers.append(each.model_copy(update={"below": tuple(tiers)}))
    return stack.model_copy(update={"below": tuple(tiers)}) if tiers else stack


def _below(stack: Stack, known: Mapping[str, Stack]) -> tuple[tuple[Stack, ...], str]:
    chain, seen = [stack], {stack.id}
    while (wanted := chain[-1].image.from_stack) is not None:
        where = f"{chain[-1].title}: image.from_stack"
        under = known.get(wanted)
        if under is None:
            return (), f"{where}: there is no stack {wanted!r}"
        if wanted in seen:
            return (), f"{where}: {wanted!r} is built on this stack itself"
        if not (under.image.dockerfile or under.image.ready):
            return (), f"{where}: {wanted!r} has neither image.dockerfile nor image.ready"
        chain.append(under)
        seen.add(wanted)
    return tuple(reversed(chain[1:])), ""


def from_fault(stack: Stack, bases: Sequence[str]) -> str:
    """Return what is wrong when a tier's Dockerfile builds on these images; "" when it is the tier below."""
    if not stack.below or not stack.image.dockerfile:
        return ""
    under = stack.below[-1]
    name = under.image.tag or under.image.ready
    if name is None:
        return f"{under.id} states no image.tag, so no FROM can name its image"
    if name in bases:
        return ""
    return f"its Dockerfile has no FROM {name}, the image of {under.id}; it has {', '.join(bases) or 'none'}"


def plan(
    tiers: Sequence[Tier], there: Mapping[str, Sequence[TierImage]], base: str = ""
) -> tuple[Decision, ...]:
    """Decide for each tier, lowest first: use it, or build it and all after it.

    `there` are the images that exist, by stack, newest first; `base` is what the lowest is built on.
    """
    decisions: list[Decision] = []
    for tier in tiers:
        images, under = there.get(tier.stack, ()), decisions[-1] if decisions else None
        decisions.append(_decide(tier, images, under, base))
    return tuple(decisions)


def _decide(tier: Tier, images: Sequence[TierImage], under: Decision | None, base: str) -> Decision:
    if not images:
        return Decision(tier, None, ("it is missing",), missing=True)
    if under is not None and under.build:
        return Decision(tier, None, (*_differences(tier, images[0]), f"{under.tier.stack} is built again"))
    below = under.image.id if under and under.image else base
    wanted = tier.fingerprint(below)
    for image in images:
        if image.fingerprint == wanted:
            return Decision(tier, image)
    other = () if images[0].below == below else ("it was built on another image than the one there is now",)
    reasons = (*_differences(tier, images[0]), *other)
    return Decision(tier, None, reasons or ("its files or build settings changed",))


def _differences(tier: Tier, image: TierImage) -> tuple[str, ...]:
    """Return how the files of a tier differ from those that an image was built from."""
    new, old = tier.files, image.files
    if not old:  # an image of many files says none of them
        return ()
    changes = {
        "changed": sorted(path for path in new.keys() & old.keys() if not new[path].endswith(old[path])),
        "new": sorted(new.keys() - old.keys()),
        "gone": sorted(old.keys() - new.keys()),
    }
    return tuple(f"{some(paths, _MOST_NAMED)} {how}" for how, paths in changes.items() if paths)


def missing(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """Return the tiers of which there is no image."""
    return tuple(each.tier.stack for each in decisions if each.missing)

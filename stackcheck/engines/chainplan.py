"""What a build would do: which tiers are used, which are built, and from which line on. Nothing is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.dockerfiles.layercache import Forecast, forecast, from_label
from stackcheck.dockerfiles.tiers import ChainPlan, from_fault, plan
from stackcheck.engines.ownbuild import built_on, own_build
from stackcheck.engines.tierimages import local_id, tier_images
from stackcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import docker

    from stackcheck.definition import Stack
    from stackcheck.dockerfiles.tiers import TierImage
    from stackcheck.engines.contract import BuildOptions
    from stackcheck.engines.ownbuild import OwnBuild

_TO_BE_BUILT = "to be built"


def plan_chain(
    client: docker.DockerClient, stack: Stack, options: BuildOptions, *, classic: bool
) -> ChainPlan:
    """Look at what there is and decide; raise `UsageError` for a stack that has no Dockerfile of its own."""
    chain = [each for each in (*stack.below, stack) if not each.image.ready]
    if other := next((each for each in chain if not each.image.dockerfile), None):
        raise UsageError(f"{other.title}: a plan is for stacks with image.dockerfile")
    builds = [own_build(each, options) for each in chain]
    if faults := [fault for own in builds if (fault := from_fault(own.stack, own.bases))]:
        raise UsageError(f"{stack.title}: {faults[0]}")
    there = {each.id: tier_images(client, each.id) for each in chain}
    images = {base: found for own in builds for base in own.bases if (found := local_id(client, base))}
    ready = stack.below[0].image.ready if stack.below else None
    lowest = images.get(ready, "") if ready else built_on(builds[0], images)
    decisions = plan([own.tier for own in builds], there, lowest)
    steps: dict[str, Sequence[Forecast]] = {}
    for own, each in zip(builds, decisions, strict=True):
        if each.build:
            steps[own.stack.id] = _forecast(own, there[own.stack.id], images, classic=classic)
        if each.build and own.stack.image.tag:
            images[own.stack.image.tag] = _TO_BE_BUILT
    return ChainPlan(decisions, steps)


def _forecast(
    own: OwnBuild, there: Sequence[TierImage], images: Mapping[str, str], *, classic: bool
) -> tuple[Forecast, ...]:
    """Compare with the newest image of the tier: as far as the engine still has the layers of that build."""
    kept = from_label(there[0].steps) if there else {}
    return forecast(kept, own.steps(images, classic=classic))

"""Images of stacks that exist in the engine, by name and labels, and what would be built on them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from stackcheck.images.dockerfile import LABEL_FINGERPRINT, LABEL_STACK
from stackcheck.images.layercache import Forecast, forecast, from_label
from stackcheck.images.tiers import ChainPlan, TierImage, from_fault, plan
from stackcheck.model.errors import EngineError, UsageError
from stackcheck.targets.containers.built_images import was_built
from stackcheck.targets.containers.connection import engine_errors
from stackcheck.targets.containers.own_dockerfile import (
    LABEL_BELOW,
    LABEL_FILES,
    LABEL_STEPS,
    built_on,
    own_build,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import docker
    from docker.models.images import Image

    from stackcheck.intake.stack import Stack
    from stackcheck.targets.containers.own_dockerfile import OwnBuild
    from stackcheck.targets.engine import BuildOptions

_TO_BE_BUILT = "to be built"


def tier_images(client: docker.DockerClient, stack: str) -> tuple[TierImage, ...]:
    """Return the named images of a stack, newest first."""
    with engine_errors(f"looking for images of {stack}"):
        found = client.images.list(filters={"label": f"{LABEL_STACK}={stack}"})
    named = [image for image in found if _has_own_name(image, stack)]
    named.sort(key=lambda image: str(image.attrs.get("Created")), reverse=True)
    return tuple(_tier_image(image) for image in named)


def image_tag(stack: str, digest: str) -> str:
    """Return the name of a built image; names of images are lower case (distribution reference grammar)."""
    return f"stackcheck/{re.sub(r'[^a-z0-9]+', '-', stack.lower()).strip('-')}:{digest[:12]}"


def _has_own_name(image: Image, stack: str) -> bool:
    """Tell whether an image has the name that its labels give it: one that was built on it has them alone."""
    labels = labels_of(image)
    own = image_tag(stack, labels.get(LABEL_FINGERPRINT, ""))
    return labels.get(LABEL_STACK) == stack and any(
        tag.removeprefix("localhost/") == own for tag in image.tags
    )


def _tier_image(image: Image) -> TierImage:
    labels = labels_of(image)
    return TierImage(
        id=str(image.id),
        name=next(tag for tag in image.tags if tag.removeprefix("localhost/").startswith("stackcheck/")),
        fingerprint=labels.get(LABEL_FINGERPRINT, ""),
        files=_files(labels.get(LABEL_FILES, "")),
        below=labels.get(LABEL_BELOW, ""),
        size_bytes=image.attrs.get("Size") or 0,
        steps=labels.get(LABEL_STEPS, ""),
    )


def labels_of(image: Image) -> dict[str, str]:
    """Return the labels of an image."""
    return dict((image.attrs.get("Config") or {}).get("Labels") or {})


def _files(text: str) -> dict[str, str]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(path): str(digest) for path, digest in found.items()} if isinstance(found, dict) else {}


def local_id(client: docker.DockerClient, reference: str) -> str:
    """Return the id of a local image, "" when there is none of that name."""
    try:
        with engine_errors(f"looking for {reference}"):
            return str(client.images.get(reference).id)
    except EngineError:
        return ""


def give_tag(client: docker.DockerClient, image: Image, tag: str, stack: str, cache: Path) -> None:
    """Give an image the name by which the next tier finds it; raise `EngineError` for a name that is taken.

    An image that this stack did not make is nobody's to rename.
    """
    if tag in image.tags:
        return
    with engine_errors(f"looking for {tag}"):
        holders = client.images.list(name=tag)
    if not all(was_built(cache, str(each.id), stack) or _has_own_name(each, stack) for each in holders):
        raise EngineError(
            f"{stack}: image.tag {tag!r} is the name of an image that was not built for this stack; "
            "remove that name, or state another one"
        )
    with engine_errors(f"naming {tag}"):
        repository, _, version = tag.rpartition(":") if ":" in tag.rpartition("/")[2] else (tag, "", "latest")
        image.tag(repository, version)


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

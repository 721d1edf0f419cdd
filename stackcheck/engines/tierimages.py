"""Images of stacks that exist in the engine, with what their labels say that they were made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.dockerfiles.dockerfile import LABEL_FINGERPRINT, LABEL_STACK
from stackcheck.dockerfiles.tiers import TierImage
from stackcheck.engines.connection import engine_errors
from stackcheck.engines.ownbuild import LABEL_BELOW, LABEL_FILES, LABEL_STEPS
from stackcheck.errors import EngineError

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image


def tier_images(client: docker.DockerClient, stack: str) -> tuple[TierImage, ...]:
    """Return the named images of a stack, newest first."""
    with engine_errors(f"looking for images of {stack}"):
        found = client.images.list(filters={"label": f"{LABEL_STACK}={stack}"})
    named = [image for image in found if image.tags]
    named.sort(key=lambda image: str(image.attrs.get("Created")), reverse=True)
    return tuple(_tier_image(image) for image in named)


def _tier_image(image: Image) -> TierImage:
    labels = labels_of(image)
    name = next((tag for tag in image.tags if tag.startswith("stackcheck/")), image.tags[0])
    return TierImage(
        id=str(image.id),
        name=name,
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
    except ValueError:
        return {}
    return {str(path): str(digest) for path, digest in found.items()} if isinstance(found, dict) else {}


def local_id(client: docker.DockerClient, reference: str) -> str:
    """Return the id of a local image, "" when there is none of that name."""
    try:
        with engine_errors(f"looking for {reference}"):
            return str(client.images.get(reference).id)
    except EngineError:
        return ""


def give_tag(client: docker.DockerClient, image: Image, tag: str, stack: str) -> None:
    """Give an image the name by which the next tier finds it; raise `EngineError` for a name that is taken.

    An image that this stack did not make is nobody's to rename.
    """
    if tag in image.tags:
        return
    with engine_errors(f"looking for {tag}"):
        holders = client.images.list(name=tag)
    if any(labels_of(each).get(LABEL_STACK) != stack for each in holders):
        raise EngineError(
            f"{stack}: image.tag {tag!r} is the name of an image that was not built for this stack; "
            "remove that name, or state another one"
        )
    with engine_errors(f"naming {tag}"):
        image.tag(tag)

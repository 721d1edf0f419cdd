"""What an engine knows of an image without running the probes in it: the fact `image` of the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The configuration of an image, as the engine's API states it.

    `layers` are the digests of the uncompressed layers, bottom first; `created` is ISO 8601 text;
    `size_bytes` is uncompressed. `base` is the reference that the image was built on and `base_id` its image
    id, "" when the image was not built here. `python` is the version of the interpreter that probes run under
    and `base_python` the one of the base, both as `3.11.2`, "" when there is none that answers.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    os: str = ""
    architecture: str = ""
    created: str = ""
    size_bytes: int = 0
    layers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    base: str = ""
    base_id: str = ""
    python: str = ""
    base_python: str = ""


def parse_image(
    attrs: Mapping[str, Any], *, base: str = "", base_id: str = "", base_python: str = "", python: str = ""
) -> ImageFacts:
    """Read the engine's description of an image (GET /images/{name}/json of the Docker Engine API, v1.41).

    What that does not tell, the base and the versions of Python, comes from the caller.
    """
    config = attrs.get("Config") or {}
    return ImageFacts(
        id=attrs["Id"],
        tags=tuple(attrs.get("RepoTags") or ()),
        digests=tuple(attrs.get("RepoDigests") or ()),
        os=attrs.get("Os") or "",
        architecture=attrs.get("Architecture") or "",
        created=attrs.get("Created") or "",
        size_bytes=attrs.get("Size") or 0,
        layers=tuple((attrs.get("RootFS") or {}).get("Layers") or ()),
        labels=dict(config.get("Labels") or {}),
        env=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        base=base,
        base_id=base_id,
        python=python,
        base_python=base_python,
    )

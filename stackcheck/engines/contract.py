"""What an engine takes and gives: `BuildOptions`, `Target`, and the Protocol `Engine`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from stackcheck.cachedir import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.definition import Stack
    from stackcheck.dockerfiles.tiers import ChainPlan
    from stackcheck.image import ImageFacts
    from stackcheck.model.facts import Missing
    from stackcheck.resolving.resolution import Resolution

Progress: TypeAlias = Callable[[str], None]
"""Takes one line of progress, without a line end; goes to stderr, never into a report."""


def default_cache() -> Path:
    """Return the folder for what may be thrown away."""
    return cache_folder(os.environ)


@dataclass(frozen=True)
class BuildOptions:
    """How to build, in all that is the user's machine and not the stack.

    `base` replaces the base image of the stack; `mirror` is put in front of images of Docker Hub
    (`registry.example.com/hub`). `ca_file` holds extra CA certificates (PEM), `secrets` are files by id; both
    are mounted for the build steps only. `gpus` names what is asked for: "auto", "none", indexes or UUIDs.
    `network` is the network mode of the build steps, "" the engine's own. `environ` stands for os.environ:
    index credentials and proxy settings are taken from it. Relative paths of a stack start at `root`, by
    default the folder of its definition.
    """

    base: str = ""
    mirror: str = ""
    ca_file: Path | None = None
    secrets: Mapping[str, Path] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    gpus: Literal["auto", "none"] | tuple[str, ...] = "auto"
    network: str = ""
    timeout_s: float = 3600.0
    cache: Path = field(default_factory=default_cache)
    logs: Path | None = None
    root: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def log_folder(self) -> Path:
        """Return where the whole build logs lie."""
        return self.logs or self.cache / "logs"


@dataclass(frozen=True)
class BuiltTier:
    """One image of a chain: `size_bytes` is the whole image's, `built` tells whether it was built now."""

    stack: str
    name: str
    id: str
    size_bytes: int
    built: bool


@dataclass(frozen=True)
class Target:
    """What probes run in.

    `id` is the image id or the fingerprint of the environment, `size_bytes` its size on disk (0: not known),
    `python` the command of the interpreter there. `image` is missing, with the reason, for all but images.
    `built` is False when nothing had to be built. `gpus` is what was asked of the engine, in its words, and
    `gpus_note` why nothing was. `env` is the whole environment of the agent where there is no image.
    `tiers` are the images of a chain, lowest first and the target last; empty for an image that stands alone.
    """

    kind: Literal["image", "venv", "here"]
    name: str
    id: str
    python: tuple[str, ...]
    image: ImageFacts | Missing
    size_bytes: int = 0
    built: bool = False
    gpus: tuple[str, ...] = ()
    gpus_note: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    log_file: str = ""
    tiers: tuple[BuiltTier, ...] = ()


class Engine(Protocol):
    """One way to have a stack in front of the probes."""

    name: str

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Build what the stack needs, or find it built already.

        Raise `BuildFailedError` when a step of the stack fails, `EngineError` when the engine does.
        """
        ...

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        """Run the agent (a zipapp) in the target; return the document that it wrote, unparsed.

        Raise `ProbeError` when it wrote none, `EngineError` when the engine failed or the time ran out.
        """
        ...

    def close(self) -> None:
        """Let go of connections and temporary folders; what was built stays."""
        ...


@runtime_checkable
class Planner(Protocol):
    """An engine that can tell what it would build."""

    def plan(self, stack: Stack, options: BuildOptions) -> ChainPlan:
        """Tell what `prepare` would build of a stack with a Dockerfile of its own, and build nothing."""
        ...

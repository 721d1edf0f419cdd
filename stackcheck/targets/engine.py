"""What an engine takes and gives: `BuildOptions`, `Capabilities`, `Target`, and the Protocol `Engine`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from stackcheck.storage.folders import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from stackcheck.images.tiers import ChainPlan
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Missing
    from stackcheck.model.image import ImageFacts
    from stackcheck.model.outside import OutsideFiles
    from stackcheck.model.resolution import Resolution

Progress: TypeAlias = Callable[[str], None]
"""Takes one line of progress, without a line end; goes to stderr, never into a report."""


def about(progress: Progress, stack: str) -> Progress:
    """Return what takes the lines about one stack; what cannot tell stacks apart takes them as they are."""
    of = getattr(progress, "of", None)
    found: Progress = of(stack) if of and stack else progress
    return found


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can do; nobody asks for its name. What is not stated it cannot.

    `images`: its targets are images, so it takes `image.ready` and any base. `builds`: it makes what a stack
    needs, and does not only look at what is there. `source_archives`: it builds packages that have no wheel.
    `build_secrets`: files that only build steps see reach the user's own Dockerfile. `plans`: it is a
    `Planner`. `bakes`: it is a `ContainerEngine`, on whose images an entrypoint can be put. `sees_registry`:
    it tells which digest a registry has under a name. `gpu_requests`: it gives NVIDIA GPUs to containers.
    `is_local`: driver and kernel of its targets are this machine's. `content_ids`: a target's id is the
    digest of all that is in it, so that what was seen of it holds. `stamped`: a target is a folder of this
    machine that the engine made, so that a look at its files tells whether it holds. `local_pythons`: it
    builds for the Pythons that this machine has. `files_only`: its targets are files for another Python or
    machine, of which nothing is run. `outside`: it is an `OutsideReader`.
    """

    images: bool = False
    builds: bool = False
    source_archives: bool = False
    build_secrets: bool = False
    plans: bool = False
    bakes: bool = False
    sees_registry: bool = False
    gpu_requests: bool = False
    is_local: bool = False
    content_ids: bool = False
    local_pythons: bool = False
    files_only: bool = False
    stamped: bool = False
    outside: bool = False


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

    `engine` is the name of the engine that has it, `kind` says what it is: an image, a virtual environment,
    this interpreter, or a word of the engine's own. `id` is the image id or the fingerprint of the
    environment, `size_bytes` its size on disk (0: not known), `python` the command of the interpreter there.
    `image` is missing, with the reason, for all but images. `built` is False when nothing had to be built.
    `gpus` is what was asked of the engine, in its words, and `gpus_note` why nothing was. `env` is the whole
    environment of the agent where there is no image. `tiers` are the images of a chain, lowest first and the
    target last; empty for an image that stands alone. `packages` are the folders of packages that are not
    the interpreter's own: files to look at, for a Python and a system that are not here.
    """

    engine: str
    kind: str
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
    packages: tuple[str, ...] = ()


class Engine(Protocol):
    """One way to have a stack in front of the probes.

    `capabilities` are those of this very one: where it runs, and which tools it has found, may have taken
    some away from those of its class. `swept` is how much of killed runs it has removed when it started.
    """

    name: str
    capabilities: Capabilities
    swept: int

    @property
    def version(self) -> str:
        """Return the version of what does the work, with what is worth telling of it; "" for none."""
        ...

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


class EngineClass(Protocol):
    """What is registered under a name: `capabilities` are the most that such an engine can do."""

    capabilities: Capabilities

    def start(self, cache: Path, environ: Mapping[str, str]) -> Engine:
        """Return an engine that answers, swept of what killed runs left; `cache` is the folder for its own.

        Raise `EngineUnreachableError`, with what to do, when none answers.
        """
        ...


@runtime_checkable
class Planner(Engine, Protocol):
    """An engine that `plans`."""

    def plan(self, stack: Stack, options: BuildOptions) -> ChainPlan:
        """Tell what `prepare` would build of a stack with a Dockerfile of its own, and build nothing."""
        ...


@runtime_checkable
class Foreteller(Engine, Protocol):
    """An engine that knows without building whether it has what a stack needs."""

    def foretold(self, stack: Stack, resolution: Resolution | None, options: BuildOptions) -> str:
        """Return what `prepare` would find built already, in words; "" where it would build."""
        ...


@runtime_checkable
class OutsideReader(Engine, Protocol):
    """An engine that reads the files of its targets from `outside`."""

    def outside(self, target: Target) -> OutsideFiles:
        """Return the files of a target, nothing of which is started; raise `EngineError` for none."""
        ...


@runtime_checkable
class ContainerEngine(Engine, Protocol):
    """An engine that `bakes`: it speaks the Docker Engine API."""

    @property
    def client(self) -> docker.DockerClient:
        """Return the connection; the engine closes it."""
        ...

"""What engines with the Docker Engine API share: have the image of a stack, and probe it in a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.images.dockerfile import LABEL_BASE, VENV
from stackcheck.model.errors import EngineError, UsageError
from stackcheck.model.image import parse_image
from stackcheck.targets.containers import agent_container
from stackcheck.targets.containers.builder import LABEL_BASE_ID, LABEL_BASE_PYTHON, Builder, Built
from stackcheck.targets.containers.connection import engine_errors, first_line
from stackcheck.targets.containers.gpus import GpuRequest, look_at_host, request_gpus
from stackcheck.targets.containers.image_python import find_python
from stackcheck.targets.containers.images import CONFINED, have_image, is_not_there, python_of
from stackcheck.targets.containers.outside import read_outside
from stackcheck.targets.containers.sweep import sweep_engine
from stackcheck.targets.engine import BuiltTier, Target
from stackcheck.targets.process.process_identity import LABEL, this_process
from stackcheck.targets.process.signals import stop_signals_raise
from stackcheck.targets.registry import without_containers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.image import ImageFacts
    from stackcheck.model.outside import OutsideFiles
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets.containers.build_tool import BuildTool
    from stackcheck.targets.engine import BuildOptions, Capabilities, Progress


class ApiEngine:
    """Images and containers of an engine that answers; each client of it adds its name, and how it builds."""

    name: str
    capabilities: Capabilities
    cannot_build = ""
    """Why one without the capability does not build, and what to do."""

    def __init__(
        self, client: docker.DockerClient, tool: BuildTool | None, capabilities: Capabilities
    ) -> None:
        """Take the connection, which is this engine's to close, and sweep what killed runs left."""
        self.client, self.capabilities = client, capabilities
        self._tool = tool
        self._gpus: dict[str, GpuRequest] = {}
        self.swept = sweep_engine(client)

    @property
    def version(self) -> str:
        """Return the version of the engine, such as "20.10.24"."""
        with engine_errors("asking the engine for its version"):
            return str(self.client.version()["Version"])

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Have the image of a stack: see `Engine.prepare`."""
        if stack.platform and not stack.platform.startswith("linux/"):
            raise EngineError(
                f"{stack.title}: the engine {self.name} has Linux images, the stack is for {stack.platform}."
            )
        with stop_signals_raise():
            chain, python = self._have(stack, resolution, options, progress)
            built = chain[-1]
            facts = self._look(built, python)
            name = facts.tags[0] if facts.tags else facts.id
            gpus = self._usable_gpus(facts.id, stack, options, progress)
        self._gpus[name] = gpus
        return Target(
            self.name, "image", name, facts.id, python, facts, facts.size_bytes, built.new,
            gpus=gpus.asked, gpus_note=gpus.note, log_file=built.log_file, tiers=_tiers(stack, chain),
        )  # fmt: skip

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        """Run the agent in a container: see `Engine.run_agent`."""
        with stop_signals_raise():
            doing = f"probing {target.name}"
            with engine_errors(doing):
                memory = self.client.info().get("MemTotal") or 0
            arguments = agent_container.container_arguments(target, memory)
            arguments |= self._gpus.get(target.name, GpuRequest()).arguments
            return agent_container.run_agent(
                self.client, arguments, agent, request, timeout_s=timeout_s, doing=doing
            )

    def outside(self, target: Target) -> OutsideFiles:
        """Return the files of an image, exported and not started: see `OutsideReader.outside`."""
        return read_outside(self.client, target.id, f"reading the files of {target.name}")

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def _have(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> tuple[tuple[Built, ...], tuple[str, ...]]:
        """Return the image of a stack, behind those of the tiers that it is built on, and its Python."""
        image = stack.image
        own_python = (image.python or "python3",)
        if image.ready:
            found = have_image(
                self.client, image.ready, progress, mirror=options.mirror, platform=stack.platform
            )
            named = image.python or find_python(self.client, found).python
            return (Built(found, new=False),), (named,)
        if not self.capabilities.builds:
            raise EngineError(f"{stack.title}: {self.cannot_build}")
        builder = Builder(self.client, self._tool, options, progress)
        if image.dockerfile:
            return builder.chain((*stack.below, stack)), own_python
        if resolution is None:
            raise EngineError(f"{stack.title}: there is no lock to build the image from")
        below = builder.chain(stack.below)
        under = below[-1].image.tags[0] if below else ""
        base = options.base or under or image.base or _plain_base(stack, progress)
        return (*below, builder.from_lock(stack, resolution, base)), (f"{VENV}/bin/python",)

    def _look(self, built: Built, python: tuple[str, ...]) -> ImageFacts:
        """Return the facts of an image; the Python of a generated one is that of its base.

        Another image's labels about its build may be those of an image that it was built on.
        """
        labels = (built.image.attrs.get("Config") or {}).get("Labels") or {}
        ours = labels if built.generated else {}
        base_python = ours.get(LABEL_BASE_PYTHON, "")
        return parse_image(
            built.image.attrs,
            base=labels.get(LABEL_BASE, ""),
            base_id=ours.get(LABEL_BASE_ID, ""),
            base_python=base_python,
            python=base_python or python_of(self.client, str(built.image.id), python),
        )

    def _usable_gpus(self, image: str, stack: Stack, options: BuildOptions, progress: Progress) -> GpuRequest:
        """Return what the engine really gives: whether it can is known only when a container starts."""
        with engine_errors("asking the engine what it has"):
            wanted = request_gpus(options.gpus, wanted_accelerator(stack), self.client.info(), look_at_host())
        reason = self._refusal(image, wanted) if wanted.asked else ""
        if not reason:
            return wanted
        if options.gpus != "auto":
            raise EngineError(f"the engine does not give {', '.join(wanted.asked)} to containers: {reason}.")
        note = f"this machine has a GPU, but the engine does not give it to containers: {reason}"
        way_out = "Install nvidia-container-toolkit, or use" if self.capabilities.gpu_requests else "Use"
        progress(f"{note}. {way_out} --engine {without_containers()}.")
        return GpuRequest(note=note)

    def _refusal(self, image: str, wanted: GpuRequest) -> str:
        """Start a container with the GPUs; return why it does not start, "" when it does."""
        if wanted.device_requests and not self.capabilities.gpu_requests:
            return f"the socket of {self.name} takes no requests for NVIDIA's GPUs"
        with engine_errors("trying GPUs in a container"):
            container = self.client.containers.create(
                image,
                entrypoint=["true"],
                command=[],
                labels={LABEL: str(this_process())},
                **CONFINED,
                **wanted.arguments,
            )
            try:
                container.start()
            except docker.errors.APIError as error:
                return "" if is_not_there(error) else first_line(error.explanation or error)
            finally:
                container.remove(force=True, v=True)
        return ""


def _tiers(stack: Stack, chain: tuple[Built, ...]) -> tuple[BuiltTier, ...]:
    if not stack.below:
        return ()
    return tuple(
        BuiltTier(
            each.id,
            each.image.tag or one.image.tags[0],
            str(one.image.id),
            one.image.attrs.get("Size") or 0,
            one.new,
        )
        for each, one in zip((*stack.below, stack), chain, strict=True)
    )


def _plain_base(stack: Stack, progress: Progress) -> str:
    """Return the official image of the stack's Python: wheels bring their CUDA runtime, no nvcc is needed."""
    if not stack.python:
        raise UsageError(f"{stack.title}: state image.base or python, or give --base IMAGE")
    base = f"python:{'.'.join(stack.python.split('.')[:2])}-slim-bookworm"
    progress(f"the stack states no base image; taking {base}")
    return base

"""An image that one node has built, taken by another: here it is removed, and comes back as it was."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stackcheck import pipeline
from stackcheck.fleet import handing
from stackcheck.model.errors import EngineError
from stackcheck.targets import BuildOptions
from tests.docker.conftest import STACK
from tests.docker.small_registry import registry
from tests.integration.index.conftest import running
from tests.integration.index.server import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker

    from stackcheck.intake.stack import Stack

pytestmark = pytest.mark.docker


def options(tmp_path: Path, name: str) -> pipeline.Options:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "uv")}
    build = BuildOptions(cache=tmp_path / name, environ=environ, network="host")
    return pipeline.Options(engine="docker", build=build, locks=tmp_path / "locks" / name)


def quiet(_line: str) -> None:
    return


def handed_on(client: docker.DockerClient, stack: Stack, tmp_path: Path, registry: str = "") -> None:
    """Build on one node, lose the image, take it on another: nothing is built there."""
    there, here = options(tmp_path, "there"), options(tmp_path, "here")
    handed = handing.build(stack, there, registry, lambda piece: piece)
    assert handed is not None
    assert bool(handed.pieces) is not bool(registry)
    assert [image.stack for image in handed.images][-1] == STACK
    client.images.remove(handed.images[-1].name, force=True)

    handing.take(handed, here, lambda piece: piece)
    folder = tmp_path / "taken"
    folder.mkdir()
    found = pipeline.build(stack, replace(here, locks=handing.locks_for(handed, stack, folder)), quiet)
    assert (found.built, found.id) == (False, handed.images[-1].id)

    client.images.remove(handed.images[-1].name, force=True)
    other = replace(handed, images=(replace(handed.images[-1], id=f"sha256:{'0' * 64}"),))
    with pytest.raises(EngineError, match="what came is not the image sha256:000000000000 that was sent"):
        handing.take(other, here, lambda piece: piece)


def test_an_image_of_a_lock(
    client: docker.DockerClient, make_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    with running() as index:
        index.add("main", make_wheel("tinypkg", "1.0", salt=uuid.uuid4().hex))
        handed_on(
            client, make_stack(packages={"tinypkg": "1.0"}, index={"url": index.simple("main")}), tmp_path
        )


def test_an_image_of_the_users_own_dockerfile(
    client: docker.DockerClient, make_stack: Callable[..., Stack], base: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "Dockerfile").write_text(f"FROM {base}\nRUN echo {uuid.uuid4().hex} > /made\n")
    stack = make_stack(image={"base": None, "dockerfile": "Dockerfile"}, file=str(own / "s.toml"))
    handed_on(client, stack, tmp_path)


def test_an_image_by_a_registry(
    client: docker.DockerClient, make_stack: Callable[..., Stack], base: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "Dockerfile").write_text(f"FROM {base}\nRUN echo {uuid.uuid4().hex} > /made\n")
    stack = make_stack(image={"base": None, "dockerfile": "Dockerfile"}, file=str(own / "s.toml"))
    with registry() as address:
        handed_on(client, stack, tmp_path, f"{address}/ci")
    names = [name for image in client.images.list() for name in (*image.tags, *image.attrs["RepoDigests"])]
    assert [name for name in names if address in name] == []


def test_what_does_not_build_is_not_handed_on(
    make_stack: Callable[..., Stack], base: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "Dockerfile").write_text(f"FROM {base}\nRUN false\n")
    stack = make_stack(image={"base": None, "dockerfile": "Dockerfile"}, file=str(own / "s.toml"))
    assert handing.build(stack, options(tmp_path, "there"), "", lambda piece: piece) is None

"""The examples of docs/start: their commands, run in containers of a baked image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from stackcheck.guard import baking
from stackcheck.model.errors import UsageError
from stackcheck.steps.options import Options
from tests.docker import starting
from tests.docker.starting import SITE, Starter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from stackcheck.intake.stack import Stack

pytestmark = pytest.mark.docker

POD = Path(__file__).parents[2] / "docs/start/pod.yaml"
VENV = "opt/venv/lib/python3.11/site-packages"


def quiet(_line: str) -> None:
    return None


@pytest.fixture
def made(client: docker.DockerClient, base: str, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return what builds an image of the small stack; it and its children go with the test."""
    tag = starting.fresh_tag()
    nvml = starting.fake_nvml(tmp_path)

    def build(config: str, *, venv: bool = False, **files: bytes | str) -> str:
        content = starting.stack_files(nvml)
        if venv:
            content = {name.replace(SITE, VENV): each for name, each in content.items()}
            content["opt/venv/bin/python"] = "/usr/bin/python3.11"
            content["opt/venv/pyvenv.cfg"] = b"home = /usr/bin\n"
        more = {name.replace("__", "/").replace("_DOT_", "."): each for name, each in files.items()}
        return starting.build(client, base, {**content, **more}, config, tag)

    yield build
    for name in list(starting.images_of(client, tag)):
        client.images.remove(name, force=True)


def bake(image: str, wish: baking.Wish, tmp_path: Path, stack: Stack | None = None) -> Any:
    return baking.bake(image, stack, wish, Options(locks=tmp_path), quiet)


def test_the_commands_of_the_pod_check_and_start(
    client: docker.DockerClient, made: Callable[..., str], tmp_path: Path
) -> None:
    baked = bake(made("CMD []\n"), baking.Wish(), tmp_path)
    pod = yaml.safe_load(POD.read_text())["spec"]
    check, work = pod["initContainers"][0]["command"], pod["containers"][0]["command"]
    ready = pod["containers"][0]["readinessProbe"]["exec"]["command"]
    starter = Starter(client, baked.name)
    kubernetes = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "STACKCHECK_FORMAT": "text"}
    try:
        for words in (check, ready):
            good = starter.run(*words[1:], entrypoint=words[:1], environment=kubernetes)
            assert (good.code, "is healthy" in good.out) == (0, True), good
            bad = starter.run(*words[1:], entrypoint=words[:1], environment=kubernetes, gpus=None)
            assert bad.code == 1
            assert "nvidia.com/gpu" in bad.out
        started = starter.run(*work[1:], entrypoint=work[:1], environment=kubernetes)
        assert (started.code, started.out) == (0, "running\n")
        refused = starter.run(*work[1:], entrypoint=work[:1], environment=kubernetes, gpus=None)
        assert (refused.code, refused.out) == (1, "")
    finally:
        starter.remove()


INNER = b'#!/bin/sh\nexport LD_LIBRARY_PATH=/usr/local/cuda/compat/lib\nexec "$@"\n'


def test_inside_sees_what_the_entrypoint_exports(
    client: docker.DockerClient, made: Callable[..., str], tmp_path: Path
) -> None:
    image = made(
        'RUN chmod 755 /inner.sh\nENTRYPOINT ["/inner.sh"]\nCMD ["echo", "running"]\n',
        inner_DOT_sh=INNER,
        usr__local__cuda__compat__lib__libcuda_DOT_so_DOT_1="libcuda.so.560.35.03",
        usr__local__cuda__compat__lib__libcuda_DOT_so_DOT_560_DOT_35_DOT_03=starting.ELF,
    )
    baked = bake(image, baking.Wish(inside=True), tmp_path)
    assert baked.entrypoint == ("/inner.sh",)
    starter = Starter(client, baked.name)
    try:
        geforce = starter.run(gpus="NVIDIA GeForce RTX 4090:8.9")
        assert geforce.code == 1
        assert "error 804" in geforce.causes[0][2]
        assert starter.run(gpus="NVIDIA L4:8.9").out == "running\n"
    finally:
        starter.remove()


def test_a_torch_behind_the_interpreter_of_the_command_is_baked(
    made: Callable[..., str], tmp_path: Path
) -> None:
    baked = bake(made('ENTRYPOINT ["/opt/venv/bin/python", "app.py"]\n', venv=True), baking.Wish(), tmp_path)
    assert baked.entrypoint[0] == "/opt/venv/bin/python"
    assert baked.said["answer"] == "healthy"
    assert {each["kind"] for each in baked.said["causes"]} == {"no-gpu", "shared-memory"}


def test_a_torch_that_no_command_names_is_taken_where_it_is_the_only_one(
    made: Callable[..., str], tmp_path: Path
) -> None:
    baked = bake(made("CMD []\n", venv=True), baking.Wish(), tmp_path)
    assert baked.entrypoint[0] == "/opt/venv/bin/python"


def test_a_command_whose_interpreter_has_no_torch_is_not_baked_and_the_other_is_named(
    made: Callable[..., str], tmp_path: Path
) -> None:
    image = made('CMD ["/usr/bin/python3", "app.py"]\n', venv=True)
    with pytest.raises(UsageError, match=r"/opt/venv/bin/python \(.*torch 2.5.0.cu124\): say --python"):
        bake(image, baking.Wish(), tmp_path)
    baked = bake(image, baking.Wish(python="/opt/venv/bin/python"), tmp_path)
    assert baked.said["answer"] == "healthy"


def test_an_image_that_asks_for_gpus_and_has_no_torch_is_never_healthy(
    client: docker.DockerClient, base: str, tmp_path: Path
) -> None:
    tag = starting.fresh_tag()
    image = starting.build(
        client, base, {}, "ENV NVIDIA_VISIBLE_DEVICES=all CUDA_VERSION=12.4.1\nCMD []\n", tag
    )
    try:
        baked = bake(image, baking.Wish(), tmp_path)
        assert (baked.said["answer"], baked.said["exit_code"]) == ("unchecked", 3)
        assert "no torch was found by" in baked.said["causes"][0]["message"]
    finally:
        for name in list(starting.images_of(client, tag)):
            client.images.remove(name, force=True)

"""An image read through the engine and its archive read without one say the same."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.docker
LIBRARY = (Path(__file__).parents[1] / "data" / "gpucode" / "uneven.so").read_bytes()


@pytest.fixture
def image(client: docker.DockerClient, base: str) -> Iterator[str]:
    """An image with one GPU library, and one that a later layer removes."""
    name = f"stackcheck-test-inspect:{uuid.uuid4().hex[:12]}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in ("opt/lib/kept.so", "opt/lib/removed.so"):
            entry = tarfile.TarInfo(path)
            entry.size = len(LIBRARY)
            archive.addfile(entry, io.BytesIO(LIBRARY))
    first = client.containers.create(base, ["true"])
    second = None
    try:
        first.put_archive("/", packed.getvalue())
        lower = first.commit(name)
        second = client.containers.run(str(lower.id), ["rm", "/opt/lib/removed.so"], detach=True)
        second.wait()
        second.commit(name)
        yield name
    finally:
        for container in (first, second):
            if container is not None:
                container.remove(force=True)
        client.images.remove(name, force=True)


def inspect(*args: str, cache: Path) -> tuple[int, dict]:  # type: ignore[type-arg]
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", "inspect", *args, "--gpu", "T4,L4", "--format", "json"],
        env={**os.environ, "STACKCHECK_CACHE": str(cache)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_an_image_and_its_archive_say_the_same(
    image: str, client: docker.DockerClient, tmp_path: Path
) -> None:
    with (tmp_path / "image.tar").open("wb") as file:
        for chunk in client.images.get(image).save():
            file.write(chunk)
    code, through_engine = inspect("--image", image, cache=tmp_path)
    same_code, from_archive = inspect(str(tmp_path / "image.tar"), cache=tmp_path)
    assert (code, same_code) == (1, 1)
    assert [row["path"] for row in through_engine["libraries"]] == ["/opt/lib/kept.so"]
    for key in ("libraries", "sizes", "binaries", "unreadable", "skipped"):
        assert through_engine[key] == from_archive[key], key
    assert through_engine["libraries"][0]["serves"]["T4"]["how"] == "no"


@pytest.fixture
def without_python(client: docker.DockerClient) -> Iterator[str]:
    """An image with one GPU library and nothing else: no shell, no Python."""
    name = f"stackcheck-test-no-python:{uuid.uuid4().hex[:12]}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in (
            ("kept.so", LIBRARY),
            ("Dockerfile", b"FROM scratch\nCOPY kept.so /opt/lib/\n"),
        ):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    client.images.build(fileobj=packed, custom_context=True, tag=name)
    yield name
    client.images.remove(name, force=True)


def test_an_image_without_python_is_read_from_outside(
    without_python: str, client: docker.DockerClient, tmp_path: Path
) -> None:
    code, found = inspect(without_python, cache=tmp_path)
    assert code == 1
    assert [row["path"] for row in found["libraries"]] == ["/opt/lib/kept.so"]
    assert [row["serves"]["T4"]["how"] for row in found["libraries"]] == ["no"]
    assert any("read from outside" in note for note in found["left_out"])
    assert client.containers.list(all=True, filters={"ancestor": without_python}) == []


def test_baking_an_image_without_python_says_what_is_in_it_and_why_not(
    without_python: str, client: docker.DockerClient, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", "bake", without_python],
        env={**os.environ, "STACKCHECK_CACHE": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "1 library with GPU code" in done.stdout
    assert "nothing was baked: the check is a Python program" in done.stderr
    assert not client.images.list(name=f"{without_python.partition(':')[0]}-baked")


def test_an_image_that_is_not_there_says_so(tmp_path: Path) -> None:
    name = "stackcheck-test-no-such-image:none"
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", "inspect", "--image", name, "--quiet"],
        env={**os.environ, "STACKCHECK_CACHE": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.startswith("stackcheck: error: ")
    assert name in done.stderr
    assert "Traceback" not in done.stderr

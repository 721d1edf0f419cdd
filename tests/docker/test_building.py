"""Images of a real engine: what is in them, what is not, and what a failed build says and leaves."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from stackcheck.images.dockerfile import LABEL_FINGERPRINT
from stackcheck.model.errors import BuildFailedError, EngineError
from stackcheck.model.image import ImageFacts
from stackcheck.model.resolution import Resolution
from stackcheck.probing import agent as agents
from stackcheck.resolve.resolver import resolve
from stackcheck.targets.containers.docker import DockerEngine
from stackcheck.targets.process.process_identity import LABEL, NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from stackcheck.targets import BuildOptions

pytestmark = pytest.mark.docker


def quiet(_line: str) -> None:
    return


def everything_of(client: Any, image: str) -> bytes:
    """Return all that an image is: its layers unpacked, its configuration, its history."""
    texts = [repr(client.api.history(image)).encode(), repr(client.api.inspect_image(image)).encode()]
    with tarfile.open(fileobj=io.BytesIO(b"".join(client.images.get(image).save()))) as saved:
        for member in saved:
            stream = saved.extractfile(member)
            content = stream.read() if stream else b""
            texts.append(gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content)
    return b"".join(texts)


def left_behind(client: docker.DockerClient) -> list[Any]:
    """Return the containers and untagged images of this process; other runs may have theirs."""
    found: list[Any] = client.api.containers(all=True, filters={"label": LABEL})
    found += client.api.images(filters={"dangling": True, "label": LABEL})
    return [row for row in found if f".{os.getpid()}." in row["Labels"][LABEL]]


@pytest.fixture
def untagged(client: docker.DockerClient) -> Iterator[None]:
    """Check that a test leaves no container and no image without a name."""
    yield
    assert left_behind(client) == []


def test_an_image_is_built_from_the_lock_and_found_again(
    engine: DockerEngine, client: Any, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    stack, resolution = make_stack(env={"ODD": 'a "b" $c'}), lock(make_wheel())
    said: list[str] = []
    target = engine.prepare(stack, resolution, options, said.append)
    facts = target.image
    assert isinstance(facts, ImageFacts)
    assert (target.kind, target.built, target.python) == ("image", True, ("/opt/venv/bin/python",))
    assert target.name.startswith("stackcheck/tiny-py311:")
    assert facts.labels["stackcheck.stack"] == "tiny-py311"
    assert facts.labels[LABEL_FINGERPRINT][:12] == target.name.partition(":")[2]
    assert facts.env["ODD"] == 'a "b" $c'
    assert facts.env["PATH"].startswith("/opt/venv/bin:/")
    assert (facts.python, facts.base_python) == ("3.11.2", "3.11.2")
    assert facts.base_id == client.images.get(stack.image.base).id
    assert (facts.entrypoint, facts.cmd, facts.user) == ((), (), "")
    assert any("Successfully installed tinypkg-1.0" in line for line in said)
    assert "Successfully installed tinypkg-1.0" in Path(target.log_file).read_text()

    said.clear()
    again = engine.prepare(stack, resolution, options, said.append)
    assert (again.built, again.id, again.log_file) == (False, target.id, "")
    assert said == [f"nothing to build: {target.name} has the fingerprint {target.name[-12:]}"]

    request = agents.request_for(stack, ["distributions", "environment"])
    document = json.loads(engine.run_agent(target, agents.pack(), request, timeout_s=60))
    names = [row["name"] for row in document["probes"]["distributions"]["facts"]["distributions"]]
    assert "tinypkg" in names
    assert left_behind(client) == []
    assert facts.labels.get(LABEL, NOBODY) == NOBODY  # or the user's own containers would look like ours


def test_an_image_that_was_built_on_it_is_not_taken_for_it(
    engine: DockerEngine, client: Any, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    stack, resolution = make_stack(env={"BELOW": "1"}), lock(make_wheel())
    target = engine.prepare(stack, resolution, options, quiet)
    text = f"FROM {target.name}\nRUN rm -rf /opt/venv/lib/python3.11/site-packages/tinypkg*\n"
    hostile = "stackcheck-test-hostile-app:1"
    client.images.build(fileobj=io.BytesIO(text.encode()), tag=hostile, rm=True, forcerm=True)
    try:
        again = engine.prepare(stack, resolution, options, quiet)
        assert (again.built, again.id, again.name) == (False, target.id, target.name)
        # Given the stack's own name as well, it is built over: its id was never noted.
        repository, _, version = target.name.partition(":")
        client.images.get(hostile).tag(repository, version)
        said: list[str] = []
        again = engine.prepare(stack, resolution, options, said.append)
        assert again.built
        assert again.id != client.images.get(hostile).id
        assert said[0] == f"{target.name} is there, and was not built by this user: building"
        # What it says of its Python, its base says.
        ready = make_stack(image={"ready": hostile})
        facts = engine.prepare(ready, None, options, quiet).image
        assert isinstance(facts, ImageFacts)
        assert (facts.base_python, facts.base_id) == ("", "")
    finally:
        client.images.remove(hostile, force=True)


def test_another_environment_is_another_image(
    engine: DockerEngine, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    resolution = lock(make_wheel())
    first = engine.prepare(make_stack(), resolution, options, quiet)
    second = engine.prepare(make_stack(env={"A": "1"}), resolution, options, quiet)
    assert second.built
    assert second.id != first.id


@pytest.mark.usefixtures("untagged")
def test_certificates_logins_and_secrets_serve_the_build_and_stay_out_of_the_image(
    engine: DockerEngine,
    client: Any,
    options: BuildOptions,
    make_stack: Any,
    lock: Any,
    private_index: Any,
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("tok-5f0c7d2e-not-in-the-image\n")
    said: list[str] = []
    host = urlsplit(private_index.package.url).netloc
    environ = {**options.environ, "UV_INDEX_URL": f"https://me:{private_index.password}@{host}/simple"}
    private = replace(
        options, ca_file=private_index.certificate, secrets={"token": token}, environ=environ, network="host"
    )
    target = engine.prepare(make_stack(), lock(private_index.package), private, said.append)
    assert target.built
    assert private_index.served == [private_index.package.filename]
    image, log = everything_of(client, target.id), Path(target.log_file).read_bytes()
    certificate = private_index.certificate.read_bytes().splitlines()[5]
    for secret in (certificate, private_index.password.encode(), b"tok-5f0c7d2e"):
        assert secret not in image
        assert secret not in log
        assert secret.decode() not in "\n".join(said)
    assert b"tinypkg" in image


@pytest.mark.usefixtures("untagged")
def test_a_wheel_for_another_python_is_a_failed_build(
    engine: DockerEngine, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    wheel = make_wheel(tag="cp310-cp310-linux_x86_64")
    with pytest.raises(BuildFailedError) as caught:
        engine.prepare(make_stack(), lock(wheel), options, quiet)
    assert str(caught.value).startswith(
        "building tiny-py311: a locked wheel does not fit the Python, the processor or the glibc of the base"
    )
    assert "tinypkg-1.0-cp310-cp310-linux_x86_64.whl is not a supported wheel" in caught.value.log_tail
    assert "is not a supported wheel" in Path(caught.value.log_file).read_text()


@pytest.mark.usefixtures("untagged")
def test_a_file_that_is_not_the_locked_one_is_a_failed_build(
    engine: DockerEngine, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    wheel = replace(make_wheel(), sha256="0" * 64)
    with pytest.raises(BuildFailedError, match="the index serves another file than the one that was locked"):
        engine.prepare(make_stack(), lock(wheel), options, quiet)


@pytest.mark.usefixtures("untagged")
def test_an_index_that_is_down_says_nothing_about_the_stack(
    engine: DockerEngine, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    wheel = replace(make_wheel(), url="http://127.0.0.1:9/tinypkg-1.0-py3-none-any.whl")
    hurried = replace(options, network="none")
    with pytest.raises(EngineError, match=r"building tiny-py311: the network failed\. Run again"):
        engine.prepare(make_stack(env={"PIP_RETRIES": "0"}), lock(wheel), hurried, quiet)


def test_the_base_must_have_the_python_of_the_lock(
    engine: DockerEngine, base: str, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    with pytest.raises(BuildFailedError) as caught:
        engine.prepare(make_stack(python="3.12"), lock(make_wheel()), options, quiet)
    assert str(caught.value) == (
        f"building tiny-py311: the base {base} has Python 3.11.2, the stack is for 3.12. "
        "Take a base with Python 3.12, or change the stack's python."
    )


def test_a_base_without_python_is_named(
    engine: DockerEngine, client: Any, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    client.api.import_image_from_data(empty.getvalue(), repository="stackcheck-test-empty", tag="1")
    with pytest.raises(BuildFailedError, match="the base stackcheck-test-empty:1 has no python3 that starts"):
        engine.prepare(
            make_stack(), lock(make_wheel()), replace(options, base="stackcheck-test-empty:1"), quiet
        )


def test_a_base_that_cannot_be_had_names_two_ways_out(
    engine: DockerEngine, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    stack = make_stack(image={"base": "registry.invalid/no/such:1"})
    with pytest.raises(EngineError) as caught:
        engine.prepare(stack, lock(make_wheel()), options, quiet)
    text = str(caught.value)
    assert text.startswith("the image registry.invalid/no/such:1 is not here and cannot be pulled: ")
    assert "(--mirror registry.example.com/hub)" in text
    assert "--base IMAGE" in text


def test_an_image_for_another_processor_is_refused(
    engine: DockerEngine, base: str, options: BuildOptions, make_stack: Any, make_wheel: Any, lock: Any
) -> None:
    with pytest.raises(
        EngineError, match=f"the image {base} here is for linux/amd64, the stack is for linux/arm64"
    ):
        engine.prepare(make_stack(platform="linux/arm64"), lock(make_wheel()), options, quiet)
    with pytest.raises(
        EngineError, match="the engine docker has Linux images, the stack is for windows/amd64"
    ):
        engine.prepare(make_stack(platform="windows/amd64"), lock(make_wheel()), options, quiet)


@pytest.mark.online
def test_a_source_archive_becomes_a_wheel_in_a_stage_of_its_own(
    client: Any, options: BuildOptions, make_stack: Any, base: str
) -> None:
    stack = make_stack(
        packages={"six": {"version": "1.17.0", "from": "source"}},
        image={"build_base": base},
        arch_list=["8.6"],
    )
    found = resolve(stack)
    assert isinstance(found, Resolution)
    assert [package.filename for package in found.packages] == ["six-1.17.0.tar.gz"]
    trusting = replace(options, environ={**os.environ, "HOME": options.environ["HOME"]})
    engine = DockerEngine.start(Path(), dict(os.environ))
    target = engine.prepare(stack, found, trusting, quiet)
    request = agents.request_for(stack, ["distributions"])
    document = json.loads(engine.run_agent(target, agents.pack(), request, timeout_s=60))
    names = [row["name"] for row in document["probes"]["distributions"]["facts"]["distributions"]]
    assert "six" in names
    assert "ninja" not in names
    assert b"TORCH_CUDA_ARCH_LIST" not in repr(client.api.inspect_image(target.id)).encode()
    engine.close()


class TestOwnDockerfile:
    @pytest.fixture
    def context(self, tmp_path: Path, base: str) -> Path:
        folder = tmp_path / "image"
        folder.mkdir()
        (folder / "Dockerfile").write_text(
            f"FROM {base} AS run\nCOPY hello /\nARG WORD\nRUN echo word=$WORD\n"
        )
        (folder / "hello").write_text("hello")
        return folder

    def stack(self, make_stack: Any, **image: str) -> Any:
        return make_stack(image={"dockerfile": "image/Dockerfile", "base": None, **image})

    def test_it_is_built_once_until_something_changes(
        self, engine: DockerEngine, context: Path, options: BuildOptions, make_stack: Any
    ) -> None:
        own = replace(options, root=context.parent, build_args={"WORD": "w"})
        stack, said = self.stack(make_stack, target="run"), list[str]()
        target = engine.prepare(stack, None, own, said.append)
        assert target.built
        assert any("word=w" in line for line in said)
        assert target.python == ("python3",)
        assert isinstance(target.image, ImageFacts)
        assert target.image.python == "3.11.2"
        assert not engine.prepare(stack, None, own, quiet).built
        (context / "hello").write_text("changed")
        assert engine.prepare(stack, None, own, quiet).built

    @pytest.mark.usefixtures("untagged")
    def test_a_step_that_fails_is_a_failed_build_with_its_last_words(
        self, engine: DockerEngine, context: Path, options: BuildOptions, make_stack: Any, base: str
    ) -> None:
        (context / "Dockerfile").write_text(f"FROM {base}\nCOPY hello /\nRUN echo last-words; false\n")
        with pytest.raises(BuildFailedError, match="building tiny-py311: a build step failed") as caught:
            engine.prepare(self.stack(make_stack), None, replace(options, root=context.parent), quiet)
        assert "last-words" in caught.value.log_tail

    def test_a_secret_is_mounted_or_refused(
        self,
        engine: DockerEngine,
        client: Any,
        context: Path,
        options: BuildOptions,
        make_stack: Any,
        base: str,
    ) -> None:
        (context / "Dockerfile").write_text(
            f"FROM {base}\nRUN --mount=type=secret,id=token test -s /run/secrets/token\n"
        )
        token = context.parent / "token"
        token.write_text("tok-91-not-in-the-image")
        own = replace(options, root=context.parent, secrets={"token": token})
        if engine.capabilities.build_secrets:
            target = engine.prepare(self.stack(make_stack), None, own, quiet)
            assert b"tok-91" not in everything_of(client, target.id)
            return
        with pytest.raises(EngineError, match=r"needs build secrets \(token\), which the classic builder"):
            engine.prepare(self.stack(make_stack), None, own, quiet)

    def test_a_dockerfile_that_is_not_there(
        self, engine: DockerEngine, options: BuildOptions, make_stack: Any, tmp_path: Path
    ) -> None:
        from stackcheck.model.errors import UsageError  # noqa: PLC0415

        with pytest.raises(
            UsageError, match=r"image\.dockerfile: .*/image/Dockerfile: there is no such file"
        ):
            engine.prepare(self.stack(make_stack), None, replace(options, root=tmp_path), quiet)


def test_a_ready_image_is_taken_as_it_is(
    engine: DockerEngine, base: str, options: BuildOptions, make_stack: Any
) -> None:
    target = engine.prepare(make_stack(image={"base": None, "ready": base}), None, options, quiet)
    assert (target.name, target.built, target.python) == (base, False, ("python3",))
    assert isinstance(target.image, ImageFacts)
    assert (target.image.python, target.image.base) == ("3.11.2", "")
    assert target.gpus == ()
    assert target.gpus_note


def test_the_cli_without_buildx_is_passed_over(tmp_path: Path) -> None:
    from stackcheck.targets.containers.build_tool import find_buildkit  # noqa: PLC0415

    cli = tmp_path / "docker"
    cli.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Docker version 28.2.2, build e6534b4" || exit 1\n'
    )
    cli.chmod(0o755)
    assert find_buildkit({"PATH": str(tmp_path)}, "unix:///d") is None
    cli.write_text('#!/bin/sh\n[ "$1" = buildx ] && echo "github.com/docker/buildx v0.17.1" || exit 1\n')
    found = find_buildkit({"PATH": str(tmp_path)}, "unix:///d")
    assert found is not None
    assert found.command == (
        str(cli),
        "buildx",
        "build",
        "--builder",
        "default",
        "--load",
        "--progress=plain",
    )
    cli.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Docker version 20.10.24+dfsg1, build 1" || exit 1\n'
    )
    found = find_buildkit({"PATH": str(tmp_path)}, "unix:///d")
    assert found is not None
    assert found.command == (str(cli), "build", "--progress=plain")

"""Build by running the steps in a container and committing it: secrets without BuildKit.

The secrets lie in an anonymous volume, which a commit leaves out, and which goes with the container.
"""

from __future__ import annotations

import io
import shlex
import tarfile
from typing import TYPE_CHECKING

from docker.types import Mount

from stackcheck.images.dockerfile import ENVFILE, FOLDER, SECRETS, commit_changes, install_script
from stackcheck.model.errors import EngineError
from stackcheck.targets.containers.connection import attached, engine_errors
from stackcheck.targets.process.process_identity import LABEL, NOBODY, this_process
from stackcheck.targets.process.signals import deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import docker
    from docker.models.containers import Container

    from stackcheck.images.dockerfile import Recipe
    from stackcheck.targets.containers.build_request import BuildRequest
    from stackcheck.targets.process.build_log import BuildLog


def build(client: docker.DockerClient, recipe: Recipe, request: BuildRequest, log: BuildLog) -> None:
    """Build and tag the image of a recipe without a source stage."""
    if recipe.sources:
        raise EngineError(
            f"{request.what}: source builds with build secrets or extra CA certificates need BuildKit. "
            "Install a docker CLI with BuildKit (Debian: docker.io, or the docker-buildx plugin)."
        )
    secrets = {name: path.read_bytes() for name, path in request.secrets.items()}
    if (
        request.build_args
    ):  # proxy settings: as variables of the container they would become part of the image
        exports = (f"export {name}={shlex.quote(value)}\n" for name, value in request.build_args.items())
        secrets[ENVFILE] = "".join(exports).encode()
    with engine_errors(request.what):
        base = client.images.get(recipe.base).attrs.get("Config") or {}
        container = _create(client, recipe, request, tuple(secrets))
        try:
            _fill(container, request, secrets)
            status = _run(container, request, log)
            if status != 0:
                log.line(f"the build steps returned a non-zero code: {status}")
                raise log.error(request.what)
            _commit(container, recipe, request, base)
        finally:
            container.remove(force=True, v=True)


def _create(
    client: docker.DockerClient, recipe: Recipe, request: BuildRequest, secrets: tuple[str, ...]
) -> Container:
    return client.containers.create(
        recipe.base,
        entrypoint=["/bin/sh", "-c", install_script(recipe, secrets)],
        command=[],
        use_config_proxy=False,
        user="0" if recipe.user else None,
        labels={LABEL: str(this_process())},
        network_mode=request.network or None,
        mounts=[Mount(SECRETS, None, type="volume")],
    )


def _fill(container: Container, request: BuildRequest, secrets: Mapping[str, bytes]) -> None:
    context = request.folder.parent / "context.tar"
    with tarfile.open(context, "w") as archive:
        archive.add(request.folder, arcname=FOLDER.lstrip("/"), filter=_owned_by_root)
    with context.open("rb") as stream:
        container.put_archive("/", stream)
    container.put_archive(SECRETS, pack_files(secrets, mode=0o400))


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if entry.name.endswith("/Dockerfile"):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry


def _run(container: Container, request: BuildRequest, log: BuildLog) -> int:
    """Run the steps, log as they speak; return the exit status. Raise `EngineError` when the time is up."""
    with attached(container) as pieces, deadline(request.timeout_s, container.kill) as expired:
        container.start()
        for line in _whole_lines(out or err for out, err in pieces):
            log.line(line)
        status = int(container.wait()["StatusCode"])
    if expired.is_set():
        raise EngineError(f"{request.what}: not done after {request.timeout_s:.0f} s. The log: {log.path}")
    return status


def _whole_lines(chunks: Iterable[bytes]) -> Iterable[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def _commit(container: Container, recipe: Recipe, request: BuildRequest, base: Mapping[str, object]) -> None:
    """Make the image, with the base's own start command: a commit would keep that of the container."""
    repository, _, tag = request.tag.rpartition(":")
    labels = [f'LABEL {name}="{value}"' for name, value in {**request.labels, LABEL: NOBODY}.items()]
    start = {key: base.get(key) or [] for key in ("Cmd", "Entrypoint")} | {"User": recipe.user}
    container.commit(repository=repository, tag=tag, changes=[*commit_changes(recipe), *labels], conf=start)


def pack_files(files: Mapping[str, bytes], *, mode: int) -> bytes:
    """Return a tar archive of files by path; owner root, dates zero.

    It ends with the two zero blocks that the format asks for: podman stops reading there, and takes more of
    them, to which Python fills up, for a broken pipe now and then.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
        end = archive.offset
    return buffer.getvalue()[: end + 2 * tarfile.BLOCKSIZE]

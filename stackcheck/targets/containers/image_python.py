"""Which Python an image runs: by its configuration, with the scripts that it names read from its files.

The files come from a container that is made and never started.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import docker

from stackcheck.intake.interpreter import Command, candidates
from stackcheck.targets.containers.connection import engine_errors
from stackcheck.targets.containers.images import CONFINED, python_of
from stackcheck.targets.process.process_identity import LABEL, this_process

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.models.images import Image

    from stackcheck.intake.interpreter import Candidate

MAX_BYTES = 1 << 16
MAX_LINKS = 8
_FOLDER = 1 << 31  # os.ModeDir of Go, which the API gives the mode in


def find_python(client: docker.DockerClient, image: Image) -> Candidate:
    """Return the interpreter that the image's command starts, else the first that its variables name."""
    config = image.attrs.get("Config") or {}
    words = (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))
    env = dict(each.partition("=")[::2] for each in config.get("Env") or ())
    files = _Files(client, str(image.id))
    try:
        rows = candidates(Command(words, env, config.get("WorkingDir") or "/"), files.read)
    finally:
        files.close()
    for row in rows[:-1]:
        if python_of(client, str(image.id), (row.python,)):
            return row
    return rows[-1]


class _Files:
    """The files of an image, read through a container that is made when the first one is asked for."""

    def __init__(self, client: docker.DockerClient, image: str) -> None:
        self._client, self._image = client, image
        self._container: Container | None = None
        self._read: dict[str, bytes | None] = {}

    def read(self, path: str) -> bytes | None:
        """Return the beginning of a file, links followed; None for what is not there or is no file."""
        if path not in self._read:
            self._read[path] = self._look(path, MAX_LINKS)
        return self._read[path]

    def _look(self, path: str, links: int) -> bytes | None:
        with engine_errors(f"reading {path} in {self._image}"):
            if self._container is None:
                self._container = self._client.containers.create(
                    self._image, entrypoint=["-"], command=[], labels={LABEL: str(this_process())}, **CONFINED
                )
            try:
                stream, status = self._container.get_archive(path)
            except docker.errors.NotFound:
                return None
            target = (status or {}).get("linkTarget") or ""
            if target and links:
                return self._look(target, links - 1)
            if (status or {}).get("mode", 0) & _FOLDER:
                return None
            return _first_file(stream)

    def close(self) -> None:
        """Remove the container."""
        if self._container is not None:
            with engine_errors("removing a container"):
                self._container.remove(force=True, v=True)


def _first_file(stream: object) -> bytes | None:
    """Return the beginning of the one file in a tar stream, of which no more is taken than that needs."""
    taken = b""
    for chunk in stream:  # type: ignore[attr-defined]
        taken += chunk
        if len(taken) > MAX_BYTES + 4096:
            break
    try:
        with tarfile.open(fileobj=io.BytesIO(taken), mode="r|") as archive:
            entry = archive.next()
            file = archive.extractfile(entry) if entry is not None and entry.isfile() else None
            return file.read(MAX_BYTES) if file is not None else None
    except tarfile.ReadError:
        return taken[512 : 512 + MAX_BYTES] or None

"""Read the files of an image as the engine has them: exported as one stream, and nothing of it started."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import EngineError
from stackcheck.model.outside import OutsideFiles
from stackcheck.storage.settled import settled
from stackcheck.targets.containers.connection import engine_errors
from stackcheck.targets.containers.images import CONFINED
from stackcheck.targets.process.process_identity import LABEL, this_process
from stackcheck_probes.binaries.binaryfiles import walked
from stackcheck_probes.binaries.bytesource import ByteSource, SourceError
from stackcheck_probes.binaries.inflate import UNKNOWN
from stackcheck_probes.binaries.libraryfile import MAX_LIBRARIES, read_source
from stackcheck_probes.binaries.tarmembers import HARD_LINK, LINK, TarMember, tar_members
from stackcheck_probes.probes.libraries import AS_ASKED, as_deep
from stackcheck_probes.probes.recorded_files import MAX_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

_PIECE = 1 << 20
_MOST_ENTRIES, _MOST_TEXT = 2_000_000, 512 << 20
_MOST_LIBRARY = 4 << 30
"""Bytes of one binary that is copied to be read; libtorch_cuda.so has less than two of these."""
_PACKAGES = ("/site-packages/", "/dist-packages/")
_TEXTS = ("METADATA", "PKG-INFO", "RECORD")
_INFOS = (".dist-info", ".egg-info")


@contextmanager
def exported(client: docker.DockerClient, image: str, doing: str) -> Iterator[ByteSource]:
    """Give the file system of an image as one tar archive, read from front to back.

    Raise `EngineError` where the engine or what it exports is at fault.
    """
    with engine_errors(doing):
        container = client.containers.create(
            image, entrypoint=["true"], command=[], labels={LABEL: str(this_process())}, **CONFINED
        )
        try:
            pieces: Any = container.export(chunk_size=_PIECE)
            yield Stream(pieces)
        except SourceError as error:
            raise EngineError(f"{doing}: what the engine exports cannot be read: {error}.") from None
        finally:
            container.remove(force=True, v=True)


def read_outside(client: docker.DockerClient, image: str, doing: str) -> OutsideFiles:
    """Return the files of packages in an image; raise `EngineError` when they cannot be had."""
    with exported(client, image, doing) as archive:
        return files_of(tar_members(archive))


class Stream(ByteSource):
    """Bytes that come in pieces, to be read from front to back; what was read last can be read again."""

    __slots__ = ("_end", "_held", "_pieces", "size")

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Take the pieces; how many bytes they are is not known."""
        self.size = UNKNOWN
        self._pieces = pieces
        self._held = b""
        self._end = 0  # where what is held ends

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; raise `SourceError` for going back."""
        begin = self._end - len(self._held)
        if offset < begin:
            raise SourceError(f"a stream cannot be read backwards, to {offset:#x}")
        kept = [self._held[offset - begin :]]
        while self._end < offset + size and (piece := next(self._pieces, b"")):
            self._end += len(piece)
            kept.append(piece[max(0, len(piece) - max(0, self._end - offset)) :])
        self._held = b"".join(kept)
        return self._held[:size]


def files_of(members: Iterator[TarMember]) -> OutsideFiles:
    """Return what stands in the entries of a file system; raise `SourceError` for too many of them."""
    found = OutsideFiles()
    hard: list[tuple[str, str]] = []
    text = 0
    for entries, member in enumerate(members):
        path = f"/{member.name.strip('/')}"
        found.infos.update(_infos_above(path))
        if member.is_file:
            text += _keep(found, path, member)
        elif member.type == LINK:
            found.links.add(path)
        elif member.type == HARD_LINK:
            hard.append((path, f"/{member.link.strip('/')}"))
        if entries > _MOST_ENTRIES or text > _MOST_TEXT:
            raise SourceError("more files or more metadata than an image has")
    for path, target in hard:
        if target in found.code and _may_hold_code(path):
            found.code[path] = found.code[target]
    found.sizes.update({path: found.sizes[target] for path, target in hard if target in found.sizes})
    found.texts.update({path: found.texts[target] for path, target in hard if target in found.texts})
    return found


def _keep(found: OutsideFiles, path: str, member: TarMember) -> int:
    """Keep the size of a file, and its text where it is one that is asked for; return the bytes of that."""
    found.sizes[path] = member.content.size
    if _may_hold_code(path):
        _keep_code(found, path, member)
    if not _is_text(path):
        return 0
    found.texts[path] = member.content.pread(0, min(member.content.size, MAX_RECORD))
    return len(found.texts[path])


def _may_hold_code(path: str) -> bool:
    """Tell whether a walk of the folders of packages reads a file."""
    below = next((path.partition(each)[2] for each in _PACKAGES if each in path), "")
    return bool(below and walked([below]))


def _keep_code(found: OutsideFiles, path: str, member: TarMember) -> None:
    """Read the GPU code of a binary by the reader of the probe, as deep as a target is asked to."""
    if member.content.size > _MOST_LIBRARY or len(found.code) >= MAX_LIBRARIES:
        return
    with settled(member.content) as binary:
        facts = as_deep(lambda whole: read_source(binary, path, deep=whole), AS_ASKED)
    if facts is not None and "error" not in facts:
        found.code[path] = facts


def _is_text(path: str) -> bool:
    above, name = posixpath.split(path)
    in_metadata = above.endswith(_INFOS) and name in _TEXTS
    return in_metadata or path.endswith((".egg-info", "/torch/version.py"))


def _infos_above(path: str) -> Iterator[str]:
    """Yield what of a path is the metadata of a distribution: itself, or the folder that it lies in."""
    above = posixpath.dirname(path)
    yield from (each for each in (path, above) if each.endswith(_INFOS))

"""Read the binaries of an image or of any other archive of files: no engine, nothing unpacked.

Layer upon layer for an image (`docker save`, OCI archive or layout); what `docker export` writes, a conda
package or a tarball is one layer. Layers may be plain, gzipped or zstd, other archives bzip2 and xz as well.
"""

from __future__ import annotations

import posixpath
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from stackcheck.inspect.filesystem import FileSystem
from stackcheck.inspect.forwardstreams import FORMATS, Onwards, packed_by
from stackcheck.inspect.imagemanifest import STARTS, images
from stackcheck.inspect.layerfiles import LayerReader
from stackcheck.inspect.layertree import File, Layer
from stackcheck.inspect.loaderroot import LoaderRoot
from stackcheck_probes.binaries.binaryfiles import is_binary_name
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.inflate import Budget, budget_for
from stackcheck_probes.binaries.leftout import NOWHERE
from stackcheck_probes.binaries.libraryfile import MAX_LIBRARIES
from stackcheck_probes.binaries.tarmembers import layer, tar_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from stackcheck.inspect.imagemanifest import Image
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import LibraryCode

_MOST_BLOBS = 500  # each is an open file; an image has at most 127 layers
_MOST_IMAGES = 16
_MOST_PARTS = 1 << 16  # of an image archive: some thousands; of a file system: nobody needs them
_ROOTS = ("usr", "etc", "bin")
"""One of these at its top makes an archive of files that of a file system."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What an archive holds.

    `binaries` counts all that were read, `libraries` has those with GPU code or that could not be read;
    `loading` is what the probes of loading saw, None where it was not looked at.
    """

    kind: str
    libraries: tuple[LibraryCode, ...]
    binaries: int
    skipped: tuple[str, ...]
    left_out: tuple[str, ...]
    loading: Mapping[str, Any] | None = None


def read_archive(source: ByteSource, *, deep: bool = False) -> Archived:
    """Read a tar archive, plain or packed: images, a file system, or just files.

    Raises SourceError for what is no tar archive, is damaged, or has a layer that cannot be read.
    """
    budget = budget_for(source)
    onwards = packed_by(source.pread(0, 8))
    with LoaderRoot() as root:
        reader = LayerReader(budget, deep=deep, root=root)
        found = Layer(reader.limits)
        parts: dict[str, ByteSource] = {}
        links: dict[str, str] = {}
        for member in tar_members(Onwards(source, budget) if onwards else layer(source, budget)):
            name = posixpath.normpath(member.name)
            if len(parts) + len(links) >= _MOST_PARTS and name not in STARTS:
                pass
            elif member.is_file:
                parts[name] = member.content
            elif member.link:
                links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.link))
            reader.put(found, member, onwards=bool(onwards))
        if not any(name in parts for name in STARTS):
            return _files(found, reader, root)
    if onwards:
        packed = FORMATS[onwards][0]
        raise SourceError(f"an image archive is not read while {packed} packs all of it: unpack it first")
    parts = {**{name: parts[to] for name, to in links.items() if to in parts}, **parts}
    return _images("image archive", parts, budget, deep=deep)


def read_image_layout(folder: Path, *, deep: bool = False) -> Archived:
    """Read the images in an OCI image layout; raise as `read_archive`."""
    paths = [folder / "index.json", *islice(folder.glob("blobs/*/*"), _MOST_BLOBS + 1)]
    if len(paths) > _MOST_BLOBS:
        raise SourceError(f"more than {_MOST_BLOBS} blobs: copy the one image to a layout of its own")
    with ExitStack() as stack:
        parts: dict[str, ByteSource] = {}
        for path in paths:
            if path.is_file() and not path.is_symlink():
                source = parts[path.relative_to(folder).as_posix()] = FileSource(str(path))
                stack.callback(source.close)
        budget = Budget(max(1 << 30, 40 * sum(part.size for part in parts.values())))
        return _images("image layout", parts, budget, deep=deep)


def read_exported(source: ByteSource, environ: Mapping[str, str], *, deep: bool = False) -> Archived:
    """Read the file system of an image as its engine exports it, from front to back; `environ` is its own.

    Raises SourceError for what is no tar archive, or is damaged.
    """
    with LoaderRoot() as root:
        reader = LayerReader(Budget(1 << 30), deep=deep, root=root)
        found = Layer(reader.limits)
        for member in tar_members(source):
            reader.put(found, member, onwards=True)
        system = FileSystem(reader.limits, reader.left_out, reader.unread)
        system.apply(found)
        seen, notes = _look(system, environ, root)
        return _told("image", [("/", system)], reader, [], notes, seen)


def _files(found: Layer, reader: LayerReader, root: LoaderRoot) -> Archived:
    """Take the archive for one layer on nothing."""
    system = FileSystem(reader.limits, reader.left_out, reader.unread)
    system.apply(found)
    is_conda = system.find("info/index.json") is not None
    if is_conda or not any(name in system.root.entries for name in _ROOTS):
        return _told("conda package" if is_conda else "archive", [("", system)], reader, [], [])
    seen, notes = _look(system, {}, root)
    return _told("file system archive", [("/", system)], reader, [], notes, seen)


def _images(kind: str, parts: Mapping[str, ByteSource], budget: Budget, *, deep: bool) -> Archived:
    every = images(parts)
    taken, others = every[:_MOST_IMAGES], every[_MOST_IMAGES:]
    skipped = [f"{len(others)} more images: {', '.join(each.name for each in others[:3])}"] if others else []
    left_out = [
        f"{each.name or 'the image'} was read for {each.platform}, and not for {', '.join(each.others[:8])}."
        for each in taken
        if each.others
    ]
    with LoaderRoot() as root:
        reader = LayerReader(budget, deep=deep, root=root if len(taken) == 1 else None)
        layers = {name: reader.read(parts[name]) for each in taken for name in dict.fromkeys(each.layers)}
        systems = [(_start(each, taken), _stacked(each, layers, reader)) for each in taken]
        if len(taken) > 1:
            seen, notes = None, [f"{len(taken)} images are in it; whether libraries load was not judged."]
        else:
            seen, notes = _look(systems[0][1], taken[0].environ, root)
    return _told(kind, systems, reader, skipped, left_out + notes, seen)


def _start(image: Image, taken: Sequence[Image]) -> str:
    """Return what the paths of an image begin with: its name, where there are several."""
    return f"{image.name}/" if len(taken) > 1 else "/"


def _stacked(image: Image, layers: Mapping[str, Layer], reader: LayerReader) -> FileSystem:
    system = FileSystem(reader.limits, reader.left_out, reader.unread)
    for name in image.layers:
        system.apply(layers[name])
    return system


def _look(
    system: FileSystem, environ: Mapping[str, str], root: LoaderRoot
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Return what the probes of loading see, and sentences on what they do not."""
    looked = None if root.full else root.look(system, environ)
    if root.full:
        return None, [f"Whether libraries load was not judged: {root.full}."]
    if looked is None:
        return None, ["Whether libraries load was not judged: there are no Python packages with libraries."]
    notes = [f"Whether libraries load was judged for {', '.join(looked.roots)}."]
    if looked.others:
        notes.append(f"Whether libraries load was not judged for {', '.join(looked.others[:4])}.")
    return looked.seen, notes


def _told(  # noqa: PLR0913, PLR0917
    kind: str,
    systems: Sequence[tuple[str, FileSystem]],
    reader: LayerReader,
    skipped: Sequence[str],
    notes: Sequence[str],
    seen: Mapping[str, Any] | None = None,
) -> Archived:
    libraries: list[LibraryCode] = []
    binaries = left = 0
    for start, system in systems:
        for path, file in _listed(system, reader):
            assert file.facts is not None  # noqa: S101 - only those are listed
            binaries += 1
            if len(file.facts) > 1 and len(libraries) < MAX_LIBRARIES:
                libraries.append({**file.facts, "path": f"{start}{path.lstrip('/')}"})
            elif len(file.facts) > 1:
                left += 1
    if left:
        skipped = [*skipped, f"more than {MAX_LIBRARIES} libraries: {left} are not listed"]
    return Archived(
        kind,
        tuple(libraries),
        binaries,
        (*skipped, *reader.unread.sentences()),
        (*reader.left_out.sentences(), *notes),
        seen,
    )


def _listed(system: FileSystem, reader: LayerReader) -> Iterator[tuple[str, File]]:
    """Yield each binary under its own names, and one that only a link calls a library under the link's."""
    known = set()
    for path, file in system.files():
        if file.facts is not None and (file.program or is_binary_name(posixpath.basename(path))):
            known.add(id(file))
            yield path, file
        elif file.facts is None:
            reader.left_out.note_kind(path)
    for path, end in system.links():
        if not is_binary_name(posixpath.basename(path)):
            continue
        if end is None:
            reader.left_out.note(NOWHERE, path)
        elif isinstance(end, File) and end.facts is not None and id(end) not in known:
            known.add(id(end))
            yield path, end

"""Read the binaries of an image that lies on the disk, layer upon layer, without any engine.

Formats: Docker Image Specification v1.2 (`docker save`: an archive with `manifest.json`), OCI Image Layout
and Layer Filesystem Changeset 1.1 (an archive or a folder with `index.json`; `.wh.NAME` removes NAME of the
layers below, `.wh..wh..opq` all of its folder). Layers may be plain, gzipped or zstd.
"""

from __future__ import annotations

import json
import posixpath
from contextlib import ExitStack, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

from stackcheck.inspect import zstdlayers
from stackcheck_probes.binaries.binaryfiles import is_binary_name
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.inflate import Budget, budget_for
from stackcheck_probes.binaries.libraryfile import read_source
from stackcheck_probes.binaries.tarmembers import layer, tar_members

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import LibraryCode

_MOST_JSON = 16 << 20
_MOST_BLOBS = 500  # each is an open file; an image has at most 127 layers
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


def read_image_archive(source: ByteSource, *, deep: bool = False) -> list[LibraryCode]:
    """Return the facts of each binary that the image's file system holds in the end.

    Raises SourceError for what is no image archive, is damaged, or has a layer that cannot be read.
    """
    budget = budget_for(source)
    return _binaries(_parts(layer(source, budget)), budget, deep=deep)


def is_layout(folder: Path) -> bool:
    """Tell whether a folder is an OCI image layout."""
    return (folder / "oci-layout").is_file() and (folder / "index.json").is_file()


def read_image_layout(folder: Path, *, deep: bool = False) -> list[LibraryCode]:
    """Return the facts of each binary of the image in an OCI image layout; raise as `read_image_archive`."""
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
        return _binaries(parts, budget, deep=deep)


def _binaries(parts: Mapping[str, ByteSource], budget: Budget, *, deep: bool) -> list[LibraryCode]:
    files: dict[str, LibraryCode] = {}
    for content in _layers(parts):
        _apply(content, files, budget, deep=deep)
    return list(files.values())


def _parts(source: ByteSource) -> Mapping[str, ByteSource]:
    """Return what the outer archive holds by name; a link (old `docker save`) stands for its end."""
    parts: dict[str, ByteSource] = {}
    links: dict[str, str] = {}
    for member in tar_members(source):
        name = posixpath.normpath(member.name)
        if member.is_file:
            parts[name] = member.content
        elif member.link:
            links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.link))
    return {**{name: parts[to] for name, to in links.items() if to in parts}, **parts}


def _layers(parts: Mapping[str, ByteSource]) -> list[ByteSource]:
    start = next((name for name in ("manifest.json", "index.json") if name in parts), None)
    if start is None:
        raise SourceError("this archive holds no image: neither manifest.json nor index.json is in it")
    top = _json(parts, start)
    try:
        if start == "manifest.json":
            names = top[0]["Layers"] if top else []
        else:
            names = [_blob(row) for row in _manifest(parts, top)["layers"]]
        missing = [str(name) for name in names if name not in parts]
    except (KeyError, TypeError, AttributeError):
        raise SourceError(f"{start} of the archive is no image manifest") from None
    if missing or not names:
        raise SourceError(f"the archive is not whole: layer {', '.join(missing) or 'list'} is missing")
    return [parts[name] for name in names]


def _manifest(parts: Mapping[str, ByteSource], index: Any, depth: int = 0) -> Any:
    """Follow an index to the manifest of a Linux image, leaving attestations (platform "unknown") out."""
    rows = [row for row in index["manifests"] if row.get("platform", {}).get("os", "linux") == "linux"]
    if not rows or depth > 3:
        raise SourceError("the archive's index names no Linux image")
    found = _json(parts, _blob(rows[0]))
    return _manifest(parts, found, depth + 1) if "manifests" in found else found


def _blob(row: Mapping[str, str]) -> str:
    return "blobs/" + row["digest"].replace(":", "/")


def _json(parts: Mapping[str, ByteSource], name: str) -> Any:
    content = parts.get(name)
    if content is None or content.size > _MOST_JSON:
        raise SourceError(f"the archive is not whole: {name} is missing or too large")
    try:
        return json.loads(content.pread(0, content.size))
    except (ValueError, RecursionError):
        raise SourceError(f"{name} of the archive is no JSON") from None


def _apply(content: ByteSource, files: dict[str, LibraryCode], budget: Budget, *, deep: bool) -> None:
    """Put one layer on top: new and changed binaries, and what it removes."""
    packed = content.pread(0, 4) == zstdlayers.MAGIC
    for member in tar_members(zstdlayers.Onwards(content, budget) if packed else layer(content, budget)):
        name = posixpath.normpath("/" + member.name.lstrip("/"))
        folder, base = posixpath.split(name)
        if base == _OPAQUE:
            _remove(files, folder, itself=False)
        elif base.startswith(_WHITEOUT):
            _remove(files, posixpath.join(folder, base.removeprefix(_WHITEOUT)), itself=True)
        else:
            files.pop(name, None)
            if member.is_file and is_binary_name(base):
                with zstdlayers.settled(member.content) if packed else nullcontext(member.content) as binary:
                    facts = read_source(binary, name, deep=deep)
                if facts is not None:
                    files[name] = facts


def _remove(files: dict[str, LibraryCode], name: str, *, itself: bool) -> None:
    for path in [path for path in files if path.startswith(f"{name}/") or (itself and path == name)]:
        del files[path]

"""Which images an archive holds, and which layers each is made of.

Formats: Docker Image Specification v1.2 (`docker save`: `manifest.json`); OCI Image Layout 1.1
(`index.json`).
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck_probes.binaries.bytesource import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck_probes.binaries.bytesource import ByteSource

_MOST_JSON = 16 << 20
_MOST_LAYERS = 500
_MOST_DEEP = 3
STARTS = ("manifest.json", "index.json")
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Image:
    """One image: the parts of the archive that are its layers, the lowest first, and its variables.

    `others` are the platforms that its index offers beside this one.
    """

    name: str
    layers: tuple[str, ...]
    environ: Mapping[str, str]
    platform: str = ""
    others: tuple[str, ...] = ()


def images(parts: Mapping[str, ByteSource]) -> list[Image]:
    """Return the images of an archive; raise `SourceError` when it holds none, or one that is not whole."""
    start = next((name for name in STARTS if name in parts), None)
    if start is None:
        raise SourceError("this archive holds no image: neither manifest.json nor index.json is in it")
    top = _json(parts, start)
    try:
        found = list(_saved(parts, top) if start == "manifest.json" else _indexed(parts, top))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{start} of the archive is not an image manifest") from None
    if not found:
        raise SourceError("the archive is not whole: layer list is missing")
    return found


def _saved(parts: Mapping[str, ByteSource], top: Sequence[Mapping[str, Any]]) -> Iterator[Image]:
    for number, row in enumerate(top):
        name = str((row.get("RepoTags") or [f"image {number}"])[0])
        yield _image(parts, name, row["Layers"], row.get("Config"))


def _indexed(parts: Mapping[str, ByteSource], index: Mapping[str, Any]) -> Iterator[Image]:
    """Yield the images of an index by name: of several manifests of one name, that of one platform."""
    named: dict[str, list[Mapping[str, Any]]] = {}
    for row in _for_linux(index["manifests"]):
        notes = row.get("annotations") or {}
        name = next((str(notes[key]) for key in _NAMES if key in notes), "")
        known = name or ("" if row.get("platform") else str(row["digest"]))
        named.setdefault(known, []).append(row)
    if not named:
        raise SourceError("the archive's index names no Linux image")
    for name, rows in named.items():
        yield _chosen(parts, name, rows, 0)


def _for_linux(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave attestations (platform "unknown") and other systems out."""
    return [row for row in rows if (row.get("platform") or {}).get("os", "linux") == "linux"]


def _chosen(parts: Mapping[str, ByteSource], name: str, rows: list[Mapping[str, Any]], depth: int) -> Image:
    """Take this machine's platform as engines do, else the first one."""
    if not rows or depth > _MOST_DEEP:
        raise SourceError("the archive's index names no Linux image")
    platforms = [_platform(row) for row in rows]
    own = f"linux/{_MACHINES.get(platform.machine(), platform.machine())}"
    at = platforms.index(own) if own in platforms else 0
    others = tuple(each for number, each in enumerate(platforms) if number != at)
    manifest = _json(parts, _blob(rows[at]))
    if "manifests" in manifest:
        return _chosen(parts, name, _for_linux(manifest["manifests"]), depth + 1)
    config = manifest.get("config")
    made = _image(parts, name, [_blob(row) for row in manifest["layers"]], _blob(config) if config else None)
    return Image(made.name, made.layers, made.environ, platforms[at], others)


def _platform(row: Mapping[str, Any]) -> str:
    stated = row.get("platform") or {}
    words = (stated.get("os", "linux"), stated.get("architecture", ""), stated.get("variant", ""))
    text = "/".join(str(word) for word in words if word)
    return text.removesuffix("/v8") if stated else str(row.get("digest", ""))


def _image(parts: Mapping[str, ByteSource], name: str, layers: Sequence[Any], config: str | None) -> Image:
    missing = [str(each) for each in layers if each not in parts]
    if missing or not layers:
        raise SourceError(f"the archive is not whole: layer {', '.join(missing[:3]) or 'list'} is missing")
    if len(layers) > _MOST_LAYERS:
        raise SourceError(f"an image of {len(layers)} layers, more than the {_MOST_LAYERS} that are read")
    return Image(name, tuple(map(str, layers)), _environ(parts, config))


def _environ(parts: Mapping[str, ByteSource], config: str | None) -> dict[str, str]:
    """Return the variables that the image's configuration states; none where it cannot be read."""
    try:
        rows = _json(parts, str(config))["config"]["Env"] or []
        return dict(str(row).split("=", 1) for row in rows if "=" in str(row))
    except (SourceError, KeyError, TypeError, AttributeError):
        return {}


def _blob(row: Mapping[str, str]) -> str:
    return "blobs/" + row["digest"].replace(":", "/")


def _json(parts: Mapping[str, ByteSource], name: str) -> Any:
    content = parts.get(name)
    if content is None or content.size > _MOST_JSON:
        raise SourceError(f"the archive is not whole: {name} is missing or too large")
    try:
        return json.loads(content.pread(0, content.size))
    except (ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{name} of the archive is not JSON") from None

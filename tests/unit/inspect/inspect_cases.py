"""Literal contents, held against GPUs: for the tests of what `inspect` concludes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.inspect.inspection import Contents
from stackcheck.inspect.judgement import judged
from stackcheck.knowledge.gpus import Gpu, find_gpu
from stackcheck_probes.binaries.capability import parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.binaries.gpucode import GpuCode, Group, Images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.inspect.answer import Answer, Gate


def code(*names: str, unread: tuple[str, ...] = (), size: int = 0) -> GpuCode:
    """Make the code of a library with one fatbin; each image of it has `size` bytes, if any."""
    codes = [parse_code(name) for name in names]
    groups = (Group(frozenset(codes), 1),) if names else ()
    images = (
        tuple(Images(ImageKind(each, "", debug=False, kind=0), 1, size) for each in codes) if size else ()
    )
    return GpuCode(groups=groups, images=images, unread=unread)


def hip(*bundles: str) -> GpuCode:
    """Make the code of a library with one bundle for each text, of the targets that stand in it."""
    held = [bundle.split() for bundle in bundles]
    return GpuCode(
        targets=tuple((name, 1, 100) for names in held for name in names),
        bundles=len(held),
        bundle_groups=tuple((frozenset(names), 1) for names in held),
    )


def contents(libraries: Mapping[str, GpuCode], kind: str = "folder") -> Contents:
    return Contents("t", kind, tuple(libraries.items()), binaries=len(libraries))


def gpus(*names: str) -> tuple[Gpu, ...]:
    return tuple(find_gpu(name) for name in names)


def answer(found: Contents, name: str, gate: Gate | None = None) -> Answer:
    return judged(found, gpus(name), gate).answers[0]

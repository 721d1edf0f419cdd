"""Literal contents, held against GPUs: for the tests of what `inspect` concludes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.inspect.answer import Answer, Gate, answers
from stackcheck.inspect.columns import undriven
from stackcheck.inspect.document import Judged
from stackcheck.inspect.inspection import Contents
from stackcheck.inspect.serving import judge
from stackcheck.knowledge.gpus import Gpu, find_gpu
from stackcheck_probes.binaries.capability import parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.binaries.gpucode import GpuCode, Group, Images

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def judged(
    found: Contents,
    *names: str,
    gate: Gate | None = None,
    driver: tuple[int, int] | None = None,
    details: bool = False,
    asked: bool = True,
) -> Judged:
    """Hold contents against GPUs that were asked for."""
    wanted, gate = gpus(*names), gate or Gate()
    not_driven = undriven(wanted, driver)
    rows = judge(found, wanted, driver, not_driven)
    made = answers(rows, wanted, gate, not_driven)
    return Judged(found, wanted, rows, made, gate, asked=asked, details=details)


def answer(found: Contents, name: str, gate: Gate | None = None) -> Answer:
    return judged(found, name, gate=gate).answers[0]

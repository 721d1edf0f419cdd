"""Candidates: base images, arch lists, compilers and variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stackcheck.environment.images import image_facts
from stackcheck.knowledge.images import cuda_tag_parts
from stackcheck.rules.gpucode.arch_list import VARIABLE, expand, names_of, stated_arch_list
from stackcheck.rules.rocm.wanted_gfx import OVERRIDE
from stackcheck.suggest.candidates import Reach, candidates
from stackcheck_probes.binaries.capability import Sass, parse_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import ArchNames
    from stackcheck.suggest.change import Edit


_NEAR_TAGS = 3


@candidates("IMAGE", "PLATFORM101", reach=Reach.SPELLING)
def images(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield images with another word in the tag: cuDNN's, the Python, the kind, glibc instead of musl."""
    stack = env.stack
    for key in ("base", "build_base"):
        name = getattr(stack.image, key)
        for other in _other_tags(name, stack, tables) if name else ():
            if other != name:
                yield {("image", key): other}
    image = image_facts(stack.image.base or "", tables)
    if image.cuda and image.kind in ("base", "runtime") and not stack.image.build_base:
        yield {("image", "build_base"): image.name.replace(image.kind, "devel", 1)}


def _other_tags(name: str, stack: Stack, tables: Tables) -> Iterator[str]:
    image = image_facts(name, tables)
    row = tables.images.cudnn_tag(image.cuda) if image.cuda and image.cudnn else None
    if row:
        yield name.replace(image.cudnn, row.instead, 1)
    head, _, tag = name.partition(":")
    parts = cuda_tag_parts(tag) if image.cuda else None
    listed = tables.images.cuda_tag(parts.cuda) if parts else None
    if parts and listed and not listed.has(parts):
        yield from (f"{head}:{each}" for each in tables.images.near_tags(parts)[:_NEAR_TAGS])
    if image.cuda and image.kind:
        yield name.replace(image.kind, "devel", 1)
    if stack.python:
        python = ".".join(stack.python.split(".")[:2])
        yield re.sub(r"((?:^|/)python:)3\.\d+(?:\.\d+)?", rf"\g<1>{python}", name)
    yield re.sub(r"alpine[\d.]*", "slim", name)


@candidates("ARCH102", "ARCH103", "ARCH104", "ARCH105", "DRIVER104", "VARIANT102", reach=Reach.SPELLING)
def arch_lists(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the arch list spelled right, with the GPUs' own capabilities, and without what is not known."""
    stack = env.stack
    names = names_of(env.torch.version, tables)
    text = stated_arch_list(stack)
    gpus = list(dict.fromkeys(str(gpu.capability) for gpu in stack.gpus if gpu.capability))
    if text is None:
        if gpus:
            yield from (_stated(stack, each) for each in (gpus, *_that_run(stack, tables)))
        return
    spelled = [_spelled(entry) for entry in re.split(r"[;, ]+", text) if entry]
    known = [entry for entry in spelled if not expand(entry, names)[1] and _made(entry, stack, names, tables)]
    runs = next(iter(_that_run(stack, tables)), [])
    missing = [gpu for gpu in gpus if gpu not in {entry.removesuffix("+PTX") for entry in spelled}]
    for entries in (
        spelled,
        known,
        [*spelled, *missing],
        [*known, *missing],
        [*known, *runs],
    ):
        if entries:
            yield _stated(stack, list(dict.fromkeys(entries)))


def _stated(stack: Stack, entries: list[str]) -> Edit:
    """Return the entries where the stack states its list: in the field, in the variable, or in both."""
    edit: dict[tuple[str, ...], Any] = {}
    if stack.arch_list or VARIABLE not in stack.env:
        edit["arch_list",] = tuple(entries)
    if VARIABLE in stack.env:
        edit["env", VARIABLE] = ";".join(entries)
    return edit


def _spelled(entry: str) -> str:
    bare, plus, rest = entry.partition("+")
    digits = re.fullmatch(r"(?:sm_|compute_)?(\d+)(\d)([af]?)", bare)
    return f"{digits[1]}.{digits[2]}{digits[3]}{plus}{rest}" if digits and "." not in bare else entry


def _made(entry: str, stack: Stack, names: ArchNames, tables: Tables) -> bool:
    """Tell whether the toolkit makes code for an entry; yes where no toolkit is stated or known."""
    toolkit = tables.cuda.toolkit(stack.toolkit) if stack.toolkit else None
    parts, _ = expand(entry, names)
    codes = [parse_code(part.removesuffix("+PTX")) for part in parts]
    return toolkit is None or all(isinstance(code, Sass) and toolkit.knows(code) for code in codes)


def _that_run(stack: Stack, tables: Tables) -> list[list[str]]:
    """Return what the toolkit can make that runs on every GPU of the stack, the newest first."""
    toolkit = tables.cuda.toolkit(stack.toolkit) if stack.toolkit else None
    gpus = [gpu.capability for gpu in stack.gpus if gpu.capability]
    plain = [code for code in toolkit.sm if not code.suffix] if toolkit else []
    runs = [code for code in plain if gpus and all(code.reaches(gpu) for gpu in gpus)]
    return [[str(code.capability)] for code in reversed(runs)]


@candidates("TOOLKIT102", reach=Reach.SURROUNDINGS)
def compilers(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the newest gcc that the toolkit and torch accept."""
    stack = env.stack
    row = tables.cuda.toolkit(stack.toolkit) if stack.toolkit else None
    limits = [limit for limit in (row.gcc_max, row.torch_gcc_max) if limit is not None] if row else []
    for limit in sorted(set(limits)):
        yield {("host_compiler",): f"gcc {limit}"}


@candidates("ROCM101", "ROCM103", reach=Reach.SURROUNDINGS)
def overrides(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield HSA_OVERRIDE_GFX_VERSION as the table has it for the GPUs, and the stack without it."""
    stack = env.stack
    for gpu in stack.gpus:
        row = tables.rocm.override(gpu.gfx) if gpu.gfx else None
        if row is not None:
            yield {("env", OVERRIDE): row.value}
    if OVERRIDE in stack.env:
        yield {("env", OVERRIDE): None}


@candidates("ROCM101", reach=Reach.SPELLING)
def built_targets(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
    """Yield a list of gfx targets for one's own build with those of the GPUs in it."""
    stack = env.stack
    own = [gpu.gfx for gpu in stack.gpus if gpu.gfx]
    value = stack.env.get("PYTORCH_ROCM_ARCH")
    if value and own:
        stated = [each for each in re.split(r"[;, ]+", value) if each]
        yield {("env", "PYTORCH_ROCM_ARCH"): ";".join(dict.fromkeys([*stated, *own]))}


@candidates("ROCM102", "CUDA101", "CUDA103", reach=Reach.SURROUNDINGS)
def stated_rocm(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the ROCm versions that the stack's torch was built for, newest first."""
    stack = env.stack
    claim = env.torch
    release = tables.torch.release(claim.version) if claim.version else None
    if stack.rocm and release:
        for version in reversed(release.rocm):
            yield {("rocm",): str(version)}


@candidates("ENV", reach=Reach.SPELLING)
def without_variables(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
    """Yield the stack without a variable, and search paths without one of their folders."""
    stack = env.stack
    for name, value in stack.env.items():
        folders = [each for each in value.split(":") if each]
        for folder in folders if len(folders) > 1 else ():
            yield {("env", name): ":".join(each for each in folders if each != folder)}
        yield {("env", name): None}

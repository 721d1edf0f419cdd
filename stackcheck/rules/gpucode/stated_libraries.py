"""Packages that carry a GPU library for each CUDA version: the code of the one that is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.gpucode.coverage import RUNS_ON, sentence, served, shown, titles
from stackcheck.rules.grading import cite, doubted, failed_by
from stackcheck.rules.registry import Finding, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.wheels import LibraryCode
    from stackcheck.model.facts import Facts


def _carries_code(facts: Facts) -> bool:
    env: Environment = facts["env"]
    known = facts["tables"].wheels.library_code
    return bool(env.stack.gpus) and not known.keys().isdisjoint(env.packages)


@rule("ARCH110", when=_carries_code, about="GPU")
def code_of_the_library(env: Environment, tables: Tables) -> list[Finding]:
    """The library that a wheel loads for torch's CUDA has code for the GPUs.

    bitsandbytes carries a library for each CUDA version, not all of them compiled for the same GPUs: those
    for 12.8 left out V100 up to 0.46.1, and those for Arm leave out Jetson. It is imported everywhere and
    ends with `no kernel image is available` at its first kernel.

    Source: the fatbins in the wheels on PyPI (tools/measure_gpu_libraries.py; knowledge/told/).
    Example: bitsandbytes 0.46.1 with torch 2.8.0+cu128 on a V100.
    Fix: a release whose library has the GPU, or torch for a CUDA version whose library has it.
    """
    return [
        finding._replace(subject=name)
        for name, version, cuda, row in _loaded(env, tables)
        if (finding := _judge(f"{name} {version}", cuda, row, env))
    ]


def _loaded(env: Environment, tables: Tables) -> Iterator[tuple[str, Version, Version, LibraryCode]]:
    cuda = env.torch.cuda
    for name in sorted(tables.wheels.library_code.keys() & env.packages.keys()):
        each = env.packages[name]
        version = each.exact
        if cuda is None or version is None or version.local or not each.is_wheel or env.elsewhere(name):
            continue
        carried = [
            row
            for row in tables.wheels.gpu_libraries.get(name, ())
            if version in row.versions and env.platform in row.platforms
        ]
        loaded = carried[0].choose("cuda", cuda) if carried else cuda
        for row in tables.wheels.library_code[name]:
            if loaded and version in row.versions and env.platform in row.platforms:
                yield name, version, loaded, row


def _judge(what: str, cuda: Version, row: LibraryCode, env: Environment) -> Finding | None:
    codes = row.of(cuda)
    if not codes:
        return None
    says = f"the library of {what} for CUDA {cuda} has {shown(codes)}"
    each = served(env, codes, shown(codes))
    bad = [one for one in each if not one.accepted(native=False)]
    if not bad:
        return passed(f"{what} serves {sentence(each)}.", cite(row, says)) if each else None
    message = f"{says[0].upper()}{says[1:]}. Nothing of that runs on {titles(one.gpu for one in bad)}."
    expected, found = "code for each GPU", shown(codes)
    hint = _other(row, cuda, env) or f"take another release of {row.dist}, or compile it for the GPU"
    about = [f"{row.dist} on {one.gpu.name}" for one in bad]
    if any(one.gpu.unverified for one in bad):
        return doubted(message, RUNS_ON, expected=expected, found=found, hint=hint, about=about)
    if env.torch.assumed:
        text = f"{message} That torch is for CUDA {env.torch.cuda} is not stated."
        return warned(text, cite(row, says), expected=expected, found=found, hint=hint, about=about)
    return failed_by(message, (row, says), expected=expected, found=found, hint=hint, about=about)


def _other(row: LibraryCode, cuda: Version, env: Environment) -> str:
    """Name the CUDA versions whose library in the same wheel serves every GPU."""
    for cudas, words in row.code.items():
        first = cudas.split()[0]
        codes = row.of(type(cuda)(first))
        if all(one.accepted(native=False) for one in served(env, codes, words)):
            return f"take torch for CUDA {' or '.join(cudas.split())}, whose library has the GPU"
    return ""

"""Packages whose setup.py has a list of architectures of its own, and takes of it what nvcc allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.gpucode.coverage import RUNS_ON, sentence, served, shown, titles
from stackcheck.rules.grading import cite, doubted, failed_by
from stackcheck.rules.registry import Finding, passed, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import Toolkit
    from stackcheck.knowledge.unstated import CompiledFor
    from stackcheck.model.facts import Facts


def _compiles_own(facts: Facts) -> bool:
    env: Environment = facts["env"]
    own = facts["tables"].unstated.compiled_for
    return env.toolkit is not None and not own.keys().isdisjoint(env.compiled)


@rule("ARCH109", when=_compiles_own, about="GPU")
def own_archs(env: Environment, tables: Tables) -> list[Finding]:
    """What a package compiles for by its own list, with the stack's nvcc, serves the GPUs.

    setup.py of flash-attn, mamba-ssm and causal-conv1d has a list of its own: it asks no GPU and reads no
    TORCH_CUDA_ARCH_LIST, and a later nvcc adds to it. With an older one the build goes through, without code
    for a new GPU and without PTX, and ends in `no kernel image is available`. An entry that nvcc no longer
    knows stops the build.

    Source: setup.py in the sdists on PyPI (knowledge/told/); NVIDIA CUDA release notes.
    Example: mamba-ssm 2.2.4 from source for an RTX 5090: its list ends with sm_90, whatever nvcc.
    Fix: a toolkit or a version of the package whose list has the GPU.
    """
    known = tables.cuda.toolkit(env.toolkit[0]) if env.toolkit else None
    return [
        finding._replace(subject=name)
        for name, version, row in _own(env, tables)
        if known and (finding := _judge(f"{name} {version}", row, known, env))
    ]


def _own(env: Environment, tables: Tables) -> Iterator[tuple[str, Version, CompiledFor]]:
    for name in env.compiled:
        version = env.packages[name].exact
        row = tables.unstated.own_archs(name, version) if version else None
        if version and row and row.variable not in env.stack.env:
            yield name, version, row


def _judge(what: str, row: CompiledFor, toolkit: Toolkit, env: Environment) -> Finding | None:
    codes = row.codes(toolkit.version)
    says = f"{what}: setup.py compiles for {shown(codes)} with CUDA {toolkit.version}"
    unknown = [code for code in codes if not toolkit.knows(code)]
    if unknown:
        return failed_by(
            f"{what} does not build with CUDA {toolkit.version}: its setup.py asks for {shown(unknown)}, "
            "which that nvcc does not know.",
            (row, says),
            (toolkit, f"nvcc of CUDA {toolkit.version} knows {toolkit.listed}"),
            expected=toolkit.listed,
            found=shown(codes),
            hint="take a toolkit that knows them, or another version of the package",
            doubtful=toolkit.sm_unverified,
        )
    each = served(env, codes, shown(codes))
    bad = [one for one in each if not one.accepted(native=False)]
    if not bad:
        return passed(f"{what} serves {sentence(each)}.", cite(row, says)) if each else None
    message = f"{what} is compiled for {shown(codes)} with CUDA {toolkit.version}, and none of it runs on"
    message = f"{message} {titles(one.gpu for one in bad)}."
    hint = "take a later toolkit or version of the package"
    unserved = [f"{what.partition(' ')[0]} on {one.gpu.name}" for one in bad]
    if any(one.gpu.unverified for one in bad):
        return doubted(
            message, RUNS_ON, expected="code for each GPU", found=shown(codes), hint=hint, about=unserved
        )
    return failed_by(
        message, (row, says), expected="code for each GPU", found=shown(codes), hint=hint, about=unserved
    )

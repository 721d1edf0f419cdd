"""The variables that say which GPUs single packages are compiled for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.rules.gpucode.coverage import RUNS_ON, sentence, served, shown, titles
from stackcheck.rules.grading import cite, doubted, failed_by
from stackcheck.rules.registry import Finding, passed, rule
from stackcheck_probes.binaries.capability import Capability, Ptx, Sass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.unstated import ArchVariable
    from stackcheck.model.facts import Facts
    from stackcheck_probes.binaries.capability import Code

_ENTRY = re.compile(
    r"(?:sm_?)?(?P<major>\d{1,2}?)\.?(?P<minor>\d)(?P<suffix>[af]?)(?P<kind>-real|-virtual|\+PTX)?"
)


def _sets_variable(facts: Facts) -> bool:
    env = facts["env"]
    return not facts["tables"].unstated.arch_variables.keys().isdisjoint(env.stack.env) and bool(env.compiled)


@rule("ARCH107", when=_sets_variable, about="variable")
def arch_variables(env: Environment, tables: Tables) -> list[Finding]:
    """What a package is told to be compiled for serves the GPUs, and nvcc knows it.

    Some packages read no TORCH_CUDA_ARCH_LIST but a variable of their own, each in its spelling: "80;90" for
    flash-attn and Transformer Engine, "9.0a" for FlashInfer. An entry that nvcc does not know stops the
    build, or is left out (flash-attn); a GPU without an entry ends in `no kernel image is available` when
    the package is used.

    Source: the packages' build scripts (knowledge/told/); NVIDIA CUDA release notes.
    Example: FLASH_ATTN_CUDA_ARCHS="80;90" for a B200, or NVTE_CUDA_ARCHS="70;80" with CUDA 13.
    Fix: name the capability of each GPU, as far as the toolkit knows it.
    """
    found: list[Finding] = []
    for name, text in env.stack.env.items():
        row = tables.unstated.arch_variables.get(name)
        built = [each for each in env.compiled if row and each in row.dists]
        codes = _codes(text, row) if row and built else None
        if row and codes:
            found += [
                each._replace(subject=built[0], about=(row.name,))
                for each in _judge(row, text, codes, env, tables)
            ]
    return found


def _codes(text: str, row: ArchVariable) -> tuple[Code, ...] | None:
    """Return what the entries stand for; None where one of them is a word such as "native" or "all"."""
    codes: list[Code] = []
    for entry in filter(None, re.split(rf"[{re.escape(row.separator)}\s]+", text.strip())):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            return None
        capability = Capability(int(match["major"]), int(match["minor"]))
        if match["kind"] != "-virtual":
            codes.append(Sass(capability, match["suffix"]))
        if match["kind"] in {"-virtual", "+PTX"} or (row.ptx and match["kind"] is None):
            codes.append(Ptx(capability, match["suffix"]))
    return tuple(codes)


def _judge(
    row: ArchVariable, text: str, codes: tuple[Code, ...], env: Environment, tables: Tables
) -> Iterator[Finding]:
    stated = f"{row.name}={text}"
    whose = ", ".join(each for each in env.compiled if each in row.dists)
    toolkit = tables.cuda.toolkit(env.toolkit[0]) if env.toolkit else None
    unknown = [code for code in codes if toolkit and isinstance(code, Sass) and not toolkit.knows(code)]
    if unknown and row.leaves_out:
        codes = tuple(code for code in codes if code not in unknown)
    elif toolkit and unknown:
        says = f"nvcc of CUDA {toolkit.version} knows {toolkit.listed}"
        yield failed_by(
            f"{stated} asks for {shown(unknown)}, which nvcc of CUDA {toolkit.version} does not know: "
            f"{whose} does not build.",
            (toolkit, says),
            (row, f"{row.name} says what {whose} is compiled for"),
            expected=toolkit.listed,
            found=stated,
            hint=f"leave {shown(unknown)} out, or take a toolkit that knows it",
            doubtful=toolkit.sm_unverified,
        )
        return
    each = served(env, codes, shown(codes))
    bad = [one for one in each if not one.accepted(native=False)]
    if not bad:
        text = f"{stated} serves {sentence(each)}." if each else f"nvcc can compile {whose} for {stated}."
        yield passed(text, cite(row, stated), found=stated)
        return
    left_out = f", for nvcc does not know {shown(unknown)}" if unknown else ""
    message = f"{stated}: {whose} is compiled without code for {titles(one.gpu for one in bad)}{left_out}."
    hint = f"add {' and '.join(sorted({str(one.capability).replace('.', '') for one in bad}))} to {row.name}"
    hint = f"take a later toolkit and {hint}" if unknown else hint
    if any(one.gpu.unverified for one in bad):
        yield doubted(message, RUNS_ON, expected="code for each GPU", found=stated, hint=hint)
        return
    says = f"{row.name} says what {whose} is compiled for"
    yield failed_by(message, (row, says), expected="code for each GPU", found=stated, hint=hint)

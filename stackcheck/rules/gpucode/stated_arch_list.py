"""TORCH_CUDA_ARCH_LIST against torch, nvcc and the GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.gpucode.arch_list import (
    VARIABLE,
    expand,
    names_of,
    parsed_codes,
    stated_arch_list,
    states_list,
)
from stackcheck.rules.gpucode.coverage import RUNS_ON, sentence, served, shown, titles
from stackcheck.rules.grading import cite, doubted, failed_by, no_data
from stackcheck.rules.questions import SERVES_GPUS
from stackcheck.rules.registry import Finding, failed, passed, rule, warned
from stackcheck_probes.binaries.capability import Sass, parse_capability, parse_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import Toolkit
    from stackcheck.knowledge.torch import ArchNames


@rule("ARCH102", when=states_list, about="entry")
def arch_list_is_valid(env: Environment, tables: Tables) -> Finding | None:
    """Every entry of the arch list is one that torch accepts.

    torch takes capabilities (`9.0`, `9.0a`), `+PTX` behind them, and generation names (`Hopper`), separated
    by semicolons or spaces. Anything else, `sm_90` or a comma or a semicolon at the end too, stops the
    build with `Unknown CUDA arch`. Which capabilities it knows depends on its version.

    Source: _get_cuda_arch_flags in torch/utils/cpp_extension.py of the wheels (rows of `stackcheck tables`).
    Example: TORCH_CUDA_ARCH_LIST="sm_90" is refused; "9.0" is right.
    Fix: write the capability with a dot.
    """
    text = stated_arch_list(env.stack) or ""
    names, version = names_of(env.torch.version, tables), env.torch.version
    _, refused = expand(text, names)
    says = f"torch {version.public if version else names.since} accepts {' '.join(names.arches)}"
    if not refused:
        return passed(f"torch accepts the arch list {text!r}.", cite(names, says), found=text)
    shown_refused = ", ".join(repr(entry) for entry in refused)
    hint = _spelling(refused[0], text, names)
    expected = "capabilities such as 9.0, 9.0a or 9.0+PTX, separated by semicolons"
    unknown = version is None or version.release > tables.torch.newest.torch.release
    if unknown and all(_looks_right(entry) for entry in refused):
        whom = f"torch {version.public}" if version else "the torch that the stack will use"
        newest = tables.torch.newest.torch
        message = f"torch {newest} does not know {shown_refused} of the arch list; {whom} may know it."
        return warned(
            message, cite(names, says), expected=expected, found=text, hint=hint, about=map(repr, refused)
        )
    return failed_by(
        f"torch refuses {shown_refused} in the arch list {text!r}: `Unknown CUDA arch`.",
        (names, says),
        expected=expected,
        found=text,
        hint=hint,
        about=map(repr, refused),
    )


def _looks_right(entry: str) -> bool:
    try:
        return "." in entry and isinstance(parse_code(entry.removesuffix("+PTX")), Sass)
    except ValueError:
        return False


def _spelling(entry: str, text: str, names: ArchNames) -> str:
    if entry == "":
        return "remove the separator that has nothing before or behind it"
    if "," in text:
        return f"separate by semicolons: {text.replace(', ', ';').replace(',', ';')!r}"
    bare = entry.removesuffix("+PTX").removeprefix("sm_").removeprefix("compute_")
    suffix = bare[-1:] if bare[-1:] in ("a", "f") else ""
    try:
        right = f"{parse_capability(bare.removesuffix(suffix) if suffix else bare)}{suffix}"
    except ValueError:
        return f"take one of {' '.join(names.arches)}"
    if right in names.arches:
        return f"write {right!r} instead of {entry!r}"
    newest = [row for row in names.arches if row.split(".", 1)[0] == right.split(".", 1)[0]]
    near = f"; of that generation it knows {' '.join(newest)}" if newest else ""
    return f"this torch does not know {right}{near}: take a newer torch, or leave it out"


@rule("ARCH103", when=states_list, about="GPU")
def arch_list_serves_gpus(env: Environment, tables: Tables) -> Finding | None:
    """What gets built from source has code for every GPU of the stack.

    The arch list decides what an extension can run on: SASS runs from its own minor version on inside its
    major version, `9.0a` on 9.0 alone, and `+PTX` on everything newer if the driver knows it. With
    `arch_mode = "native"` each GPU needs an entry of its own.

    Source: NVIDIA Ada and Blackwell Compatibility Guides, docs.nvidia.com/cuda.
    Example: an arch list "9.0" alone on an L40S (8.9) ends in `no kernel image is available`.
    Fix: add the capability of the GPU.
    """
    finding = _served_by_list(env, tables)
    if finding is None or env.torch.origin not in ("source", "git", "path"):
        return finding
    return finding._replace(question=SERVES_GPUS, subject="torch")  # torch itself is built for that list


def _served_by_list(env: Environment, tables: Tables) -> Finding | None:
    text = stated_arch_list(env.stack) or ""
    entries, refused = expand(text, names_of(env.torch.version, tables))
    gpus = [gpu for gpu in env.stack.gpus if gpu.capability]
    if refused or not entries or not gpus:
        return None
    codes = parsed_codes(entries)
    each = served(env, codes, shown(codes))
    native = env.stack.arch_mode == "native"
    bad = [one for one in each if not one.accepted(native=native)]
    expected = "an entry for each GPU" if native else "code that runs on each GPU"
    if not bad:
        return passed(f"The arch list serves {sentence(each)}.", expected=expected, found=shown(codes))
    missing = sorted({one.capability for one in bad})
    names, unserved = titles(one.gpu for one in bad), [one.gpu.name for one in bad]
    if all(one.accepted(native=False) for one in bad):
        message = f"The arch list {text!r} is not native for {names}, as the stack asks: {sentence(bad)}."
    else:
        message = f"Nothing built for the arch list {text!r} runs on {names}."
    hint_list = ";".join([*text.replace(" ", ";").split(";"), *(str(capability) for capability in missing)])
    hint = f"make the arch list {hint_list!r}"
    if any(one.gpu.unverified for one in bad):
        return doubted(message, RUNS_ON, expected=expected, found=text, hint=hint, about=unserved)
    return failed(message, RUNS_ON, expected=expected, found=text, hint=hint, about=unserved)


@rule("ARCH106", when=states_list)
def arch_list_is_one(env: Environment) -> Finding | None:
    """The arch list of the stack and the variable that builds read say the same.

    A build reads TORCH_CUDA_ARCH_LIST; the field `arch_list` is what the stack is checked against.

    Source: _get_cuda_arch_flags in torch/utils/cpp_extension.py of the torch wheels, pypi.org/project/torch.
    Example: `arch_list = ["8.9"]` with TORCH_CUDA_ARCH_LIST="9.0" in the environment.
    Fix: state one of them.
    """
    variable = env.stack.env.get(VARIABLE)
    if not env.stack.arch_list or not variable:
        return None
    field = ";".join(env.stack.arch_list)
    if sorted(variable.replace(" ", ";").split(";")) == sorted(field.split(";")):
        return passed(f"arch_list and {VARIABLE} agree.", found=field)
    return warned(
        f"arch_list says {field!r}, {VARIABLE} says {variable!r}; builds read the variable.",
        expected=field,
        found=variable,
        hint=f"remove {VARIABLE} from env, or give both the same entries",
    )


@rule("ARCH104", when=states_list, about="entry")
def toolkit_knows_arch_list(env: Environment, tables: Tables) -> Finding | None:
    """The toolkit's nvcc can make code for every entry of the arch list.

    Each toolkit knows a range of capabilities: 8.9 and 9.0 from CUDA 11.8, 10.0 and 12.0 from 12.8, 10.1
    only in 12.8 and 12.9 (13.0 calls that chip 11.0), 10.3 and 12.1 from 12.9; 13.0 dropped everything
    below 7.5.

    Source: NVIDIA CUDA release notes; spack's table of nvcc targets (rows of `stackcheck tables`).
    Example: 8.6 with CUDA 11.0 ends in `nvcc fatal : Unsupported gpu architecture 'compute_86'`.
    Fix: take a toolkit that knows it, or leave the entry out.
    """
    if env.toolkit is None:
        return None
    row = tables.cuda.toolkit(env.toolkit[0])
    if row is None:
        newest = tables.cuda.newest.version
        return no_data(f"the CUDA toolkit {env.toolkit[0]}", f"CUDA {newest}", tables.cuda.checked)
    entries, refused = expand(stated_arch_list(env.stack) or "", names_of(env.torch.version, tables))
    if refused or not entries:
        return None
    wanted = [code for code in parsed_codes(entries) if isinstance(code, Sass)]
    return _known(row, wanted, tables)


def _known(row: Toolkit, wanted: list[Sass], tables: Tables) -> Finding:
    says = f"nvcc of CUDA {row.version} knows {row.listed}"
    unknown = [code for code in wanted if not row.knows(code)]
    if not unknown:
        return passed(
            f"nvcc of CUDA {row.version} knows {shown(wanted)}.", cite(row, says), found=shown(wanted)
        )
    able = [each for each in tables.cuda.toolkits if all(each.knows(code) for code in wanted)]
    hint = f"leave {shown(unknown)} out"
    if able:
        later = [each for each in able if each.version > row.version]
        near = later[0] if later else able[-1]
        hint = f"take CUDA toolkit {near.version}, or {hint}"
    return failed_by(
        f"nvcc of CUDA {row.version} does not know {shown(unknown)}: `Unsupported gpu architecture`.",
        (row, says),
        expected=row.listed,
        found=shown(unknown),
        hint=hint,
        doubtful=row.sm_unverified,
        about=map(str, unknown),
    )


def _builds_for_visible_gpus(facts: Mapping[str, Any]) -> bool:
    env: Environment | None = facts.get("env")
    return env is not None and bool(_for_visible(env)) and stated_arch_list(env.stack) is None


@rule("ARCH105", when=_builds_for_visible_gpus, about="GPU")
def toolkit_knows_gpus(env: Environment, tables: Tables) -> Finding | None:
    """The toolkit's nvcc can make code for the GPUs, where no arch list is stated.

    Without an arch list torch builds an extension for the GPUs it sees, but for none newer than its own build
    has. An nvcc that does not know that capability stops with `Unsupported gpu architecture`.

    Source: _get_cuda_arch_flags in torch/utils/cpp_extension.py; NVIDIA CUDA release notes (`stackcheck
    tables`).
    Example: an RTX 3090 (8.6) with CUDA 11.0.
    Fix: take a toolkit that knows the GPU, or state an arch list that it knows.
    """
    row = tables.cuda.toolkit(env.toolkit[0]) if env.toolkit else None
    if row is None or not any(gpu.capability for gpu in env.stack.gpus):
        return None
    bad = [
        gpu
        for gpu in env.stack.gpus
        if gpu.capability and not row.knows(Sass(_clamped(env, gpu.capability, tables)))
    ]
    says = f"nvcc of CUDA {row.version} knows {row.listed}"
    if not bad:
        return passed(f"nvcc of CUDA {row.version} can build for the GPUs of the stack.", cite(row, says))
    names = titles(bad)
    runs = [
        code
        for code in row.sm
        if not code.suffix and all(code.reaches(gpu.capability) for gpu in bad if gpu.capability)
    ]
    able = [
        each
        for each in tables.cuda.toolkits
        if all(each.knows(Sass(gpu.capability)) for gpu in bad if gpu.capability)
    ]
    hints = ([f"take CUDA toolkit {able[0].version}"] if able else []) + (
        [f'state arch_list = ["{runs[-1].capability}"], which runs there'] if runs else []
    )
    return failed_by(
        f"nvcc of CUDA {row.version} cannot build {', '.join(_for_visible(env))} for {names}: "
        "`Unsupported gpu architecture`.",
        (row, says),
        expected=row.listed,
        found=names,
        hint=", or ".join(hints) or "take a GPU that this toolkit knows",
        doubtful=row.sm_unverified,
        about=(gpu.name for gpu in bad),
    )


_OWN_LIST = frozenset({"flash-attn", "vllm", "transformer-engine", "transformer-engine-torch", "mamba-ssm"})
"""Packages whose setup.py has a list of architectures of its own and asks no GPU."""


def _for_visible(env: Environment) -> tuple[str, ...]:
    return tuple(name for name in env.compiled_with_nvcc if name not in _OWN_LIST)


def _clamped(env: Environment, capability: Any, tables: Tables) -> Any:
    """Return what torch asks nvcc for: the device's capability, but at most the newest of its own build."""
    version, cuda = env.torch.version, env.torch.cuda
    if version is None or cuda is None or not env.torch.official:
        return capability
    build = next((row for row in tables.torch.builds_of(version, cuda) if row.sm), None)
    return min(capability, max(code.capability for code in build.sm or ())) if build else capability

"""TORCH_CUDA_ARCH_LIST against torch, nvcc and the GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.archentries import VARIABLE, expand, parsed_codes, stated_arch_list
from stackcheck.rules.coverage import RUNS_ON, sentence, served, shown, titles
from stackcheck.rules.grading import cite, doubted, failed_by
from stackcheck.rules.registry import Finding, failed, passed, rule, warned
from stackcheck_probes.binaries.capability import Sass, parse_capability, parse_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.tables import Tables
    from stackcheck.tables.torch import ArchNames


def names_of(version: Version | None, tables: Tables) -> ArchNames:
    """Return what the stack's torch accepts in an arch list; the newest known torch when it is not pinned."""
    return (tables.torch.arch_names_of(version) if version else None) or tables.torch.arch_names[-1]


def states_list(facts: Mapping[str, Any]) -> bool:
    """Tell whether a stack states an arch list."""
    env: Environment | None = facts.get("env")
    return env is not None and stated_arch_list(env.stack) is not None


@rule("ARCH102", when=states_list)
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
        return warned(message, cite(names, says), expected=expected, found=text, hint=hint)
    return failed_by(
        f"torch refuses {shown_refused} in the arch list {text!r}: `Unknown CUDA arch`.",
        (names, says),
        expected=expected,
        found=text,
        hint=hint,
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


@rule("ARCH103", when=states_list)
def arch_list_serves_gpus(env: Environment, tables: Tables) -> Finding | None:
    """What gets built from source has code for every GPU of the stack.

    The arch list decides what an extension can run on: SASS runs from its own minor version on inside its
    major version, `9.0a` on 9.0 alone, and `+PTX` on everything newer if the driver knows it. With
    `arch_mode = "native"` each GPU needs an entry of its own.

    Source: NVIDIA Ada and Blackwell Compatibility Guides, docs.nvidia.com/cuda.
    Example: an arch list "9.0" alone on an L40S (8.9) ends in `no kernel image is available`.
    Fix: add the capability of the GPU.
    """
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
    names = titles(one.gpu for one in bad)
    if all(one.accepted(native=False) for one in bad):
        message = f"The arch list {text!r} is not native for {names}, as the stack asks: {sentence(bad)}."
    else:
        message = f"Nothing built for the arch list {text!r} runs on {names}."
    hint_list = ";".join([*text.replace(" ", ";").split(";"), *(str(capability) for capability in missing)])
    hint = f"make the arch list {hint_list!r}"
    if any(one.gpu.unverified for one in bad):
        return doubted(message, RUNS_ON, expected=expected, found=text, hint=hint)
    return failed(message, RUNS_ON, expected=expected, found=text, hint=hint)


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

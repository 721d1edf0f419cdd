"""What nvcc can make code for, against the arch list and the GPUs of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.archentries import expand, parsed_codes, stated_arch_list
from stackcheck.rules.archlist import names_of, states_list
from stackcheck.rules.coverage import shown, titles
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, passed, rule
from stackcheck_probes.binaries.capability import Sass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from stackcheck.environment import Environment
    from stackcheck.tables import Tables
    from stackcheck.tables.cuda import Toolkit


@rule("ARCH104", when=states_list)
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
    )


def _builds_for_visible_gpus(facts: Mapping[str, Any]) -> bool:
    env: Environment | None = facts.get("env")
    return env is not None and bool(_for_visible(env)) and stated_arch_list(env.stack) is None


@rule("ARCH105", when=_builds_for_visible_gpus)
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
    )


_OWN_LIST = frozenset({"flash-attn", "vllm", "transformer-engine", "transformer-engine-torch", "mamba-ssm"})
"""Packages whose setup.py has a list of architectures of its own and asks no GPU."""


def _for_visible(env: Environment) -> tuple[str, ...]:
    return tuple(name for name in env.compiled if name not in _OWN_LIST)


def _clamped(env: Environment, capability: Any, tables: Tables) -> Any:
    """Return what torch asks nvcc for: the device's capability, but at most the newest of its own build."""
    version, cuda = env.torch.version, env.torch.cuda
    if version is None or cuda is None or not env.torch.official:
        return capability
    build = next((row for row in tables.torch.builds_of(version, cuda) if row.sm), None)
    return min(capability, max(code.capability for code in build.sm or ())) if build else capability

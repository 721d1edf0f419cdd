"""How an AMD machine fits a process: device nodes, and overrides of the gfx. Pure, on what was seen.

`seen` is what the probe `rocm_host` reports. Sources: ROCm/ROCR-Runtime libhsakmt/src/topology.c;
github.com/ROCm/ROCm-docker/issues/116; rocm.toml for known overrides (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging.gfx import akin, gfx_of, kin
from stackcheck_probes.judging.judgement import FAIL, PASS, SKIP, WARN, Judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck_probes.facts.machine import Override, RocmHost

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"


def nodes_open(seen: RocmHost) -> list[Judgement]:
    """Judge whether /dev/kfd and the render nodes can be opened by this user."""
    kfd = seen["kfd"]
    if not kfd["exists"]:
        hint = "probe on a GPU node; in a container use --device=/dev/kfd --device=/dev/dri"
        return [Judgement(SKIP, f"no AMD GPU here: {kfd['path']} does not exist", hint=hint)]
    nodes = [kfd, *seen["render_nodes"]]
    groups = ", ".join(map(str, seen["groups"]))
    closed = [
        Judgement(
            FAIL,
            f"{node['path']} cannot be opened: it belongs to group {node['gid']} (mode {node['mode']}), "
            f"and user {seen['uid']} is in {groups}",
            f"group {node['gid']}",
            f"groups {groups}",
            f"docker run --group-add={node['gid']} (by number: the name may mean another group)",
        )
        for node in nodes
        if node["exists"] and not node["accessible"]
    ]
    text = f"{kfd['path']} and {len(nodes) - 1} render nodes can be opened"
    return closed or [Judgement(PASS, text)]


def effective_gfx(seen: RocmHost) -> dict[str, str]:
    """Return KFD node -> the gfx that the runtime reports for it, overrides applied (a node's own wins)."""
    claimed = {node: row["gfx"] for node, row in seen["override"].items()}
    return {gpu["node"]: claimed.get(gpu["node"]) or claimed.get("all") or gpu["gfx"] for gpu in seen["gpus"]}


def refused_override(node: str, row: Override) -> Judgement | None:
    """Judge the form of one override; None when the runtime takes it."""
    if row["gfx"] is not None:
        return None
    name = OVERRIDE + ("" if node == "all" else f"_{node}")
    text = f"{name}={row['value']} is not MAJOR.MINOR.STEPPING: the runtime will find no GPU"
    return Judgement(FAIL, text, "three decimals, such as 10.3.0", row["value"], "correct it, or unset it")


def serves(real: str, seen: str, targets: frozenset[str], known: Mapping[str, str]) -> Judgement:
    """Judge what code for `targets` does on a GPU that is `real` and passes for `seen`.

    known: gfx -> the value of the override that it is known to run with. A code object runs on its own target
    only, so an override is right, needless, harmful, or missing.
    """
    listed = ", ".join(sorted(targets))
    overridden = seen != real
    known_to_run = gfx_of(known.get(real, "")) == seen
    if overridden and akin(real, seen) is False and not known_to_run:
        return Judgement(
            FAIL,
            f"{OVERRIDE} makes {real} pass for {seen}, another instruction set",
            f"a target of {kin(real)}",
            f"{seen} on {real}",
            f"unset {OVERRIDE}",
        )
    if seen not in targets:
        return _unserved(real, seen, targets, known)
    if not overridden:
        return Judgement(PASS, f"there is code for {real}", listed, real)
    if real in targets:
        return Judgement(
            WARN,
            f"{OVERRIDE} makes {real} pass for {seen}, and is not needed: there is code for {real}",
            f"no override for {real}",
            f"{seen} by override",
            f"unset {OVERRIDE}: the kernels made for {real} are then used",
        )
    text = f"{real} runs code for {seen} by {OVERRIDE}, which AMD does not support"
    hint = "check the results against the CPU; a build for the real target needs no override"
    return Judgement(PASS if known_to_run else WARN, text, f"code for {real}", f"{seen} by override", hint)


def _unserved(real: str, seen: str, targets: frozenset[str], known: Mapping[str, str]) -> Judgement:
    how = f", which {real} passes for by {OVERRIDE}" if seen != real else ""
    value = known.get(real, "")
    hint = f"docker run -e {OVERRIDE}={value}" if value else f"build for {real} (PYTORCH_ROCM_ARCH={real})"
    text = f"there is no code for {seen}{how}: the first kernel ends in 'invalid device function'"
    return Judgement(FAIL, text, f"one of {', '.join(sorted(targets))}", seen, hint)

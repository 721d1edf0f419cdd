"""How an AMD machine fits a process: device nodes, and overrides of the gfx. Pure, on what was seen.

`seen` is what the probe `rocm_host` reports. Sources: ROCm/ROCR-Runtime libhsakmt/src/topology.c;
github.com/ROCm/ROCm-docker/issues/116; rocm.toml for known overrides (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging import advice, nodefit
from stackcheck_probes.judging.gfx import akin, gfx_of, kin
from stackcheck_probes.judging.judgement import FAIL, PASS, SKIP, WARN, Judgement
from stackcheck_probes.judging.visible import choose, judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck_probes.facts.machine import KfdGpu, Override, RocmHost, RocmNode

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"


def nodes_open(seen: RocmHost, by: str = "") -> list[Judgement]:
    """Judge whether /dev/kfd and the render nodes of the GPUs can be opened by this user.

    by: who started the process, for advice that fits. Render nodes of other cards are nobody's business.
    """
    kfd = seen["kfd"]
    if not kfd["exists"]:
        hint = "probe on a GPU node; in a container use --device=/dev/kfd --device=/dev/dri"
        return [Judgement(SKIP, f"no AMD GPU here: {kfd['path']} does not exist", hint=hint)]
    shut = nodefit.closed([kfd], seen["uid"], seen["groups"], by)
    if shut is not None:
        return [shut]
    nodes = render_nodes(seen)
    opening = [node for node in nodes if node["exists"] and node["accessible"]]
    if not opening:
        return [_no_render_node(seen, nodes, by)]
    judged = [Judgement(PASS, f"{kfd['path']} and {len(opening)} render nodes can be opened")]
    if seen["gpus"] and len(usable(seen)) < len(seen["gpus"]):
        count = len(seen["gpus"]) - len(usable(seen))
        text = f"{count} of {len(seen['gpus'])} GPUs have no render node that opens here: they are not used."
        judged.append(Judgement(SKIP, text))
    return judged


def render_nodes(seen: RocmHost) -> list[RocmNode]:
    """Return the render nodes of the GPUs, those that are not there too; where nothing says which, all."""
    numbers = [gpu["render"] for gpu in seen["gpus"] if "render" in gpu]
    if not numbers or len(numbers) < len(seen["gpus"]):
        return seen["render_nodes"]
    here = {_minor(node): node for node in seen["render_nodes"]}
    folder = seen["kfd"]["path"].rpartition("/")[0]
    return [
        here.get(number) or {"path": f"{folder}/dri/renderD{number}", "exists": False} for number in numbers
    ]


def usable(seen: RocmHost) -> list[KfdGpu]:
    """Return the GPUs whose render node opens, as far as it is known which one is theirs."""
    opening = {_minor(node) for node in seen["render_nodes"] if node["exists"] and node["accessible"]}
    return [gpu for gpu in seen["gpus"] if "render" not in gpu or gpu["render"] in opening]


def _minor(node: RocmNode) -> int:
    number = node["path"].rpartition("renderD")[2]
    return int(number) if number.isdecimal() else -1


def _no_render_node(seen: RocmHost, nodes: list[RocmNode], by: str) -> Judgement:
    shut = [node for node in nodes if node["exists"]]
    judged = nodefit.closed(shut, seen["uid"], seen["groups"], by)
    if judged is not None:
        return judged
    names = ", ".join(node["path"] for node in nodes[:4])
    text = "there is no render node beside /dev/kfd: no process reaches a GPU"
    text += f" ({names} is not here)." if names else "."
    return Judgement(FAIL, text, "a render node of the GPU", "none", advice.render_nodes(by))


def visible(gpus: list[KfdGpu], variables: Mapping[str, str]) -> tuple[list[KfdGpu], list[Judgement]]:
    """Return the GPUs that the variables leave, and what is wrong with these.

    ROCR_VISIBLE_DEVICES counts first; of what it leaves HIP_VISIBLE_DEVICES, else CUDA_VISIBLE_DEVICES.
    Source: ROCm's guide to GPU isolation (read 2026-11-30).
    """
    left, judged = gpus, []
    second = "HIP_VISIBLE_DEVICES" if "HIP_VISIBLE_DEVICES" in variables else "CUDA_VISIBLE_DEVICES"
    for name in ("ROCR_VISIBLE_DEVICES", second):
        value = variables.get(name)
        if value is None or not left:
            continue
        if value.startswith("GPU-") and not all("uuid" in gpu for gpu in left):
            judged.append(Judgement(SKIP, f"{name} was not checked: the UUIDs of the GPUs are not known."))
            continue
        chosen = choose(value, [[gpu.get("uuid", "")] for gpu in left], twice_hides_all=False)
        said = judgement(name, value, len(left), chosen)
        left = [left[at] for at in chosen.positions]
        if said.outcome != PASS:
            judged.append(said)
    return left, judged


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


def way_out(seen: RocmHost, gpus: list[KfdGpu], targets: frozenset[str], known: Mapping[str, str]) -> str:
    """Return what serves every one of several GPUs, "" where nothing does: hide some, or an override a node.

    One override for all of them would mend one GPU and break another. The form for a node is libhsakmt's:
    HSA_OVERRIDE_GFX_VERSION_NODE (topology.c).
    """
    native = [gpu for gpu in gpus if gpu["gfx"] in targets]
    others = [gpu for gpu in gpus if gpu["gfx"] not in targets]
    ways = []
    if native and others:
        order = usable(seen)
        numbers = ",".join(str(at) for at, gpu in enumerate(order) if gpu in native)
        ways.append(f"ROCR_VISIBLE_DEVICES={numbers} hides {', '.join(gpu['gfx'] for gpu in others)}")
    values = {gpu["node"]: known.get(gpu["gfx"], "") for gpu in others}
    if values and all(gfx_of(value) in targets for value in values.values()):
        ways.append(" ".join(f"{OVERRIDE}_{node}={value}" for node, value in values.items()))
    lead = f"unset {OVERRIDE}; " if ways and "all" in seen["override"] else ""
    return lead + ", or ".join(ways)

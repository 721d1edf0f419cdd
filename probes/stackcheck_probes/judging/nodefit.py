"""Whether the device nodes open that a process needs, and why not: pure, on what was seen."""

from __future__ import annotations

from stackcheck_probes.judging import advice
from stackcheck_probes.judging.judgement import FAIL, Judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Node = Mapping[str, Any]

SHOWN = 4


def name(node: Node) -> str:
    """Return the name of a node below /dev: nvidia0, nvidia-caps/nvidia-cap2."""
    return str(node["path"]).rpartition("/dev/")[2]


def is_card(node: Node) -> bool:
    """Tell whether a node is one GPU of NVIDIA's: /dev/nvidia0."""
    found = name(node)
    return found.startswith("nvidia") and found[6:].isdecimal()


def is_tegra(nodes: Sequence[Node]) -> bool:
    """Tell whether these are the nodes of a Jetson's own driver: nvhost-gpu, and nvgpu/ from JetPack 6 on.

    Source: NVIDIA/nvidia-docker issue 1602; NVIDIA's l4t device lists (read 2026-11-30).
    """
    return any(
        found in {"nvhost-gpu", "nvhost-ctrl-gpu"} or found.startswith("nvgpu/") for found in map(name, nodes)
    )


def is_wsl(nodes: Sequence[Node]) -> bool:
    """Tell whether the GPU is reached through Windows."""
    return any(name(each) == "dxg" for each in nodes)


def has_gpu(nodes: Sequence[Node]) -> bool:
    """Tell whether a node of a GPU is there, and not the control nodes alone."""
    return is_tegra(nodes) or is_wsl(nodes) or any(map(is_card, nodes))


def closed(nodes: Sequence[Node], uid: int, groups: Sequence[int], by: str) -> Judgement | None:
    """Judge nodes that a process needs; None when all of them open.

    What the mode forbids is mended by a group; what it grants, and is refused all the same, is not.
    """
    shut = [node for node in nodes if not node.get("accessible", True)]
    if not shut:
        return None
    first = shut[0]
    paths = ", ".join(each["path"] for each in shut[:SHOWN])
    if _granted(first, uid, groups):
        text = f"{paths} cannot be opened by user {uid} ({first.get('error')}), although the mode "
        text += f"{first.get('mode')} grants it: the container has lost its GPUs or never was given them "
        text += "(device cgroup), or SELinux forbids it"
        return Judgement(FAIL, text, "device nodes that open", paths, advice.again(by))
    text = f"{paths} cannot be opened: it belongs to group {first.get('gid')} (mode {first.get('mode')}), "
    text += f"and user {uid} is in {', '.join(map(str, groups))}"
    expected = f"group {first.get('gid')}"
    found = f"groups {', '.join(map(str, groups))}"
    return Judgement(FAIL, text, expected, found, advice.group(by, int(first.get("gid", 0))))


def _granted(node: Node, uid: int, groups: Sequence[int]) -> bool:
    """Tell whether mode and owner of a node let this user read and write it."""
    if uid == 0:
        return True
    mode = int(node.get("mode", "0"), 8)
    shift = 6 if node.get("uid") == uid else 3 if node.get("gid") in groups else 0
    return mode >> shift & 6 == 6

"""The device nodes of GPUs: which there are, and whether they open. One list for probes and the entrypoint.

Folders of such names are no nodes: /dev/nvidia-caps holds the capabilities of MIG, of which nvidia-cap1 is
root's alone on a healthy machine (NVIDIA's MIG User Guide, "Device Nodes and Capabilities", read 2026-11-30).
"""

from __future__ import annotations

import errno
import os
import stat

from stackcheck_probes.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stackcheck_probes.facts.machine import DeviceNode, RocmNode

    Refusal = Callable[[str], int]

ALONE = ("nvidiactl", "nvidia-uvm", "dxg", "nvhost-gpu", "nvhost-ctrl-gpu", "nvmap")
BELOW = ("nvidia-caps", "nvgpu")
MAX_BELOW = 256


def refusal(path: str) -> int:
    """Return the error number that opening to read and write gives, 0 when it opens.

    access(2) is asked first: opening a GPU's node can wake the GPU, which takes a second.
    """
    if os.access(path, os.R_OK | os.W_OK):
        return 0
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or errno.EACCES
    return 0


def nvidia(root: str, refuses: Refusal = refusal) -> list[DeviceNode]:
    """Return the nodes of NVIDIA's driver below `root`."""
    nodes = (node(path, refuses) for path in _paths(os.path.join(root, "dev")))
    return [each for each in nodes if each is not None]


def node(path: str, refuses: Refusal = refusal) -> DeviceNode | None:
    """Return a node, and where it does not open why and whose it is; None for nothing or a folder."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if stat.S_ISDIR(status.st_mode):
        return None
    number = refuses(path)
    found: DeviceNode = {"path": path, "accessible": not number}
    if number:
        found["error"] = errno.errorcode.get(number, str(number))
        found["uid"], found["gid"] = status.st_uid, status.st_gid
        found["mode"] = "%o" % (status.st_mode & 0o777)
    return found


def rocm(path: str, refuses: Refusal = refusal) -> RocmNode:
    """Return a node of AMD's driver, with its group and mode where it exists."""
    try:
        status = os.stat(path)
    except OSError:
        return {"path": path, "exists": False}
    number = refuses(path)
    found: RocmNode = {
        "path": path,
        "exists": True,
        "accessible": not number,
        "gid": status.st_gid,
        "mode": "%o" % (status.st_mode & 0o777),
    }
    if number:
        found["error"], found["uid"] = errno.errorcode.get(number, str(number)), status.st_uid
    return found


def _paths(folder: str) -> Iterator[str]:
    for name in files.names(folder):
        path = os.path.join(folder, name)
        if name in ALONE or (name.startswith("nvidia") and name[6:].isdecimal()):
            yield path
        elif name in BELOW:
            yield from _below(path)


def _below(folder: str) -> Iterator[str]:
    for path in (os.path.join(folder, name) for name in files.names(folder)[:MAX_BELOW]):
        if os.path.isdir(path):
            yield from (os.path.join(path, name) for name in files.names(path)[:MAX_BELOW])
        else:
            yield path

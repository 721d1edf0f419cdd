"""A real Ray cluster on this machine, of raylets with made-up GPUs: python raylets.py NVML CACHE

Each raylet sees another management library through the environment that it is started with, so that what a
task measures on it is another machine. Words on stdin, a line each, an answer a line on stdout:
`add NAME`, `kill NAME` (SIGKILL, with its workers), and the end of stdin, which ends the cluster.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

GPUS = {
    "none": "",
    "T4": "driver=550.54.15;cuda=12040;gpus=Tesla T4:7.5",
    "H100": "driver=570.86.15;cuda=12080;gpus=NVIDIA H100 80GB HBM3:9.0",
}
_BYTES = 100_000_000


def _settings(name: str, nvml: str, cache: str) -> dict[str, object]:
    gpus = GPUS[name]
    environ = {"STACKCHECK_CACHE": f"{cache}/{name}", "DOCKER_HOST": f"unix://{cache}/none.sock"}
    environ |= {"LD_LIBRARY_PATH": nvml, "FAKE_NVML": gpus} if gpus else {}
    return {
        "num_cpus": 1,
        "num_gpus": 1 if gpus else 0,
        "object_store_memory": _BYTES,
        "include_dashboard": False,
        "env_vars": environ,
    }


def main(nvml: str, cache: str) -> None:
    """Start the three, say the address, and do as told."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Ray says is not for who asks
    cluster = Cluster(initialize_head=True, head_node_args=_settings("none", nvml, cache))
    nodes = {name: cluster.add_node(**_settings(name, nvml, cache)) for name in ("T4", "H100")}
    print(cluster.address, cluster.head_node.get_session_dir_path(), file=said, flush=True)
    for line in sys.stdin:
        verb, _, name = line.strip().partition(" ")
        if verb == "add":
            nodes[name] = cluster.add_node(**_settings(name, nvml, cache))
        else:
            cluster.remove_node(nodes.pop(name), allow_graceful=False)
        print(f"{verb} {name}", file=said, flush=True)
    with contextlib.suppress(Exception):
        cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])

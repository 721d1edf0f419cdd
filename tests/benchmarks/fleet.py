"""Time the fleet on Ray: python tests/benchmarks/fleet.py [STACKS] [--online]

Asked: 50 ms at most of overhead a task; a load that sleeps and real checks of bytes on 1, 2 and 3 nodes (with
--online, for their wheels); 10,000 stacks through one node at 80 % and more of the rate without a fleet. All
nodes are raylets of this machine with one core each, so checks of bytes cannot gain more than it has cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"

from ray.cluster_utils import Cluster as Raylets

from stackcheck.fleet.cluster import Cluster
from stackcheck.fleet.work import Answer, Assigned, Group, How, Outcome, Secrets, answered
from stackcheck.intake.stack import Stack
from stackcheck.pipeline import Options
from tests.benchmarks.many_stacks import write

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = 200
SLEEPS, SLEEP_S = 24, 0.5
NODES = 3
_BYTES = 100_000_000
_NUMPYS = ("2.0.0", "2.0.1", "2.0.2", "2.1.0", "2.1.1", "2.1.2", "2.2.0", "2.2.1", "2.2.2", "2.2.3")
"""Releases whose wheels are opened: 19 MB each."""


def slept(work: tuple[Assigned, ...], _how: How, _secrets: Secrets, _handed: None) -> Answer:
    """Take the place of a task: sleep, and say that all is well."""
    time.sleep(SLEEP_S)
    return Answer("", tuple(Outcome(each.stack.id, "", "PASS", "", 0, SLEEP_S) for each in work))


def groups(nodes: tuple[str, ...], stacks: list[Stack]) -> list[Group]:
    """Return a group a stack, each for any node."""
    return [Group(n, nodes, (Assigned(stack, files_alone=True),)) for n, stack in enumerate(stacks)]


def timed(cluster: Cluster, work: list[Group]) -> float:
    """Return the seconds until all groups have ended; every one has to end well."""
    begun = time.perf_counter()
    ended = list(cluster.run(work))
    took = time.perf_counter() - begun
    assert all(each.answer for each in ended), [each.lost for each in ended if not each.answer][:3]
    return took


def warm(cluster: Cluster, nodes: tuple[str, ...]) -> None:
    """Have a worker on each node that has imported what it needs."""
    for node in nodes:
        timed(cluster, groups((node,), [Stack(id="warm", packages={"torch": "2.8.0"})] * 2))


def overhead(cluster: Cluster, node: str, how: How) -> None:
    """Print how much longer a small task takes through Ray than in this process."""
    stacks = [Stack(id=f"s{n}", python="3.11", packages={"torch": "2.8.0"}) for n in range(TASKS)]
    work = groups((node,), stacks)
    begun = time.perf_counter()
    for group in work:
        answered(group.work, how, Secrets())
    plain = time.perf_counter() - begun
    through = timed(cluster, work)
    print(
        f"overhead: {TASKS} tasks of {plain / TASKS * 1000:.1f} ms take {through / TASKS * 1000:.1f} ms each "
        f"through Ray: {(through - plain) / TASKS * 1000:+.1f} ms a task"
    )


def scaling(what: str, seconds: Callable[[tuple[str, ...]], float], nodes: tuple[str, ...]) -> None:
    """Print how many times as fast a load goes on more nodes."""
    took = [seconds(nodes[:count]) for count in range(1, len(nodes) + 1)]
    told = ", ".join(f"{count}: {took[0] / each:.2f}" for count, each in enumerate(took, 1))
    print(f"{what} on nodes, times as fast as on one ({took[0]:.1f} s): {told}")


def bytes_load(cluster: Cluster, how: How) -> Callable[[tuple[str, ...]], float]:
    """Return what times checks of real wheels, that were downloaded before, with nothing kept of them."""
    pins = [Stack(id=f"w{n}", python="3.12", packages={"numpy": f"=={v}"}) for n, v in enumerate(_NUMPYS)]
    cluster._how = replace(how, options=replace(how.options, offline=False))

    def run(nodes: tuple[str, ...]) -> float:
        facts = Path(os.environ["STACKCHECK_CACHE"])
        for kind in ("wheel-facts", "unpacked"):
            subprocess.run(["rm", "-rf", str(facts / kind)], check=True)
        return timed(cluster, groups(nodes, pins))

    run(tuple(node.id for node in cluster.nodes() if not node.problem))  # downloads
    return run


def many(folder: Path, address: str, count: int) -> None:
    """Print the rate of many stacks through one node against the rate of `check` without a fleet."""
    (folder / "matrices").mkdir()
    write(folder / "matrices", count)
    cli = [sys.executable, "-m", "stackcheck"]
    plain = [*cli, "check", "*", "--bytes", "--offline", "-q", "--format", "json", "-o", "plain.json"]
    fleet = [*cli, "fleet", "verify", "*", "--bytes", "--offline", "-q", "--address", address, "-o", "out"]
    took: dict[str, list[float]] = {"plain": [], "fleet": []}
    for name, words in (("plain", plain), ("fleet", fleet), ("plain", plain)):
        begun = time.perf_counter()
        with (folder / "said.txt").open("wb") as said:
            code = subprocess.run(words, cwd=folder, stdout=said, stderr=said, check=False).returncode
        took[name].append(time.perf_counter() - begun)
        if code not in (0, 1, 3):
            print((folder / "said.txt").read_text(errors="replace")[:2000])
    plain_s = sum(took["plain"]) / 2
    print(
        f"{count} stacks: {count / plain_s:.0f} a second without a fleet, {count / took['fleet'][0]:.0f} "
        f"through one node: {plain_s / took['fleet'][0]:.0%} of the plain rate (runs: {took})"
    )


def main() -> None:
    """Print one line per figure."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["STACKCHECK_CACHE"] = str(folder / "cache")
        os.environ["UV_CACHE_DIR"] = str(folder / "uv")  # what is cached here is no part of the figures
        settings: dict[str, Any] = {"object_store_memory": _BYTES, "include_dashboard": False}
        raylets = Raylets(initialize_head=True, head_node_args={"num_cpus": 0, **settings})
        raylets.add_node(num_cpus=1, **settings)
        print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
        many(folder, raylets.address, numbers[0] if numbers else 10_000)
        for _ in range(NODES - 1):
            raylets.add_node(num_cpus=1, **settings)
        how = How(replace(Options(offline=True), build=replace(Options().build, environ={})))
        cluster = Cluster(raylets.address, how, Secrets())
        nodes = tuple(node.id for node in cluster.nodes() if not node.problem)
        warm(cluster, nodes)
        overhead(cluster, nodes[0], how)
        if "--online" in sys.argv:
            scaling("checks of bytes", bytes_load(cluster, how), nodes)
        cluster._answer = cluster._ray.remote(slept)
        naps = [Stack(id=f"nap{n}") for n in range(SLEEPS)]
        timed(cluster, groups(nodes, naps))
        scaling("a load that sleeps", lambda some: timed(cluster, groups(some, naps)), nodes)
        cluster.close()
        raylets.shutdown()
        print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()

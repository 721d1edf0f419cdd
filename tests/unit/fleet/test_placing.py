"""Where stacks may run, as a pure function: stacks and nodes in, tasks out."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.fleet.nodes import Node
from stackcheck.fleet.placing import Needs, Task, batched, placed
from stackcheck.intake.stack import Stack

GB = 10**9
CPU = Node(id="c", name="cpu", platform="linux/amd64", disk_free_bytes=100 * GB, cpus=4, docker=True)


def node(name: str, gpu: str, capability: str, **more: Any) -> Node:
    fields: dict[str, Any] = {
        "platform": "linux/amd64",
        "disk_free_bytes": 100 * GB,
        "cpus": 4,
        "docker": True,
    }
    fields |= {"count": 1, "slots": 1, "driver": "550.54.15"} | more
    return Node(id=name, name=name, gpu=gpu, capability=capability, **fields)


T4 = node("t", "Tesla T4", "7.5")
H100 = node("h", "NVIDIA H100 80GB HBM3", "9.0")


def where(stack: Stack, nodes: tuple[Node, ...], needs: Needs = Needs()) -> dict[str, tuple[str, ...]]:  # noqa: B008 - frozen
    return {task.gpu: task.nodes for task in placed([stack], nodes, needs).tasks}


def test_one_task_a_stack_and_gpu_kind() -> None:
    stack = Stack(id="a", gpus=("T4", "H100"))
    assert where(stack, (CPU, T4, H100)) == {"T4": ("t",), "H100": ("h",)}


def test_nodes_of_one_kind_share_a_task() -> None:
    assert where(Stack(id="a", gpus=("T4",)), (T4, node("u", "Tesla T4", "7.5"))) == {"T4": ("t", "u")}


def test_a_capability_means_every_product_that_has_it() -> None:
    assert where(Stack(id="a", gpus=("9.0",)), (T4, H100)) == {"9.0": ("h",)}


def test_who_names_no_gpu_is_for_all_that_the_fleet_has() -> None:
    assert where(Stack(id="a", accelerator="cuda"), (CPU, T4, H100)) == {
        "NVIDIA T4": ("t",),
        "NVIDIA H100": ("h",),
    }
    assert where(Stack(id="a", accelerator="cuda"), (CPU,)) == {"": ("c",)}


def test_what_is_for_the_cpu_goes_to_nodes_without_a_gpu_first() -> None:
    assert where(Stack(id="a", accelerator="cpu"), (T4, CPU)) == {"": ("c", "t")}


def test_a_node_with_the_driver_that_is_stated_comes_first() -> None:
    newer = node("n", "Tesla T4", "7.5", driver="580.65.06")
    assert where(Stack(id="a", gpus=("T4",), driver=">=580"), (T4, newer)) == {"T4": ("n", "t")}
    assert where(Stack(id="a", gpus=("T4",), driver="550"), (newer, T4)) == {"T4": ("t", "n")}


def test_a_gpu_that_no_node_has_is_named_and_the_files_are_looked_at_anywhere() -> None:
    found = placed([Stack(id="a", gpus=("L4", "T4")), Stack(id="b", gpus=("L4",))], (T4, CPU), Needs())
    assert found.uncovered == {"L4": (0, 1)}
    assert found.unserved == {1: "no node has L4"}
    assert found.tasks == (Task(0, "T4", ("t",)), Task(1, "", ("c", "t"), files_alone=True))


@pytest.mark.parametrize(
    ("stack", "nodes", "needs", "why"),
    [
        ({"platform": "linux/arm64"}, (CPU,), Needs(), "it is for linux/arm64, and no node has that"),
        ({}, (node("x", "", "", docker=False),), Needs(docker=True), "it needs docker, and no node has that"),
        ({}, (CPU,), Needs(disk_bytes=200 * GB), "it needs 200 GB of free disk, and no node has that"),
        ({}, (node("x", "", "", problem="it did not answer"),), Needs(), "no node takes tasks"),
    ],
)
def test_why_no_node_serves_a_stack(
    stack: dict[str, Any], nodes: tuple[Node, ...], needs: Needs, why: str
) -> None:
    assert placed([Stack(id="a", accelerator="cpu", **stack)], nodes, needs).unserved == {0: why}


def test_a_gpu_that_ray_cannot_give_serves_nobody() -> None:
    held = node("x", "Tesla T4", "7.5", slots=0, note="Ray has no GPU to give there")
    found = placed([Stack(id="a", gpus=("T4",))], (held,), Needs())
    assert (found.unserved, [task.files_alone for task in found.tasks]) == ({0: "no node has T4"}, [True])


def test_with_files_alone_every_stack_goes_anywhere() -> None:
    found = placed([Stack(id="a", gpus=("L4",))], (T4, CPU), Needs(files_alone=True))
    assert found.tasks == (Task(0, "", ("c", "t"), files_alone=True),)
    assert (found.unserved, found.uncovered) == ({}, {})


def test_what_runs_goes_out_one_by_one_and_files_in_bulk() -> None:
    few = [Task(n, "", ("c",), files_alone=True) for n in range(30)]
    many = [Task(n, "", ("c",), files_alone=True) for n in range(10_000)]
    run = Task(0, "T4", ("t",))
    assert [len(each) for each in batched([run, *few])] == [1] * 31
    groups = batched([run, *many])
    assert groups[0] == (run,)
    assert {len(each) for each in groups[1:]} == {100}
    assert [task for group in groups[1:] for task in group] == many

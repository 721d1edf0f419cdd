"""Which stack goes to which nodes: a task a stack and GPU kind, and what nobody can serve. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.recorded import same_gpu
from stackcheck.rules.driver.driver_range import parse_driver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.fleet.nodes import Node
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge.gpus import Gpu


_FEWEST = 2
"""Nodes from which on an image is handed from one to another."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What every task of a call needs of a node.

    `docker`: its engine; `builds`: an image is made, which another node may make and hand on. `files_alone`:
    nothing is built or run, which every node can. `disk_bytes` is what has to be free.
    """

    docker: bool = False
    builds: bool = False
    files_alone: bool = False
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One stack on one kind of GPU: `gpu` as the stack names it, "" for none.

    `nodes` are the ids of those that may take it, the best first. With `files_alone` nothing is built or run.
    """

    stack: int
    gpu: str
    nodes: tuple[str, ...]
    files_alone: bool = False
    builders: tuple[str, ...] = ()
    """Those that may build its image for them; empty where it is built where it runs."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where tasks may run.

    `unserved` says of stacks, by number, why no node can run them (their files are looked at all the same);
    `uncovered` says of GPU kinds that no node has which stacks name them; `idle` are nodes that take none.
    """

    tasks: tuple[Task, ...]
    unserved: Mapping[int, str] = field(default_factory=dict)
    uncovered: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def placed(stacks: Sequence[Stack], nodes: Sequence[Node], needs: Needs) -> Placement:
    """Return the tasks of stacks on nodes, in the order of the stacks."""
    able = tuple(node for node in nodes if not node.problem)
    kinds = {node.id: gpu for node in able if node.gives_gpu and (gpu := gpu_of(node))}
    tasks: list[Task] = []
    unserved: dict[int, str] = {}
    uncovered: dict[str, list[int]] = defaultdict(list)
    for number, stack in enumerate(stacks):
        if needs.files_alone:
            tasks += _files(number, able)
            continue
        fit = [node for node in able if not _misses(stack, node, needs)]
        found, lacking = _on_gpus(number, stack, fit, kinds)
        for name in lacking:
            uncovered[name].append(number)
        if not found:
            unserved[number] = _why(stack, able, needs, lacking)
            found = _files(number, able)
        tasks += [_with_builders(task, stack, fit) if needs.builds else task for task in found]
    return Placement(tuple(tasks), unserved, {name: tuple(each) for name, each in uncovered.items()})


def gpu_of(node: Node) -> Gpu | None:
    """Return the GPU of a node as knowledge has it: by its product, else by its compute capability."""
    for text in (node.gpu, node.capability):
        try:
            return find_gpu(text)
        except ValueError:
            continue
    return None


def _files(number: int, able: Sequence[Node]) -> list[Task]:
    """Return the task that opens files: on any node, those without a GPU first."""
    order = sorted(able, key=lambda node: node.gives_gpu)
    return [Task(number, "", tuple(node.id for node in order), files_alone=True)] if order else []


def _on_gpus(
    number: int, stack: Stack, fit: Sequence[Node], kinds: Mapping[str, Gpu]
) -> tuple[list[Task], list[str]]:
    """Return the tasks of a stack that runs, and the GPUs that it names and no node has."""
    if not fit:
        return [], [gpu.name for gpu in stack.gpus if not _having(gpu, kinds.keys(), kinds)]
    wanted = wanted_accelerator(stack)
    if wanted == "cpu":
        order = sorted(fit, key=lambda node: node.gives_gpu)
        return [Task(number, "", tuple(node.id for node in order))], []
    gpus = {gpu.name: gpu for gpu in stack.gpus}
    if not gpus:
        # Who names no GPU is for all that the fleet has.
        here = [kinds[node.id] for node in fit if node.id in kinds]
        gpus = {} if wanted == "rocm" else {gpu.product or gpu.name: gpu for gpu in here}
        if not gpus:
            return [Task(number, "", tuple(node.id for node in fit))], []
    by_driver = sorted(fit, key=lambda node: not _drives(stack, node))
    tasks, lacking = [], []
    for name, gpu in gpus.items():
        having = _having(gpu, [node.id for node in by_driver], kinds)
        if having:
            tasks.append(Task(number, name, having))
        else:
            lacking.append(name)
    return tasks, lacking


def _with_builders(task: Task, stack: Stack, fit: Sequence[Node]) -> Task:
    """Return a task with the nodes that may build for it: of its one platform, those without a GPU first."""
    platforms = {node.platform for node in fit if node.id in task.nodes}
    builders = [node for node in fit if node.platform in platforms]
    if task.files_alone or stack.image.ready or len(platforms) != 1 or len(builders) < _FEWEST:
        return task
    order = sorted(builders, key=lambda node: node.gives_gpu)
    return replace(task, builders=tuple(node.id for node in order))


def _having(gpu: Gpu, ids: Iterable[str], kinds: Mapping[str, Gpu]) -> tuple[str, ...]:
    return tuple(each for each in ids if each in kinds and same_gpu(gpu, kinds[each]))


def _misses(stack: Stack, node: Node, needs: Needs) -> str:
    """Return what a node lacks to run a stack, "" for nothing."""
    if stack.platform and stack.platform != node.platform:
        return f"is for {stack.platform}"
    if needs.docker and not node.docker:
        return "needs docker"
    if node.disk_free_bytes < needs.disk_bytes:
        return f"needs {needs.disk_bytes / 1e9:g} GB of free disk"
    return ""


def _why(stack: Stack, able: Sequence[Node], needs: Needs, lacking: Sequence[str]) -> str:
    if not able:
        return "no node takes tasks"
    if all(_misses(stack, node, needs) for node in able):
        reasons = dict.fromkeys(_misses(stack, node, needs) for node in able)
        return f"it {', or '.join(reasons)}, and no node has that"
    return f"no node has {' or '.join(lacking)}"


def _drives(stack: Stack, node: Node) -> bool:
    """Tell whether the driver of a node is one that the stack states, or whether nothing is known of it."""
    stated = parse_driver(stack.driver) if stack.driver else None
    if stated is None or not node.driver:
        return True
    try:
        found = Version(node.driver)
    except InvalidVersion:
        return True
    if stated.whole_branch and stated.low:
        return found.release[0] == stated.low.release[0]
    return (stated.low is None or found >= stated.low) and (stated.high is None or found <= stated.high)


_CHUNKS, _MOST_IN_ONE = 64, 100


def batched(tasks: Sequence[Task]) -> tuple[tuple[Task, ...], ...]:
    """Return tasks in groups that go out together: one by one where something is run, files in bulk.

    The groups depend on nothing but the tasks, so that a run that is resumed makes the same ones.
    """
    files = [task for task in tasks if task.files_alone]
    size = max(1, min(_MOST_IN_ONE, len(files) // _CHUNKS))
    groups = [tuple(files[start : start + size]) for start in range(0, len(files), size)]
    return (*((task,) for task in tasks if not task.files_alone), *groups)

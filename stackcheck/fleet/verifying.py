"""The story of `fleet verify`: look at the nodes, place the stacks, run what is not done, keep what comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from stackcheck import __version__, knowledge
from stackcheck.fleet.placing import Placement, batched, placed
from stackcheck.fleet.results import digest
from stackcheck.fleet.work import Assigned, Ended, Group, Outcome, lost, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck.fleet.nodes import Node
    from stackcheck.fleet.placing import Needs, Task
    from stackcheck.fleet.results import Folder
    from stackcheck.fleet.work import How
    from stackcheck.intake.stack import Stack
    from stackcheck.targets import Progress


class Backend(Protocol):
    """What runs groups of tasks: processes of this machine, or Ray."""

    def nodes(self) -> tuple[Node, ...]:
        """Look at every node, and sweep it of what killed runs left."""
        ...

    def run(self, groups: Sequence[Group], gpus: int = 0) -> Iterator[Ended]:
        """Yield how groups end, as they end; `gpus` is how many this machine has."""
        ...

    def close(self) -> None:
        """End what is at work, on every node."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked for: which stacks, how, what they need of a node, and where results are kept."""

    stacks: tuple[Stack, ...]
    how: How
    needs: Needs
    folder: Folder
    again: bool = False
    """Whether what is done already is done again."""


@dataclass(frozen=True, slots=True)
class Line:
    """One task at its end: what came of it, the node's name, and whether it was done before this call."""

    outcome: Outcome
    node: str
    before: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Verified:
    """What a call came to: a line a task in the order of the stacks, and what the fleet lacks."""

    stacks: tuple[Stack, ...]
    nodes: tuple[Node, ...]
    placement: Placement
    lines: tuple[Line, ...] = field(default=())


def key_of(task: Task, stack: Stack, how: How) -> str:
    """Return what names a task in every call that asks the same: stack, GPU, options, knowledge, version.

    Where a node is, and what the call does with the answer, is no part of it.
    """
    options = how.options
    asked = (options.engine, options.offline, options.bytes, options.keep_going, options.build.gpus)
    built = (options.build.base, sorted(options.build.build_args.items()), options.build.network)
    stated = (__version__, knowledge.sha256(), task.gpu, task.files_alone, asked, built)
    return digest(repr(stated), repr(stack))[:24]


def verify(call: Call, backend: Backend, progress: Progress) -> Verified:
    """Verify stacks over the nodes of a backend; keep every result in the folder when it comes.

    What the folder has is not run again, except for what was lost, or all of it with `again`.
    """
    stacks, how, folder = call.stacks, call.how, call.folder
    nodes = backend.nodes()
    names = {node.id: node.name for node in nodes}
    placement = placed(stacks, nodes, call.needs)
    keys = {task: key_of(task, stacks[task.stack], how) for task in placement.tasks}
    if call.again:
        folder.forget(list(keys.values()))
    before = {key for key in keys.values() if key in folder.done}
    groups = _groups(placement.tasks, stacks, keys, before)
    waiting = {group.number: tasks for group, tasks in groups}
    if before:
        progress(f"{len(before)} of {len(keys)} tasks are done already: see {folder.path}")
    gone: dict[str, Line] = {}
    count = len(before)
    for ended in backend.run([group for group, _ in groups], max((node.count for node in nodes), default=0)):
        tasks = waiting.pop(ended.number)
        if ended.answer is None:
            for task in tasks:
                gone[keys[task]] = _lost(call, task, keys[task], ended.lost)
        else:
            folder.keep([keys[task] for task in tasks], ended.answer)
        count += len(tasks)
        progress(f"{count} of {len(keys)}: {_told(ended, tasks, stacks, names)}")
    lines = tuple(_line(keys[task], folder, names, before, gone) for task in placement.tasks)
    return Verified(stacks, nodes, placement, lines)


def _groups(
    tasks: Sequence[Task], stacks: Sequence[Stack], keys: Mapping[Task, str], before: set[str]
) -> list[tuple[Group, tuple[Task, ...]]]:
    """Return the groups of what is to be done, numbered, each with its tasks."""
    found = []
    for number, batch in enumerate(batched(tasks)):
        left = tuple(task for task in batch if keys[task] not in before)
        if left:
            work = tuple(Assigned(stacks[task.stack], task.gpu, task.files_alone) for task in left)
            found.append((Group(number, left[0].nodes, work, left[0].builders), left))
    return found


def _lost(call: Call, task: Task, key: str, why: str) -> Line:
    assigned = Assigned(call.stacks[task.stack], task.gpu, task.files_alone)
    report = lost(assigned, f"nothing is known of it: {why}.")
    call.folder.keep_lost(key, report)
    return Line(outcome_of(report, assigned, call.how), "", lost=True)


def _line(
    key: str, folder: Folder, names: Mapping[str, str], before: set[str], gone: Mapping[str, Line]
) -> Line:
    if key in gone:
        return gone[key]
    node = folder.nodes.get(key, "")
    return Line(folder.done[key], names.get(node, node), before=key in before)


def _told(ended: Ended, tasks: Sequence[Task], stacks: Sequence[Stack], names: Mapping[str, str]) -> str:
    """Return the line of progress about a group that has ended."""
    task = tasks[0]
    what = f"{stacks[task.stack].id}{' on ' if task.gpu else ''}{task.gpu}"
    what += f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
    if ended.answer is None:
        return f"{what}: lost: {ended.lost}"
    worst = ended.answer.outcomes[0].result if len(tasks) == 1 else "done"
    return f"{what}: {worst} ({names.get(ended.answer.node, ended.answer.node)})"

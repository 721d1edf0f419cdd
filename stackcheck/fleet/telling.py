"""What a fleet is, and what came of a call, as documents for every format. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackcheck.report.document import Document, Entry, Lines, Listing, Section, Table
from stackcheck.report.wording import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stackcheck.fleet.nodes import Node
    from stackcheck.fleet.placing import Placement
    from stackcheck.fleet.verifying import Line, Verified
    from stackcheck.intake.stack import Stack

SCHEMA_VERSION = 1
_ORDER = ("FAIL", "ERROR", "WARN", "NOTHING", "PASS")
_MOST_ROWS = 200


def verified(found: Verified, folder: Path) -> Document:
    """Return what came of a call: counts, the tasks that are not good first, what the fleet lacks."""
    counts = Counter(line.outcome.result for line in found.lines)
    worst = next((each for each in _ORDER if counts[each]), "NOTHING")
    lost = sum(line.lost for line in found.lines)
    before = sum(line.before for line in found.lines)
    words = [f"{counts[each]} {each}" for each in _ORDER if counts[each]] or ["nothing was done"]
    words += [f"{lost} of the ERRORs because a node or a process went away"] if lost else []
    words += [f"{before} of them from before"] if before else []
    section = Section(
        name=f"{plural(len(found.stacks), 'stack')} on {plural(len(found.nodes), 'node')}, "
        f"{plural(len(found.lines), 'task')}",
        headline=f"{'; '.join(words)}.",
        outcome=worst,
        parts=(*_tasks(found.lines), *_lacks(found.stacks, found.placement)),
        tail=(f"The reports: {folder}; `stackcheck matrix --reports {folder}` shows them at a glance.",),
    )
    return Document((section,), lambda: _verified_data(found, folder))


def told_nodes(nodes: Sequence[Node], stacks: Sequence[Stack], placement: Placement) -> Document:
    """Return what is there, which stacks no node can serve, and which GPU kinds nobody covers."""
    rows = tuple(
        (
            node.name,
            f"{node.count} x {node.gpu} ({node.capability})" if node.gpu else "none",
            node.driver,
            node.platform,
            "yes" if node.docker else "no",
            size(node.disk_free_bytes),
            node.problem or node.note or _ready(node),
        )
        for node in nodes
    )
    able = sum(not node.problem for node in nodes)
    kinds = len({node.gpu for node in nodes if node.gives_gpu})
    section = Section(
        name=plural(len(nodes), "node"),
        headline=f"{able} of them take tasks; {plural(kinds, 'kind')} of GPU.",
        parts=(
            Table(("node", "GPUs", "driver", "platform", "docker", "free disk", "notes"), rows),
            *_lacks(stacks, placement),
        ),
    )
    return Document((section,), lambda: _nodes_data(nodes, stacks, placement))


def _ready(node: Node) -> str:
    return f"removed {node.swept} left-overs of a killed run" if node.swept else ""


def _tasks(lines: Sequence[Line]) -> list[Any]:
    if not lines:
        return []
    order = sorted(lines, key=lambda line: _ORDER.index(line.outcome.result))
    rows = tuple(
        (
            each.outcome.stack,
            each.outcome.gpu or "-",
            each.outcome.result,
            each.node or "-",
            duration(each.outcome.seconds),
            each.outcome.headline,
        )
        for each in order[:_MOST_ROWS]
    )
    left = len(order) - len(rows)
    more = [Lines((f"and {left} more, in the folder.",))] if left else []
    return [Table(("stack", "GPU", "result", "node", "took", "what"), rows), *more]


def _lacks(stacks: Sequence[Stack], placement: Placement) -> list[Listing]:
    found = []
    if placement.unserved:
        entries = tuple(Entry(f"{stacks[n].id}: {why}") for n, why in placement.unserved.items())
        found.append(
            Listing("no node can run these stacks; their files alone are judged", entries, loud=False)
        )
    if placement.uncovered:
        entries = tuple(
            Entry(f"{name}: named by {plural(len(which), 'stack')}", tuple(stacks[n].id for n in which[:10]))
            for name, which in placement.uncovered.items()
        )
        found.append(Listing("GPUs that no node has", entries, loud=False))
    return found


def _lacks_data(stacks: Sequence[Stack], placement: Placement) -> dict[str, Any]:
    return {
        "unserved": {stacks[n].id: why for n, why in placement.unserved.items()},
        "uncovered": {name: [stacks[n].id for n in which] for name, which in placement.uncovered.items()},
    }


def _nodes_data(nodes: Sequence[Node], stacks: Sequence[Stack], placement: Placement) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "nodes": [asdict(node) for node in nodes]} | _lacks_data(
        stacks, placement
    )


def _verified_data(found: Verified, folder: Path) -> dict[str, Any]:
    rows = [
        line.outcome._asdict() | {"node": line.node, "before": line.before, "lost": line.lost}
        for line in found.lines
    ]
    head = {"schema_version": SCHEMA_VERSION, "folder": str(folder), "tasks": rows}
    return head | _lacks_data(found.stacks, found.placement)

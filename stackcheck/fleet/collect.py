"""Join what came back from a cluster: reports, a cell a stack and kind of GPU, and all that is not whole."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.drift.reading import drifts_of, is_drift
from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.fleet import frames
from stackcheck.fleet.collected import Collected, Problem, Ran, gpu_seen
from stackcheck.fleet.judging import judged
from stackcheck.fleet.render.gpukinds import CPU
from stackcheck.fleet.render.names import slug
from stackcheck.fleet.render.pods import TASKS
from stackcheck.intake.documents import table
from stackcheck.intake.yamls import documents
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Cell, cell_of
from stackcheck.matrix.hosts import is_known
from stackcheck.model.errors import ReportError, StackcheckError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.lock import fingerprint
from stackcheck.report.jsonfile import reports_of, to_json
from stackcheck.storage.parsing import parse_json
from stackcheck_probes.frames import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from stackcheck.fleet.frames import Answer
    from stackcheck.fleet.sources import Source
    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report

_MOST_MISSING = 20
_MANIFEST = f"{TASKS}: |"
"""How a file that `fleet render k8s` wrote is told from others."""


def collect(
    found: Iterable[Source], stacks: Mapping[str, Stack], write: Callable[[str, str], None]
) -> Collected:
    """Return what these sources hold; answers of probes are judged by the definitions of `stacks`, by id.

    `write` is given the files of the folder of reports; drift documents lie below `drift/` in it.
    """
    on_cpu = frozenset(name for name, stack in stacks.items() if wanted_accelerator(stack) == "cpu")
    made = Collected(write, on_cpu=on_cpu)
    answers: list[Answer] = []
    for source in found:
        if source.fault:
            made.problems.append(Problem(source.name, "", source.fault))
        elif MARK.encode() in source.content:
            text = source.content.decode("utf-8", "replace")
            answers += frames.read(text.splitlines(), source.name)
        else:
            _take_file(made, source)
    good = {answer.header.task for answer in _once(answers) if _take_answer(made, answer, stacks)}
    made.problems = [
        problem._replace(why=f"{problem.why}; another try has answered", counts=False)
        if problem.counts and problem.task in good
        else problem
        for problem in made.problems
    ]
    _take_missing(made, answers)
    return made


def _take_file(made: Collected, source: Source) -> None:
    """Take a file without a frame: a report, a drift document, what was rendered, or nothing of ours."""
    text = source.content.decode("utf-8", "replace")
    try:
        if text.lstrip().startswith("{"):
            made.left_alone += not _take_document(made, parse_json(text, source.name), source.name)
        elif _MANIFEST in text:
            held = [table(each, "data").get(TASKS) for each in documents(text, source.name)]
            for tasks in held:
                if tasks:
                    _expect(made, parse_json(str(tasks), source.name))
        else:
            made.left_alone += 1
    except StackcheckError as error:
        made.problems.append(Problem(source.name, "", _reason(error, source.name)))


def _take_document(made: Collected, document: Any, source: str) -> bool:
    """Take a document of ours; return whether it is one."""
    if is_drift(document):
        drifts_of(document, source)
        rows = document["drifts"]
        name = slug(str(rows[0]["stack"]), 80) if rows else "drift"
        made.keep(f"drift/{name}", json.dumps(document, indent=2) + "\n")
        made.drifts.append(source)
    elif isinstance(document, dict) and "reports" in document:
        for report in reports_of(document, source):
            gpu = gpu_seen(report)
            stem = f"{slug(report.name, 80)}--{slug(gpu)}" if gpu else slug(report.name, 80)
            made.keep(stem, to_json([report]))
            made.reports.append(_light(report))
    elif isinstance(document, dict) and "tasks" in document:
        _expect(made, document)
    else:
        return False
    return True


def _once(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Yield each frame once that came by two ways: as a file of its own, and in a log."""
    seen: set[bytes] = set()
    for answer in answers:
        text = f"{answer.header}\n{answer.fault}\n{answer.packed}"
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if key not in seen:
            seen.add(key)
            yield answer


def _take_answer(made: Collected, answer: Answer, stacks: Mapping[str, Stack]) -> bool:
    """Take one frame: what it says becomes a report or a cell, what is wrong with it is named.

    Return whether its task has answered.
    """
    header, content = answer.header, answer.content
    kind = content.get("kind")
    try:
        if answer.fault:
            raise ReportError(answer.fault)
        if kind == "observation":
            _take_observation(made, answer, stacks)
        elif kind == "output":
            _take_output(made, answer, content)
        elif kind == "error":
            raise ReportError(f"it ended without an answer: {content.get('message')}")
        else:
            raise ReportError(f"its answer is of a kind that is not known ({one_line(kind, 40)})")
    except StackcheckError as error:
        why = _reason(error, answer.source)
        subject = header.title if header.stack else "a task"
        made.problems.append(Problem(answer.source, subject, why, header.task if header.stack else None))
        if header.stack:
            cell = Cell("unknown", cause=f"{one_line(why, 300).rstrip('.')}.", since=header.started)
            made.ran.append(Ran(header.stack, _asked(header), header.node, cell))
        return False
    return not header.gate


def _take_observation(made: Collected, answer: Answer, stacks: Mapping[str, Stack]) -> None:
    header = answer.header
    stack = stacks.get(header.stack)
    if stack is None:
        raise UsageError(
            "there is no definition of this stack here, so what was seen is not judged: name its folder "
            "with --matrices"
        )
    if header.definition and header.definition != fingerprint(stack):
        why = "its definition has changed since this was rendered; it is judged by today's"
        made.problems.append(Problem(answer.source, header.title, why, counts=False))
    report = judged(answer, stack)
    seen = gpu_seen(report)
    if seen and header.gpu not in ("", CPU) and not _same(header.gpu, seen):
        why = f"{one_line(header.gpu, 60)} was asked for, and the node has {seen}; it counts for what it has"
        made.problems.append(Problem(answer.source, header.title, why))
    cell = cell_of(report.verdicts, header.started, on_cpu=header.gpu == CPU)
    gpu = _asked(header) if not seen or _same(header.gpu, seen) else seen
    made.keep(f"{slug(header.stack, 80)}--{slug(gpu)}--{slug(header.node)}", to_json([report]))
    made.ran.append(Ran(header.stack, gpu, header.node, cell, _light(report)))


def _take_output(made: Collected, answer: Answer, content: Mapping[str, Any]) -> None:
    """Take what a command wrote: reports, drift, or the answer of a start check."""
    document = parse_json(str(content.get("text", "")), answer.source)
    if isinstance(document, dict) and "causes" in document:
        _take_check(made, answer.header, content.get("status"), document)
    elif not _take_document(made, document, answer.source):
        raise ReportError("what its command wrote is neither a report nor drift")


def _take_check(made: Collected, header: frames.Header, status: Any, document: Mapping[str, Any]) -> None:
    """Take a start check: healthy ones say nothing of the stack, the others are why its task did not run."""
    if not status:
        return
    causes = document["causes"] if isinstance(document["causes"], list) else []
    told = [str(row.get("message", "")) for row in causes if isinstance(row, dict)]
    cause = f"the start check: {one_line('; '.join(told) or 'no cause was given', 300).rstrip('.')}."
    cell = Cell("fails" if status == 1 else "unknown", "run", cause=cause, since=header.started)
    made.ran.append(Ran(header.stack, _asked(header), header.node, cell))


def _expect(made: Collected, document: Mapping[str, Any]) -> None:
    """Take a file of tasks as what has to come back."""
    run, gpu, tasks = str(document.get("run", "")), str(document.get("gpu", "")), document["tasks"]
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(task, dict) and not task.get("gate"):
            cell = Cell("unknown", cause="its task has said nothing.")
            asked = _asked(frames.Header(gpu=gpu))
            made.expected[run, gpu, index] = Ran(str(task.get("stack", "")), asked, "", cell)


def _take_missing(made: Collected, answers: Iterable[Answer]) -> None:
    """Name the tasks that said nothing: those that were rendered, or that others of their array count."""
    sizes: dict[tuple[str, str], int] = {}
    for run, gpu, index in made.expected:
        sizes[run, gpu] = max(sizes.get((run, gpu), 0), index + 1)
    came: dict[tuple[str, str], set[int]] = defaultdict(set)
    for answer in answers:
        array = answer.header.run, answer.header.gpu
        sizes[array] = max(sizes.get(array, 0), answer.header.of)
        if not answer.header.gate or answer.content.get(
            "status"
        ):  # behind a gate that refused nothing follows
            came[array].add(answer.header.index)
    for (run, gpu), of in sizes.items():
        gone = [index for index in range(of) if index not in came[run, gpu]]
        expected = [made.expected[run, gpu, index] for index in gone if (run, gpu, index) in made.expected]
        made.ran += expected
        if gone:
            names = [one_line(ran.stack, 60) for ran in expected] or [*map(str, gone)]
            more = ", ..." if len(names) > _MOST_MISSING else ""
            why = f"{len(gone)} of its {of} tasks said nothing: {', '.join(names[:_MOST_MISSING])}{more}"
            made.problems.append(Problem(f"run {one_line(run, 40)}", f"on {one_line(gpu, 60)}", why))


def _light(report: Report) -> Report:
    """Return a report with no more of what probes saw than says which GPU it was."""
    seen: Any = (report.observation or {}).get("probes")
    driver = seen.get("nvidia_driver") if isinstance(seen, dict) else None
    return replace(report, observation={"probes": {"nvidia_driver": driver}} if driver else None)


def _asked(header: frames.Header) -> str:
    return "CPU" if header.gpu == CPU else one_line(header.gpu, 60)


def _same(asked: str, seen: str) -> bool:
    """Tell whether the GPU that was asked for is the one that was seen; a capability means every product."""
    if not is_known(asked):
        return False
    wanted, found = find_gpu(asked), find_gpu(seen)
    if wanted.product and found.product:
        return wanted.product == found.product
    return (wanted.capability, wanted.gfx) == (found.capability, found.gfx)


def _reason(error: StackcheckError, source: str) -> str:
    return str(error).removeprefix(f"{source}: ").rstrip(".")

"""What a task does on its node: judge stacks as `verify` and `check --bytes` do, and say what came of it."""

from __future__ import annotations

import json
import os
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stackcheck.model.errors import StackcheckError
from stackcheck.model.escape import one_line
from stackcheck.model.facts import Fault
from stackcheck.model.redact import redact, secrets_of
from stackcheck.report import wording
from stackcheck.report.jsonfile import json_chunks
from stackcheck.steps.judging import Run
from stackcheck.targets.process.temp_dirs import temp_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.model.verdict import Level
    from stackcheck.resolve.memory import RunMemory
    from stackcheck.steps.options import Options

_BUILD = "BUILD301"
"""The rule that says of a stack whose target could not be had that this is an ERROR and not its fault."""
_LOCAL = ("here", "venv")
_BAD = ("FAIL", "ERROR")
_MOST_WORDS = 120


@dataclass(frozen=True)
class Secrets:
    """What a task gets beside its work, for as long as it runs: variables, and files by id.

    It is one value of the call to a task, and stands in no report, log or command line; its text says nothing
    of it.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    certificates: bytes = b""

    def __repr__(self) -> str:
        """Say nothing."""
        return "Secrets(...)"


@dataclass(frozen=True)
class How:
    """How tasks of a call work: the options of `verify`, without what is of the caller's machine.

    `folder` is where the call was made: relative paths start there, on every node that has it. `strict` and
    `require` count for the exit code of a report.
    """

    options: Options
    folder: str = ""
    knowledge: tuple[str, ...] = ()
    registry: str = ""
    """Where built images go from node to node; "" for Ray's object store."""
    strict: bool = False
    require: Level | None = None


class Assigned(NamedTuple):
    """One stack that a task judges, and on which GPU: see `placing.Task`."""

    stack: Stack
    gpu: str = ""
    files_alone: bool = False


class Outcome(NamedTuple):
    """What came of one assigned stack, short: the report itself is in the document."""

    stack: str
    gpu: str
    result: str
    headline: str
    exit_code: int
    seconds: float


class Answer(NamedTuple):
    """What a task hands back: a document of reports, and what came of each."""

    document: str
    outcomes: tuple[Outcome, ...]
    node: str = ""


class Group(NamedTuple):
    """Tasks that go out together: their number, the nodes that may take them, what they do."""

    number: int
    nodes: tuple[str, ...]
    work: tuple[Assigned, ...]
    builders: tuple[str, ...] = ()
    """The nodes that may build the image of its one stack."""

    @property
    def gpu(self) -> str:
        """Return the GPU that it needs, "" for none."""
        return self.work[0].gpu


class Ended(NamedTuple):
    """How a group ended: with an answer, or lost, and why."""

    number: int
    answer: Answer | None
    lost: str = ""


def answered(
    work: Iterable[Assigned],
    how: How,
    secrets: Secrets,
    gpu: str = "",
    take: Callable[[Options, Path], Options] | None = None,
) -> Answer:
    """Judge the assigned stacks here. `gpu` is the index or UUID of the one that this task has.

    `take` has an image here that another node has built, and returns the options with which it is found.

    Whatever a stack raises becomes an ERROR of that stack: one must not take the others of its task along.
    """
    work = tuple(work)
    outcomes: list[Outcome] = []
    hidden = secrets_of(secrets.variables)

    def told() -> Iterator[Report]:
        for each, report in zip(work, _reports(work, options, gpu), strict=True):
            outcomes.append(outcome_of(report, each, how, hidden))
            yield report

    with settled(how, secrets, gpu) as options, ExitStack() as stack:
        if take:
            options = take(options, stack.enter_context(temp_folder(options.build.cache)))  # noqa: PLW2901
        document = "".join(json_chunks(told()))
    in_json = hidden | {json.dumps(each)[1:-1] for each in hidden}
    return Answer(redact(document, in_json) if hidden else document, tuple(outcomes))


def outcome_of(report: Report, assigned: Assigned, how: How, hidden: Iterable[str] = ()) -> Outcome:
    """Return a report in one line, without what is `hidden`."""
    result = "NOTHING" if report.result is None else report.result.word
    code = report.exit_code(strict=how.strict, require=how.require)
    bad = next((each for each in report.counted if each.outcome.word == result), None)
    words = f"{bad.code}: {bad.message}" if bad and result in _BAD else wording.headline(report)
    return Outcome(
        assigned.stack.id,
        assigned.gpu,
        result,
        one_line(redact(words, hidden), _MOST_WORDS),
        code,
        report.seconds,
    )


def lost(assigned: Assigned, message: str) -> Report:
    """Return the report of a stack of which nothing is known because its node or its process went away."""
    from stackcheck.rules import find  # noqa: PLC0415 - imports every rule
    from stackcheck.rules.registry import judge_all  # noqa: PLC0415

    rule = find(_BUILD)
    facts = {"stack": assigned.stack, "building": Fault(message)}
    return Run("verify", assigned.stack).report(judge_all([rule] if rule else [], facts), facts)


def _reports(work: tuple[Assigned, ...], options: Options, gpu: str) -> Iterator[Report]:
    for each in work:
        try:
            yield _report(each, options, gpu)
        except StackcheckError as error:
            yield lost(each, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one stack must not hide the others
            last = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
            yield lost(each, f"a fault of stackcheck: {one_line(told, 500)}.")


def _report(each: Assigned, options: Options, gpu: str) -> Report:
    from stackcheck import pipeline  # noqa: PLC0415 - a node that is only looked at judges nothing

    if each.files_alone:
        return pipeline.check(each.stack, replace(options, bytes=True), _silent)
    build = replace(options.build, gpus=_asked(options, each.gpu, gpu))
    return pipeline.verify(each.stack, replace(options, build=build), _silent)


@cache
def _memory() -> RunMemory:
    """Return what this process has learned of indexes: it works for one call alone."""
    from stackcheck.resolve.memory import RunMemory  # noqa: PLC0415 - see _report

    return RunMemory()


def _asked(options: Options, kind: str, gpu: str) -> Any:
    """Return which GPUs the engine is asked for: the one that the task has, none where it needs none."""
    if options.build.gpus != "auto":
        return options.build.gpus
    if not kind:
        return "auto"
    return (gpu,) if gpu and options.engine not in _LOCAL else "auto"


def _silent(_line: str) -> None:
    """Take a line of progress: a task tells its end alone."""


@contextmanager
def settled(how: How, secrets: Secrets, gpu: str) -> Iterator[Options]:
    """Yield the options for this machine; folder, knowledge and secrets of the call hold for as long."""
    from stackcheck.knowledge.folders import state  # noqa: PLC0415 - see _report
    from stackcheck.storage.folders import cache_folder  # noqa: PLC0415
    from stackcheck.storage.writable import settle_cache  # noqa: PLC0415

    before = dict(os.environ)
    where = Path.cwd()
    with ExitStack() as stack:
        stack.callback(_restore, before, where)
        os.environ.update(secrets.variables)
        if gpu and how.options.engine in _LOCAL:
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
        if how.folder and Path(how.folder).is_dir():
            os.chdir(how.folder)
        settle_cache(os.environ)
        if how.knowledge:
            state([Path(each) for each in how.knowledge])
        build = replace(how.options.build, cache=cache_folder(os.environ), environ=dict(os.environ))
        if secrets.files or secrets.certificates:
            folder = stack.enter_context(temp_folder(build.cache))
            build = replace(build, secrets=_written(folder, secrets.files))
            if secrets.certificates:
                build = replace(build, ca_file=_written(folder, {"ca.pem": secrets.certificates})["ca.pem"])
        yield replace(how.options, build=build, memory=_memory())


def _written(folder: Path, files: Mapping[str, bytes]) -> dict[str, Path]:
    """Write files that only this user can read."""
    found = {}
    for number, (name, content) in enumerate(files.items()):
        path = folder / f"{number}-{len(name)}"
        path.touch(mode=0o600)
        path.write_bytes(content)
        found[name] = path
    return found


def _restore(environ: dict[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)

"""Tasks side by side on this machine, without Ray: a process a job, a GPU each where there are several."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NamedTuple

from stackcheck.fleet.nodes import Node, look
from stackcheck.fleet.work import Answer, Ended, Group, How, Secrets, answered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

HERE = "here"
_PATIENCE_S = 20.0


class _Job(NamedTuple):
    process: BaseProcess
    pipe: Connection
    gpu: str


class Jobs:
    """As many processes as were asked for; each takes a group, and the next when it is done."""

    def __init__(self, count: int, how: How, secrets: Secrets) -> None:
        """Start nothing yet."""
        self._count, self._how, self._secrets = count, how, secrets
        self._jobs: list[_Job] = []

    def nodes(self) -> tuple[Node, ...]:
        """Return this machine as the one node."""
        found = look()
        node = Node(id=HERE, name="this machine", cpus=os.cpu_count() or 1, **found)
        return (replace(node, slots=node.count),)

    def run(self, groups: Sequence[Group], gpus: int = 0) -> Iterator[Ended]:
        """Yield how groups end, as they end. A group whose process died is lost: it would die again."""
        waiting = deque(groups)
        visible = _visible(gpus)
        working: dict[Any, tuple[_Job, Group]] = {}
        try:
            for number in range(min(self._count, len(waiting))):
                job = self._start(visible[number % len(visible)] if visible else "")
                working[job.pipe] = (job, self._give(job, waiting.popleft()))
            while working:
                for pipe in wait(list(working)):
                    job, group = working.pop(pipe)
                    ended = self._taken(job, group)
                    if ended.lost:
                        self._jobs.remove(job)
                        job = self._start(job.gpu) if waiting else job
                    if waiting:
                        working[job.pipe] = (job, self._give(job, waiting.popleft()))
                    yield ended
        finally:
            self.close()

    def close(self) -> None:
        """End every process, with what it started."""
        for job in self._jobs:
            with suppress(OSError):
                job.pipe.close()
            if job.process.is_alive():
                job.process.terminate()
        for job in self._jobs:
            job.process.join(_PATIENCE_S)
            if job.process.is_alive():
                job.process.kill()
                job.process.join()
        self._jobs.clear()

    def _start(self, gpu: str) -> _Job:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._how, gpu), daemon=False)
        process.start()
        theirs.close()
        ours.send(self._secrets)
        job = _Job(process, ours, gpu)
        self._jobs.append(job)
        return job

    @staticmethod
    def _give(job: _Job, group: Group) -> Group:
        with suppress(OSError):  # that it is gone is seen when its answer is read
            job.pipe.send(group.work)
        return group

    @staticmethod
    def _taken(job: _Job, group: Group) -> Ended:
        try:
            answer: Answer = job.pipe.recv()
        except (EOFError, OSError):
            job.process.join(_PATIENCE_S)
            return Ended(group.number, None, f"its process ended with {_named(job.process.exitcode)}")
        return Ended(group.number, answer._replace(node=HERE))


def _visible(gpus: int) -> list[str]:
    """Return the GPUs that are shared out, as the caller names them; none where there is one or less."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [each.strip() for each in stated.split(",") if each.strip()] or list(map(str, range(gpus)))
    return names if len(names) > 1 else []


def _named(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"status {code}"


def _work(pipe: Connection, how: How, gpu: str) -> None:
    """Answer one group after the other until the pipe is closed; end with the process that started this."""
    parent = multiprocessing.parent_process()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends its jobs
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with suppress(EOFError, OSError):
        secrets: Secrets = pipe.recv()
        while True:
            pipe.send(answered(pipe.recv(), how, secrets, gpu))


def _end_with(parent: int) -> None:
    wait([parent])
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)

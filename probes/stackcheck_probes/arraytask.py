"""One task of an array (Kubernetes Indexed Job, Slurm job array): do what its index says, frame the answer.

    python agent.pyz task TASKS.json                        the index is the scheduler's, the frame on stdout
    python agent.pyz task TASKS.json --index 3 --to FOLDER  into a file of its own there

A task is a request to the probes in this very environment, or a command whose output is the answer. A stack
that fails is an answer, and exit status 0: a scheduler that tries again would only hear it again. Status 1 is
a task without an answer (worth another try), 2 a call that is wrong, or a `gate` that lets nobody through
(not worth one).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

SCHEMA_VERSION = 1
COMMAND = "task"
INDEXES = ("JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID")
"""Variables that hold the index, of an Indexed Job and of a job array.

Sources: kubernetes.io/docs/concepts/workloads/controllers/job, slurm.schedmd.com/job_array.html, checked
2026-11-30."""
_MOST_ANSWER = 128 << 20
_MOST_ERROR = 4000


class TaskError(ValueError):
    """The call or its file is wrong: what, in one line."""


def main(arguments: list[str]) -> int:
    """Do one task; see the module for what is written and returned."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    out = os.dup(1)
    os.dup2(2, 1)  # whatever libraries print
    try:
        path, number, folder = _call(arguments)
        document = _read(path)
        index, task = _task(document, number)
        name = os.urandom(8).hex()
        header = _header(document, task, index)
        sink = _Sink(out, folder, name, header)
    except (TaskError, OSError) as error:
        sys.stderr.write("stackcheck task: %s\n" % error)
        return 2
    status, answer = _answer(task, sink.fd)
    try:
        sink.close(answer)
    except OSError as error:
        sys.stderr.write("stackcheck task: the answer cannot be written: %s\n" % error)
        return 1
    return status


def _call(arguments: list[str]) -> tuple[str, str, str]:
    """Return the file of the tasks, the index as it was given ("" for the scheduler's) and the folder."""
    options = {"--index": "", "--to": ""}
    words = list(arguments)
    places = []
    while words:
        word = words.pop(0)
        if word in options:
            if not words:
                raise TaskError("%s needs a value" % word)
            options[word] = words.pop(0)
        else:
            places.append(word)
    if len(places) != 1:
        raise TaskError("name one file of tasks, not %d" % len(places))
    return places[0], options["--index"], options["--to"]


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except ValueError as error:
        raise TaskError("%s: this is not JSON: %s" % (path, error)) from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION or not isinstance(document.get("tasks"), list):
        raise TaskError("%s: these are not tasks of version %d" % (path, SCHEMA_VERSION))
    return dict(document)


def _task(document: dict[str, Any], number: str) -> tuple[int, dict[str, Any]]:
    text = number or next((os.environ[name] for name in INDEXES if os.environ.get(name)), "")
    tasks = document["tasks"]
    if not text.isdigit() or int(text) >= len(tasks):
        raise TaskError("the index is %r, and there are tasks 0 to %d" % (text[:40], len(tasks) - 1))
    task = tasks[int(text)]
    if not isinstance(task, dict) or ("request" in task) == ("command" in task):
        raise TaskError("task %s holds neither a request nor a command, or both" % text)
    return int(text), task


def _header(document: dict[str, Any], task: dict[str, Any], index: int) -> dict[str, Any]:
    """Return who answers: what the file says of the task, where and when it is done."""
    told = {key: str(document.get(key, "")) for key in ("run", "gpu")}
    told.update({key: str(task.get(key, "")) for key in ("stack", "image", "definition")})
    told["gate"] = "yes" if task.get("gate") else ""
    node = os.environ.get("STACKCHECK_NODE") or os.environ.get("SLURMD_NODENAME") or os.uname().nodename
    started = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return dict(told, index=index, of=len(document["tasks"]), node=node, started=started)


class _Sink:
    """Where the frame goes: the standard output, or a file that has its name once it is whole."""

    def __init__(self, out: int, folder: str, name: str, header: dict[str, Any]) -> None:
        from stackcheck_probes import frames

        self._name, self._header, self._path, self.fd = name, header, "", out
        if folder:
            stem = "%s-%03d-%s.frame" % (header["run"] or "run", header["index"], name)
            self._path = os.path.join(folder, stem)
            self.fd = os.open(self._path + ".part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._write(frames.opening(name, header))

    def close(self, answer: dict[str, Any]) -> None:
        from stackcheck_probes import frames

        for line in frames.rest(self._name, self._header, answer):
            self._write(line)
        if self._path:
            os.fsync(self.fd)
            os.close(self.fd)
            os.rename(self._path + ".part", self._path)

    def _write(self, line: str) -> None:
        """Write a line on one of its own, whatever stood there before it."""
        left = memoryview(("\n%s\n" % line).encode("ascii"))
        while left:
            left = left[os.write(self.fd, left) :]


def _answer(task: dict[str, Any], private: int) -> tuple[int, dict[str, Any]]:
    """Return the exit status, and the answer: `kind` is observation, output or error.

    No process of a probe keeps the file descriptor `private`.
    """
    began = time.monotonic()
    answer: dict[str, Any]
    try:
        if "request" in task:
            answer = {"kind": "observation", "document": _observed(task["request"], private)}
        else:
            answer = _output(task["command"])
        status = 1 if answer["kind"] == "error" else 2 if task.get("gate") and answer["status"] else 0
    except SystemExit as error:
        text = "it was stopped by a signal: a deadline, a preemption or a drained node"
        status, answer = int(error.code or 1), {"kind": "error", "message": text}
    except BaseException as error:  # the answer is why there is none
        text = "%s: %s" % (type(error).__name__, error)
        status, answer = 1, {"kind": "error", "message": text[:_MOST_ERROR]}
    answer["seconds"] = round(time.monotonic() - began, 3)
    return status, answer


def _observed(request: Any, private: int) -> dict[str, Any]:
    from stackcheck_probes import processes
    from stackcheck_probes.__main__ import observe, parse_request

    processes.hide_from_others()
    return observe(parse_request(json.dumps(request)), (private,))


def _output(command: Any) -> dict[str, Any]:
    """Run a command; return what it wrote and how it ended."""
    import subprocess
    import tempfile

    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise TaskError("a command is a list of texts")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        status = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        size = out.seek(0, os.SEEK_END)
        end = max(0, err.seek(0, os.SEEK_END) - _MOST_ERROR)
        err.seek(end)
        said = err.read().decode("utf-8", "replace")
        sys.stderr.write(said)
        if size > _MOST_ANSWER:
            return {"kind": "error", "message": "it wrote %d bytes, more than are carried back" % size}
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    if not text.strip():
        return {"kind": "error", "message": "it ended with status %d and wrote nothing: %s" % (status, said)}
    return {"kind": "output", "status": status, "text": text, "stderr": said}

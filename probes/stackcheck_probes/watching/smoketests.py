"""Run commands of a team in an empty folder, with the files that they need, bounded in time and in output.

What is left of a command's processes is ended by the agent, as after every probe.
"""

from __future__ import annotations

import base64
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from stackcheck_probes.processes import signal_name

if TYPE_CHECKING:
    from stackcheck_probes.facts.smoke import Ran, Smoke

KEPT_BYTES = 1 << 20
"""How much of each stream is kept: it is searched here, and only the end of it is reported."""
TAIL_CHARACTERS = 2000
TICK_SECONDS = 0.1


def run_all(params: dict[str, Any]) -> Smoke:
    """Run the tests of a request one after the other; return what became of each."""
    return {"tests": [_run(test) for test in params.get("tests", [])]}


def _run(test: dict[str, Any]) -> Ran:
    folder = tempfile.mkdtemp(prefix="smoke-")
    try:
        for name, text in test["files"].items():
            _write(os.path.join(folder, name), base64.b64decode(text))
        return _ran(test, _words(test), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o444)


def _words(test: dict[str, Any]) -> list[str]:
    """Return the command line; `python` is the interpreter that runs the probes."""
    script = test.get("script")
    if script:
        return [sys.executable if script.endswith(".py") else "/bin/sh", script, *list(test["args"])]
    words = list(test["command"])
    return [sys.executable, *words[1:]] if words[0] in ("python", "python3") else words


def _ran(test: dict[str, Any], words: list[str], folder: str) -> Ran:
    started = time.monotonic()
    facts: Ran = {"name": test["name"], "exit": None, "signal": "", "error": "", "timed_out": False}
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        facts["error"] = "%s: %s" % (words[0], getattr(error, "strerror", None) or error)
        return facts
    out, err = _Stream(process.stdout), _Stream(process.stderr)
    facts["timed_out"] = not _wait(process, (out, err), started + test["timeout_s"])
    code = process.wait()
    facts["exit"] = code if code >= 0 else None
    facts["signal"] = "" if code >= 0 or facts["timed_out"] else signal_name(-code)
    facts["seconds"] = round(time.monotonic() - started, 3)
    said = out.kept.decode("utf-8", "replace")
    wanted = test.get("prints")
    facts["printed"] = wanted is None or wanted in said
    facts["stdout"], facts["stderr"] = said[-TAIL_CHARACTERS:], err.text()[-TAIL_CHARACTERS:]
    facts["cut"] = out.cut or err.cut
    return facts


class _Stream:
    """The beginning of what a process prints; the rest is read and dropped, so that it never waits."""

    def __init__(self, pipe: Any) -> None:
        self.pipe, self.kept, self.cut = pipe, b"", False
        os.set_blocking(pipe.fileno(), False)

    def read(self) -> bool:
        """Take what is there; False at the end."""
        try:
            chunk = os.read(self.pipe.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        room = KEPT_BYTES - len(self.kept)
        self.kept += chunk[:room]
        self.cut = self.cut or len(chunk) > room
        return bool(chunk)

    def text(self) -> str:
        return self.kept.decode("utf-8", "replace")


def _wait(process: subprocess.Popen[bytes], streams: tuple[_Stream, _Stream], deadline: float) -> bool:
    """Read until the process ends; kill its group and return False when it takes longer than it may."""
    in_time = True
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.pipe, selectors.EVENT_READ, stream)
        while process.poll() is None:
            if time.monotonic() > deadline:
                in_time = False
                _kill(process)
                process.wait()
            for key, _ in selector.select(TICK_SECONDS) if selector.get_map() else ():
                if not key.data.read():
                    selector.unregister(key.fileobj)
            if not selector.get_map():
                time.sleep(0.01)
    # A process that it left behind may hold the pipes open: take what is there, and wait for nothing.
    for stream in streams:
        for _ in range(64):
            before = len(stream.kept)
            if not stream.read() or len(stream.kept) == before:
                break
        stream.pipe.close()
    return in_time


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()

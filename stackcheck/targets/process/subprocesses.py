"""Start commands that do not outlive this process; put their output line by line into a build log."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.targets.process.signals import deadline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.targets.process.build_log import BuildLog

_PATIENCE_S = 20
_BOUND_START = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""1 is PR_SET_PDEATHSIG (prctl(2)); it survives exec, and is checked against a parent that died before."""


def bound_to_us(command: Sequence[str]) -> list[str]:
    """Return a command that gets SIGTERM when this process dies, even of SIGKILL; on Linux only."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-ISc", _BOUND_START, str(os.getpid()), *command]


def run_logged(
    command: Sequence[str], environ: Mapping[str, str], log: BuildLog, timeout_s: float, what: str
) -> int:
    """Run a command and return its exit status; raise `EngineError` when the time is up or it does not start.

    It is a process group of its own, and it is ended whatever ends this function or this process.
    """
    if not shutil.which(command[0]):
        raise EngineError(f"{what}: cannot start {command[0]}: there is no such command")
    try:
        process = subprocess.Popen(
            bound_to_us(command),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise EngineError(f"{what}: cannot start {command[0]}: {error.strerror}") from None
    try:
        with deadline(timeout_s, process.terminate) as expired:
            for line in process.stdout or ():
                log.line(line)
            status = process.wait()
    finally:
        _end(process)
    if expired.is_set():
        raise EngineError(f"{what}: not done after {timeout_s:.0f} s. The log: {log.path}")
    return status


def _end(process: subprocess.Popen[str]) -> None:
    """Ask the command to stop (a docker CLI then tells the engine to stop building), and wait for it."""
    if process.stdout:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_short(words: Sequence[str], seconds: float, environ: Mapping[str, str]) -> bytes:
    """Return what a command prints, whatever its exit code; `environ` is set beside what is set here.

    Raise `ProbeError` when it cannot be run or takes longer than `seconds`.
    """
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(f"{words[0]} could not be run: {error}.") from None
    return done.stdout

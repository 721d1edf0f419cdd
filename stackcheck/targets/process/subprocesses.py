"""Run the commands of a build, and put their output line by line into its log."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import IO, TYPE_CHECKING

from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.resolve.bound_start import bound_to_us
from stackcheck.targets.process.build_log import LONGEST_LINE
from stackcheck.targets.process.signals import deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck.targets.process.build_log import BuildLog

_PATIENCE_S = 20


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
            for line in _lines(process.stdout):
                log.line(line)
            status = process.wait()
    finally:
        _end(process)
    if expired.is_set():
        raise EngineError(f"{what}: not done after {timeout_s:.0f} s. The log: {log.path}")
    return status


def _lines(stream: IO[str] | None) -> Iterator[str]:
    """Yield lines, one that is too long in pieces: it is not waited for until its end."""
    while stream and (line := stream.readline(LONGEST_LINE + 1)):
        yield line


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

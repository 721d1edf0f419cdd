"""Start commands that do not outlive this process, however it ends."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[2]))
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""1 is PR_SET_PDEATHSIG (prctl(2)); it survives exec, and is checked against a parent that died before."""


@cache
def _setpriv() -> str:
    """Return setpriv of util-linux 2.33 or newer; "" without: that of busybox does not know the option."""
    found = shutil.which("setpriv")
    if not found or "busybox" in os.path.realpath(found):
        return ""
    try:
        told = subprocess.run([found, "--help"], capture_output=True, check=False, timeout=5).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found if b"--pdeathsig" in told else ""


def bound_to_us(command: Sequence[str], number: int = signal.SIGTERM) -> list[str]:
    """Return a command that gets a signal when this process dies, even of SIGKILL; on Linux only.

    Raises FileNotFoundError, as starting it would, when there is no such command.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    if sys.platform != "linux":
        return list(command)
    if setpriv := _setpriv():  # a tenth of the time that another Python takes to start
        return [setpriv, "--pdeathsig", signal.Signals(number).name.removeprefix("SIG"), *command]
    return [sys.executable, "-ISc", _START, str(os.getpid()), str(int(number)), *command]

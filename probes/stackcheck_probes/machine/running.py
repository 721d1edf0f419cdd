"""Ask a tool of the target for its version: bounded in time and output, never through a shell."""

from __future__ import annotations

import os

SECONDS = 10.0
MAX_OUTPUT = 1 << 16


def first_output(arguments: list[str]) -> str | None:
    """Return what a command prints (both streams), cut; None when there is no such command or no answer."""
    import subprocess

    environment = dict(os.environ, LC_ALL="C")
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout[:MAX_OUTPUT].decode("utf-8", "backslashreplace")

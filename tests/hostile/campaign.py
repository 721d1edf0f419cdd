"""The hostile campaign: what strangers write, given to stackcheck, and what it may never do then.

    python -m tests.hostile [PART ...] [--sample N] [--seed S] [-o FILE.json]

A part is a module with `attempts(seed)`, which returns `Attempt` values. Each attempt runs in a folder, a
HOME and a cache of its own, and is judged by five questions: did it end in an exit code that it may end in (0
only where the attempt says that the thing is good), in time, within the memory, without a fault of
stackcheck, and without letting anything out (`leak`: a secret in what it says or leaves behind; `ran`: the
attacker's code ran)?
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Kind = Literal["green", "leak", "ran", "fault", "hang", "memory", "raw", "unsaid"]
KINDS: tuple[Kind, ...] = ("green", "leak", "ran", "fault", "hang", "memory", "raw", "unsaid")
FAULTS = ("fault of stackcheck", "\nTraceback (most recent call last)", "the rule itself failed")
"""What stackcheck says of itself. The traceback of a probe is evidence, and indented."""
MOST_MB = 1024
CANARY = "CANARY"
"""A file of this name in the attempt's folder says that code of the attacker ran."""


@dataclass(frozen=True)
class Call:
    """One call of stackcheck.

    `words` are its arguments; `may` the exit codes that are right; `secrets` what may stand nowhere
    afterwards; `says` what it has to say somewhere in its output; `environ` is added to a bare environment.
    """

    words: Sequence[str]
    may: frozenset[int] = frozenset({1, 2, 3})
    secrets: tuple[str, ...] = ()
    says: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 60.0
    clean_up: Callable[[], None] = lambda: None
    leaks: Callable[[], list[str]] = list
    """What the attempt itself has noticed of secrets, a server say: each text is a leak."""


@dataclass(frozen=True)
class Attempt:
    """One hostile thing: `make` writes it into a new folder and returns the call that meets it."""

    name: str
    make: Callable[[Path], Call]


@dataclass(frozen=True)
class Result:
    """What came of an attempt; `bad` is empty where stackcheck kept its promises."""

    name: str
    code: int | None
    seconds: float
    memory_mb: int
    bad: tuple[tuple[Kind, str], ...]
    output: str = field(default="", repr=False)


def run(attempt: Attempt, folder: Path) -> Result:
    """Make an attempt in an empty folder, and judge it."""
    work, home, cache = folder / "work", folder / "home", folder / "cache"
    for each in (work, home, cache):
        each.mkdir(parents=True)
    call = attempt.make(work)
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "STACKCHECK_CACHE": str(cache),
        "UV_CACHE_DIR": str(folder / "uv"),
        "UV_HTTP_RETRIES": "0",
        "PYTHONPATH": os.pathsep.join(sys.path[:1]),
        **{name: os.environ[name] for name in ("STACKCHECK_KNOWLEDGE", "DOCKER_HOST") if name in os.environ},
        **call.environ,
    }
    start = time.monotonic()
    try:
        told = folder / "memory"
        words = [
            sys.executable,
            "-ISc",
            _MEASURED,
            str(told),
            sys.executable,
            "-m",
            "stackcheck",
            *call.words,
        ]
        code, text = _started(words, environ, work, call.seconds)
        memory_mb = int(told.read_text()) >> 10 if told.exists() else 0
        seconds = time.monotonic() - start
        bad = tuple(_judged(call, code, text, memory_mb, folder))
    finally:
        call.clean_up()
    return Result(attempt.name, code, round(seconds, 2), memory_mb, bad, text)


_MEASURED = """\
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code if code >= 0 else 128 - code)
"""
"""Measured by a small process: a child of this one begins with what this one has in memory."""


def _started(
    command: Sequence[str], environ: Mapping[str, str], cwd: Path, seconds: float
) -> tuple[int | None, str]:
    """Run a command in a session of its own; return its status (None: killed) and its output."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds, end)
    timer.start()
    assert process.stdout is not None
    text = process.stdout.read().decode("utf-8", "replace")
    process.stdout.close()
    process.wait()
    timer.cancel()
    return None if late.is_set() else process.returncode, text


def _judged(
    call: Call, code: int | None, text: str, memory_mb: int, folder: Path
) -> Iterator[tuple[Kind, str]]:
    if code is None:
        yield "hang", f"no end after {call.seconds:g} s"
    elif code not in call.may:
        yield ("green" if code == 0 else "fault"), f"exit code {code}, not one of {sorted(call.may)}"
    if memory_mb > MOST_MB:
        yield "memory", f"{memory_mb} MB"
    yield from (("fault", f"it says {words!r}") for words in FAULTS if words in f"\n{text}")
    if call.says not in text:
        yield "unsaid", f"it does not say {call.says!r}"
    yield from (("leak", where) for where in leaked(call.secrets, text, folder))
    if raw := sorted({repr(sign) for sign in text if not sign.isprintable() and sign not in "\n\t"}):
        yield "raw", f"it prints {', '.join(raw[:5])}"
    yield from (("leak", what) for what in call.leaks())
    if any(each.name == CANARY for each in folder.rglob(CANARY)):
        yield "ran", "code of the attacker ran"


def leaked(secrets: Sequence[str], text: str, folder: Path) -> Iterator[str]:
    """Yield where a secret stands: in the output, or in a file that stackcheck left."""
    for secret in secrets:
        if secret in text:
            yield f"output: {secret!r}"
    words = [secret.encode() for secret in secrets]
    left = [path for name in ("home", "cache", "uv") for path in (folder / name).rglob("*")] if words else []
    for path in left:
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        yield from (f"{path.relative_to(folder)}: {word!r}" for word in words if word in content)

"""Time the start of the command line, as ratios to an empty interpreter.

    python tests/benchmarks/startup.py [WHEEL]

Each figure is the least of several runs of a whole process. Promised: `stackcheck --version` in 0.15 s, and
`stackcheck check --offline` of every shipped stack in 1 s, in no more than 150 MB. Asked, as CPU of the
process and of what it starts: `explain` and `inspect FILE` 8 times an empty interpreter, `list` 20 times,
`fits` of the wheel that is named (without one: of a library of this interpreter) 10 times plus reading it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

RUNS = 15
READING = """
import sys, time
from pathlib import Path
from stackcheck.cli.fits import read_target
start = time.process_time()
read_target(Path(sys.argv[1]))
print(time.process_time() - start)
"""


class Least(NamedTuple):
    """The least that a command took in several runs, in seconds: on the clock, and of CPU."""

    wall: float
    cpu: float


def least(command: list[str], runs: int = RUNS) -> Least:
    """Run a command several times; its exit code does not matter."""
    walls, cpus = [], []
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Least(min(walls), min(cpus))


def main() -> None:
    """Print one line per figure."""
    with tempfile.TemporaryDirectory() as compiled:
        # Compiled, as pip installs it: a process that may not write bytecode compiles everything again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):  # uv reads whole wheels there, for their hashes
            os.environ.pop(name, None)
        _measure([sys.executable])


def _measure(python: list[str]) -> None:
    library = next(Path(sys.executable).resolve().parents[1].glob("lib*/**/*.so"), sys.executable)
    empty = least([*python, "-c", "pass"])
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    _tell("python -c pass", empty, empty)
    for promised, asked, *words in (
        (0.15, None, "--version"),
        (None, None, "--help"),
        (None, 20, "list"),
        (None, 8, "explain", "TORCH101"),
        (None, 8, "inspect", str(library)),
        (1.0, None, "check", "--offline", "--quiet", "*"),
    ):
        took = least([*python, "-m", "stackcheck", *words], RUNS if len(words) < 3 else 5)
        shown = " ".join(word.rpartition("/")[2] for word in words)
        _tell(f"stackcheck {shown}", took, empty, promised=promised, asked=asked)
    _fits(python, sys.argv[1] if len(sys.argv) > 1 else str(library), empty)
    imported = least([*python, "-c", "import stackcheck.pytest_plugin.plugin"])
    _tell("import stackcheck.pytest_plugin.plugin", imported, empty)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"largest process of all {memory:.1f} MB, promised 150 MB")


def _fits(python: list[str], target: str, empty: Least) -> None:
    """Tell what `fits` takes beside the reading of its target, which a process that does no more measures."""
    command = [*python, "-c", READING, target]
    reading = min(float(subprocess.check_output(command, text=True)) for _ in range(RUNS))
    took = least([*python, "-m", "stackcheck", "fits", target])
    what = f"stackcheck fits {target.rpartition('/')[2].partition('-')[0]}"
    _tell(f"{what}, {reading * 1000:.1f} ms reading", took._replace(cpu=took.cpu - reading), empty, asked=10)


def _tell(
    what: str, took: Least, empty: Least, *, promised: float | None = None, asked: int | None = None
) -> None:
    ratio = f"{took.cpu / empty.cpu:.1f} times" + (f", asked {asked}" if asked else "")
    limit = f", promised {promised * 1000:.0f} ms" if promised else ""
    print(f"{what:<42}{took.wall * 1000:8.1f} ms{limit}; CPU {took.cpu * 1000:.1f} ms, {ratio}")


if __name__ == "__main__":
    main()

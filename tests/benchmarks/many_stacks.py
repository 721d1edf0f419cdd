"""Time the command line over many generated stacks: python tests/benchmarks/many_stacks.py [N]

Asked: `check --offline` of 10,000 stacks at 1,000 a second and core in 300 MB, and one of them in 1 s. Every
figure is of a whole process: its CPU is the user and system time of it and of what it started. The stacks
have 720 shapes, as a fleet has, and put 180 questions to uv: what they have in common is asked and judged
once. A stack that shares nothing with another one takes a process of uv, 15 to 25 ms, and 2 ms of rules; one
that differs in its name alone takes 0.5 ms, to be read, told and written. On two quiet cores all 10,000 took
11.1 s of CPU on 2026-11-30, 4.5 s of it uv.
Asked of `pytest --collect-only`: linear in the files, and 10 s for 1,000 of them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

STACKS = 10_000
PER_FILE = 100
FILES = (1, 1, 250, 500, 1000)
"""Of how many files, each with one stack, pytest collects the items; the first time it compiles itself."""

_TORCHES = (("2.1.2", "12.1"), ("2.4.1", "12.4"), ("2.6.0", "12.4"), ("2.7.1", "12.8"), ("2.9.0", "13.0"))
_PYTHONS = ("3.10", "3.11", "3.12")
_GPUS = (("T4",), ("A100",), ("H100", "L4"), ("RTX 3090",))
_NUMPYS = ("", "1.26.4", "2.1.3")
_PACKAGES = ("", 'einops = "0.8.1"', 'triton = "3.0.0"', 'transformers = "4.48.0"')


class Figures(NamedTuple):
    """What one process took: seconds on the clock and of CPU, and its exit code."""

    wall: float
    cpu: float
    code: int


def definitions(count: int) -> list[str]:
    """Return `count` stacks as the TOML text of one `[[stack]]` each; names and combinations differ."""
    shapes = list(product(_TORCHES, _PYTHONS, _GPUS, _NUMPYS, _PACKAGES))
    return [_definition(number, *shapes[number % len(shapes)]) for number in range(count)]


def _definition(
    number: int, torch: tuple[str, str], python: str, gpus: tuple[str, ...], numpy: str, package: str
) -> str:
    lines = [
        "[[stack]]",
        f'id = "many-{number:05}"',
        f'summary = "generated stack {number}"',
        f'python = "{python}"',
        f'cuda = "{torch[1]}"',
        f"gpus = [{', '.join(repr(gpu) for gpu in gpus)}]",
        "[stack.packages]",
        f'torch = "{torch[0]}"',
        *([f'numpy = "{numpy}"'] if numpy else []),
        *([package] if package else []),
    ]
    return "\n".join(lines) + "\n\n"


def write(folder: Path, count: int, per_file: int = PER_FILE) -> None:
    """Write `count` stacks into files of `per_file`."""
    stacks = iter(definitions(count))
    for number in range(0, count, per_file):
        text = "".join(islice(stacks, per_file))
        (folder / f"many{number // per_file:04}.toml").write_text(text, encoding="utf-8")


def measured(command: list[str], folder: Path) -> Figures:
    """Run a command to its end in a folder."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with (folder / "said.txt").open("wb") as said:
        code = subprocess.run(command, cwd=folder, stdout=said, stderr=said, check=False).returncode
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(wall, cpu, code)


def main() -> None:
    """Print one line per figure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else STACKS
    cli = [sys.executable, "-m", "stackcheck", "check", "--offline", "--quiet", "--matrices", "matrices"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "matrices").mkdir()
        write(folder / "matrices", count)
        # Compiled, as pip installs it: a process that may not write bytecode compiles everything again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        measured([*cli, "many-00000"], folder)
        bare = min(measured([sys.executable, "-c", "pass"], folder).cpu for _ in range(15))
        print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
        print(f"python -c pass: {bare * 1000:.1f} ms CPU")
        for title, pattern, judged in (("one", "many-00000", 1), ("all", "*", count)):
            took = measured([*cli, pattern], folder)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
            print(
                f"{title} of {count}: exit {took.code}, {took.wall:.2f} s, {took.cpu:.2f} s CPU "
                f"({took.cpu / bare:.0f} times the bare interpreter), "
                f"{judged / took.cpu:.0f} stacks a second of CPU, peak so far {peak:.0f} MB"
            )
            if took.code not in (0, 1):
                print((folder / "said.txt").read_text(encoding="utf-8", errors="replace")[:2000])
        for number, files in enumerate(FILES):
            _collect(folder / f"collected{number}", files)


def _collect(folder: Path, files: int) -> None:
    (folder / "matrices").mkdir(parents=True)
    write(folder / "matrices", files, per_file=1)
    words = ["--collect-only", "-q", "-p", "no:cacheprovider", "--stack", "*", "--stack-check-only"]
    took = measured([sys.executable, "-m", "pytest", *words], folder)
    items = (folder / "said.txt").read_text(encoding="utf-8").count("::")
    print(
        f"pytest --collect-only of {files} files ({items // 2} items): exit {took.code}, {took.wall:.2f} s, "
        f"{took.cpu:.2f} s CPU, {took.cpu / files * 1000:.1f} ms a file"
    )


if __name__ == "__main__":
    main()

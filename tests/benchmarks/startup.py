"""Time the start of the command line, as ratios to an empty interpreter: python tests/benchmarks/startup.py

Each figure is the least of several runs of a whole process. Promised: `stackcheck --version` in 0.15 s, and
`stackcheck check --offline` of every shipped stack in 1 s, in no more than 150 MB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

RUNS = 15


def least(command: list[str], runs: int = RUNS) -> float:
    """Return the shortest wall time of a command, in seconds; its exit code does not matter."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print one line per figure."""
    python = [sys.executable]
    empty = least([*python, "-c", "pass"])
    print(f"python -c pass                 {empty * 1000:7.1f} ms")
    for promised, *words in (
        (0.15, "--version"),
        (None, "--help"),
        (None, "list"),
        (None, "explain", "TORCH101"),
        (1.0, "check", "--offline", "--quiet", "*"),
    ):
        taken = least([*python, "-m", "stackcheck", *words], RUNS if len(words) == 1 else 5)
        limit = f", promised {promised * 1000:.0f} ms" if promised else ""
        print(f"stackcheck {' '.join(words):<20}{taken * 1000:7.1f} ms, {taken / empty:5.1f} times{limit}")
    plugin = least([*python, "-c", "import stackcheck.pytest_plugin.plugin"])
    print(
        f"import stackcheck.pytest_plugin.plugin       {plugin * 1000:7.1f} ms, {plugin / empty:5.1f} times"
    )
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"largest process of all         {memory:7.1f} MB, promised 150 MB")


if __name__ == "__main__":
    main()

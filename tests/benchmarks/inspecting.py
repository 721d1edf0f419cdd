"""Time `inspect LIBRARY` as a command beside cuobjdump: python tests/benchmarks/inspecting.py LIBRARY [TOOL]

CPU (user and system) and largest resident set of a whole process, the least of several runs, with everything
cached and compiled, as after `pip install`. LIBRARY is a libtorch_cuda.so; TOOL is the cuobjdump of the wheel
nvidia-cuda-cuobjdump or of an older triton.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import NamedTuple


class Cost(NamedTuple):
    """CPU in milliseconds, and resident memory in MB."""

    cpu: float
    memory: float


def cost(command: list[str], runs: int) -> Cost:
    """Run a command several times, whatever its exit code; return the least of each cost."""
    found = []
    for _ in range(runs):
        nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        process = os.posix_spawn(command[0], command, os.environ, file_actions=nowhere)
        usage = os.wait4(process, 0)[2]
        found.append(Cost((usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024))
    return Cost(min(each.cpu for each in found), min(each.memory for each in found))


def main(library: str, cuobjdump: str = "") -> None:
    """Print one line a command, with ratios of this one run."""
    inspect = [sys.executable, "-m", "stackcheck", "inspect", library]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "inspect LIBRARY": inspect,
        "inspect LIBRARY --gpu L4": [*inspect, "--gpu", "L4"],
        "inspect LIBRARY --gpu 8.9 --format json": [*inspect, "--gpu", "8.9", "--format", "json"],
    }
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    costs = {name: cost(command, 15) for name, command in commands.items()}
    if cuobjdump:
        costs["cuobjdump --list-elf LIBRARY"] = cost([cuobjdump, "--list-elf", library], 3)
    plain, usual = costs["python -c pass"], costs["inspect LIBRARY --gpu L4"]
    for name, each in costs.items():
        ratio = f"{each.cpu / plain.cpu:.1f} interpreters, {each.cpu / usual.cpu:.1f} of `--gpu L4`"
        print(f"{name:<42}{each.cpu:8.1f} ms of CPU, {each.memory:6.1f} MB; {ratio}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as compiled:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        main(*sys.argv[1:])

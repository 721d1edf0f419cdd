"""Time `stackcheck matrix` over generated stacks: python tests/benchmarks/matrix.py

Asked: 100 stacks x 8 GPUs x 3 drivers from knowledge in 1 s, as a whole process with its start.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.many_stacks import measured, write

STACKS, RUNS = 100, 3
GPUS = "T4,A10,A100,L4,L40S,H100,H200,B200"
DRIVERS = "535.104.05,550.54.15,580.65.06"


def main() -> int:
    """Print the least of several runs."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "matrices").mkdir()
        write(folder / "matrices", STACKS)
        out = folder / "matrix.json"
        words = [sys.executable, "-m", "stackcheck", "matrix", "--gpu", GPUS, "--driver", DRIVERS]
        runs = [measured([*words, "--format", "json", "-o", str(out)], folder) for _ in range(RUNS)]
        cells = sum(json.loads(out.read_text())["counts"].values())
        bare = min(measured([sys.executable, "-c", "pass"], folder).cpu for _ in range(RUNS))
    best = min(runs, key=lambda run: run.cpu)
    ratio = best.cpu / bare
    print(f"{cells} cells: {best.wall:.2f} s, {best.cpu:.2f} s of CPU, {ratio:.0f} empty interpreters")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Time the probes against importing the same packages, in one run: python tests/benchmarks/probing.py PYTHON

PYTHON is an interpreter with a GPU stack. Both sides are whole processes, warm, the least of three runs; with
an image as the argument instead of a path, both run in containers of it. The goal is a ratio of 1.2.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stackcheck.probing import agent

PACKAGES = ("torch", "torchvision", "torchaudio", "torch_geometric", "mmcv", "spconv.pytorch")
IMPORTS = f"""
import importlib
import importlib.util
for name in {PACKAGES!r}:
    if importlib.util.find_spec(name.partition(".")[0]):
        importlib.import_module(name)
"""
RUNS = 3


def main(arguments: list[str]) -> None:
    """Print seconds, their ratio, and what each probe took."""
    if len(arguments) != 1:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.pyz"
        path.write_bytes(agent.pack())
        python = command(arguments[0], folder)
        plain, _ = least([*python, "-c", IMPORTS])
        probing, document = least([*python, str(path)])
        start, _ = least([*python, "-c", "pass"])
    print(f"start of the interpreter   {start:7.2f} s")
    print(f"importing the packages     {plain:7.2f} s")
    print(f"all probes                 {probing:7.2f} s   ratio {probing / plain:.2f} (goal 1.2)")
    for name, entry in json.loads(document)["probes"].items():
        print(f"  {name:20} {entry.get('seconds', 0):7.2f} s  {entry['status']}")


def command(target: str, folder: str) -> list[str]:
    """Return how to start Python: a path as it is, anything else as an image."""
    if Path(target).exists():
        return [target]
    mount = f"{folder}:{folder}:ro"
    return ["docker", "run", "--rm", "--network", "none", "-v", mount, "--entrypoint", "python3", target]


def least(arguments: list[str]) -> tuple[float, bytes]:
    """Return the least time of several runs in seconds, and the last output."""
    times, output = [], b""
    for _ in range(RUNS):
        started = time.perf_counter()
        output = subprocess.run(arguments, capture_output=True, check=True).stdout
        times.append(time.perf_counter() - started)
    return min(times), output


if __name__ == "__main__":
    main(sys.argv[1:])

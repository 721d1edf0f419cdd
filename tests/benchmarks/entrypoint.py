"""Time the start of a container against `import torch`: python tests/benchmarks/entrypoint.py PYTHON

PYTHON is an interpreter with a GPU stack. One run gives both sides of a ratio: whole processes, warm, the
least of many. Goals: 60 ms for the stack's own packages, 120 ms for everything, 45 MB, 20 times faster than
`import torch`. "Cold" drops the page cache before each run, which only root can. Without a GPU here the first
lines leave driver and GPU code out; "judging driver and GPUs" times that on a driver that is made up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from stackcheck import knowledge, rules
from stackcheck.guard import expectation, startarchive
from stackcheck.inspect.environments import UNSTATED
from stackcheck.probing import agent
from stackcheck.probing.observation import parse_observation, seen_facts
from stackcheck_probes.judging.loadfit import top_folder

RUNS = 30
COLD_RUNS = 3
DROP = Path("/proc/sys/vm/drop_caches")


def main(arguments: list[str]) -> None:
    """Print milliseconds and ratios."""
    if len(arguments) != 1:
        sys.exit(__doc__)
    python = arguments[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        document = bake(python, folder)
        archive = folder / "stackcheck.pyz"
        own = folder / "own.json"
        own.write_bytes(expectation.render({**document, "libraries": own_rows(document)}))
        entry = [python, *startarchive.FLAGS, str(archive), "entrypoint"]
        torch = least([python, "-c", "import torch"], 3)
        start = least([python, "-I", "-S", "-c", "pass"], RUNS)
        rows = {
            "own packages": least([*entry, "--expectation", str(own), "--", "true"], RUNS),
            "everything": least([*entry, "--", "true"], RUNS),
            "everything, read again": least([*entry, "--", "true"], 5, STACKCHECK_READ="again"),
            "compiled by nobody": least(
                [python, *startarchive.FLAGS, str(folder / "source.pyz"), "entrypoint", "--", "true"], 5
            ),
        }
        print(f"libraries                  {len(document['libraries'])}, own {len(own_rows(document))}")
        print(f"start of the interpreter   {start * 1e3:8.1f} ms")
        print(f"import torch               {torch * 1e3:8.1f} ms")
        for title, seconds in rows.items():
            print(
                f"{title:26} {seconds * 1e3:8.1f} ms   {torch / seconds:6.1f} times faster than import torch"
            )
        print(f"memory, the larger process {peak([*entry, '--check']):8.1f} MB")
        judged = judging(python, archive, document)
        print(f"judging driver and GPUs    {judged * 1e3:8.1f} ms more, with imports and without NVML")
        cold(entry, [python, "-c", "import torch"])


def bake(python: str, folder: Path) -> dict[str, Any]:
    """Write archive and expectation of an environment as baking does; return the expectation."""
    rules.load_all()
    (folder / "agent.pyz").write_bytes(agent.pack())
    request = json.dumps({"probes": list(expectation.PROBES)})
    said = subprocess.run([python, folder / "agent.pyz", request], capture_output=True, check=True).stdout
    seen = seen_facts(parse_observation(said))
    env = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    document = expectation.expectation(
        UNSTATED, knowledge.load(), {}, seen, made="", image_env=env, cpu="allow"
    )
    (folder / "expectation.json").write_bytes(expectation.render(document))
    (folder / "source.pyz").write_bytes(startarchive.pack())
    compiling = [python, *startarchive.FLAGS, str(folder / "source.pyz"), "precompile"]
    compiled = subprocess.run(compiling, capture_output=True, check=True).stdout
    (folder / "stackcheck.pyz").write_bytes(compiled)
    return document


def own_rows(document: dict[str, Any]) -> list[Any]:
    """Return the libraries of the stack's own packages, the wheels of NVIDIA left aside."""
    own = {
        "torch",
        "torchvision",
        "torchaudio",
        "spconv",
        "cumm",
        "cumm_cu124",
        "spconv_cu124",
        "xformers",
        "mmcv",
    }
    return [row for row in document["libraries"] if top_folder(row[0]) in own]


def least(arguments: list[str], runs: int, **environ: str) -> float:
    """Return the least time of several runs in seconds."""
    return min(once(arguments, **environ) for _ in range(runs))


def once(arguments: list[str], **environ: str) -> float:
    """Return the time of one run in seconds."""
    started = time.perf_counter()
    subprocess.run(arguments, env={**os.environ, **environ}, capture_output=True, check=True)
    return time.perf_counter() - started


JUDGING = """
import json, sys, time
document, seen = json.load(sys.stdin)
sys.path.insert(0, sys.argv[1])
from stackcheck_probes.start import startjudge
started = time.perf_counter()
import ctypes
found = startjudge.judge(document, seen)
taken = time.perf_counter() - started
assert [each.kind for each in found if each.judgement.outcome == "FAIL"] == [], found[0].judgement.message
print(taken)
"""


def judging(python: str, archive: Path, document: dict[str, Any]) -> float:
    """Return what judging two L4 costs, with the import of what it needs; NVML itself is the driver's."""
    gpu = {"name": "NVIDIA L4", "capability": "8.9", "mig": False, "uuid": "GPU-a", "mig_devices": []}
    libcuda = {"path": "/x", "file": "/x", "version": "550.54.15", "via": "x", "stub": False, "compat": False}
    driver = {
        "kernel_module": {"version": "550.54.15"},
        "device_nodes": [
            {"path": f"/dev/{name}", "accessible": True}
            for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm")
        ],
        "elsewhere": [],
        "uid": 0,
        "groups": [0],
        "nvml": {"error": None, "code": 0, "cuda": "12.4", "devices": [{"index": n, **gpu} for n in (0, 1)]},
        "named": [],
        "libcuda": [libcuda],
    }
    nothing: dict[str, Any] = {name: {} for name in ("changed", "new", "environ", "metadata")}
    seen = {**nothing, "gone": [], "torches": [], "loading": None, "headers": None, "driver": driver}
    seen |= {"torch": {key: value for key, value in document["torch"].items() if key != "path"}}
    seen |= {"shm": {"path": "/dev/shm", "bytes": 1 << 30}, "by": "docker"}
    said = json.dumps([{**document, "env": {}}, seen])
    words = [python, *startarchive.FLAGS, "-c", JUDGING, str(archive)]
    runs = [
        subprocess.run(words, input=said, capture_output=True, text=True, check=True) for _ in range(RUNS)
    ]
    return min(float(done.stdout) for done in runs)


def peak(arguments: list[str]) -> float:
    """Return the most resident memory of a process and its child, whichever is larger, in MB."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True, check=True); "
    )
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=True, text=True
    )
    return int(done.stdout) * 1024 / 1e6


def cold(entry: list[str], torch: list[str]) -> None:
    """Print the times with nothing in the page cache."""
    if not os.access(DROP, os.W_OK):
        print("cold                       not measured: only root can drop the page cache")
        return
    times = {"entrypoint": 9e9, "torch": 9e9}
    for title, words in (("entrypoint", [*entry, "--", "true"]), ("torch", torch)):
        for _ in range(COLD_RUNS):
            os.sync()
            DROP.write_text("3")
            times[title] = min(times[title], once(words))
    ratio = times["torch"] / times["entrypoint"]
    seconds = times["entrypoint"]
    print(f"cold                       {seconds * 1e3:8.1f} ms   {ratio:6.1f} times faster than import torch")


if __name__ == "__main__":
    main(sys.argv[1:])
